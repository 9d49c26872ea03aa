"""What people do to a memory: after it has forgotten, nothing tells; what is exported comes in whole."""

from __future__ import annotations

import gzip
import json
import os
import stat
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aikyo.errors import UsageError
from aikyo.memory import Digest, MemoryFile, MemoryFileError, NewFact
from aikyo.memory.care import (
    Wish,
    choose,
    edit,
    edit_in_copies,
    export,
    followers,
    forget,
    forget_in_copies,
    import_into,
    import_memory,
    note_recording,
    origins,
    statistics,
)
from aikyo.memory.care.transfer import End
from aikyo.memory.recall.recalling import Found, find
from aikyo.memory.storage.backups import back_up, backups_of
from aikyo.paths import Home
from aikyo.wire import derived_id
from tests.support.memories import assert_index_agrees, entry

NOW = 1_800_000_000.0
SECRET = "xylophonequartz"
DAY = "2026-11-20"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.create()
    return home


@pytest.fixture
def alice(home: Home) -> Iterator[MemoryFile]:
    """Five turns of one talk; facts of which the first rests on the secret alone, a reflection, and a
    digest."""
    with MemoryFile.open(home.memory("alice")) as file:
        fill(file)
        yield file


def fill(file: MemoryFile) -> None:
    said = [
        "We walked to the lighthouse.",
        f"My word is {SECRET}.",
        "黒い猫を飼っています。",
        "ok",
        "It was fun.",
    ]
    for number, text in enumerate(said):
        body = json.dumps({"message": text}, ensure_ascii=False)
        told = entry(text, uid=f"turn-{number}", conversation="talk", body=body, time=NOW - 100 + number)
        file.append(told)
    facts = [
        NewFact(text=f"Mika's word is {SECRET}.", about="user_mika", sources=("turn-1",)),
        NewFact(text="Mika walked to the lighthouse.", about="user_mika", sources=("turn-0", "turn-1")),
        NewFact(text="ミカは黒い猫を飼っている。", about="user_mika", sources=("turn-2",)),
    ]
    file.facts.learn(facts, upto=4, now=NOW)
    beneath = tuple(fact.uid for fact in file.facts.all()[:2])
    over = NewFact(text="Mika keeps secrets.", about="user_mika", level="reflection", sources=beneath)
    file.facts.reflect([over], upto=3, now=NOW)
    talk = Digest(
        level="talk", text=f"Mika told me {SECRET}.", first=1, last=5, start=NOW - 100, end=NOW - 96,
        rows=5, conversation="talk", day=DAY,
    )  # fmt: skip
    file.digests.keep([talk], version=file.digests.version(), upto=5)


def texts(file: MemoryFile) -> list[str]:
    found = [entry.text for entry in file.dump()]
    found += [fact.text for fact in file.facts.all()]
    return found + [digest.text for digest in file.digests.all()]


def telling(folder: Path, secret: str = SECRET) -> list[str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return [path.name for path in files if secret.encode() in path.read_bytes().lower()]


# Choosing ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wish", "found"),
    [
        (Wish(ids=("j2", "f3", "d1", "j1", "j2")), {"turn-0", "turn-1", "f3", "d1"}),
        (Wish(ids=("turn-3",)), {"turn-3"}),
        (Wish(matching=SECRET.upper()), {"turn-1", "f1", "d1"}),
        (Wish(matching="ミカ"), {"f3"}),
        (Wish(before=NOW - 98), {"turn-0", "turn-1", "f1", "f2", "f4"}),
        (Wish(before=NOW - 98, matching="lighthouse"), {"turn-0", "f2"}),
        (Wish(about="ken"), set()),
        (Wish(about="mika", matching="fun"), {"turn-4"}),
        (Wish(ids=("f4",), sources=True), {"f4", "turn-0", "turn-1"}),
        (Wish(ids=("d1",), sources=True), {"d1", *(f"turn-{n}" for n in range(5))}),
    ],
)
def test_what_is_meant_is_found(alice: MemoryFile, wish: Wish, found: set[str]) -> None:
    chosen = choose(alice, wish)
    names = [row.entry.uid for row in chosen.rows] + [f"f{fact.number}" for fact in chosen.facts]
    assert sorted(names + [f"d{digest.number}" for digest in chosen.digests]) == sorted(found)


def test_about_somebody_is_what_they_said_what_they_alone_were_told_and_what_names_them() -> None:
    with MemoryFile.in_ram() as file:
        file.append(entry("hello", uid="theirs", sender="user_mika"))
        file.append(entry("hi", uid="to them", sender="companion_alice", to=("user_mika",)))
        file.append(
            entry("hi all", uid="to two", sender="companion_alice", to=("user_mika", "user_ken"))
        )
        file.append(entry("I met Mika.", uid="names them", sender="user_ken"))
        file.append(entry("I met Mikael.", uid="another", sender="user_ken"))
        found = {row.entry.uid for row in choose(file, Wish(about="Mika")).rows}
    assert found == {"theirs", "to them", "names them"}


@pytest.mark.parametrize(
    ("wish", "told"),
    [
        (Wish(), "name ids such as j12"),
        (Wish(ids=("j1",), matching="a"), "name ids such as j12"),
        (Wish(ids=("j9",)), "alice has no 'j9'; known: j4, j5"),
        (Wish(ids=("f12",)), "alice has no 'f12'"),
        (Wish(ids=("d7",)), "alice has no 'd7'; known: d1"),
        (Wish(ids=("j1", "nobody's")), "memory dump shows ids"),
    ],
)
def test_what_is_not_there_is_told_with_what_is_near(alice: MemoryFile, wish: Wish, told: str) -> None:
    with pytest.raises(UsageError) as error:
        choose(alice, wish)
    assert told in str(error.value)


def test_it_is_known_from_which_turns_a_fact_comes_and_what_comes_of_a_turn(alice: MemoryFile) -> None:
    reflection = alice.facts.find(["f4"])
    rows = origins(alice, reflection)[reflection[0].uid]
    assert [row.number for row in rows] == [1, 2]
    made = followers(alice, choose(alice, Wish(ids=("j2",))))
    assert [fact.number for fact in made.facts] == [1, 4]
    assert [digest.number for digest in made.digests] == [1]


# Forgetting --------------------------------------------------------------------------------------


def test_what_was_forgotten_is_in_no_row_index_or_page(alice: MemoryFile, home: Home) -> None:
    for noise in range(50):
        alice.append(entry(f"{SECRET} {noise}"))
    gone = forget(alice, choose(alice, Wish(matching=SECRET)), now=NOW)
    assert (gone.rows, gone.facts, gone.digests, gone.scrubbed) == (51, 2, 1, True)
    assert telling(home.root) == []
    assert [fact.number for fact in alice.facts.all()] == [2, 3]
    assert alice.facts.find(["f2"])[0].sources == ("turn-0",)
    assert all(SECRET not in hit.entry.text for hit in alice.recall(SECRET))
    assert_index_agrees(alice.path)


def test_what_preview_tells_is_what_goes(alice: MemoryFile) -> None:
    for wish in (Wish(ids=("j2",)), Wish(ids=("f2",)), Wish(ids=("d1",)), Wish(about="mika")):
        with MemoryFile.in_ram() as file:
            fill(file)
            chosen = choose(file, wish)
            told = chosen.uids | followers(file, chosen).uids
            assert forget(file, chosen, now=NOW).uids == told


def test_what_is_forgotten_while_it_is_looked_for_is_not_found(
    alice: MemoryFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(*args: Any, **more: Any) -> list[Found]:
        found = find(*args, **more)
        forget(alice, choose(alice, Wish(ids=("j1",))), now=NOW)
        return found

    monkeypatch.setattr("aikyo.memory.recall.recalling.find", slow)
    with MemoryFile.read(alice.path) as reader:
        hits = reader.recall("lighthouse fun")
    assert hits
    assert "turn-0" not in {hit.entry.uid for hit in hits}


def test_what_was_forgotten_does_not_come_back_by_gossip(alice: MemoryFile) -> None:
    (row,) = choose(alice, Wish(ids=("j2",))).rows
    forget(alice, choose(alice, Wish(ids=("j2",))), now=NOW)
    assert not alice.append(row.entry)
    # nor under the id that is made where another peer has used it before
    twin = msgspec.structs.replace(row.entry, uid=derived_id(row.entry.peer, row.entry.uid.encode()))
    assert not alice.append(twin)
    assert alice.append(entry("something else"))


def test_forgetting_a_fact_leaves_the_turns_that_it_comes_from(alice: MemoryFile) -> None:
    gone = forget(alice, choose(alice, Wish(ids=("f1",))), now=NOW)
    assert (gone.rows, gone.facts) == (0, 2)
    assert f"My word is {SECRET}." in texts(alice)


def test_a_failure_in_the_middle_forgets_nothing(
    alice: MemoryFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = texts(alice)

    def fails(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("aikyo.memory.care.forgetting.keep_forgotten", fails)
    with pytest.raises(RuntimeError):
        forget(alice, choose(alice, Wish(matching=SECRET)), now=NOW)
    assert texts(alice) == before
    assert_index_agrees(alice.path)


def test_what_an_end_has_left_on_the_pages_goes_when_the_file_is_opened(
    alice: MemoryFile, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aikyo.memory.care.forgetting.scrub", lambda _: False)
    forget(alice, choose(alice, Wish(matching=SECRET)), now=NOW)
    assert telling(home.root) != []  # as after a kill in the middle
    monkeypatch.undo()
    with MemoryFile.open(alice.path):
        assert telling(home.root) == []


def test_where_it_cannot_be_overwritten_now_it_is_later(
    alice: MemoryFile, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: MemoryFile) -> None:
        raise MemoryFileError("the disk is full")

    monkeypatch.setattr("aikyo.memory.care.forgetting._write_anew", full)
    gone = forget(alice, choose(alice, Wish(matching=SECRET)), now=NOW)
    assert not gone.scrubbed
    assert not any(SECRET in text for text in texts(alice))
    monkeypatch.undo()
    with MemoryFile.open(alice.path):
        assert telling(home.root) == []


def test_a_reader_beside_it_does_not_keep_the_secret_in_the_log(alice: MemoryFile, home: Home) -> None:
    with MemoryFile.read(alice.path) as reader:
        assert len(list(reader.dump())) == 5
        assert forget(alice, choose(alice, Wish(matching=SECRET)), now=NOW).scrubbed
        assert telling(home.root) == []
        assert len(list(reader.dump())) == 4


def test_a_reader_in_the_middle_of_something_is_told(alice: MemoryFile, home: Home) -> None:
    alice.store.change("PRAGMA busy_timeout = 10")
    with MemoryFile.read(alice.path) as reader:
        reader.store.change("BEGIN")
        reader.count()
        gone = forget(alice, choose(alice, Wish(matching=SECRET)), now=NOW)
        report = forget_in_copies(home, "alice", gone, now=NOW)
    assert not gone.scrubbed
    assert "overwritten when it is next opened" in report.unreached[0]


# Copies ------------------------------------------------------------------------------------------


def recorded(path: Path, *lines: object) -> None:
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))


def test_backups_recordings_and_logs_forget_too(alice: MemoryFile, home: Home, tmp_path: Path) -> None:
    back_up(alice.path, now=NOW)
    back_up(alice.path, now=NOW + 1)
    recording, other = tmp_path / "talk.jsonl", tmp_path / "other.jsonl"
    asked = {"message": "turn-1", "text": f"My word is {SECRET}."}
    recorded(recording, {"recording": 3}, {"task": "assess", "asked": asked}, {"summary": "Nothing."})
    recorded(other, {"recording": 3})
    for file in (recording, other):
        with note_recording(home, file):
            pass
    home.log.write_text(f"WARNING odd: 'My word is {SECRET}.'\nmore\n")
    gone = forget(alice, choose(alice, Wish(matching=SECRET)), now=NOW)
    report = forget_in_copies(home, "alice", gone, now=NOW)
    assert (report.backups, report.recordings, report.logs) == (2, 1, 1)
    assert report.unreached == ()
    assert telling(tmp_path) == []
    lines = [json.loads(line) for line in recording.read_text().splitlines()]
    assert lines[1] == {"task": "assess", "asked": {"message": "turn-1", "text": "[forgotten]"}}
    assert lines[2] == {"summary": "Nothing."}
    assert home.log.read_text().endswith("'\nmore\n")
    for backup in backups_of(alice.path):
        assert_index_agrees(backup)
        assert stat.S_IMODE(backup.stat().st_mode) == 0o600


def test_backups_forget_also_what_was_made_anew_since(alice: MemoryFile, home: Home) -> None:
    back_up(alice.path, now=NOW)
    alice.facts.edit("f2", "Mika went for a walk.", NOW)
    wish = Wish(matching="lighthouse")
    gone = forget(alice, choose(alice, wish), now=NOW)
    report = forget_in_copies(home, "alice", gone, now=NOW, wish=wish)
    assert report.backups == 1
    assert telling(home.root, "lighthouse") == []


def test_what_was_cut_off_is_gone_on_with_when_it_is_wished_again(alice: MemoryFile, home: Home) -> None:
    back_up(alice.path, now=NOW)
    wish = Wish(matching=SECRET)
    forget(alice, choose(alice, wish), now=NOW)
    assert telling(home.root) != []  # killed before it came to the backup
    gone = forget(alice, choose(alice, wish), now=NOW)
    assert (gone.rows, gone.scrubbed) == (0, True)
    assert forget_in_copies(home, "alice", gone, now=NOW, wish=wish).backups == 1
    assert telling(home.root) == []


def test_a_backup_that_is_being_made_is_waited_for(alice: MemoryFile, home: Home) -> None:
    begun, forgotten = threading.Event(), threading.Event()

    def go_on() -> None:
        begun.set()
        forgotten.wait(10)

    backup = threading.Thread(target=back_up, args=(alice.path,), kwargs={"now": NOW, "go_on": go_on})
    backup.start()
    begun.wait(10)
    alice.store.change("PRAGMA busy_timeout = 10")
    gone = forget(alice, choose(alice, Wish(matching=SECRET)), now=NOW)
    threading.Timer(0.2, forgotten.set).start()
    report = forget_in_copies(home, "alice", gone, now=NOW)
    backup.join()
    assert report.backups == 1
    assert telling(home.backups) == []


def test_what_a_backup_kept_from_being_overwritten_is_when_it_is_done(
    alice: MemoryFile, home: Home
) -> None:
    begun, forgotten = threading.Event(), threading.Event()

    def go_on() -> None:
        begun.set()
        forgotten.wait(10)

    backup = threading.Thread(target=back_up, args=(alice.path,), kwargs={"now": NOW, "go_on": go_on})
    backup.start()
    begun.wait(10)
    alice.store.change("PRAGMA busy_timeout = 10")
    gone = forget(alice, choose(alice, Wish(matching=SECRET)), now=NOW)
    assert not gone.scrubbed
    threading.Timer(0.2, forgotten.set).start()
    assert forget_in_copies(home, "alice", gone, now=NOW).unreached == ()
    backup.join()
    assert telling(home.root) == []


def test_what_is_left_of_a_backup_goes(alice: MemoryFile, home: Home) -> None:
    left = back_up(alice.path, now=NOW).with_suffix(".db.new")
    left.write_text(SECRET)
    os.utime(left, (1e9, 1e9))
    gone = forget(alice, choose(alice, Wish(matching=SECRET)), now=NOW)
    assert forget_in_copies(home, "alice", gone, now=NOW).unreached == ()
    assert telling(home.root) == []


def test_who_else_of_the_home_holds_it_is_told(alice: MemoryFile, home: Home) -> None:
    with MemoryFile.open(home.memory("bob")) as bob:
        fill(bob)
    gone = forget(alice, choose(alice, Wish(ids=("j2", "j3"))), now=NOW)
    report = forget_in_copies(home, "alice", gone, now=NOW)
    assert report.others == {"bob": ("j2", "j3")}


def test_what_cannot_be_reached_is_told(alice: MemoryFile, home: Home, tmp_path: Path) -> None:
    aside = home.memories / "alice.db.damaged-2026-11-20T190000Z"
    aside.write_text(SECRET)
    broken = back_up(alice.path, now=NOW)
    broken.write_bytes(broken.read_bytes()[:5000])
    recording = tmp_path / "going.jsonl"
    recorded(recording, {"summary": SECRET})
    home.recordings.write_text(json.dumps([{"file": str(recording), "process": os.getppid()}]))
    gone = forget(alice, choose(alice, Wish(matching=SECRET)), now=NOW)
    report = forget_in_copies(home, "alice", gone, now=NOW)
    assert [
        any(name in left for left in report.unreached) for name in map(str, (aside, broken, recording))
    ]
    assert len(report.unreached) == 3
    assert recording.read_text() == json.dumps({"summary": SECRET}) + "\n"


def test_a_short_text_is_blanked_only_where_it_stands_alone(
    alice: MemoryFile, home: Home, tmp_path: Path
) -> None:
    file = tmp_path / "talk.jsonl"
    recorded(file, {"text": "ok", "summary": "It was ok so far."})
    with note_recording(home, file):
        pass
    gone = forget(alice, choose(alice, Wish(ids=("j4",))), now=NOW)
    forget_in_copies(home, "alice", gone, now=NOW)
    assert json.loads(file.read_text()) == {"text": "[forgotten]", "summary": "It was ok so far."}


# Editing -----------------------------------------------------------------------------------------


def test_a_corrected_turn_is_found_by_its_new_words_and_nothing_tells_the_old(
    alice: MemoryFile, home: Home
) -> None:
    back_up(alice.path, now=NOW)
    done = edit(alice, "j2", "My word is a marmalade.", now=NOW)
    done = edit_in_copies(home, "alice", done, now=NOW)
    assert (done.was, done.backups) == (f"My word is {SECRET}.", 1)
    assert len(done.gone) == 3  # the fact, the reflection on it, and the digest
    assert telling(home.root) == []
    (row,) = choose(alice, Wish(ids=("j2",))).rows
    assert row.entry.edited
    assert json.loads(row.entry.body) == {"message": "My word is a marmalade."}
    assert alice.recall("marmalade")[0].number == 2
    assert_index_agrees(alice.path)


def test_a_corrected_fact_says_what_the_person_says(alice: MemoryFile, home: Home) -> None:
    done = edit(alice, "f1", "  Mika's word is\nmarmalade. ", now=NOW)
    (fact,) = alice.facts.find(["f1"])
    assert (fact.text, fact.edited, done.id) == ("Mika's word is marmalade.", True, "f1")
    assert alice.facts.find(["f4"]) == ()  # the reflection on it, to be made anew
    assert alice.facts.recall("marmalade", now=NOW)[0].fact == fact


def test_a_corrected_digest_says_what_the_person_says(alice: MemoryFile) -> None:
    edit(alice, "d1", "We talked of a word.", now=NOW)
    assert [digest.text for digest in alice.digests.all()] == ["We talked of a word."]


@pytest.mark.parametrize(
    ("ident", "text", "told"),
    [
        ("j2", "  ", "there is no text"),
        ("f1", "a" * 301, "f1 takes 300 at the most"),
        ("j1", "a" * 16_385, "j1 takes 16384 at the most"),
        ("j8", "hello", "alice has no 'j8'"),
    ],
)
def test_what_cannot_be_put_is_told_and_changes_nothing(
    alice: MemoryFile, ident: str, text: str, told: str
) -> None:
    before = texts(alice)
    with pytest.raises(UsageError, match=told):
        edit(alice, ident, text, now=NOW)
    assert texts(alice) == before


# Taking it elsewhere -----------------------------------------------------------------------------


def lines_of(file: MemoryFile, folder: Path, name: str) -> list[dict[str, object]]:
    export(file, folder / name, now=NOW)
    return [json.loads(line) for line in (folder / name).read_text().splitlines()]


@pytest.mark.parametrize("name", ["alice.jsonl", "alice.jsonl.gz"])
def test_what_was_exported_comes_in_whole(alice: MemoryFile, tmp_path: Path, name: str) -> None:
    alice.append(entry("not learned from yet", uid="turn-5"))
    forget(alice, choose(alice, Wish(ids=("j1",))), now=NOW)
    done = export(alice, tmp_path / name, now=NOW)
    assert (done.rows, done.facts, done.digests) == (5, 4, 0)
    assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    with MemoryFile.in_ram() as other:
        import_into(other, tmp_path / name)
        there, here = lines_of(alice, tmp_path, "a"), lines_of(other, tmp_path, "b")
        assert there[1:] == here[1:]
        assert other.facts.pending() == alice.facts.pending() == 2
        assert not other.append(entry("We walked to the lighthouse.", uid="turn-0"))
        assert other.facts.recall("lighthouse", now=NOW)


def test_digests_come_in_with_their_tree(alice: MemoryFile, tmp_path: Path) -> None:
    (talk,) = alice.digests.all()
    day = msgspec.structs.replace(
        talk, number=0, uid="", level="day", text="A day of secrets.", conversation=None
    )
    alice.digests.keep_over(day, [talk], version=alice.digests.version())
    export(alice, tmp_path / "a", now=NOW)
    with MemoryFile.in_ram() as other:
        assert import_into(other, tmp_path / "a").digests == 2
        (over,) = other.digests.latest(5, "day")
        (child,) = other.digests.children(over.number)
        assert child.text == talk.text
        assert len(other.digests.rows_of(over.number)) == 5


def test_what_is_taken_in_twice_is_there_once(alice: MemoryFile, tmp_path: Path) -> None:
    export(alice, tmp_path / "a", now=NOW)
    before = texts(alice)
    done = import_into(alice, tmp_path / "a")
    assert (done.rows, done.facts, done.digests, done.known) == (0, 0, 0, 10)
    assert texts(alice) == before


def test_what_comes_in_joins_what_is_there(alice: MemoryFile, tmp_path: Path) -> None:
    export(alice, tmp_path / "a", now=NOW)
    with MemoryFile.open(tmp_path / "carol.db") as carol:
        carol.append(entry("I am Carol's.", uid="own"))
        carol.append(entry("ok", uid="turn-3", conversation="talk", time=NOW - 97))
        done = import_into(carol, tmp_path / "a")
        assert (done.rows, done.known) == (4, 1)
        assert len([text for text in texts(carol) if text == "ok"]) == 1
        assert {fact.text for fact in carol.facts.all()} == {fact.text for fact in alice.facts.all()}
        (fact,) = [fact for fact in carol.facts.all() if "lighthouse" in fact.text]
        assert [row.entry.text for row in origins(carol, [fact])[fact.uid]] == [
            "We walked to the lighthouse.",
            f"My word is {SECRET}.",
        ]
    assert_index_agrees(tmp_path / "carol.db")


def test_what_was_forgotten_here_stays_forgotten_also_in_what_tells_of_it(
    alice: MemoryFile, tmp_path: Path
) -> None:
    export(alice, tmp_path / "a", now=NOW)
    forget(alice, choose(alice, Wish(ids=("j2",))), now=NOW)
    done = import_into(alice, tmp_path / "a")
    assert done.forgotten >= 2
    assert not any(SECRET in text for text in texts(alice))


def test_a_talk_of_which_something_stays_forgotten_is_summed_up_anew(
    alice: MemoryFile, tmp_path: Path
) -> None:
    (talk,) = alice.digests.all()
    day = msgspec.structs.replace(
        talk, number=0, uid="", level="day", text=f"A day of {SECRET}.", conversation=None
    )
    alice.digests.keep_over(day, [talk], version=alice.digests.version())
    export(alice, tmp_path / "a", now=NOW)
    with MemoryFile.in_ram() as other:
        other.append(entry(f"My word is {SECRET}.", uid="turn-1"))
        forget(other, choose(other, Wish(ids=("turn-1",))), now=NOW)
        done = import_into(other, tmp_path / "a")
        assert (done.rows, done.digests, done.remade) == (4, 0, 2)
        assert other.digests.all() == ()
        stale = other.digests.stale("talk")
        assert stale is not None
        assert stale.uid == talk.uid
        assert [row.entry.uid for row in other.digests.rows_of(stale.number)] == [
            "turn-0", "turn-2", "turn-3", "turn-4",
        ]  # fmt: skip
        assert other.digests.upto() == 5
        assert import_into(other, tmp_path / "a").remade == 1  # the day, which is not there yet
        assert other.digests.stale("talk") == stale


def test_a_talk_whose_turns_are_in_another_order_here_is_summed_up_anew(
    alice: MemoryFile, tmp_path: Path
) -> None:
    export(alice, tmp_path / "a", now=NOW)
    with MemoryFile.in_ram() as other:
        other.append(entry("ok", uid="turn-3", conversation="talk", time=NOW - 97))
        assert import_into(other, tmp_path / "a").remade == 1
        stale = other.digests.stale("talk")
        assert stale is not None
        assert len(other.digests.rows_of(stale.number)) == 5


def test_what_is_yet_to_come_is_in_no_digest_that_comes_in(alice: MemoryFile, tmp_path: Path) -> None:
    export(alice, tmp_path / "good", now=NOW)
    good = (tmp_path / "good").read_bytes().splitlines()
    (tmp_path / "a").write_bytes(b"\n".join(changed(good, "digest", "last", 2**53)) + b"\n")
    with MemoryFile.in_ram() as other:
        import_into(other, tmp_path / "a")
        (digest,) = other.digests.all()
        assert (digest.first, digest.last) == (1, 5)


def test_no_digest_comes_in_beneath_one_of_its_own_level(alice: MemoryFile, tmp_path: Path) -> None:
    (talk,) = alice.digests.all()
    day = msgspec.structs.replace(talk, number=0, uid="", level="day", text="A day.", conversation=None)
    above = alice.digests.keep_over(day, [talk], version=alice.digests.version())
    assert above is not None
    export(alice, tmp_path / "good", now=NOW)
    lines = [json.loads(line) for line in (tmp_path / "good").read_bytes().splitlines()]
    at = next(n for n, line in enumerate(lines) if line["is"] == "digest")
    for number in range(1500):
        deep = {**lines[at]["digest"], "uid": f"deep-{number}", "number": 100 + number}
        deep |= {"parent": 99 + number, "day": f"{1000 + number}-01-01"}
        lines.insert(at + 1 + number, {"is": "digest", "digest": deep})
    lines[-1]["lines"] += 1500
    (tmp_path / "a").write_text("".join(json.dumps(line) + "\n" for line in lines))
    with MemoryFile.in_ram() as other:
        import_into(other, tmp_path / "a")
        assert all(not other.digests.children(digest.number) for digest in other.digests.all()[1:])
        forget(other, choose(other, Wish(matching="day")), now=NOW)


def test_an_export_replaces_nothing_and_leaves_nothing_half_done(
    alice: MemoryFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "there").write_text("mine")
    with pytest.raises(UsageError, match="is there already"):
        export(alice, tmp_path / "there", now=NOW)
    assert (tmp_path / "there").read_text() == "mine"
    with pytest.raises(UsageError, match="cannot write"):
        export(alice, tmp_path / "no folder" / "a", now=NOW)

    def fails(_: int) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(UsageError, match="no space left"):
        export(alice, tmp_path / "full", now=NOW, told=fails)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "there"]


def changed(good: list[bytes], kind: str, name: str, value: object) -> list[bytes]:
    """The lines with something else in the first of a kind."""
    lines = [json.loads(line) for line in good]
    line = next(line for line in lines if line["is"] == kind)
    line.get(kind, line)[name] = value
    return [json.dumps(line).encode() for line in lines]


def wrong_files(good: list[bytes]) -> Iterator[tuple[str, list[bytes], str]]:
    turn = json.loads(good[1])
    late = {**turn, "entry": {**turn["entry"], "uid": "x" * 300}}
    yield "is nothing of ours", [b"hello"], ":1: is no exported memory"
    yield "is empty", [], ":1: the file is cut off"
    yield "is cut off", good[:-1], f":{len(good)}: the file is cut off"
    yield "has lost a line", good[:3] + good[4:], f":{len(good) - 1}: of "
    yield "has a line that is none", [*good[:2], b'{"is": "turn"}', *good[2:]], ":3: is damaged"
    yield "has no header", good[1:], ":1: a turn line is not in its place"
    yield "is out of order", [good[0], good[2], good[1], *good[3:]], ":3: turn 1 is not in its place"
    yield "has a turn after a fact", [*good[:-1], good[1], good[-1]], "a turn line is not in its place"
    yield "has two ends", [*good, good[-1]], "a end line is not in its place"
    yield (
        "has an id that is too long",
        [good[0], json.dumps(late).encode(), *good[2:]],
        ":2: it has no id",
    )
    eternal = {**turn, "entry": {**turn["entry"], "time": 1e300}}
    yield "is of no time", [good[0], json.dumps(eternal).encode(), *good[2:]], ":2: its time is none"
    for kind, name, value, told in (
        ("fact", "importance", 99, "its importance is not 0 to 10"),
        ("fact", "half_life", -1.0, "its half-life is none"),
        ("fact", "number", 0, "its number is none"),
        ("fact", "confirmed", 1e400, "is damaged"),
        ("fact", "uid", "f2", "its id is 'f2'"),
        ("fact", "text", " ", "its text is none"),
        ("fact", "text", "a\nb", "its text is none"),
        ("fact", "text", "a" * 2001, "its text is none"),
        ("fact", "happened", 1e300, "its time is none"),
        ("digest", "first", 0, "its numbers are none"),
        ("digest", "uid", "d7", "its id is 'd7'"),
        ("digest", "day", "someday", "someday"),
        ("digest", "text", "a" * 65_537, "its text is too long"),
        ("digest", "level", "year", "is damaged"),
        ("mark", "upto", 2**70, "is damaged"),
    ):
        yield f"has a {kind} whose {name} is {value}", changed(good, kind, name, value), told
    newer = {**json.loads(good[0]), "version": 9}
    yield "is newer", [json.dumps(newer).encode(), *good[1:]], "update aikyo"


def test_a_file_that_is_wrong_is_told_by_its_line_and_changes_nothing(
    alice: MemoryFile, tmp_path: Path
) -> None:
    export(alice, tmp_path / "good", now=NOW)
    good = (tmp_path / "good").read_bytes().splitlines()
    bad, target = tmp_path / "bad", tmp_path / "memories" / "dave.db"
    target.parent.mkdir()
    for what, lines, told in wrong_files(good):
        bad.write_bytes(b"".join(line + b"\n" for line in lines))
        with pytest.raises(UsageError) as error:
            import_memory(target, bad)
        assert told in str(error.value), what
        assert list(target.parent.iterdir()) == [], what
    with MemoryFile.open(target) as file:
        file.append(entry("mine"))
    bad.write_bytes(b"\n".join(good[:-1]) + b"\n")
    with pytest.raises(UsageError):
        import_memory(target, bad)
    with MemoryFile.read(target) as file:
        assert texts(file) == ["mine"]


@given(st.lists(st.tuples(st.floats(0, 1), st.binary(max_size=3)), min_size=1, max_size=4))
def test_no_damage_at_all_comes_in_as_anything_but_a_memory(damage: list[tuple[float, bytes]]) -> None:
    with TemporaryDirectory() as folder, MemoryFile.in_ram() as file:
        fill(file)
        export(file, Path(folder) / "good", now=NOW)
        data = (Path(folder) / "good").read_bytes()
        for share, new in damage:
            at = int(share * len(data))
            data = data[:at] + new + data[at + 1 :]
        (Path(folder) / "bad").write_bytes(data)
        with MemoryFile.in_ram() as other, suppress(UsageError):
            import_into(other, Path(folder) / "bad")
            assert len(texts(other)) <= 10
            other.facts.recall("lighthouse", now=NOW)


def test_a_packed_file_that_is_cut_off_is_told(alice: MemoryFile, tmp_path: Path) -> None:
    export(alice, tmp_path / "a.gz", now=NOW)
    whole = (tmp_path / "a.gz").read_bytes()
    assert gzip.decompress(whole).splitlines()[-1] == msgspec.json.encode(End(lines=12 + 3 - 1))
    (tmp_path / "cut.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UsageError, match=r"cut\.gz:"):
        import_memory(tmp_path / "dave.db", tmp_path / "cut.gz")


@pytest.mark.parametrize("name", ["none", "."])
def test_what_is_no_file_is_told(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError):
        import_memory(tmp_path / "dave.db", tmp_path / name)


# Numbers -----------------------------------------------------------------------------------------


def test_a_memory_is_counted(alice: MemoryFile) -> None:
    back_up(alice.path, now=NOW)
    alice.append(entry("hi", sender="companion_alice", kind="said", time=NOW - 90))
    counted = statistics(alice)
    assert counted.kinds == {"heard": 5, "said": 1}
    assert (counted.rows, counted.people, counted.pending) == (6, 1, 2)
    assert counted.facts == {"fact": 3, "reflection": 1}
    assert counted.digests == {"talk": 1}
    assert (counted.oldest, counted.newest) == (NOW - 100, NOW - 90)
    assert counted.bytes > 0
    assert (counted.backups, counted.last_backup) == (1, NOW)
