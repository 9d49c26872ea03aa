import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
import sqlite_utils
from hypothesis import given, settings
from hypothesis import strategies as st

from aikyo.errors import AikyoError
from aikyo.memory import Memory, MemoryFile
from aikyo.memory.recall.index import index_entry, unindex_entry
from aikyo.memory.recall.recalling import find
from aikyo.memory.recall.senses import BLOCK, RECORD
from aikyo.memory.recall.spots import PLACES, speaker
from aikyo.memory.storage import schema
from tests.support.memories import assert_index_agrees, entry, texts

DAY = 86_400.0


@pytest.fixture
def memory() -> Iterator[MemoryFile]:
    with MemoryFile.in_ram() as file:
        yield file


def say(memory: MemoryFile, *lines: str, **fields: object) -> None:
    for line in lines:
        memory.append(entry(line, **fields))


def talk(memory: MemoryFile, name: str, *lines: str) -> None:
    """A talk of two, by turns."""
    for number, line in enumerate(lines):
        sender = ("user_mika", "companion_bob")[number % 2]
        memory.append(entry(line, conversation=name, sender=sender))


def sense(memory: MemoryFile) -> None:
    while memory.make_senses():
        pass


def sensed(memory: MemoryFile) -> list[int]:
    """The rows that have a sense."""
    held = memory.store.rows("SELECT records FROM senses ORDER BY block")
    return [row for (records,) in held for row, _, _ in RECORD.iter_unpack(records)]


def test_an_answer_is_found_by_the_question_that_came_before_it(memory: MemoryFile) -> None:
    say(memory, *(f"something else, number {n}" for n in range(30)), conversation="before")
    talk(memory, "a", "Where did you go in the holidays?", "To Okinawa!", "Oh nice.")
    assert "To Okinawa!" in texts(memory.recall("where were the holidays", 2))


def test_neighbours_are_those_of_the_talk_however_talks_mingle(memory: MemoryFile) -> None:
    for line in range(20):
        memory.append(entry(f"filler {line}", conversation="filler"))
    for first, second in (
        ("Where did you spend the holidays?", "Stamps, mostly."),
        ("What do you collect?", "On Okinawa."),
    ):
        memory.append(entry(first, conversation=first[:5]))
        memory.append(entry(second, conversation="Where" if "Okinawa" in second else "What "))
    assert texts(memory.recall("holidays", 2)) == ["Where did you spend the holidays?", "On Okinawa."]
    assert texts(memory.recall("collect", 2)) == ["What do you collect?", "Stamps, mostly."]


def test_rows_of_no_talk_stand_alone(memory: MemoryFile) -> None:
    say(memory, "the lighthouse", "something else", conversation=None)
    assert texts(memory.recall("lighthouse")) == ["the lighthouse"]


def test_a_talk_that_is_longer_than_all_places_goes_on(memory: MemoryFile) -> None:
    with memory.store.transaction():
        for number in range(PLACES + 10):
            memory.append(entry(f"word{number}", conversation="long"))
            if number == 0:
                memory.append(entry("between", conversation="other"))
    for number in (0, PLACES - 1, PLACES, PLACES + 9):
        assert texts(memory.recall(f"word{number}", 1)) == [f"word{number}"]


def test_a_flood_in_one_talk_hides_nothing_of_another(memory: MemoryFile) -> None:
    talk(memory, "a", "Did you see the old lighthouse at the cape?")
    with memory.store.transaction():
        say(memory, *(["the old cape"] * 3000), conversation="flood")
    assert "lighthouse" in texts(memory.recall("the old lighthouse at the cape", 1))[0]


@pytest.mark.parametrize(
    ("sender", "name", "query"),
    [
        ("user_mika", "", "what does Mika think of the lake?"),
        ("user_1f3a", "Mika", "what does mika's heart say of the lake?"),
        ("user_1f3a", "ミカ", "ミカは湖 lake のことをどう思う？"),
        ("companion_mary_ann", "Mary Ann", "the lake and Mary Ann"),
    ],
)
def test_what_the_one_who_is_named_said_comes_first(
    memory: MemoryFile, sender: str, name: str, query: str
) -> None:
    say(memory, "by the lake, one", sender=sender, name=name)
    say(memory, "by the lake, two", sender="user_ken", name="Ken")
    assert texts(memory.recall(query, 1)) == ["by the lake, one"]
    assert texts(memory.recall(f"Ken and {query}", 1)) == [
        "by the lake, two"
    ]  # the newest: two are named


def test_rows_that_stand_alone_are_found_also_where_somebody_is_named(memory: MemoryFile) -> None:
    """Where there is no neighbour, none must be taken for one that the one who is named has said."""
    with memory.store.transaction():
        say(memory, "dinner", sender="user_mika", conversation=None)
        say(memory, *(f"the lake, {n}" for n in range(600)), sender="user_ken", conversation=None)
    assert len(memory.recall("Mika and the lake", 8)) == 8


def test_who_has_the_number_of_the_one_who_is_named_is_not_taken_for_them(memory: MemoryFile) -> None:
    other = next(f"user_{n}" for n in range(10_000) if speaker(f"user_{n}") == speaker("user_mika"))
    say(memory, "the lake, one", sender="user_mika", conversation=None)
    say(memory, "the lake, two", sender=other, conversation=None)
    assert texts(memory.recall("Mika and the lake", 1)) == ["the lake, one"]


def test_a_name_within_a_longer_word_names_nobody(memory: MemoryFile) -> None:
    say(memory, "by the lake, one", sender="user_ann")
    say(memory, "by the lake, two", sender="user_ken")
    assert texts(memory.recall("annual lake", 1)) == ["by the lake, two"]


def test_who_is_asked_for_by_name_alone_is_found_by_that(memory: MemoryFile) -> None:
    say(memory, "to the sea", sender="companion_bob")
    say(memory, "to the lake", "to the hills", sender="user_mika")
    sense(memory)
    assert texts(memory.recall("What did Mika say?")) == ["to the hills", "to the lake"]
    assert texts(memory.recall("What did Mika say about astronomy?")) == []


NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def at(days_ago: float) -> float:
    return (NOON - timedelta(days=days_ago)).timestamp()


def test_what_was_said_at_the_time_that_is_named_comes_first(memory: MemoryFile) -> None:
    for days_ago in (400, 30, 10, 8, 1, 0.01):
        say(memory, f"the lake, {days_ago} days ago", time=at(days_ago))
    for query, days_ago in (
        ("What did I say about the lake yesterday?", 1),
        ("the lake last Thursday", 1),
        ("昨日 lake のことを話した？", 1),
        ("the lake in October", 30),
        ("last year, the lake", 400),
    ):
        found = texts(memory.recall(query, 1, now=NOON))
        assert found == [f"the lake, {days_ago} days ago"]


@pytest.mark.parametrize(
    "query", ["What will we do in June?", "June, what are our plans?", "6月に June は何をする？"]
)
def test_what_is_still_to_come_is_not_sought_in_what_was_said_then(
    memory: MemoryFile, query: str
) -> None:
    say(memory, "In June we will go to Kyoto.", time=at(3))
    say(memory, *(f"We do this, {n}" for n in range(20)), time=at(160))
    assert texts(memory.recall(query, 1, now=NOON)) == ["In June we will go to Kyoto."]


def test_the_month_that_is_named_may_also_be_a_word_of_it(memory: MemoryFile) -> None:
    say(memory, "Our trip was in June.", time=at(3))
    say(memory, "We have soup.", time=at(160))
    assert "Our trip was in June." in texts(memory.recall("Where were we in June?", now=NOON))


def test_a_time_alone_finds_all_that_was_said_then(memory: MemoryFile) -> None:
    say(memory, "good soup", time=at(2))
    say(memory, "a long walk", "and rain", time=at(1))
    say(memory, "Where were you yesterday?", time=at(3))
    assert set(texts(memory.recall("What happened yesterday?", now=NOON))) == {"a long walk", "and rain"}


def test_where_nothing_was_said_then_the_rest_of_the_question_counts(memory: MemoryFile) -> None:
    say(memory, "the lake is frozen", time=at(20))
    assert texts(memory.recall("the lake last week", now=NOON)) == ["the lake is frozen"]
    say(memory, "My birthday is in June.", time=at(1))
    assert texts(memory.recall("in June", now=NOON)) == ["My birthday is in June."]


def test_without_a_time_of_its_own_a_recall_counts_from_the_newest_entry(memory: MemoryFile) -> None:
    say(memory, "the lake, then", time=at(7))
    say(memory, "the lake, before", time=at(40))
    say(memory, "nothing", time=at(0))
    assert texts(memory.recall("the lake a week ago", 1)) == ["the lake, then"]


def test_a_hit_tells_its_row_and_which_ways_found_it(memory: MemoryFile) -> None:
    talk(memory, "a", "Where did you see the lighthouse?", "At the cape.")
    (question, answer) = memory.recall("Mika's lighthouse", now=NOON)
    assert (question.number, answer.number) == (1, 2)
    assert {"words", "speaker", "talk", "recency"} <= question.ways.keys()
    assert question.ways["words"] > 0
    assert "words" not in answer.ways
    assert answer.ways["neighbours"] > 0
    for hit in (question, answer):
        assert sum(hit.ways.values()) == pytest.approx(hit.score)


def test_other_words_of_the_same_sense_find_it(memory: MemoryFile) -> None:
    say(memory, "I am terribly afraid of thunder.", conversation=None)
    say(memory, "My sister works as a nurse in a hospital.", conversation=None)
    say(memory, "We painted the kitchen yellow.", conversation=None)
    assert memory.recall("scared of storms") == ()
    sense(memory)
    (hit, *_) = memory.recall("scared of storms")
    assert "thunder" in hit.entry.text
    assert hit.ways["vectors"] > 0


def test_what_has_nothing_to_do_with_it_is_not_found_by_sense(memory: MemoryFile) -> None:
    say(memory, "We painted the kitchen yellow.", "Good morning!", conversation=None)
    sense(memory)
    assert memory.recall("quarterly taxes") == ()


def test_without_an_embedder_words_do(memory: MemoryFile, monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> None:
        raise AikyoError("not here")

    monkeypatch.setattr("aikyo.memory.recall.senses.load_embedder", none)
    say(memory, "the lighthouse")
    assert not memory.make_senses()
    assert texts(memory.recall("lighthouse")) == ["the lighthouse"]


def test_what_is_corrected_is_found_by_its_new_words_in_its_old_place(tmp_path: Path) -> None:
    path = tmp_path / "alice.db"
    with MemoryFile.open(path) as memory:
        talk(memory, "a", "Where did you go?", "To the lighthouse.", "Lovely.")
        sense(memory)
        assert memory.recall("lighthouse")  # holds the senses
        with memory.store.transaction():
            (row,) = memory.rows_of(numbers=[2])
            new = entry("I feared the thunder.", conversation="a", sender="companion_bob")
            unindex_entry(memory.store, 2, row.entry)
            memory.store.change("UPDATE entries SET text = ? WHERE row = 2", new.text)
            index_entry(memory.store, 2, new)
        assert memory.recall("lighthouse") == ()
        for query in ("thunder", "scared of storms"):
            assert texts(memory.recall(query, 1)) == ["I feared the thunder."]
        assert [hit.number for hit in memory.recall("where did you go", 2)] == [1, 2]
    assert_index_agrees(path)


def test_a_sense_that_is_made_late_counts_too(memory: MemoryFile) -> None:
    memory.append(entry("We painted the kitchen."), number=7)
    sense(memory)
    assert memory.recall("scared of storms") == ()  # holds the senses
    memory.append(entry("I am terribly afraid of thunder."), number=3)
    sense(memory)
    assert memory.recall("scared of storms", 1)


def test_a_row_with_the_number_of_one_that_was_forgotten_gets_a_sense_of_its_own(
    memory: MemoryFile,
) -> None:
    say(memory, "We painted the kitchen.", "I like soup.")
    sense(memory)
    (row,) = memory.rows_of(numbers=[2])
    unindex_entry(memory.store, 2, row.entry)
    memory.store.change("DELETE FROM entries WHERE row = 2")
    say(memory, "I am terribly afraid of thunder.")
    assert memory.recall("scared of storms") == ()
    sense(memory)
    assert [hit.number for hit in memory.recall("scared of storms", 1)] == [2]


def test_senses_of_more_rows_than_are_kept_together_are_all_found(memory: MemoryFile) -> None:
    with memory.store.transaction():
        say(memory, *(f"We painted kitchen number {n}." for n in range(BLOCK + 20)), conversation=None)
        memory.append(entry("...", conversation=None))  # no words, no sense
    memory.make_senses(BLOCK - 10)
    assert memory.recall("scared of storms") == ()  # holds the senses
    say(memory, "I am terribly afraid of thunder.", conversation=None)
    sense(memory)
    assert sensed(memory) == list(range(1, BLOCK + 23))
    assert "thunder" in texts(memory.recall("scared of storms", 1))[0]


def test_senses_are_made_once_even_by_another_process(tmp_path: Path) -> None:
    path = tmp_path / "alice.db"
    with MemoryFile.open(path) as memory:
        say(memory, "We painted the kitchen.", "I like soup.")
        assert memory.make_senses()
    with MemoryFile.open(path) as memory:
        assert not memory.make_senses()


def test_indexes_that_are_made_anew_have_their_senses_made_anew(memory: MemoryFile) -> None:
    say(memory, "We painted the kitchen.", "I like soup.")
    sense(memory)
    memory.index_anew()
    assert sensed(memory) == []
    sense(memory)
    assert sensed(memory) == [1, 2]


def test_what_is_forgotten_is_found_in_no_way_and_its_sense_is_gone(memory: MemoryFile) -> None:
    say(memory, "I am terribly afraid of thunder.", "We painted the kitchen.", conversation="a")
    sense(memory)
    assert memory.recall("scared of storms")
    with memory.store.transaction():
        (row,) = memory.rows_of(numbers=[1])
        unindex_entry(memory.store, 1, row.entry)
        memory.store.change("DELETE FROM entries WHERE row = 1")
    assert memory.recall("scared of storms") == ()
    assert memory.recall("thunder") == ()
    assert sensed(memory) == [2]
    say(memory, "and a newer one", conversation="a")
    assert texts(memory.recall("newer", 1)) == ["and a newer one"]


def test_of_words_that_more_rows_have_than_are_looked_at_the_rare_ones_decide(
    memory: MemoryFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aikyo.memory.recall.postings.BUDGET", 40)
    say(memory, "the day of the lighthouse", conversation=None)
    say(memory, *(f"another day, {n}" for n in range(300)), conversation=None)
    assert texts(memory.recall("day of the lighthouse", 1)) == ["the day of the lighthouse"]
    assert len(find(memory.store, "day")) == 40


def test_a_memory_of_an_older_version_is_found_in_whole_after_it(tmp_path: Path) -> None:
    path = tmp_path / "alice.db"
    path.touch(0o600)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.row_factory = sqlite3.Row
        db.execute("PRAGMA application_id = 0x61696B79")
        db.execute("PRAGMA journal_mode = WAL")
        schema._migrations.apply(
            sqlite_utils.Database(db, execute_plugins=False), stop_before="knowledge"
        )
        for row, (text, conversation) in enumerate(
            [("Where did you go?", "a"), ("stamps", "b"), ("To Okinawa.", "a"), ("黒い猫", None)], 1
        ):
            db.execute(
                "INSERT INTO entries"
                " (row, uid, kind, time, topic, peer, sender, [to], conversation, text, body)"
                " VALUES (?, ?, 'heard', ?, 'messages', '', 'user_mika', '[]', ?, ?, '{}')",
                (row, f"u{row}", 1e9 + row, conversation, text),
            )
            db.execute("INSERT INTO words (rowid, text) VALUES (?, ?)", (row, text))
        assert db.execute("PRAGMA user_version").fetchone()[0] == 2
    with MemoryFile.open(path) as memory:
        assert texts(memory.recall("where did you go")) == ["Where did you go?", "To Okinawa."]
        assert texts(memory.recall("猫")) == ["黒い猫"]
        sense(memory)
        memory.append(entry("in June", conversation="a"))
        assert "in June" in texts(memory.recall("where did you go"))
    assert_index_agrees(path)


LINES = ("the lake", "in June?", "猫が好き", "To Okinawa", "Mika and Ken", "?", "", "yes")


@given(
    st.lists(
        st.tuples(
            st.sampled_from(LINES),
            st.sampled_from([None, "a", "b"]),
            st.sampled_from(["user_mika", "user_ken"]),
            st.floats(0, 5e9),
        ),
        max_size=25,
    ),
    st.sampled_from(
        ["lake", "Mika in June", "猫", "yesterday", "What did Ken say last month?", "去年の湖"]
    ),
    st.integers(0, 2**32),
)
@settings(max_examples=40, deadline=None)
def test_recall_is_the_same_whatever_was_recalled_before_and_adds_up(
    rows: list[tuple[str, str | None, str, float]], query: str, seed: int
) -> None:
    rng = Random(seed)
    with MemoryFile.in_ram() as memory, MemoryFile.in_ram() as other:
        for number, (text, conversation, sender, time) in enumerate(rows):
            one = entry(text, uid=str(number), conversation=conversation, sender=sender, time=time)
            memory.append(one)
            other.append(one)
            if rng.random() < 0.3:
                memory.recall(rng.choice(LINES))
                sense(memory)
        sense(memory)
        sense(other)
        hits = memory.recall(query, 10, now=NOON)
        assert hits == other.recall(query, 10, now=NOON)
        assert hits == memory.recall(query, 20, now=NOON)[:10]
        out = {hit.entry.uid for hit in hits[::2]}
        assert not out & {hit.entry.uid for hit in memory.recall(query, 10, now=NOON, exclude=out)}
        for hit in hits:
            assert hit.score == pytest.approx(sum(hit.ways.values()))


async def test_a_memory_in_threads_recalls_by_sense_too(tmp_path: Path) -> None:
    async with Memory.open(tmp_path / "alice.db") as memory:
        for _ in range(150):
            await memory.append(entry("We painted the kitchen yellow."))
        await memory.append(entry("I am terribly afraid of thunder."))
        await memory.make_senses()
        await memory.append(entry("Good morning!"))
        await memory.make_senses()
        (hit, *_) = await memory.recall("scared of storms")
        assert "thunder" in hit.entry.text
        assert await memory.read(sensed) == list(range(1, 153))
