"""A recording played back: what is answered to what, how long it takes, and what happens where it does
not fit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio
import trio.testing

from aikyo.brain import Assessment, BrainError, Finding, Known, Moment, Past, Study, ToolSpec, Usage
from aikyo.brain.offline.summing import sum_up
from aikyo.brain.recording.format import VERSION, Answer, Asked, Call, Called, Header
from aikyo.brain.recording.replay import ReplayBrain, read_recording
from aikyo.errors import UsageError
from tests.support.minds import ALICE, BOB, MIKA, NOW, Hands, line, moment


def wants(importance: float, now: Moment, **fields: Any) -> Call:
    answer = Answer(speak=True, importance=importance)
    return call(now, task="assess", **{"answer": answer} | fields)


def says(text: str, now: Moment, **fields: Any) -> Call:
    return call(now, **{"tools": (acted("speak", message=text),)} | fields)


def acted(tool: str, **params: str) -> Called:
    return Called(tool=tool, kind="action", params=params, result="done")


def call(now: Moment, **fields: Any) -> Call:
    usual = {"companion": "companion_alice", "task": "compose", "brain": "anthropic x", "time": 1.0}
    return Call(**usual | {"asked": Asked.of(now)} | fields)


def playing(*calls: Call, pace: float = 1) -> ReplayBrain:
    return ReplayBrain("companion_alice", calls, pace=pace)


async def said(brain: ReplayBrain, now: Moment) -> list[str]:
    hands = Hands()
    await brain.compose(now, hands)
    return [params["message"] for tool, params in hands.done if tool == "speak"]


# What fits what ----------------------------------------------------------------------------------


async def test_each_call_answers_what_it_answered_whatever_comes_first() -> None:
    brain = playing(says("1", moment("one")), says("2", moment("two")), says("1 again", moment("one")))
    for text, answer in (("two", "2"), ("one", "1"), ("one", "1 again")):
        assert await said(brain, moment(text)) == [answer]
    with pytest.raises(BrainError, match="holds nothing more of alice"):
        await said(brain, moment("one"))


async def test_ids_and_all_that_is_new_each_time_do_not_matter() -> None:
    brain = playing(says("yes", moment("one", turn=3)))
    assert await said(brain, moment("one", turn=9, recent=(), language="ja")) == ["yes"]


async def test_the_same_words_of_another_are_taken_where_there_is_nothing_nearer() -> None:
    brain = playing(says("to Bob", moment("one", BOB)), says("to Mika", moment("one")))
    assert await said(brain, moment(" ONE")) == ["to Bob"]
    assert await said(brain, moment("one")) == ["to Mika"]


async def test_a_talk_is_begun_for_the_reason_it_was() -> None:
    opening: dict[str, Any] = {"message": None, "recent": ()}
    brain = playing(
        says("so quiet", moment(opening="silence", **opening)),
        says("tides", moment(opening="asked", topic="tides", **opening)),
        says("maps", moment(opening="asked", topic="maps", **opening)),
    )
    assert await said(brain, moment(opening="asked", topic="maps", **opening)) == ["maps"]
    assert await said(brain, moment(opening="asked", topic="other", **opening)) == ["tides"]
    with pytest.raises(BrainError, match="nothing of alice that fits"):
        await said(brain, moment(opening="newcomer", **opening))


async def test_what_does_not_fit_is_silence_with_a_reason_and_changes_nothing() -> None:
    brain = playing(says("yes", moment("one")), wants(5, moment("one")))
    with pytest.raises(BrainError, match="holds nothing of alice that fits"):
        await brain.compose(moment("two"), Hands())
    with pytest.raises(BrainError, match="holds nothing of alice that fits"):
        await brain.assess(moment("two"))
    assert await said(brain, moment("one")) == ["yes"]
    with pytest.raises(BrainError, match="holds nothing more of nobody"):
        await ReplayBrain("companion_nobody", ()).assess(moment())


async def test_it_tells_what_it_is_and_costs_nothing() -> None:
    brain = playing(says("yes", moment()))
    assert (brain.label, brain.paid) == ("replay of anthropic x", False)


# Summing up --------------------------------------------------------------------------------------

PAST = Past(NOW, ALICE, "", (line("I keep bees."), line("Let's meet on Sunday.", id="m-2")))


def wrote(summary: str, past: Past = PAST, **fields: Any) -> Call:
    usual = {"task": "summarize", "asked": Asked.of_past(past), "summary": summary}
    return call(moment(), **usual | fields)


async def test_notes_are_what_was_written_of_the_same_talk() -> None:
    other = replace(PAST, lines=PAST.lines[:1])
    brain = playing(wrote("Notes of one line.", other), wrote("Notes of two."), says("yes", moment()))
    later = replace(PAST, lines=tuple(replace(each, id=f"x{each.id}") for each in PAST.lines))
    assert await brain.summarize(later) == "Notes of two."
    assert await brain.summarize(other) == "Notes of one line."
    assert await said(brain, moment()) == ["yes"]


async def test_notes_that_a_recording_does_not_hold_are_written_by_rule() -> None:
    brain = playing(says("yes", moment()))
    assert await brain.summarize(PAST) == sum_up(PAST)
    assert "I keep bees" in sum_up(PAST)


async def test_notes_fail_where_they_failed_and_are_left_where_they_are_cut_off(
    autojump_clock: trio.testing.MockClock,
) -> None:
    brain = playing(wrote("", error="overloaded", seconds=1), wrote("Notes.", seconds=5))
    with pytest.raises(BrainError, match="overloaded"):
        await brain.summarize(PAST)
    with trio.move_on_after(2) as scope:
        await brain.summarize(PAST)
    assert scope.cancelled_caught
    assert await brain.summarize(PAST) == "Notes."


# Learning ----------------------------------------------------------------------------------------

BEES = Finding(text="Mika keeps bees.", about=MIKA.id, sources=("m-1", "m-2"))
STUDY = Study(NOW, ALICE, (MIKA,), PAST.lines, (Known("f1", "Mika likes honey."),))


def learned(*found: Finding, study: Study = STUDY, **fields: Any) -> Call:
    usual = {"task": "learn", "asked": Asked.of_study(study), "findings": found}
    return call(moment(), **usual | fields)


async def test_what_was_learned_is_learned_again_from_lines_with_other_ids() -> None:
    later = replace(STUDY, lines=tuple(replace(each, id=f"x{each.id}") for each in STUDY.lines))
    [found] = await playing(learned(BEES)).learn(later)
    assert (found.text, found.sources) == ("Mika keeps bees.", ("xm-1", "xm-2"))


@pytest.mark.parametrize(
    "calls",
    [
        (),
        (learned(BEES, study=replace(STUDY, lines=STUDY.lines[1:])),),
        (learned(BEES, study=replace(STUDY, known=())),),
        (learned(BEES, findings=None, error="overloaded"),),
        (learned(BEES, task="reflect"),),
    ],
    ids=["none", "of fewer lines", "knowing less", "failed", "another task"],
)
async def test_what_does_not_fit_is_learned_by_rule(calls: tuple[Call, ...]) -> None:
    brain = playing(*calls, says("yes", moment()))
    assert all(found.text != BEES.text for found in await brain.learn(STUDY))
    assert await said(brain, moment()) == ["yes"]


async def test_what_follows_is_found_again_where_the_same_is_known() -> None:
    study = Study(NOW, ALICE, (MIKA,), known=(Known("f1", "Mika keeps bees."), Known("f2", "So far.")))
    thought = Finding(text="Mika loves animals.", level="reflection", sources=("f1", "f2"))
    brain = playing(learned(thought, study=study, task="reflect"))
    assert await brain.reflect(replace(study, known=study.known[:1])) == ()
    assert await playing(learned(thought, study=study, task="reflect")).reflect(study) == (thought,)


# Assessing ---------------------------------------------------------------------------------------


async def test_an_assessment_is_what_it_was() -> None:
    answer = Answer(speak=True, importance=6.5, params={"mood": "sad"}, circles=True)
    brain = playing(wants(0, moment(), answer=answer), says("yes", moment()))
    assert await brain.assess(moment()) == Assessment(True, 6.5, {"mood": "sad"}, True)


async def test_who_did_not_speak_then_comes_after_who_did_where_both_want_it_as_much() -> None:
    spoke, silent = playing(wants(7, moment()), says("I", moment())), playing(wants(7, moment()))
    mine, other = (await spoke.assess(moment())), (await silent.assess(moment()))
    assert mine.importance == 7
    assert 6.99 < other.importance < 7
    assert round(other.importance, 3) != 7
    assert (await playing(wants(0, moment())).assess(moment())).importance == 0


# Composing ---------------------------------------------------------------------------------------


async def test_actions_are_done_again_and_what_was_looked_up_is_not() -> None:
    tools = (
        acted("gesture", kind="wave"),
        Called(tool="recall", kind="knowledge", params={"query": "crab"}, result="a crab"),
        Called(tool="dance", kind="action", error="there is no tool 'dance'"),
        acted("speak", message="A crab!"),
    )
    hands = Hands()
    await playing(call(moment(), tools=tools)).compose(moment(), hands)
    assert hands.done == [("gesture", {"kind": "wave"}), ("speak", {"message": "A crab!"})]


async def test_what_a_file_calls_an_action_is_called_only_if_it_is_one_here() -> None:
    tools = (acted("recall", query="all of it"), acted("delete_all"), acted("speak", message="Hi"))
    hands = Hands()
    await playing(call(moment(), tools=tools)).compose(moment(), hands)
    assert hands.done == [("speak", {"message": "Hi"})]
    dumb = Hands(specs=tuple(spec for spec in hands.specs if spec.kind == "knowledge"))
    with pytest.raises(BrainError, match="now does not fit: there is no such action"):
        await playing(call(moment(), tools=tools)).compose(moment(), dumb)
    assert dumb.done == []


async def test_an_action_that_is_refused_now_is_left_out_but_words_that_are_make_it_rest() -> None:
    speak = ToolSpec("speak", "", {}, "action")
    tools = (acted("gesture", kind="wave"), acted("speak", message="Hi"))
    hands = Hands(specs=(speak,))
    await playing(call(moment(), tools=tools)).compose(moment(), hands)
    assert hands.done == [("speak", {"message": "Hi"})]
    with pytest.raises(BrainError, match="now does not fit: that is not possible"):
        await playing(call(moment(), tools=tools)).compose(moment(), Hands(refuse=("Hi",)))


@pytest.mark.parametrize("task", ["assess", "compose"])
async def test_it_fails_where_it_failed(task: str) -> None:
    for fields, told in (
        ({"error": "the key was refused"}, "the key was refused"),
        ({"cut": True}, "cut off here"),
    ):
        brain = playing(call(moment(), task=task, **fields))
        with pytest.raises(BrainError, match=told):
            await (brain.assess(moment()) if task == "assess" else brain.compose(moment(), Hands()))


async def test_what_was_interrupted_is_played_only_when_there_is_nothing_whole() -> None:
    brain = playing(call(moment("one"), cut=True), says("yes", moment("one")))
    assert await said(brain, moment("one")) == ["yes"]
    with pytest.raises(BrainError, match="cut off here"):
        await said(brain, moment("one"))


async def test_interrupted_before_a_word_it_can_be_asked_again_but_not_after(
    autojump_clock: trio.testing.MockClock,
) -> None:
    tools = (Called(tool="speak", kind="action", params={"message": "yes"}, thought=5),)
    brain = playing(call(moment(), tools=tools, seconds=20))
    with trio.move_on_after(3):
        await said(brain, moment())
    hands = Hands()
    with trio.move_on_after(10):
        await brain.compose(moment(), hands)
    assert hands.done == [("speak", {"message": "yes"})]
    with pytest.raises(BrainError, match="nothing more"):
        await said(brain, moment())


@pytest.mark.parametrize(
    ("pace", "times"), [(1, (4, 9, 12)), (0.5, (2, 4.5, 6)), (0, (0, 0, 0)), (3, (4, 9, 12))]
)
async def test_it_thinks_as_long_as_then_by_the_pace(
    autojump_clock: trio.testing.MockClock, pace: float, times: tuple[float, float, float]
) -> None:
    began, at = trio.current_time(), []

    async def note() -> None:
        at.append(trio.current_time() - began)

    tools = (
        Called(tool="gesture", kind="action", params={"kind": "nod"}, thought=4),
        Called(tool="recall", kind="knowledge", seconds=2),
        Called(tool="speak", kind="action", params={"message": "yes"}, thought=3),
    )
    brain = playing(call(moment(), tools=tools, seconds=12), wants(1, moment(), seconds=4), pace=pace)
    await brain.compose(moment(), Hands(before=note))
    await note()
    assert at == pytest.approx(times)
    began = trio.current_time()
    await brain.assess(moment())
    assert trio.current_time() - began == pytest.approx(times[0])


# The file ----------------------------------------------------------------------------------------


def written(file: Path, *lines: object) -> Path:
    file.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
    return file


def test_a_recording_of_the_first_version_can_still_be_played(tmp_path: Path) -> None:
    old = (
        b'{"recording":1,"cast":["alice"],"seed":7}\n'
        b'{"companion":"companion_alice","task":"compose","brain":"anthropic x","time":1.5,'
        b'"asked":{"message":"m","sender":"user_mika","text":"Hi","addressed":true},"seconds":2.0,'
        b'"tools":[{"tool":"speak","kind":"action","params":{"message":"Hello"},"result":"said"}],'
        b'"usage":{"calls":1,"input":10,"cached":0,"output":5}}\n'
    )
    file = tmp_path / "talk.jsonl"
    file.write_bytes(old)
    recording = read_recording(file)
    assert recording.header.cast == ("alice",)
    [only] = recording.calls
    assert only.usage == Usage(calls=1, input=10, output=5)


def test_a_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    header = Header(recording=VERSION, cast=("alice", "bob"), seed=3)
    calls = (
        wants(5, moment("é\n日本語")),
        says("yes", moment(), error="x", seconds=1.5),
        learned(BEES),
        learned(),
        learned(findings=None),
    )
    recording = read_recording(written(tmp_path / "r.jsonl", header, *calls))
    assert (recording.header, recording.calls) == (header, calls)
    assert recording.brain("companion_bob").label == "replay"
    assert recording.brain("companion_alice").label == "replay of anthropic x"


GOOD = msgspec.json.encode(Header(recording=VERSION)) + b"\n"
CALL = msgspec.json.encode(says("yes", moment())) + b"\n"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", ":1: is no recording"),
        (b"hello\n", ":1: is no recording"),
        (b'{"recording":4}\n', ":1: is a recording of version 4, not 3"),
        (b'{"recording":0}\n', ":1: is a recording of version 0, not 3"),
        (GOOD + CALL + b"\n" + CALL, ":3: is damaged"),
        (GOOD + CALL + b'{"companion":"x"}\n', ":3: is damaged"),
        (GOOD + CALL.replace(b'"time":1.0', b'"time":1e999'), ":2: is damaged"),
        (GOOD + CALL.replace(b'"time":1.0', b'"time":1.0,"seconds":-1'), ":2: is damaged"),
        (GOOD + CALL.replace(b"yes", b"\xff"), ":2: is damaged"),
        (GOOD + b"[" * 100_000 + b"\n", ":2: is damaged"),
        (GOOD + CALL + CALL[:50], ":3: is cut off; without this line"),
        (GOOD + b" " * (2 << 20) + b"\n", ":2: is too long; without this line"),
    ],
)
def test_a_damaged_file_is_told_in_a_line_with_its_place(
    tmp_path: Path, content: bytes, told: str
) -> None:
    file = tmp_path / "r.jsonl"
    file.write_bytes(content)
    with pytest.raises(UsageError) as caught:
        read_recording(file)
    assert f"{file}{told}" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_cannot_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="cannot be read: no such file"):
        read_recording(tmp_path / "none")
    with pytest.raises(UsageError, match="is not a file"):
        read_recording(tmp_path)
    with pytest.raises(UsageError, match="cannot be read"):
        read_recording(Path("nul\0"))
    monkeypatch.setattr("aikyo.brain.recording.replay.MAX_BYTES", 10)
    with pytest.raises(UsageError, match="over the limit"):
        read_recording(written(tmp_path / "r.jsonl", Header(recording=VERSION)))


@pytest.mark.parametrize(
    ("cast", "profiles"),
    [
        (("alice", "bob"), ("alice", "bob")),
        (("alice", "bob", "alice-2", "bob-2", "alice-3"), ("alice", "bob")),
        (("agent-7",), ("agent-7",)),
        ((), ()),
    ],
)
def test_a_header_tells_how_to_bring_up_the_same(
    cast: tuple[str, ...], profiles: tuple[str, ...]
) -> None:
    settings = Header(recording=VERSION, cast=cast, topic="", seed=0).settings()
    assert settings == {"companions": len(cast), "profiles": profiles, "topic": "", "seed": 0}
    assert Header(recording=VERSION).settings() == {"companions": 0, "profiles": ()}
