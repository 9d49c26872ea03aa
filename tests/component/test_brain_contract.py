"""What every brain keeps to, whatever it thinks with."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path
from random import Random
from typing import Any

import pytest
import trio

from aikyo.brain import Brain, BrainError, Finding, Known, Moment, Past, Study, ToolError
from aikyo.brain.calling import Caller
from aikyo.brain.guard import GuardedBrain
from aikyo.brain.offline import OfflineBrain
from aikyo.brain.recording import VERSION, Header, Recorder, RecordingBrain, read_recording
from aikyo.brain.thrift import ThriftyBrain
from tests.support.gathering import ScriptedBrain
from tests.support.minds import ALICE, MIKA, NOW, Hands, line, moment
from tests.support.providers import Provider

PARAMS = {
    "type": "object",
    "properties": {"first_meeting": {"type": "boolean"}, "mood": {"type": "string"}},
    "required": ["first_meeting", "mood"],
}
ASKED = moment("Alice, what is in the tide pool?", addressed=True)
WEIGHED = moment("It has begun to snow.", params=PARAMS)
STUDY = Study(
    NOW,
    ALICE,
    (MIKA,),
    (
        line("Hello!", id="l-1"),
        line("My cat is called Tofu.", id="l-2"),
        line("Hm.", id="l-3", echo=True),
    ),
    (Known("f1", "Mika lives in Kobe.", about=MIKA.id),),
)
THOUGHTS = Study(
    NOW,
    ALICE,
    (MIKA,),
    known=tuple(
        Known(f"f{number}", f"Mika has a {animal}.", about=MIKA.id, kind="possession", importance=5)
        for number, animal in enumerate(("cat", "dog", "parrot", "tortoise"), 1)
    ),
)
PAST = Past(NOW, ALICE, "Mika came by boat.", (line("I lost my hat in the harbour."), line("Poor hat!")))

Opened = Callable[[Path], AbstractAsyncContextManager[Brain]]


def _scripted(api: Any, asked: Any) -> Any:
    """A model that goes along with whatever is asked."""
    if asked.schema is not None and "findings" in asked.schema["properties"]:
        reflects = "level" in asked.schema["properties"]["findings"]["items"]["properties"]
        text = "Mika loves animals." if reflects else "Mika has a cat called Tofu."
        sources = ["f1", "f2"] if reflects else [2]
        found = {"text": text, "about": "Mika", "kind": "other", "importance": 5, "sources": sources}
        return api.text(json.dumps({"findings": [found]}))
    if asked.schema is not None:
        wanted = asked.schema.get("properties", {}).get("params", {}).get("properties", {})
        params = {"params": {"first_meeting": True, "mood": "calm"}} if wanted else {}
        return api.state(True, 6, circles=False, **params)
    return api.speaks("A crab with a hat.") if asked.body.get("tools") else api.text("Mika lost a hat.")


def _model(name: str) -> Opened:
    provider = Provider(name)

    @asynccontextmanager
    async def opened(_folder: Path) -> AsyncIterator[Brain]:
        async with provider.thinking(lambda asked: _scripted(provider.api, asked)) as (brain, _):
            yield brain

    return opened


@asynccontextmanager
async def _offline(_folder: Path) -> AsyncIterator[Brain]:
    yield OfflineBrain(Random(1))


@asynccontextmanager
async def _thrifty(_folder: Path) -> AsyncIterator[Brain]:
    yield ThriftyBrain(OfflineBrain(Random(1)), local=OfflineBrain(Random(2)), purse=None)


@asynccontextmanager
async def _own(_folder: Path) -> AsyncIterator[Brain]:
    yield GuardedBrain(_Clerk(), name="clerk", caller=Caller())


@asynccontextmanager
async def _recorded(folder: Path) -> AsyncIterator[Brain]:
    with Recorder(folder / "recording", Header(recording=VERSION)) as recorder:
        yield RecordingBrain(OfflineBrain(Random(1)), ALICE.id, recorder, clock=time.time)


@asynccontextmanager
async def _replayed(folder: Path) -> AsyncIterator[Brain]:
    async with _recorded(folder) as first:
        for each in (ASKED, WEIGHED):
            await first.assess(each)
        await first.compose(ASKED, Hands())
        await first.summarize(PAST)
        await first.learn(STUDY)
        await first.reflect(THOUGHTS)
    yield read_recording(folder / "recording").brain(ALICE.id, pace=0)


class _Clerk(ScriptedBrain):
    """A brain of somebody's own, with as little as a brain needs."""

    async def compose(self, moment: Moment, toolbox: Any) -> None:
        await toolbox.call("speak", {"message": "Noted."})


BRAINS: Mapping[str, Opened] = {
    "anthropic": _model("anthropic"),
    "openai": _model("openai"),
    "offline": _offline,
    "thrifty": _thrifty,
    "own": _own,
    "recorded": _recorded,
    "replayed": _replayed,
}
every_brain = pytest.mark.parametrize("opened", BRAINS.values(), ids=BRAINS.keys())


@every_brain
async def test_it_says_what_it_is_and_costs(opened: Opened, tmp_path: Path) -> None:
    async with opened(tmp_path) as brain:
        assert brain.label
        assert (brain.usage.calls, brain.usage.tokens) == (0, 0)


@every_brain
async def test_a_person_who_turns_to_it_gets_an_answer(opened: Opened, tmp_path: Path) -> None:
    async with opened(tmp_path) as brain:
        answer = await brain.assess(ASKED)
        assert answer.speak
        assert 0 < answer.importance <= 10


@every_brain
async def test_it_fills_in_what_the_profile_requires(opened: Opened, tmp_path: Path) -> None:
    async with opened(tmp_path) as brain:
        answer = await brain.assess(WEIGHED)
        assert 0 <= answer.importance <= 10
        if not isinstance(brain, GuardedBrain):  # what one's own fills in is its own affair
            assert isinstance(answer.params["first_meeting"], bool)
            assert isinstance(answer.params["mood"], str)


@every_brain
async def test_it_speaks_once_and_what_it_showed_before_begins_it(
    opened: Opened, tmp_path: Path
) -> None:
    async with opened(tmp_path) as brain:
        hands = Hands()
        await brain.compose(ASKED, hands)
        [said] = [params["message"] for name, params in hands.done if name == "speak"]
        assert said.strip()
        assert all(said.startswith(draft) for draft in hands.drafts)


@every_brain
async def test_cancelled_it_says_nothing_more(opened: Opened, tmp_path: Path) -> None:
    async with opened(tmp_path) as brain:
        hands = Hands(before=trio.lowlevel.checkpoint)  # as real ones, which say nothing then
        with trio.CancelScope() as scope:
            scope.cancel()
            await brain.compose(ASKED, hands)
        assert not hands.done


@every_brain
async def test_a_word_that_comes_too_late_is_no_crash(opened: Opened, tmp_path: Path) -> None:
    async def late() -> None:
        raise ToolError("the conversation has moved on; this was not said")

    async with opened(tmp_path) as brain:
        hands = Hands(before=late)
        with suppress(BrainError, ToolError):  # who hands out tools takes the last for a slip
            await brain.compose(ASKED, hands)
        assert not hands.done


@every_brain
async def test_it_sums_up_in_a_few_words(opened: Opened, tmp_path: Path) -> None:
    async with opened(tmp_path) as brain:
        summary = await brain.summarize(PAST)
        assert summary.strip()
        assert len(summary) <= 4_000


def _is_sound(found: Finding, sources: Collection[str]) -> bool:
    return (
        0 < len(found.text) <= 300
        and found.about in {"", MIKA.id, ALICE.id}
        and 0 <= found.importance <= 10
        and bool(found.sources)
        and set(found.sources) <= set(sources)
    )


@every_brain
async def test_what_it_learns_stands_on_what_was_told(opened: Opened, tmp_path: Path) -> None:
    async with opened(tmp_path) as brain:
        found = await brain.learn(STUDY)
        assert found is None or all(_is_sound(each, ("l-1", "l-2")) for each in found)
        assert found is None or all(each.level == "fact" for each in found)
        if not isinstance(brain, GuardedBrain):  # one that does not learn leaves it to rules
            assert found is not None
            assert any("Tofu" in each.text for each in found)


@every_brain
async def test_what_it_reflects_stands_on_what_is_known(opened: Opened, tmp_path: Path) -> None:
    async with opened(tmp_path) as brain:
        found = await brain.reflect(THOUGHTS)
        assert found is None or all(_is_sound(each, ("f1", "f2", "f3", "f4")) for each in found)
        assert found is None or all(each.level in {"reflection", "self"} for each in found)
        assert (found is None) == isinstance(brain, GuardedBrain)


@every_brain
async def test_of_nothing_it_learns_nothing(opened: Opened, tmp_path: Path) -> None:
    async with opened(tmp_path) as brain:
        for study in (Study(NOW, ALICE), Study(NOW, ALICE, lines=STUDY.lines[2:])):
            assert not await brain.learn(study)
            assert not await brain.reflect(study)


@every_brain
async def test_vectors_are_of_one_length_or_there_are_none(opened: Opened, tmp_path: Path) -> None:
    async with opened(tmp_path) as brain:
        vectors = await brain.embed(["a hat", "the harbour"])
        assert vectors is None or len({len(vector) for vector in vectors}) == 1


@every_brain
async def test_it_wakes_and_can_be_closed_twice(opened: Opened, tmp_path: Path) -> None:
    async with opened(tmp_path) as brain:
        await brain.wake()
        await brain.aclose()
        await brain.aclose()
