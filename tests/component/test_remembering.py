"""What companions on the in-memory mesh learn in the background, with real memories."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

from aikyo.brain import Brain, BrainError, Finding, Line, Moment, Study, Toolbox
from aikyo.companion import Limits
from aikyo.companion.remembering import IDLE
from aikyo.companion.session.budget import line_tokens
from aikyo.memory import Entry, Fact, MemoryFile, MemoryFileError, NewFact
from aikyo.wire import Message
from tests.support import gathering as support
from tests.support.embedders import Listing, vectors
from tests.support.gathering import Gathering, ScriptedBrain
from tests.support.memories import entry

TALK = "talk"
TOFU = "Mika has a cat called Tofu."


def of_mika(text: str) -> str:
    """What Mika says of herself, as others say it."""
    for hers, theirs in (("I have", "Mika has"), ("I", "Mika"), ("My", "Mika's")):
        text = re.sub(rf"^{hers}\b", theirs, text)
    return text


def whatever_mika_said(study: Study) -> Sequence[Finding]:
    """Each of Mika's lines is a fact."""
    return [
        Finding(text=of_mika(line.text), about=line.sender, importance=4, sources=(line.id,))
        for line in study.lines
        if line.sender == "user_mika" and not line.echo
    ]


def mika_loves_animals(study: Study) -> Sequence[Finding]:
    sources = tuple(each.id for each in study.known)
    return [Finding(text="Mika loves animals.", about="user_mika", level="reflection", sources=sources)]


@dataclass
class Learner(ScriptedBrain):
    """Learns what it is told to, and remembers what from."""

    on_learn: Callable[[Study], Sequence[Finding] | None] = whatever_mika_said
    on_reflect: Callable[[Study], Sequence[Finding] | None] = lambda study: ()
    before: Callable[[], object] = trio.lowlevel.checkpoint
    studied: list[Study] = field(default_factory=list)
    reflected: list[Study] = field(default_factory=list)
    costs: bool = False

    def __post_init__(self) -> None:
        self.paid = self.costs

    async def learn(self, study: Study) -> Sequence[Finding] | None:
        self.studied.append(study)
        await self.before()  # type: ignore[misc]  # they are async
        return self.on_learn(study)

    async def reflect(self, study: Study) -> Sequence[Finding] | None:
        self.reflected.append(study)
        await trio.lowlevel.checkpoint()
        return self.on_reflect(study)


def gathering(
    tmp_path: Path, brains: Mapping[str, Brain], **fields: Any
) -> AbstractAsyncContextManager[Gathering]:
    """Companions that begin no talks of their own, so that hours can pass, and that at once."""
    return support.gathering(tmp_path, brains, limits=Limits(beginnings=0), threads=False, **fields)


async def chat(room: Gathering, *texts: str) -> None:
    """Mika says this to Alice, and she answers each."""
    for text in texts:
        said = await room.say(text, "companion_alice", conversation=TALK)
        await room.until(partial(_is_answered, room, said))


def _is_answered(room: Gathering, said: Message) -> bool:
    return any(each.reply_to == said.id for each in room.messages())


async def facts(room: Gathering, name: str = "alice") -> tuple[Fact, ...]:
    return await room.memories[name].read(lambda file: file.facts.all())


async def pending(room: Gathering, name: str = "alice") -> int:
    return await room.memories[name].read(lambda file: file.facts.pending())


async def learned(room: Gathering) -> None:
    """Wait until nothing is left to learn from."""
    with trio.fail_after(600):
        while await pending(room):
            await trio.sleep(20)


def lines(studies: Sequence[Study]) -> list[Line]:
    return [line for study in studies for line in study.lines]


async def test_what_was_said_is_learned_when_nobody_has_spoken_for_a_while(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    mind = Learner()
    async with gathering(tmp_path, {"alice": mind}) as room:
        await chat(room, "I have a cat called Tofu.", "I feared thunder.")
        assert not mind.studied
        await learned(room)
        (study,) = mind.studied
        assert [fact.text for fact in await facts(room)] == [TOFU, "Mika feared thunder."]
        told = [(line.sender, line.kind) for line in study.lines]
        assert told == [("user_mika", "heard"), ("companion_alice", "said")] * 2
        assert [someone.id for someone in study.people] == ["user_mika"]
        (event,) = [event for event in room.events if event.type == "memory"]
        assert (event.companion, event.reason) == ("companion_alice", "learned f1, f2")
        assert event.routine
        assert "Tofu" not in str(room.events)  # what was learned is in the memory alone
        await trio.sleep(60)
        assert len(mind.studied) == 1


async def test_what_was_learned_gets_its_vector_from_a_slow_embedder_afterwards(
    tmp_path: Path, autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedder = Listing().as_embedder()
    monkeypatch.setattr("aikyo.memory.file.choose_embedder", lambda _: embedder)
    async with gathering(tmp_path, {"alice": Learner()}) as room:
        for number, text in enumerate(("I have a cat called Tofu.", "I feared thunder."), 1):
            await chat(room, text)
            await learned(room)
            await trio.sleep(20)
            made = await room.memories["alice"].read(vectors)
            assert [name for _, name in made] == ["listing"] * number
            await trio.sleep(200)  # and it has looked for other work since


async def test_after_enough_turns_it_is_learned_though_nobody_pauses(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    mind = Learner()
    async with gathering(tmp_path, {"alice": mind}, learn_after=6) as room:
        began, number = trio.current_time(), 0
        while not await facts(room):
            assert trio.current_time() - began < IDLE, "it has waited for silence"
            await chat(room, f"My number {number} is a lighthouse.")
            number += 1
            await trio.sleep(0.5)
        assert len(lines(mind.studied[:1])) >= 6


@pytest.mark.parametrize("why", ["it was heard before", "it cannot be written"])
async def test_what_is_no_new_row_is_not_looked_for_without_end(
    tmp_path: Path, autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    async with gathering(tmp_path, {"alice": Learner()}) as room:
        await chat(room, "I have a cat called Tofu.")
        await learned(room)
        said = next(one for one in room.messages() if one.sender != "companion_alice")
    async with gathering(tmp_path, {"alice": Learner()}) as room:
        await trio.sleep(60)
        memory, looks = room.memories["alice"], 0

        async def read(look: Callable[[MemoryFile], object], really: Any = memory.read) -> object:
            nonlocal looks
            looks += 1
            if looks > 200:
                await trio.sleep_forever()
            return await really(look)

        async def append(one: Entry) -> bool:
            raise MemoryFileError("the disk is full", "the disk is full")

        monkeypatch.setattr(memory, "read", read)
        if why == "it cannot be written":
            monkeypatch.setattr(memory, "append", append)
            said = await room.say("I feared thunder.", "companion_alice")
        else:
            await room.person.publish(said)
        await trio.sleep(300)
        assert looks <= 200


async def test_what_is_said_while_it_looks_for_work_is_learned_soon(
    tmp_path: Path, autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with gathering(tmp_path, {"alice": Learner(costs=True)}) as room:
        memory, looks = room.memories["alice"], 0

        async def read(look: Callable[[MemoryFile], object], really: Any = memory.read) -> object:
            nonlocal looks
            found = await really(look)
            if found == 0:  # nothing is left to learn from
                looks += 1
                if looks == 2:  # nor to sum up; and just then:
                    await chat(room, "I feared thunder.")
                    await trio.sleep(1)
            return found

        await chat(room, "I have a cat called Tofu.")
        monkeypatch.setattr(memory, "read", read)
        await trio.sleep(600)
        assert looks > 2
        assert len(await facts(room)) == 2


async def test_with_nothing_to_learn_after_nothing_is_ever_learned(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    mind = Learner()
    async with gathering(tmp_path, {"alice": mind}, learn_after=0) as room:
        await chat(room, "I have a cat called Tofu.")
        await trio.sleep(60)
        assert (mind.studied, await facts(room), await pending(room)) == ([], (), 2)


@pytest.mark.parametrize("learn_after", [0, 1000])
async def test_what_was_said_is_known_by_its_sense_whatever_is_learned(
    tmp_path: Path, autojump_clock: trio.testing.MockClock, learn_after: int
) -> None:
    async with gathering(tmp_path, {"alice": Learner(costs=True)}, learn_after=learn_after) as room:
        await trio.sleep(60)
        for text, query in (
            ("I am terribly afraid of thunder.", "scared of storms"),
            ("My sister works as a nurse.", "job in a hospital"),
        ):
            await chat(room, text)
            await trio.sleep(40)
            (hit, *_) = await room.memories["alice"].recall(query)
            assert hit.entry.text == text
            assert hit.ways["vectors"] > 0


async def test_what_a_shutdown_leaves_is_taken_up_at_the_next_start_once(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    begun = trio.Event()

    async def never() -> None:
        begun.set()
        await trio.sleep_forever()

    slow = Learner(before=never)
    async with gathering(tmp_path, {"alice": slow}) as room:
        await chat(room, "I have a cat called Tofu.")
        await begun.wait()  # it is shut down in the middle of learning
    with MemoryFile.read(tmp_path / "alice.db") as file:
        assert (file.facts.pending(), file.facts.count()) == (2, 0)
    quick = Learner()
    async with gathering(tmp_path, {"alice": quick}) as room:
        await learned(room)
        assert [line.id for line in lines(quick.studied)] == [line.id for line in lines(slow.studied)]
        before = await facts(room)
        assert [fact.text for fact in before] == [TOFU]
    idle = Learner()
    async with gathering(tmp_path, {"alice": idle}) as room:
        await trio.sleep(100)
        assert (idle.studied, await facts(room)) == ([], before)


async def test_what_the_model_takes_no_more_of_is_halved_to_one_line_and_that_is_cut(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    takes = 400

    def small(study: Study) -> Sequence[Finding]:
        if sum(line_tokens(line.text) for line in study.lines) > takes:
            raise BrainError("too much at once", "too-long")
        return whatever_mika_said(study)

    with MemoryFile.open(tmp_path / "alice.db") as file:
        for number in range(30):
            file.append(entry(f"My lighthouse number {number} is {'very ' * 30} tall."))
        file.append(entry("I have a cat called Tofu. " + "It sleeps all day long. " * 400))
        file.append(entry("I lived in Osaka."))
    mind = Learner(on_learn=small)
    async with gathering(tmp_path, {"alice": mind}) as room:
        await learned(room)
        taken = [s for s in mind.studied if sum(line_tokens(each.text) for each in s.lines) <= takes]
        told = lines(taken)
        assert len(told) == 32
        assert told[30].text.startswith("I have a cat called Tofu.")
        assert told[30].text.endswith("…")
        assert "Mika lived in Osaka." in [fact.text for fact in await facts(room)]
        refused = len(mind.studied) - len(taken)
        assert refused <= 4  # what it does not take is not tried again with each batch


async def test_what_no_model_takes_is_left_out_and_the_rest_is_learned(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    def small(study: Study) -> Sequence[Finding]:
        if "impossible" in str(study.lines):
            raise BrainError("too much at once", "too-long")
        return whatever_mika_said(study)

    with MemoryFile.open(tmp_path / "alice.db") as file:
        file.append(entry("This is impossible."))
        for number in range(9):
            file.append(entry(f"I have {number} umbrellas in my lighthouse by the sea."))
    async with gathering(tmp_path, {"alice": Learner(on_learn=small)}) as room:
        await learned(room)
        assert len(await facts(room)) >= 6


async def test_what_fails_is_tried_again_later_and_less_and_less_often(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    tries: list[float] = []

    def fails(study: Study) -> Sequence[Finding]:
        tries.append(trio.current_time())
        if len(tries) < 3:
            raise BrainError("the model is out of order", "overload")
        return whatever_mika_said(study)

    async with gathering(tmp_path, {"alice": Learner(on_learn=fails)}) as room:
        await chat(room, "I have a cat called Tofu.")
        await learned(room)
        pauses = [later - earlier for earlier, later in pairwise(tries)]
        assert pauses == pytest.approx([60, 120], abs=3)
        assert len(await facts(room)) == 1
        assert not [event for event in room.events if event.type in {"failed", "restart"}]


async def test_at_a_cap_it_waits_until_that_is_over(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    tries: list[float] = []

    def capped(study: Study) -> Sequence[Finding]:
        tries.append(trio.current_time())
        if len(tries) == 1:
            raise BrainError("the cap is reached", "limit", retry_in=150)
        return whatever_mika_said(study)

    async with gathering(tmp_path, {"alice": Learner(on_learn=capped)}) as room:
        await chat(room, "I have a cat called Tofu.")
        await trio.sleep(100)
        assert len(tries) == 1
        await trio.sleep(100)
        assert tries[1] - tries[0] == pytest.approx(150, abs=3)
        assert len(await facts(room)) == 1


async def test_a_bug_in_learning_ends_no_companion(
    tmp_path: Path, autojump_clock: trio.testing.MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(study: Study) -> Sequence[Finding]:
        raise ZeroDivisionError("a bug")

    async with gathering(tmp_path, {"alice": Learner(on_learn=broken)}) as room:
        await chat(room, "I have a cat called Tofu.")
        await trio.sleep(30)
        assert "ZeroDivisionError" in caplog.text
        await chat(room, "Are you there?")


@pytest.mark.parametrize("costs", [False, True])
async def test_a_person_who_speaks_comes_first_where_the_model_may_answer_one_at_a_time(
    tmp_path: Path, autojump_clock: trio.testing.MockClock, costs: bool
) -> None:
    ended: list[str] = []

    async def slow() -> None:
        try:
            await trio.sleep(30)
        except trio.Cancelled:
            ended.append("dropped")
            raise
        ended.append("done")

    mind = Learner(before=slow, costs=costs)
    async with gathering(tmp_path, {"alice": mind}) as room:
        await chat(room, "I have a cat called Tofu.")
        with trio.fail_after(100):
            while not mind.studied:
                await trio.sleep(1)
        await chat(room, "I feared thunder.")
        assert ended == ([] if costs else ["dropped"])
        await learned(room)
        assert [fact.text for fact in await facts(room)] == [
            TOFU,
            "Mika feared thunder.",
        ]


async def test_nothing_is_learned_while_a_turn_is_composed(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    may_speak = trio.Event()

    async def slowly(moment: Moment, toolbox: Toolbox) -> None:
        await may_speak.wait()
        await toolbox.call("speak", {"message": "Let me think."})

    mind = Learner(on_compose=slowly)
    async with gathering(tmp_path, {"alice": mind}) as room:
        await room.say("I have a cat called Tofu.", "companion_alice")
        await trio.sleep(45)
        assert not mind.studied
        may_speak.set()
        await learned(room)
        assert len(mind.studied) == 1


async def test_of_as_many_facts_as_lines_none_is_lost(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    names = ("Tofu", "Miso", "Biscuit", "Gravy", "Rex", "Momo", "Kinako", "Luna", "Felix", "Ginger")
    told = [f"I have a {kind} called {name}." for kind in ("cat", "dog") for name in names]
    with MemoryFile.open(tmp_path / "alice.db") as file:
        for text in told:
            file.append(entry(text))
    async with gathering(tmp_path, {"alice": Learner()}) as room:
        await learned(room)
        assert len(await facts(room)) == len(told)


async def test_calls_that_cost_money_are_far_apart(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    times: list[float] = []

    def count(study: Study) -> Sequence[Finding]:
        times.append(trio.current_time())
        return ()

    with MemoryFile.open(tmp_path / "alice.db") as file:
        for number in range(40):
            file.append(entry(f"My lighthouse has {number} windows."))
    async with gathering(tmp_path, {"alice": Learner(on_learn=count, costs=True)}) as room:
        await learned(room)
    pauses = [later - earlier for earlier, later in pairwise(times)]
    assert len(pauses) == 1
    assert min(pauses) >= 180


async def test_what_is_forgotten_or_edited_while_it_is_learned_from_does_not_come_back(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    async with gathering(tmp_path, {"alice": Learner()}) as room:
        memory = room.memories["alice"]

        async def forget() -> None:
            def change(file: MemoryFile) -> None:
                file.store.change("UPDATE entries SET text = 'I liked tea.' WHERE text LIKE '%secret%'")

            await memory.write(change)

        mind = room.worlds["alice"].brain
        assert isinstance(mind, Learner)
        mind.before = forget
        await chat(room, "I have a secret garden.")
        await learned(room)
        assert [fact.text for fact in await facts(room)] == ["Mika liked tea."]
        assert len(mind.studied) == 2


async def test_what_is_known_already_is_told_with_from_whom(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    def once_more(study: Study) -> Sequence[Finding]:
        known = [each.id for each in study.known]
        text = "Mika has a cat that is called Tofu."
        sources = tuple(line.id for line in study.lines if line.kind == "heard")
        return [Finding(text=text, about="user_mika", sources=sources, same_as=(known or [""])[0])]

    mind = Learner(on_learn=once_more)
    async with gathering(tmp_path, {"alice": mind}) as room:
        await chat(room, "I have a cat called Tofu.")
        await learned(room)
        await chat(room, "My cat Tofu is asleep.")
        await learned(room)
        (known,) = mind.studied[1].known
        assert (known.id, known.about, known.told_by, known.times) == ("f1", "user_mika", ("mika",), 1)
        (fact,) = await facts(room)
        assert len(fact.sources) == 2


async def test_facts_are_reflected_on_once_there_are_enough(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    mind = Learner(on_reflect=mika_loves_animals)
    async with gathering(tmp_path, {"alice": mind}) as room:
        await chat(room, *(f"I have a pet called Number {n} at home." for n in range(4)))
        await learned(room)
        await trio.sleep(100)
        assert not mind.reflected
        await chat(room, *(f"I feed the birds in garden {n} each day." for n in range(5)))
        await learned(room)
        await trio.sleep(100)
        (study,) = mind.reflected
        assert len(study.known) == 9
        reflections = [fact for fact in await facts(room) if fact.level == "reflection"]
        assert [fact.text for fact in reflections] == ["Mika loves animals."]
        assert len(reflections[0].sources) == 9
        await trio.sleep(100)
        assert len(mind.reflected) == 1


async def test_a_few_facts_are_reflected_on_within_a_day(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    """The wall clock of this gathering stands still against trio's: the facts are from yesterday."""
    with MemoryFile.open(tmp_path / "alice.db") as file:
        heard = entry("I have a cat called Tofu.")
        file.append(heard)
        new = NewFact(text=TOFU, about="user_mika", sources=(heard.uid,))
        file.facts.learn([new], upto=1, now=heard.time)
    mind = Learner(on_reflect=mika_loves_animals)
    async with gathering(tmp_path, {"alice": mind}) as room:
        await trio.sleep(100)
        assert [each.text for each in mind.reflected[0].known] == [TOFU]
        assert [fact.text for fact in await facts(room)][1:] == ["Mika loves animals."]


async def test_what_memory_brought_up_is_an_echo_and_never_evidence_again(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    async def remind(moment: Moment, toolbox: Toolbox) -> None:
        known = (*moment.known, *moment.briefing.known)
        text = re.sub("^Mika has", "You told me that you have", known[0].text) if known else "I see."
        await toolbox.call("speak", {"message": text})

    def everything(study: Study) -> Sequence[Finding]:
        return [
            Finding(text=TOFU, about="user_mika", sources=(line.id,))
            for line in study.lines
            if "Tofu" in line.text
        ]

    mind = Learner(on_compose=remind, on_learn=everything)
    async with gathering(tmp_path, {"alice": mind, "bob": Learner()}) as room:
        await chat(room, "I have a cat called Tofu.")
        await learned(room)
        await chat(room, "What do you know of my pets?")
        await learned(room)
        echo = lines(mind.studied)[-1]
        assert (echo.text, echo.echo) == ("You told me that you have a cat called Tofu.", True)
        (fact,) = await facts(room)
        assert len(fact.sources) == 1
        message = room.messages()[-1]
        assert message.message == echo.text
        (row,) = await room.memories["alice"].read(lambda f: f.find([message.id]))
        assert row.echo


async def test_what_the_recall_tool_found_is_an_echo_too(tmp_path: Path) -> None:
    found: list[str] = []

    async def look_up(moment: Moment, toolbox: Toolbox) -> None:
        found.append(await toolbox.call("recall", {"query": "cat Tofu"}))
        await toolbox.call("speak", {"message": "A cat called Tofu, wasn't it?"})

    with MemoryFile.open(tmp_path / "alice.db") as file:
        heard = entry("I have a cat called Tofu. And\nyou?", time=1_700_000_000.0)
        file.append(heard)
        new = NewFact(text=TOFU, about="user_mika", sources=(heard.uid,))
        file.facts.learn([new], upto=1, now=heard.time)
    async with gathering(tmp_path, {"alice": Learner(on_compose=look_up)}) as room:
        await chat(room, "Hm?")
        (said,) = await room.memories["alice"].read(lambda f: f.find([room.messages()[-1].id]))
        assert said.echo
    day = r"2023-11-1\d, "
    first, second, *_ = found[0].splitlines()
    assert re.fullmatch(day + "you know from mika: Mika has a cat called Tofu.", first)
    assert re.fullmatch(day + r"user_mika said: I have a cat called Tofu. And you\?", second)


async def test_another_companion_that_repeats_us_is_no_witness(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    async def alice(moment: Moment, toolbox: Toolbox) -> None:
        await toolbox.call("speak", {"message": "The lighthouse keeper sells umbrellas."})

    async def bob(moment: Moment, toolbox: Toolbox) -> None:
        await toolbox.call("speak", {"message": "So the lighthouse keeper sells umbrellas."})

    minds = {"alice": Learner(on_compose=alice), "bob": Learner(on_compose=bob)}
    async with gathering(tmp_path, minds) as room:
        await room.say("Tell me something.", "companion_alice", conversation=TALK)
        await room.until(lambda: len(room.messages()) == 2)
        await room.say("Bob?", "companion_bob", "companion_alice", conversation=TALK)
        await room.until(lambda: any(each.sender == "companion_bob" for each in room.messages()))
        await trio.sleep(1)
        by_bob = await room.memories["alice"].read(lambda f: f.heard_from("companion_bob", 1))
        assert [row.echo for row in by_bob] == [True]


async def test_a_turn_knows_what_bears_on_the_message_and_whose_it_is(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    mind = Learner()
    async with gathering(tmp_path, {"alice": mind}) as room:
        await chat(room, "I have a cat called Tofu.", "I lived near the harbour.")
        await learned(room)
        await chat(room, "Do you remember my cat?")
        known = mind.composed[-1].known
        assert [each.text for each in known] == [
            TOFU,
            "Mika lived near the harbour.",
        ]
        assert known[0].told_by == ("mika",)
        with trio.fail_after(20):
            while len(room.notes) < 3:
                await trio.sleep(0.1)
        assert {each.id for each in known} <= set(room.notes[-1].recalled)
    later = Learner()
    async with gathering(tmp_path, {"alice": later}) as room:
        await chat(room, "And what of my cat?")
        moment = later.composed[-1]
        told = [each.id for each in (*moment.briefing.known, *moment.known)]
        assert sorted(told) == ["f1", "f2"]  # one of them in the briefing, and nothing twice
        assert moment.briefing.known


@pytest.mark.parametrize(
    ("texts", "question", "query"),
    [
        ("{}'s cat is called {}.", "What is my cat called?", "my cat"),
        ("{}の猫は{}という名前だ。", "うちの猫の名前は？", "うちの猫"),
    ],
)
async def test_what_people_ask_of_themselves_is_answered_with_what_is_theirs(
    tmp_path: Path, texts: str, question: str, query: str
) -> None:
    looked_up: list[str] = []

    async def look_up(moment: Moment, toolbox: Toolbox) -> None:
        looked_up.append(await toolbox.call("recall", {"query": query}))
        await toolbox.call("speak", {"message": "I know."})

    with MemoryFile.open(tmp_path / "alice.db") as file:
        for number, name in enumerate(["Mika", "Ken", "Sara", "Tom", "Lena", "Goro", "Yuri", "Naoki"]):
            who = f"user_{name.lower()}"
            told = entry(f"My cat is called T{number}.", sender=who, conversation=name)
            file.append(told)
            fact = NewFact(text=texts.format(name, f"T{number}"), about=who, sources=(told.uid,))
            file.facts.learn([fact], upto=number, now=told.time)
    mind = Learner(on_compose=look_up)
    async with gathering(tmp_path, {"alice": mind}, learn_after=0) as room:
        await chat(room, question)
        moment = mind.composed[-1]
    mine = texts.format("Mika", "T0")
    assert moment.known[0].text == mine
    if question.isascii():
        assert moment.recalled[0].text == "My cat is called T0."
    assert looked_up[0].splitlines()[0].endswith(f"you know from mika: {mine}")


async def test_steps_and_echoes_are_not_brought_up_in_place_of_words(tmp_path: Path) -> None:
    with MemoryFile.open(tmp_path / "alice.db") as file:
        file.append(entry("I have a cat called Tofu."))
        for number in range(3):
            mine = {"sender": "companion_alice", "time": 1_700_000_100.0 + number}
            file.append(entry(f"look cat Tofu {number}", kind="did", **mine))
            file.append(entry(f"Your cat is called Tofu. {number}", kind="said", echo=True, **mine))
    mind = Learner()
    async with gathering(tmp_path, {"alice": mind}, learn_after=0) as room:
        await chat(room, "What is my cat Tofu up to?")
        moment = mind.composed[-1]
        told = [line.text for line in (*moment.briefing.memories, *moment.recalled)]
        assert "I have a cat called Tofu." in told
        assert all("cat" not in line.text for line in moment.recalled[1:])


async def test_what_was_forgotten_is_told_no_more(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    mind = Learner()
    async with gathering(tmp_path, {"alice": mind}) as room:
        await chat(room, "I have a cat called Tofu.")
        await learned(room)
    mind = Learner()
    async with gathering(tmp_path, {"alice": mind}) as room:
        assert "Tofu" in str(room.companions["alice"].sessions.current.briefing)
        (fact,) = await facts(room)
        rows = await room.memories["alice"].read(lambda f: f.find(fact.sources))

        def forget(file: MemoryFile) -> None:
            file.facts.forget([fact.uid])
            file.store.change("DELETE FROM entries WHERE uid = ?", rows[0].uid)

        await room.memories["alice"].write(forget)
        await room.companions["alice"].forget([rows[0].uid])
        await chat(room, "What do you know of me?")
        moment = mind.composed[-1]
        assert "Tofu" not in str(moment.briefing)
        assert not moment.known


async def test_a_correction_reaches_the_session_that_goes_on(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    async with gathering(tmp_path, {"alice": Learner()}) as room:
        await chat(room, "I have a cat called Tofu.")
        await learned(room)
    mind = Learner()
    async with gathering(tmp_path, {"alice": mind}) as room:
        session = room.companions["alice"].sessions.current
        assert TOFU in str(session.briefing)

        def correct(study: Study) -> Sequence[Finding]:
            return [
                Finding(
                    text="Mika has a cat called Miso.",
                    about=one.sender,
                    sources=(one.id,),
                    replaces="f1",
                )
                for one in study.lines
                if one.sender == "user_mika" and not one.echo
            ]

        mind.on_learn = correct
        await chat(room, "My cat is called Miso, not Tofu.")
        await learned(room)
        assert (await facts(room))[0].ended
        await chat(room, "What is my cat called?")
        assert room.companions["alice"].sessions.current is session
        moment = mind.composed[-1]
        assert TOFU not in str((moment.briefing, moment.known))
        assert "Miso" in str(moment.known)
