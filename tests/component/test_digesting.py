"""A companion's past is put away: nothing is lost, nothing is told twice, whatever comes between."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import partial
from pathlib import Path
from typing import cast

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from aikyo.brain import BrainError, Briefing, Line, Past, Persona
from aikyo.brain.parting import marked
from aikyo.companion import World
from aikyo.companion.session import Change, Session
from aikyo.companion.session.budget import line_tokens, tokens
from aikyo.companion.session.digesting import Digesting
from aikyo.companion.session.summing import Said, Summing
from aikyo.memory import Digest, Entry, Memory, MemoryFile, Row
from tests.support.gathering import ScriptedBrain, gathering, profile_of
from tests.support.memories import entry

DAY = 86_400.0
NOON = 1_763_640_000.0  # 2025-11-20
BUDGET = 6_000


@dataclass
class Lister(ScriptedBrain):
    """Notes the ids of all that it sums up, so that it shows where each row has gone."""

    meanwhile: Callable[[], object] = bool

    async def summarize(self, past: Past) -> str:
        self.summarized.append(past)
        await trio.lowlevel.checkpoint()
        self.meanwhile()
        return marked(map(listed, past.talks)) if past.talks else listed(past)


def listed(past: Past) -> str:
    ids = past.summary.replace("\n", " ").split()
    return " ".join([*(one for one in ids if ":" not in one), *(line.id for line in past.lines)])


def rows_of(file: MemoryFile, number: int) -> tuple[Row, ...]:
    return file.digests.rows_of(number)


@dataclass
class Life:
    """One companion's memory, and its past; `time` is seconds since the epoch."""

    memory: Memory
    mind: ScriptedBrain
    session: Session
    time: float = NOON
    rows: int = 0
    zone: tzinfo = UTC
    me: str = "companion_alice"
    digesting: Digesting = field(init=False)

    def __post_init__(self) -> None:
        self.digesting = Digesting(cast(World, self))

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.time, UTC)

    def line(self, one: Entry) -> Line:
        return Line(id=one.uid, sender=one.sender, name="Mika", text=one.text, time=one.time)

    async def hear(self, conversation: str | None, *, text: str = "Well, well, well.") -> None:
        self.rows += 1
        self.time += 60
        given = entry(text, uid=f"r{self.rows}", time=self.time, conversation=conversation)
        assert await self.memory.append(given)

    async def put_away(self, n: int, *, after: int = 0) -> bool:
        """The oldest `n` rows leave the session, after some that are passed over."""
        upto = await self.memory.read(lambda file: file.digests.upto())
        rows = (await self.memory.read(lambda file: file.next_after(upto, n)))[after:]
        return not rows or await self.digesting.put_away(self.session, rows)

    async def rest(self) -> int:
        """Do all that there is to do in the background; how many pieces of work that was."""
        done = 0
        while await self.digesting.step(self.session):
            done += 1
            assert done < 1_000
        return done

    async def forget(self, row: int) -> None:
        await self.memory.write(lambda file: file.digests.forget_rows([row]))
        await self.memory.write(lambda file: file.store.change("DELETE FROM entries WHERE row = ?", row))

    async def digests(self, level: str) -> list[Digest]:
        everything = await self.memory.read(lambda file: file.digests.all(places=True))
        return [one for one in everything if one.level == level]

    async def assert_whole(self) -> None:
        """The leaves of the tree are the rows up to the mark, each once; and each text tells of them."""
        upto = await self.memory.read(lambda file: file.digests.upto())
        rows = await self.memory.read(lambda file: file.next_after(0, 10_000))
        leaves = Counter[int]()
        for one in [*await self.digests("talk"), *await self.digests("past")]:
            found = await self.memory.read(partial(rows_of, number=one.number))
            leaves.update(row.number for row in found)
            if one.level == "talk" and not one.stale:
                assert sorted(one.text.split()) == sorted(row.entry.uid for row in found)
                assert one.rows == len(found)
        assert leaves == Counter(row.number for row in rows if row.number <= upto)
        for level, part in (("day", "talk"), ("month", "day")):
            parts = await self.digests(part)
            for one in await self.digests(level):
                of_it = [each for each in parts if each.parent == one.number]
                ids = [ident for each in of_it for ident in each.text.split()]
                assert Counter(one.text.split()) == Counter(ids)
                assert {each.day[: len(one.day)] for each in of_it} == {one.day}
            assert all(each.parent is None for each in parts if each.stale)

    async def assert_over(self) -> None:
        """All that is over is summed up, up to its month."""
        upto = await self.memory.read(lambda file: file.digests.upto())
        left = await self.memory.read(lambda file: file.next_after(upto, 1))
        times = [self.time, *(row.entry.time for row in left)]
        before = datetime.fromtimestamp(min(times), UTC).date().isoformat()
        assert await self.digests("past") == []
        for talk in await self.digests("talk"):
            assert not talk.stale
            assert (talk.parent is not None) == (talk.day < before)
        for day in await self.digests("day"):
            assert (day.parent is not None) == (day.day[:7] < before[:7])


def life(path: Path, memory: Memory, mind: ScriptedBrain | None = None) -> Life:
    brain = mind or Lister()
    return Life(memory, brain, Session(1, profile_of(path, "alice"), brain, Briefing(), budget=BUDGET))


DOINGS = st.lists(
    st.one_of(
        st.tuples(st.just("hear"), st.sampled_from(["a", "b", "c", None])),
        st.tuples(st.just("wait"), st.sampled_from([0.3, 1.0, 3.0, 40.0, -0.6])),
        st.tuples(st.just("put away"), st.integers(1, 9)),
        st.tuples(st.just("pass over"), st.integers(1, 9)),
        st.tuples(st.just("rest"), st.just(0)),
        st.tuples(st.just("forget"), st.integers(1, 40)),
    ),
    max_size=60,
)


@settings(max_examples=60, deadline=None)
@given(doings=DOINGS)
def test_the_leaves_of_the_tree_are_the_rows_up_to_the_mark_whatever_happens(
    tmp_path_factory: pytest.TempPathFactory, doings: list[tuple[str, object]]
) -> None:
    async def live() -> None:
        with Memory.in_ram() as memory:
            one = life(tmp_path_factory.getbasetemp(), memory)
            for what, how in doings:
                match what, how:
                    case "hear", conversation:
                        await one.hear(cast(str | None, conversation))
                    case "wait", float(days):
                        one.time += days * DAY
                    case "put away", int(n):
                        assert await one.put_away(n)
                    case "pass over", int(n):
                        assert await one.put_away(n, after=n // 2)
                    case "rest", _:
                        await one.rest()
                    case "forget", int(row):
                        await one.forget(row)
                await one.assert_whole()
            await one.rest()
            await one.assert_whole()
            await one.assert_over()

    trio.run(live)


@pytest.fixture
def one(tmp_path: Path) -> Iterator[Life]:
    with Memory.in_ram() as memory:
        yield life(tmp_path, memory)


async def test_a_talk_goes_on_in_its_digest_and_every_day_has_one_of_its_own(one: Life) -> None:
    for _ in range(4):
        await one.hear("a")
    await one.put_away(2)
    await one.put_away(2)
    one.time += DAY
    await one.hear("a")
    await one.put_away(1)
    assert [(talk.day, talk.text) for talk in await one.digests("talk")] == [
        ("2025-11-20", "r1 r2 r3 r4"),
        ("2025-11-21", "r5"),
    ]
    assert [past.summary for past in one.mind.summarized] == ["", "r1 r2", ""]


async def test_a_conversation_that_flies_west_over_midnight_is_told_once(one: Life) -> None:
    one.time = NOON + 11.85 * 3600
    for zone in (0, 0, -9, -9, 0):
        one.zone = timezone(timedelta(hours=zone))
        one.time += 300
        await one.hear("a")
        await one.put_away(1)
        await one.assert_whole()
    assert [talk.text for talk in await one.digests("talk")] == ["r1", "r2 r3 r4 r5"]


async def test_of_a_talk_that_goes_on_all_is_told_that_is_left_of_it(one: Life) -> None:
    for _ in range(3):
        await one.hear("a")
    await one.put_away(3)
    await one.forget(2)
    await one.hear("a")
    await one.put_away(1)
    assert [talk.text for talk in await one.digests("talk")] == ["r1 r3 r4"]
    await one.assert_whole()


async def test_what_was_passed_over_is_taken_up_where_it_costs_nothing(one: Life) -> None:
    for number in range(200):
        await one.hear(f"talk {number // 10}", text="On and on.")
    await one.put_away(200, after=190)
    one.mind.paid = True
    assert await one.rest() == 0
    one.mind.paid = False
    assert await one.rest() == 3
    assert len(await one.digests("talk")) == 20
    assert await one.digests("past") == []
    await one.assert_whole()


async def test_many_short_talks_take_no_more_calls_than_one_long_one(one: Life) -> None:
    for number in range(30):
        await one.hear(f"talk {number % 10}")
    assert await one.put_away(30)
    assert len(one.mind.summarized) == 1
    assert len(await one.digests("talk")) == 10
    await one.assert_whole()


async def test_a_brain_that_cannot_tell_talks_apart_is_asked_about_each(tmp_path: Path) -> None:
    with Memory.in_ram() as memory:
        one = life(tmp_path, memory, ScriptedBrain(on_summarize=listed))
        for number in range(6):
            await one.hear(f"talk {number % 3}")
        assert await one.put_away(6)
        await one.assert_whole()


async def test_a_talk_that_a_brain_has_left_out_is_asked_about_again(tmp_path: Path) -> None:
    def forgetful(past: Past) -> str:
        return f"[1] {listed(past.talks[0])}" if past.talks else listed(past)

    with Memory.in_ram() as memory:
        one = life(tmp_path, memory, ScriptedBrain(on_summarize=forgetful))
        for number in range(6):
            await one.hear(f"talk {number % 3}")
        assert await one.put_away(6)
        await one.assert_whole()
        assert len(one.mind.summarized) == 3


async def test_a_day_of_one_talk_and_a_month_of_one_day_take_no_call(one: Life) -> None:
    await one.hear("a", text="All of a day. " * 20)
    await one.put_away(1)
    one.time += 40 * DAY
    assert await one.rest() == 2
    assert len(one.mind.summarized) == 1
    (day,), (month,) = await one.digests("day"), await one.digests("month")
    assert (day.text, month.text) == ("r1", "r1")


async def test_a_day_of_several_talks_takes_one_call_once_it_is_over(tmp_path: Path) -> None:
    def tell(past: Past) -> str:
        words = "This is what there is to say of it, and rather more than that."
        return marked([words] * len(past.talks)) if past.talks else words

    with Memory.in_ram() as memory:
        one = life(tmp_path, memory, ScriptedBrain(on_summarize=tell))
        for number in range(6):
            await one.hear(f"talk {number % 3}")
        await one.put_away(5)
        assert await one.rest() == 0  # it is not over
        one.time += DAY
        assert await one.rest() == 0  # and a part of it is in the session still
        await one.put_away(1)
        calls = len(one.mind.summarized)
        assert await one.rest() == 1
        assert len(one.mind.summarized) == calls + 1
        assert one.mind.summarized[-1].summary.count("rather more") == 3
        assert await one.rest() == 0


async def test_what_is_forgotten_while_it_is_summed_up_gets_into_no_digest(tmp_path: Path) -> None:
    with Memory.in_ram() as memory:
        mind = Lister()
        one = life(tmp_path, memory, mind)
        for _ in range(4):
            await one.hear("a")

        def forget() -> None:
            file = memory._writer
            file.digests.forget_rows([2])
            file.store.change("DELETE FROM entries WHERE row = 2")
            mind.meanwhile = bool

        mind.meanwhile = forget
        assert not await one.put_away(3)
        await one.assert_whole()
        assert await one.digests("talk") == []
        assert await one.put_away(3)
        assert [talk.text for talk in await one.digests("talk")] == ["r1 r3 r4"]
        mind.meanwhile = forget
        one.time += DAY
        await one.rest()
        await one.assert_whole()


async def test_a_brain_that_fails_or_is_cancelled_leaves_all_as_it_was(tmp_path: Path) -> None:
    def fail(past: Past) -> str:
        raise BrainError("the model is overloaded", "overload")

    with Memory.in_ram() as memory:
        one = life(tmp_path, memory, ScriptedBrain(on_summarize=fail))
        await one.hear("a")
        with pytest.raises(BrainError, match="overloaded"):
            await one.put_away(1)
        with trio.CancelScope() as scope:
            scope.cancel()
            await one.put_away(1)
        assert scope.cancelled_caught
        assert await memory.read(lambda file: (file.digests.upto(), file.digests.version())) == (0, 0)


TALKS = st.lists(st.lists(st.integers(0, 9_000), max_size=30), min_size=1, max_size=60)


@settings(max_examples=40, deadline=None)
@given(TALKS, st.sampled_from([1_000, 6_000, 100_000]), st.sampled_from("xあ"))
def test_no_piece_is_too_long_and_all_is_summed_up_once(
    talks: list[list[int]], budget: int, char: str
) -> None:
    lines = [
        [Line(f"{n}.{at}", "user_mika", "Mika", char * size, 0.0) for at, size in enumerate(sizes)]
        for n, sizes in enumerate(talks)
    ]
    mind = Lister()
    summing = Summing(mind, Persona("companion_alice", "Alice"), datetime.now(UTC), budget)
    texts = trio.run(summing.of_each, [Said("", each) for each in lines])
    seen = Counter(line.id for past in mind.summarized for line in past.lines)
    assert seen == Counter(line.id for each in lines for line in each)
    for text, each in zip(texts, lines, strict=True):
        kept = text.rstrip("…").split()
        assert [line.id for line in each][: len(kept) - 1] == kept[:-1]
    most = budget / 3
    for past in mind.summarized:
        cost = sum(line_tokens(line.text) for line in past.lines)
        assert (
            cost + sum(tokens(talk.summary) for talk in past.talks[1:]) <= most or len(past.lines) == 1
        )
    total = sum(line_tokens(line.text) for each in lines for line in each)
    if len(talks) <= 40:  # about as many as if it were one talk
        assert len(mind.summarized) <= 2 * total / most + 1


def test_of_many_notes_never_more_are_told_at_once_than_fit() -> None:
    def fussy(past: Past) -> str:
        if tokens(past.summary) > 250:
            raise BrainError("the prompt is too long", "too-long")
        told.append(past.summary)
        return "In short."

    told: list[str] = []
    mind = ScriptedBrain(on_summarize=fussy)
    summing = Summing(mind, Persona("companion_alice", "Alice"), datetime.now(UTC), 1_000)
    notes = [f"note {number} {'x' * 400}" for number in range(40)]
    assert trio.run(summing.of_notes, notes) == "In short."
    assert all(any(f"note {number} " in text for text in told) for number in range(40))
    assert trio.run(summing.of_notes, ["Short.", "And sweet."]) == "Short.\nAnd sweet."


async def test_a_session_is_without_what_was_forgotten_and_later_tells_of_the_rest(
    tmp_path: Path,
) -> None:
    mind = Lister()
    async with gathering(tmp_path, {"alice": mind}, budget=1_000) as room:
        for number in range(3):
            said = await room.say(f"This is number {number}.", "companion_alice", conversation="talk")
            await room.until(lambda m=said: any(e.reply_to == m.id for e in room.messages()))
        sessions, memory = room.companions["alice"].sessions, room.memories["alice"]
        session = await sessions.renew(Change("asked"))
        (first, *others) = await memory.read(lambda file: file.next_after(0, 10))
        assert first.entry.uid in session.briefing.summary

        def forget(file: MemoryFile) -> None:
            file.digests.forget_rows([first.number])
            file.store.change("DELETE FROM entries WHERE row = ?", first.number)

        await memory.write(forget)
        calls = len(mind.summarized)
        session = await sessions.renew(Change("forgotten"))
        assert session.briefing.summary == ""
        assert len(mind.summarized) == calls  # it needs nobody that may be out of reach
        assert session.since > first.number
        assert await Digesting(room.worlds["alice"]).step(session)
        session = await sessions.renew(Change("profile"))
        assert first.entry.uid not in session.briefing.summary
        assert others[0].entry.uid in session.briefing.summary
