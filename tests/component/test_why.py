"""`aikyo why` and `aikyo report`: with a running swarm, and from what a home has kept."""

from __future__ import annotations

import json
import shutil
import sqlite3
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import httpx
import msgspec
import pytest
import trio
from rich.cells import cell_len

from aikyo.brain import Assessment, Moment
from aikyo.cli import main
from aikyo.cli.why_lines import turn_line, turn_lines
from aikyo.client import Remote
from aikyo.memory import Entry, MemoryFile, NewFact
from aikyo.paths import Home
from aikyo.report import Report
from aikyo.swarm.turn_journal import TurnLog, read_turns
from aikyo.wire import Claim, Fired, Message, Offer, TurnNote, TurnRecord
from tests.support.gathering import ScriptedBrain
from tests.support.servers import swarm
from tests.support.swarms import Watched, swarm_of

MIKA, ALICE, BOB = "user_mika", "companion_alice", "companion_bob"
ASKED, ANSWER, OLD, RAIN = (f"0199aa11-2233-7{n}00-8000-abcdef00000{n}" for n in range(1, 5))

TURN = TurnRecord(
    message_id=ASKED,
    conversation="c",
    sender=MIKA,
    by_person=True,
    time=1_800_000_000.0,
    invited=(ALICE, BOB, "companion_carol"),
    offers=(
        Offer(who=ALICE, state="speak", importance=7, selected=True, score=11.0, after=0.4),
        Offer(who=BOB, state="listen", reason="had-say", after=0.2),
    ),
    claims=(Claim(who=ALICE, after=0.5),),
    answers=(ANSWER,),
    answered_by=(ALICE,),
    outcome="answered",
    seconds=2.5,
    left=("companion_carol",),
)
NOTE = TurnNote(
    companion=ALICE,
    message_id=ASKED,
    said=ANSWER,
    fired=(Fired(number=2, expression="interest > 0.5", tool="speak", instruction="Tell it all."),),
    recalled=(OLD, "gone"),
    perceived=(RAIN,),
    params={"interest": 0.9, "warm": True},
    brain="offline",
    seconds=1.5,
)
AFTER = TurnRecord(
    message_id=ANSWER,
    conversation="c",
    sender=ALICE,
    to=(MIKA,),
    reply_to=ASKED,
    time=1_800_000_003.0,
    length=2,
    invited=(BOB,),
    offers=(Offer(who=BOB, state="listen"),),
    outcome="nobody-wanted",
)


class Shell:
    """The command line on one home."""

    def __init__(self, root: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.home = Home(root)
        self._capture = capture

    def aikyo(self, *args: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main([*args, "--home", str(self.home.root)])
        return (int(ended.value.code or 0), *self._capture.readouterr())


@pytest.fixture
def empty(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    shell = Shell(tmp_path / "home", capsys)
    shell.home.create()
    return shell


@pytest.fixture
def shell(empty: Shell) -> Shell:
    log = TurnLog(empty.home.turns)
    log.note(NOTE)
    log.add(TURN)
    log.add(AFTER)
    log.flush()
    remember(empty.home, "bob", heard(ASKED, MIKA, "What was on the beach?"))
    remember(
        empty.home,
        "alice",
        heard(ANSWER, ALICE, "A bottle, of green glass."),
        heard(OLD, BOB, "灯台の下に瓶があった。"),
        heard(RAIN, MIKA, "It rains."),
    )
    return empty


def heard(uid: str, sender: str, text: str) -> Entry:
    return Entry(uid=uid, time=1_700_000_000.0, kind="heard", topic="messages", sender=sender, text=text)


def remember(home: Home, name: str, *entries: Entry) -> None:
    with MemoryFile.open(home.memory(name)) as memory:
        for entry in entries:
            memory.append(entry)


def test_why_somebody_spoke(shell: Shell) -> None:
    code, out, err = shell.aikyo("why", ANSWER)
    told = " ".join(out.split())
    assert (code, err) == (0, "")
    for part in (
        "mika (a person) said to all: What was on the beach?",
        "alice answered after 2.5 s: A bottle, of green glass.",
        "1. alice wanted to speak after 0.4 s (7 of 10, it was turned to, score 11.0)",
        "score 11.0); took the turn after 0.5 s",
        "bob held back: it has had its say since a person last spoke",
        "carol said nothing in time and left the mesh",
        "What alice knew: - condition 2 held (interest > 0.5), so speak was told: Tell it all.",
        "parameters: interest 0.9, warm true",
        "灯台の下に瓶があった。",
        "recalled gone, which is not in this home",
        "composed for 1.5 s with offline",
    ):
        assert part in told, part


def test_what_somebody_knew_is_told_by_its_number_in_their_own_memory(shell: Shell) -> None:
    for name, text in (("alice", "Mika collects bottles."), ("bob", "Mika is a diver.")):
        with MemoryFile.open(shell.home.memory(name)) as memory:
            (entry, *_) = memory.recent(None, 3)
            new = NewFact(text=text, about=MIKA, sources=(entry.uid,))
            memory.facts.learn([new], upto=1, now=entry.time)
    log = TurnLog(shell.home.turns)
    asked, answer = "0" * 36, "1" * 36
    for who in (ALICE, BOB):
        log.note(msgspec.structs.replace(NOTE, companion=who, message_id=asked, recalled=("f1", "f9")))
    log.add(msgspec.structs.replace(TURN, message_id=asked, answers=(answer,)))
    log.flush()
    told = shell.aikyo("why", answer)[1]
    alice, bob = told.split("What alice knew")[1].split("What bob knew")
    assert "knew (f1): Mika collects bottles." in alice
    assert "knew (f1): Mika is a diver." in bob
    assert "recalled f9, which is not in this home" in bob


def test_why_nobody_spoke(shell: Shell) -> None:
    code, latest, _ = shell.aikyo("why")
    assert (code, shell.aikyo("why", "--after", ANSWER)[1]) == (0, latest)
    assert "alice said to mika:" in latest
    assert "Nobody answered: nobody had more to say." in latest
    assert "-  bob did not want to speak\n" in latest


@pytest.mark.parametrize(
    ("outcome", "says"),
    [
        ("closed", "the talk had wound down"),
        ("limit", "turns_per_talk"),
        ("interrupted", "a person spoke to whoever was about to"),
        ("no-quorum", "heard of in time"),
        ("quiet", "aikyo quiet NAME --mode normal"),
        ("brain-failed", "the brain failed"),
        ("spent", "aikyo usage shows the caps"),
        ("superseded", "somebody went on"),
        ("", "the turn goes on"),
        ("unheard-of", "unheard-of"),
    ],
)
def test_every_end_is_told_in_words(outcome: str, says: str) -> None:
    turn = msgspec.structs.replace(AFTER, outcome=outcome)
    assert says in " ".join(turn_lines(turn, {}, width=80))


@pytest.mark.parametrize(
    ("by_person", "outcome", "says"),
    [
        (True, "no-quorum", "no companion was there"),
        (False, "nobody-wanted", "no companion was spoken to"),
    ],
)
def test_where_nobody_was_asked_it_is_told_so(by_person: bool, outcome: str, says: str) -> None:
    fields = {"by_person": by_person, "outcome": outcome, "invited": (), "offers": ()}
    assert says in " ".join(turn_lines(msgspec.structs.replace(AFTER, **fields), {}, width=80))


def test_an_overlap_and_a_contest_are_told_as_such() -> None:
    turn = msgspec.structs.replace(
        TURN,
        answers=(ANSWER, OLD),
        answered_by=(ALICE, BOB),
        claims=(Claim(who=BOB, rank=1), Claim(who=ALICE, contested=True)),
    )
    told = " ".join(" ".join(turn_lines(turn, {}, width=80)).split())
    assert "bob answered too, which is one too many" in told
    assert "took the turn at once, though somebody had it" in told


def test_who_took_the_turn_is_told_even_if_nothing_else_was_heard_of_it() -> None:
    turn = msgspec.structs.replace(TURN, offers=(), invited=(), claims=(Claim(who=BOB, after=3.0),))
    told = "\n".join(turn_lines(turn, {}, width=80))
    assert "bob said nothing in time; took the turn after 3.0 s" in told


def test_how_a_talk_was_begun_is_told() -> None:
    note = TurnNote(companion=ALICE, said=ANSWER, opening="silence")
    turn = msgspec.structs.replace(AFTER, reply_to=None, notes=(note,))
    assert "it began the talk because nothing had been said for a while" in "\n".join(
        turn_lines(turn, {}, width=100)
    )


def test_json_gives_the_record(shell: Shell) -> None:
    code, out, _ = shell.aikyo("why", "000001", "--json")
    assert code == 0
    found = msgspec.json.decode(out, type=TurnRecord)
    assert found == msgspec.structs.replace(TURN, notes=(NOTE,))


def test_the_latest_turns_are_listed(shell: Shell) -> None:
    code, out, _ = shell.aikyo("why", "-n", "5")
    first, second = out.splitlines()
    assert (code, first.endswith(ASKED), second.endswith(ANSWER)) == (0, True, True)
    assert "mika → all: answered by alice after 2.5 s" in first
    assert "alice → mika: nobody-wanted" in second
    lines = shell.aikyo("why", "-n", "1", "--json")[1].splitlines()
    assert [json.loads(line)["message_id"] for line in lines] == [ANSWER]


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("0199aa11",), "may be any of 2 messages"),
        (("zzzzzzzz",), "aikyo why -n 10"),
        (("abc",), "too short"),
        (("-n", "3", ASKED), "leave out the message"),
    ],
)
def test_what_cannot_be_meant_is_one_line_and_exit_code_2(
    shell: Shell, args: tuple[str, ...], says: str
) -> None:
    code, out, err = shell.aikyo("why", *args)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert says in err


def test_a_home_without_turns_and_no_home_at_all_say_what_to_do(empty: Shell) -> None:
    assert "nothing has been said yet" in empty.aikyo("why")[2]
    assert empty.aikyo("why", "-n", "3") == (0, "", "Nothing has been said yet.\n")
    assert empty.aikyo("report")[:2] == (0, "Nothing was said.\n")
    shutil.rmtree(empty.home.root)
    for command in ("why", "report"):
        code, _, err = empty.aikyo(command)
        assert code == 2
        assert "aikyo up makes one" in err
    assert not empty.home.root.exists()


def test_a_damaged_memory_hides_words_and_nothing_else(shell: Shell) -> None:
    shell.home.memory("alice").write_bytes(b"no memory " * 500)
    code, out, _ = shell.aikyo("why", ANSWER)
    assert code == 0
    assert "What was on the beach?" in out
    assert "(the words are not in this home)" in out


def test_memories_are_only_read(shell: Shell) -> None:
    before = shell.home.memory("alice").read_bytes()
    shell.aikyo("why", ANSWER)
    assert shell.home.memory("alice").read_bytes() == before
    with sqlite3.connect(shell.home.memory("alice")) as database:
        assert database.execute("SELECT count(*) FROM entries").fetchone() == (3,)


@pytest.mark.parametrize("width", [1, 24, 40, 80, 200])
def test_it_fits_the_terminal_and_steers_none(width: int) -> None:
    nasty = "海" * 30 + "\x1b[31mred\x07 " + "longword" * 20
    turn = msgspec.structs.replace(
        TURN, sender=nasty, answered_by=(nasty,), message_id=nasty, outcome="answered", notes=(NOTE,)
    )
    texts = {one: heard(one, nasty, nasty * 10) for one in (nasty, ANSWER, OLD, RAIN)}
    lines = turn_lines(turn, texts, width=width)
    assert max(map(cell_len, lines)) <= max(width, 24)
    assert not any("\x1b" in line or "\x07" in line for line in lines)
    assert cell_len(turn_line(turn, max(width, 24))) <= max(width, 24)


def test_colour_is_used_only_when_it_is_asked_for() -> None:
    assert "\x1b" in "".join(turn_lines(TURN, {}, width=80, color=True))
    assert "\x1b" not in "".join(turn_lines(TURN, {}, width=80))


def test_report_counts_draws_and_looks_back_only_so_far(shell: Shell, tmp_path: Path) -> None:
    code, out, err = shell.aikyo("report")
    assert (code, err) == (0, "")
    assert out.startswith("2 turns in 1 talk, 1 answered\n")
    log = TurnLog(shell.home.turns)
    log.add(msgspec.structs.replace(AFTER, message_id="now", conversation="d", time=time.time() - 60))
    log.add(msgspec.structs.replace(AFTER, message_id="old", conversation="e", time=1_000.0))
    log.flush()
    picture = tmp_path / "talks.svg"
    code, out, _ = shell.aikyo("report", "--since", "1h", "--json", "--plot", str(picture))
    report = msgspec.json.decode(out, type=Report)
    assert (code, report.talks) == (0, 1 + (TURN.time > time.time() - 3600))
    assert ET.parse(picture).getroot().tag.endswith("svg")


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("--since", "yesterday"), "such as 1h"),
        (("--plot", "/dev/null/talks.svg"), "no folder /dev/null"),
    ],
)
def test_a_wrong_report_is_one_line_and_exit_code_2(
    shell: Shell, args: tuple[str, ...], says: str
) -> None:
    code, out, err = shell.aikyo("report", *args)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert says in err


# With a running swarm ----------------------------------------------------------------------------


async def test_a_running_swarm_is_asked_first_and_the_file_after_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shell = Shell(tmp_path / "home", capsys)
    shell.home.create()
    log = TurnLog(shell.home.turns)
    log.add(msgspec.structs.replace(AFTER, message_id="long-ago"))
    log.flush()
    async with swarm(tmp_path) as (file, _, steering):
        steering.turns = (msgspec.structs.replace(TURN, outcome="", answers=()),)
        shell.home.swarm.write_bytes(msgspec.json.encode(file))
        code, out, _ = await trio.to_thread.run_sync(shell.aikyo, "why")
        assert (code, "the turn goes on" in out) == (0, True)
        code, out, _ = await trio.to_thread.run_sync(shell.aikyo, "why", "long-ago")
        assert (code, "alice said to mika" in out) == (0, True)
        code, _, err = await trio.to_thread.run_sync(shell.aikyo, "why", "never-was")
        assert (code, "no turn of a message 'never-was'" in err) == (2, True)


async def test_the_gateway_tells_of_a_turn(tmp_path: Path) -> None:
    async with swarm(tmp_path) as (file, _, steering), httpx.AsyncClient(trust_env=False) as http:
        steering.turns = (TURN, AFTER)

        async def why(**query: str) -> httpx.Response:
            return await http.get(f"{file.gateway.rstrip('/')}/why", params=query)

        assert (await why()).json()["message_id"] == ANSWER
        assert (await why(message=ANSWER)).json()["message_id"] == ASKED
        assert (await why(message=ANSWER, after="true")).json()["message_id"] == ANSWER
        unknown = await why(message="x" * 5000)
        assert (unknown.status_code, len(unknown.json()["detail"]) < 300) == (404, True)
        remote = Remote(file)
        assert await remote.why(ANSWER) == TURN
        assert await remote.why(ANSWER, after=True) == AFTER


# What a real swarm leaves ------------------------------------------------------------------------


async def said(room: Watched, ident: str, *to: str) -> None:
    voice = room.swarm._voice
    assert voice is not None
    await voice.publish(
        Message(id=ident, sender=MIKA, to=to, message="hello", conversation=f"c-{ident}")
    )


async def kept(home: Path, ident: str, known: Callable[[TurnRecord], object]) -> TurnRecord:
    """The turn as it was written to the home."""
    with trio.fail_after(30):
        while True:
            for turn in read_turns(Home(home)):
                if turn.message_id == ident and known(turn):
                    return turn
            await trio.sleep(0.05)


async def test_a_swarm_leaves_the_record_of_an_answered_turn(tmp_path: Path) -> None:
    async with swarm_of(tmp_path, {"alice": ScriptedBrain(), "bob": ScriptedBrain()}) as room:
        await said(room, "first-message", ALICE, BOB)
        turn = await kept(tmp_path, "first-message", lambda turn: turn.notes and turn.answers)
        answer = next(m for m in room.messages if m.id == turn.answers[0]) if room.messages else None
        assert answer is None or answer.sender == turn.answered_by[0]
        assert (turn.outcome, turn.sender, turn.by_person, len(turn.answers)) == (
            "answered",
            MIKA,
            True,
            1,
        )
        assert sorted(offer.who for offer in turn.offers) == [ALICE, BOB]
        assert [claim.who for claim in turn.claims] == list(turn.answered_by)
        (note,) = turn.notes
        assert (note.companion, note.said) == (turn.answered_by[0], turn.answers[0])
        assert room.swarm.why("first-message") == turn
        assert room.swarm.why(turn.answers[0]) == turn


async def test_a_swarm_leaves_the_record_of_a_turn_that_nobody_wanted(tmp_path: Path) -> None:
    shy = ScriptedBrain(on_assess=lambda _: Assessment(speak=False))
    async with swarm_of(tmp_path, {"alice": shy}) as room:
        await said(room, "first-message")
        turn = await kept(tmp_path, "first-message", lambda turn: turn.outcome)
        assert (turn.outcome, turn.answers, turn.claims) == ("nobody-wanted", (), ())
        assert [(offer.who, offer.state) for offer in turn.offers] == [(ALICE, "listen")]


async def test_a_swarm_leaves_the_record_of_a_turn_without_quorum(tmp_path: Path) -> None:
    class Hung(ScriptedBrain):
        async def assess(self, moment: Moment) -> Assessment:
            await trio.sleep_forever()

    async with swarm_of(tmp_path, {"alice": Hung()}) as room:
        await said(room, "first-message")
        await room.until(lambda: room.told("activity", ALICE))
        await room.swarm.stop("alice")
        turn = await kept(tmp_path, "first-message", lambda turn: turn.outcome)
        assert (turn.outcome, turn.offers, turn.left) == ("no-quorum", (), (ALICE,))
