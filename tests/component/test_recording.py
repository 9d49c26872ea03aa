"""What brains are asked and answer is kept, and played back: the same talk, without a model."""

from __future__ import annotations

import json
import os
import stat
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import msgspec.structs
import pytest
import trio
import trio.testing

from aikyo.brain import (
    Assessment,
    Brain,
    BrainError,
    Finding,
    Instruction,
    Known,
    Moment,
    Past,
    Study,
    Toolbox,
    ToolError,
    Usage,
)
from aikyo.brain.anthropic.brain import AnthropicBrain
from aikyo.brain.offline import OfflineBrain
from aikyo.brain.prompts import Prompts
from aikyo.brain.recording.format import VERSION, Asked, Header
from aikyo.brain.recording.recorder import Recorder, RecordingBrain
from aikyo.brain.recording.replay import read_recording
from aikyo.errors import UsageError
from aikyo.memory.care.recordings import blanker
from aikyo.swarm.brains import Brains
from tests.support.gathering import ScriptedBrain, profile_of
from tests.support.messages_api import companion, messages_api
from tests.support.minds import ALICE, BOB, NOW, Hands, line, moment
from tests.support.swarms import QUIET, swarm_of

HEADER = Header(recording=VERSION, cast=("alice",), seed=7)
TALKATIVE = msgspec.structs.replace(QUIET, topic="tide pools", beginnings=0, turns_per_talk=2)
NAMES = ("alice", "bob", "carol")
AT = 1000.0


def recording_of(brain: Brain, recorder: Recorder, name: str = "alice") -> RecordingBrain:
    return RecordingBrain(brain, f"companion_{name}", recorder, clock=lambda: AT)


def calls_in(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()[1:]]


async def talk(home: Path, brains: Mapping[str, Brain]) -> list[tuple[str, str]]:
    """What is said until the talk rests."""
    home.mkdir()
    async with swarm_of(home, brains, settings=TALKATIVE) as watched:
        await watched.until(lambda: watched.told("talk-resting") + watched.told("talk-ended"))
        return [(message.sender, message.message) for message in watched.messages]


# A swarm played back ----------------------------------------------------------------------------


async def test_a_talk_of_the_offline_brain_is_played_back_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "talk.jsonl"
    with Recorder(file, HEADER) as recorder:
        brains = {name: recording_of(OfflineBrain(Random(name)), recorder, name) for name in NAMES}
        said = await talk(tmp_path / "then", brains)
    assert len(said) > 3
    assert len({who for who, _ in said}) > 1
    played = read_recording(file)
    again = {name: played.brain(f"companion_{name}", pace=0) for name in NAMES}
    assert await talk(tmp_path / "now", again) == said


async def test_a_talk_of_a_model_is_played_back_without_it(tmp_path: Path) -> None:
    file, key = tmp_path / "talk.jsonl", "sk-ant-nobody-may-know"
    async with messages_api(companion("Words of a model.")) as api:
        with Recorder(file, HEADER, keys=[key]) as recorder:
            brains = {
                name: recording_of(AnthropicBrain(api_key=key, base_url=api.url), recorder, name)
                for name in NAMES
            }
            for brain in brains.values():
                brain.paid = True  # so that none is woken at the start, which is not recorded
            said = await talk(tmp_path / "then", brains)
            cost = [brain.usage for brain in brains.values()]
        asked = len(api.asked)
        played = read_recording(file)
        again = {name: played.brain(f"companion_{name}", pace=0) for name in NAMES}
        assert await talk(tmp_path / "now", again) == said
        assert len(api.asked) == asked
    assert ("companion_alice", "Words of a model.") in said
    assert key not in file.read_text()
    kept = [call["usage"] for call in calls_in(file) if "usage" in call]
    assert sum(each["calls"] for each in kept) == asked
    assert sum(sum(each.values()) for each in kept) - asked == sum(each.tokens for each in cost)
    assert not any(brain.paid for brain in again.values())


async def test_prompts_of_the_home_are_what_a_model_is_told(tmp_path: Path) -> None:
    (tmp_path / "assess.en.md").write_text("{name}, speak up?")
    async with messages_api(companion("Words of a model.")) as api:
        environ = {"ANTHROPIC_API_KEY": "sk-ant-none", "ANTHROPIC_BASE_URL": api.url}
        brains = Brains(QUIET, (), environ=environ, seeded=Random, prompts=Prompts(tmp_path))
        brain = brains.open(profile_of(tmp_path, "alice"))
        await brain.assess(moment())
        await brain.compose(moment(), Hands())
        await brain.aclose()
        assess, compose = api.asked
    assert assess.prompt.endswith("\n\nAlice, speak up?")
    assert "speak up?" not in compose.prompt


# What is kept ------------------------------------------------------------------------------------


async def test_all_of_a_call_is_kept(tmp_path: Path, autojump_clock: trio.testing.MockClock) -> None:
    async def think(_: object, toolbox: Hands) -> None:
        await trio.sleep(2)
        await toolbox.call("recall", {"query": "crab"})
        with pytest.raises(ToolError):
            await toolbox.call("dance", {})
        await trio.sleep(1)
        await toolbox.call("speak", {"message": "A crab!"})
        brain.usage += Usage(calls=1, input=10)
        raise BrainError("cut off after that")

    async def slow() -> None:
        await trio.sleep(0.25)

    brain = ScriptedBrain(lambda _: Assessment(True, 7.5, {"mood": "sad"}, True), think)  # type: ignore[arg-type]
    schema = {"type": "object", "properties": {"mood": {"type": "string"}}}
    now = moment(
        params=schema, recalled=(line("old", id="m-0"),), instructions=(Instruction("speak", "?"),)
    )
    file = tmp_path / "talk.jsonl"
    with Recorder(file, HEADER) as recorder:
        kept = recording_of(brain, recorder)
        assert await kept.assess(now) == Assessment(True, 7.5, {"mood": "sad"}, True)
        with pytest.raises(BrainError, match="cut off after that"):
            await kept.compose(now, Hands(before=slow))
        assert kept.usage == Usage(calls=1, input=10)
    assert json.loads(file.read_text().splitlines()[0])["seed"] == 7
    assess, compose = calls_in(file)
    asked = {
        "message": "m-1",
        "sender": "user_mika",
        "text": "What is in the tide pool?",
        "present": ["user_mika", "companion_bob"],
        "recent": ["m-1"],
        "recalled": ["m-0"],
        "instructions": [["speak", "?"]],
        "params": ["mood"],
    }
    assert assess == {
        "companion": "companion_alice",
        "task": "assess",
        "brain": "scripted",
        "time": AT,
        "asked": asked,
        "seconds": 0.0,
        "answer": {"speak": True, "importance": 7.5, "params": {"mood": "sad"}, "circles": True},
    }
    recall = {"tool": "recall", "kind": "knowledge", "params": {"query": "crab"}, "thought": 2.0}
    speak = {"tool": "speak", "kind": "action", "params": {"message": "A crab!"}, "thought": 1.0}
    assert compose == {
        **{key: assess[key] for key in ("companion", "brain", "time", "asked")},
        "task": "compose",
        "seconds": 3.5,
        "error": "cut off after that",
        "usage": {"calls": 1, "input": 10, "cached": 0, "output": 0, "stored": 0},
        "tools": [
            {**recall, "seconds": 0.25, "result": "a crab, on Tuesday"},
            {"tool": "dance", "thought": 0.0, "seconds": 0.0, "error": "there is no tool 'dance'"},
            {**speak, "seconds": 0.25, "result": "done"},
        ],
    }


async def test_what_went_wrong_goes_wrong_in_the_same_way_again(tmp_path: Path) -> None:
    def too_long(moment: Moment, toolbox: Toolbox) -> None:
        raise BrainError("the prompt is too long", "too-long", retry_in=2.5)

    file = tmp_path / "talk.jsonl"
    with Recorder(file, HEADER) as recorder, pytest.raises(BrainError):
        await recording_of(ScriptedBrain(on_compose=too_long), recorder).compose(moment(), Hands())
    with pytest.raises(BrainError, match="the prompt is too long") as caught:
        await read_recording(file).brain("companion_alice").compose(moment(), Hands())
    assert (caught.value.kind, caught.value.retry_in) == ("too-long", 2.5)


async def test_notes_are_kept_and_all_else_that_a_brain_can_do_goes_through(tmp_path: Path) -> None:
    class Able(ScriptedBrain):
        awake = False

        async def summarize(self, past: Past) -> str:
            self.usage += Usage(calls=1, input=10, stored=4)
            return f"{len(past.lines)} lines"

        async def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
            self.usage += Usage(calls=1, input=2)
            return [[float(len(text))] for text in texts]

        async def wake(self) -> None:
            self.usage += Usage(calls=1, input=1)
            self.awake = True

        async def compose(self, moment: Moment, toolbox: Toolbox) -> None:
            toolbox.saying("A cr")
            await toolbox.call("speak", {"message": "A crab!"})

    file, brain, hands = tmp_path / "talk.jsonl", Able(), Hands()
    past = Past(NOW, ALICE, "", (line("one", id="m-1"), line("two", BOB, id="m-2")))
    with Recorder(file, HEADER) as recorder:
        kept = recording_of(brain, recorder)
        await kept.wake()
        assert await kept.embed(["ab", "c"]) == [[2.0], [1.0]]
        assert await kept.summarize(past) == "2 lines"
        await kept.compose(moment(), hands)
        assert kept.usage == brain.usage == Usage(calls=3, input=13, stored=4)
    assert brain.awake
    assert hands.drafts == ["A cr"]
    summarize, compose = calls_in(file)
    assert summarize["task"] == "summarize"
    assert summarize["summary"] == "2 lines"
    assert {"message": "m-2", "text": "two", "recent": ["m-1", "m-2"]}.items() <= summarize[
        "asked"
    ].items()
    # With what waking and embedding cost, that the sum be right
    assert summarize["usage"] == {"calls": 3, "input": 13, "cached": 0, "output": 0, "stored": 4}
    assert "usage" not in compose
    assert await read_recording(file).brain("companion_alice").summarize(past) == "2 lines"


async def test_what_was_learned_is_kept(tmp_path: Path) -> None:
    found = Finding(text="Bob has lost a hat.", about=BOB.id, kind="possession", sources=("m-2",))

    class Able(ScriptedBrain):
        async def learn(self, study: Study) -> Sequence[Finding] | None:
            self.usage += Usage(calls=1, input=5)
            return [found]

        async def reflect(self, study: Study) -> Sequence[Finding] | None:
            return None

    file = tmp_path / "talk.jsonl"
    lines = (line("one", id="m-1"), line("I lost my hat.", BOB, id="m-2"))
    study = Study(NOW, ALICE, (BOB,), lines, (Known("f1", "Bob wears hats."),))
    with Recorder(file, HEADER, keys=["possession"]) as recorder:
        kept = recording_of(Able(), recorder)
        assert await kept.learn(study) == [found]
        assert await kept.reflect(study) is None
    learn, reflect = calls_in(file)
    assert (learn["task"], reflect["task"]) == ("learn", "reflect")
    assert {"message": "m-2", "recent": ["m-1", "m-2"], "known": ["f1"]}.items() <= learn[
        "asked"
    ].items()
    assert learn["findings"][0]["text"] == "Bob has lost a hat."
    assert learn["usage"]["input"] == 5
    assert "findings" not in reflect
    assert await read_recording(file).brain("companion_alice").learn(study) == (found,)


async def test_what_comes_of_a_call_that_goes_on_while_it_is_forgotten_is_blanked_too(
    tmp_path: Path,
) -> None:
    file = tmp_path / "talk.jsonl"
    study = Study(NOW, ALICE, (BOB,), (line("I lost my hat.", BOB, id="m-2"),))
    found = Finding(text="Bob has lost a hat.", about=BOB.id, sources=("m-2",))

    class Slow(ScriptedBrain):
        async def learn(self, study: Study) -> Sequence[Finding] | None:
            if not recorder.redactions:
                await recorder.redact(blanker((), {"m-2"}))
            return [found]

    with Recorder(file, HEADER) as recorder:
        kept = recording_of(Slow(), recorder)
        await kept.learn(study)
        await kept.learn(study)  # begun later: somebody has said it again
    during, later = read_recording(file).calls
    assert (during.asked.text, during.findings) == ("[forgotten]", ())
    assert (later.asked.text, later.findings) == ("I lost my hat.", (found,))


async def test_what_is_interrupted_is_kept_as_such_and_stays_interrupted(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    async def forever(*_: object) -> None:
        await trio.sleep_forever()

    file = tmp_path / "talk.jsonl"
    with Recorder(file, HEADER) as recorder:
        with trio.move_on_after(3) as scope:
            await recording_of(ScriptedBrain(on_compose=forever), recorder).compose(moment(), Hands())
        assert scope.cancelled_caught
    [call] = calls_in(file)
    assert (call["cut"], call["seconds"]) == (True, 3.0)


async def test_a_key_that_is_a_word_of_the_format_leaves_the_recording_whole(tmp_path: Path) -> None:
    file, keys = (
        tmp_path / "talk.jsonl",
        ["companion", "importance", "1000.000", "10000000", "secretkey"],
    )
    with Recorder(file, HEADER, keys=keys) as recorder:
        brain = RecordingBrain(ScriptedBrain(), "companion_alice", recorder, clock=lambda: 10000000.0)
        await brain.assess(moment("my secretkey2 is 10000000"))
    (call,) = read_recording(file).calls
    assert (call.time, call.asked.text) == (10000000.0, "my [key]2 is [key]")


async def test_a_key_is_nowhere_in_it_whoever_said_it(tmp_path: Path) -> None:
    key = 'sk-"quoted\\key'
    file = tmp_path / "talk.jsonl"
    with Recorder(file, HEADER, keys=[key, "", "of", "sk-\udcff-no-utf8"]) as recorder:
        brain = recording_of(ScriptedBrain(), recorder)
        await brain.assess(moment(f"my key is {key}, of course"))
    [call] = calls_in(file)
    assert call["asked"]["text"] == "my key is [key], of course"


async def test_it_is_for_its_owner_alone_and_replaces_nothing(tmp_path: Path) -> None:
    file = tmp_path / "talk.jsonl"
    with Recorder(file, HEADER):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        with pytest.raises(UsageError, match=r"talk\.jsonl: it is there already"):
            Recorder(file, HEADER)
    with pytest.raises(UsageError, match="no such file or directory"):
        Recorder(tmp_path / "nowhere" / "talk.jsonl", HEADER)
    assert read_recording(file).header == HEADER


def test_a_swarm_that_never_came_up_leaves_the_name_free(tmp_path: Path) -> None:
    file = tmp_path / "talk.jsonl"
    with pytest.raises(UsageError, match="port"):
        with Recorder(file, HEADER):
            raise UsageError("the port is taken")
    assert not file.exists()


# What cannot be kept -----------------------------------------------------------------------------


async def lossy(recorder: Recorder, *texts: str) -> list[str]:
    """What is told when these texts are to be recorded, one after the other."""
    told: list[str] = []
    brain = recording_of(ScriptedBrain(), recorder)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(recorder.keep, told.append)
        for text in texts:
            await brain.assess(moment(text))
            await trio.sleep(1)
        nursery.cancel_scope.cancel()
    return told


async def test_a_full_recording_says_so_once_and_lacks_only_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, patient_clock: trio.testing.MockClock
) -> None:
    monkeypatch.setattr("aikyo.brain.recording.recorder.MAX_BYTES", 2000)
    file = tmp_path / "talk.jsonl"
    with Recorder(file, HEADER) as recorder:
        told = await lossy(recorder, "one", "two", "x" * 1500, "three", "four")
        assert recorder.lost == {"full": 3}
    assert [call["asked"]["text"] for call in calls_in(file)] == ["one", "two"]
    assert len(told) == 1
    assert "what comes from now on is not in it" in told[0]


async def test_what_no_line_can_hold_is_left_out_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, patient_clock: trio.testing.MockClock
) -> None:
    monkeypatch.setattr("aikyo.brain.recording.recorder.MAX_LINE", 1000)
    file = tmp_path / "talk.jsonl"
    with Recorder(file, HEADER) as recorder:
        told = await lossy(recorder, "one", "half a pair: \ud800", "x" * 1000, "two")
        assert recorder.lost == {"odd": 1, "long": 1}
    assert [call["asked"]["text"] for call in calls_in(file)] == ["one", "two"]
    assert len(told) == 2


async def test_a_disk_that_takes_a_part_of_a_line_holds_none_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, patient_clock: trio.testing.MockClock
) -> None:
    write, full = os.write, threading.Event()

    def half(fd: int, data: memoryview) -> int:
        if b'"two"' not in bytes(data):
            return write(fd, data)
        if full.is_set():
            raise OSError(28, "No space left on device")
        full.set()
        return write(fd, data[: len(data) // 2])

    file = tmp_path / "talk.jsonl"
    with Recorder(file, HEADER) as recorder:
        monkeypatch.setattr("aikyo.brain.recording.recorder.os.write", half)
        told = await lossy(recorder, "one", "two", "three", "four")
        assert recorder.lost == {"disk": 1}
    assert [call["asked"]["text"] for call in calls_in(file)] == ["one", "three", "four"]
    assert len(told) == 1


async def test_a_slow_disk_holds_up_nobody_and_its_losses_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go, write = threading.Event(), os.write

    def stuck(fd: int, data: memoryview) -> int:
        go.wait(30)
        return write(fd, data)

    monkeypatch.setattr("aikyo.brain.recording.recorder.MAX_QUEUED", 1500)
    told: list[str] = []
    with Recorder(tmp_path / "talk.jsonl", HEADER) as recorder:
        monkeypatch.setattr("aikyo.brain.recording.recorder.os.write", stuck)
        brain = recording_of(ScriptedBrain(), recorder)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(recorder.keep, told.append)
            with trio.fail_after(20):
                for _ in range(100):  # while the disk is stuck
                    await brain.assess(moment())
                go.set()
                while not told:
                    await trio.sleep(0.01)
            nursery.cancel_scope.cancel()
        assert recorder.lost["behind"] > 50
    assert "too slow" in told[0]
    assert len(calls_in(tmp_path / "talk.jsonl")) == 100 - recorder.lost["behind"]


def test_what_is_asked_is_told_from_other_questions_by_what_was_said() -> None:
    hello = Asked.of(moment("Hello,  Alice"))
    assert hello.keys[0] == Asked.of(moment("Hello,  Alice", me=replace(ALICE, id="x"))).keys[0]
    assert hello.keys[0] != Asked.of(moment("Hello,  Alice", BOB)).keys[0]
    assert hello.keys[1] == Asked.of(moment("hello, alice", BOB)).keys[1]
    begins = Asked.of(moment(message=None, opening="silence"))
    assert begins.keys[1] != hello.keys[1]
