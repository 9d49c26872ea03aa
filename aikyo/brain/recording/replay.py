"""The brain that plays a recording: it answers as was answered then, without a model."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec
import trio

from ...errors import UsageError
from ...wire import bare_name
from ..base import Assessment, Brain, BrainError, Toolbox, ToolError
from ..models.findings import Duty, sound
from ..moment import Moment, Past
from ..offline import learning as rules
from ..offline.summing import sum_up
from ..study import Finding, Study
from .format import MAX_BYTES, MAX_LINE, VERSION, Asked, Call, Called, Header, Task

__all__ = ["Recording", "ReplayBrain", "read_recording"]

_HAIR = 0.002
"""How much less than they did those want to speak who then had no turn: where several wanted it as much,
the ids of messages, which are new every time, would let another one speak than did."""

T = TypeVar("T")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording that was read.

    Attributes:
        file: where from.
        header: how its swarm was brought up.
        calls: all calls, in the order in which they ended.
    """

    file: Path
    header: Header
    calls: tuple[Call, ...]

    def brain(self, companion: str, *, pace: float = 1) -> ReplayBrain:
        """A brain that plays the part of the companion with this id; see `ReplayBrain`."""
        return ReplayBrain(
            companion, [call for call in self.calls if call.companion == companion], pace=pace
        )


def read_recording(file: Path) -> Recording:
    """Read a recording whole.

    Raises:
        UsageError: it cannot be read, is none, or is damaged; says the file and the line.
    """
    lines = _lines(file)
    number, first = next(lines, (1, b"{}"))
    header = _decoded(first, Header, f"{file}:{number}: is no recording")
    if not 1 <= header.recording <= VERSION:
        raise UsageError(f"{file}:1: is a recording of version {header.recording}, not {VERSION}")
    calls = tuple(_decoded(line, Call, f"{file}:{number}: is damaged") for number, line in lines)
    return Recording(file, header, calls)


class ReplayBrain(Brain):
    """Plays one companion's part. Each recorded call is played once: the first left that answered the
    same words of the same sender (or of another, where there is none), or began a talk for the same
    reason. Where nothing fits, the companion rests and says so.

    Actions are done again, as far as the companion still has them; what a tool was only asked for is
    not asked for again.

    Args:
        companion: whose part.
        calls: its calls, in order.
        pace: scales the pauses; those over 1 change nothing, since the others wait only so long.
    """

    def __init__(self, companion: str, calls: Sequence[Call], *, pace: float = 1) -> None:
        self.label = f"replay of {calls[0].brain}" if calls else "replay"
        self._name = bare_name(companion)
        self._pace = min(1.0, pace)
        self._left = set(range(len(calls)))
        self._calls = calls
        self._by_key: dict[tuple[str, ...], list[int]] = defaultdict(list)
        # Those that were cut off only when there is no other: most were then asked for once more
        for index in sorted(self._left, key=lambda index: (calls[index].cut, index)):
            for key in calls[index].asked.keys:
                self._by_key[calls[index].task, *key].append(index)

    async def assess(self, moment: Moment) -> Assessment:
        """As was answered then."""
        asked = Asked.of(moment)
        call = self._calls[self._take("assess", asked)]
        await self._pause(call.seconds)
        _fail_as(call)
        if call.answer is None:
            raise BrainError(f"the recording has no answer of {self._name} to this")
        given = call.answer
        spoke = not asked.message or ("compose", *asked.keys[0]) in self._by_key
        importance = given.importance if spoke else max(0.0, given.importance - _HAIR)
        return Assessment(given.speak, importance, given.params, given.circles)

    async def compose(self, moment: Moment, toolbox: Toolbox) -> None:
        """Do and say what was done and said then. Cancelled before anything was, it can be played once
        more."""
        index = self._take("compose", Asked.of(moment))
        call, acted = self._calls[index], False
        left = call.seconds
        try:
            for tool in call.tools:
                await self._pause(tool.thought)
                left -= tool.thought + tool.seconds
                if tool.error or tool.kind != "action":
                    await self._pause(tool.seconds)
                    continue
                acted = True
                await self._act(tool, toolbox)
            await self._pause(left)
        except trio.Cancelled:
            if not acted:
                self._left.add(index)
            raise
        _fail_as(call)

    async def summarize(self, past: Past) -> str:
        """What was written then; where nothing fits, by rule: no part that is played depends on it."""
        try:
            index = self._take("summarize", Asked.of_past(past))
        except BrainError:
            return sum_up(past)
        call = self._calls[index]
        try:
            await self._pause(call.seconds)
        except trio.Cancelled:
            self._left.add(index)
            raise
        _fail_as(call)
        return call.summary or sum_up(past)

    async def learn(self, study: Study) -> Sequence[Finding]:
        """What was found then in as many lines that ended with the same; else by rule."""
        return self._find("learn", study)

    async def reflect(self, study: Study) -> Sequence[Finding]:
        """What was found then where the same was known; else by rule."""
        return self._find("reflect", study)

    def _find(self, duty: Duty, study: Study) -> Sequence[Finding]:
        asked = Asked.of_study(study)
        try:
            call = self._calls[self._take(duty, asked)]
        except BrainError:
            call = None
        if call is None or call.findings is None or not _fits(call.asked, asked):
            return rules.learn(study) if duty == "learn" else rules.reflect(study)
        now = dict(zip(call.asked.recent, asked.recent, strict=True))  # lines have other ids each time
        found = (
            msgspec.structs.replace(each, sources=tuple(now.get(line, line) for line in each.sources))
            for each in call.findings
        )
        return sound(found, study, duty)

    async def _act(self, tool: Called, toolbox: Toolbox) -> None:
        try:
            # What the file calls an action need not be one here, and may do anything
            if not any(spec.name == tool.tool and spec.kind == "action" for spec in toolbox.specs):
                raise ToolError("there is no such action")
            await toolbox.call(tool.tool, tool.params)
        except ToolError as error:
            if tool.tool == "speak":
                raise BrainError(f"what the recording says now does not fit: {error}") from None
            log.info("%s of the recording was refused: %s", tool.tool, error)

    def _take(self, task: Task, asked: Asked) -> int:
        for key in asked.keys:
            for index in self._by_key.get((task, *key), ()):
                if index in self._left:
                    self._left.remove(index)
                    return index
        if not any(self._calls[index].task == task for index in self._left):
            raise BrainError(f"the recording holds nothing more of {self._name}")
        raise BrainError(f"the recording holds nothing of {self._name} that fits")

    async def _pause(self, seconds: float) -> None:
        await trio.sleep(max(0.0, seconds) * self._pace)


def _fits(recorded: Asked, asked: Asked) -> bool:
    """Whether what was found then, which names lines by their places, is found again now."""
    return recorded.known == asked.known and len(recorded.recent) == len(asked.recent)


def _fail_as(call: Call) -> None:
    if call.error:
        raise BrainError(call.error, call.fault, retry_in=call.retry_in)
    if call.cut:
        raise BrainError("the recording was cut off here")


def _lines(file: Path) -> Iterator[tuple[int, bytes]]:
    """The lines, from 1."""
    number = 0
    try:
        if file.exists() and not file.is_file():  # a pipe would wait for ever
            raise UsageError(f"{file}:1: is not a file")
        if file.stat().st_size > MAX_BYTES:
            raise UsageError(f"{file}:1: is over the limit of {MAX_BYTES >> 20} MiB")
        with file.open("rb") as source:
            while line := source.readline(MAX_LINE + 1):
                number += 1
                if not line.endswith(b"\n"):
                    what = "is too long" if len(line) > MAX_LINE else "is cut off"
                    raise UsageError(
                        f"{file}:{number}: {what}; without this line, the rest can be played"
                    )
                yield number, line
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise UsageError(f"{file}:{number + 1}: cannot be read: {reason}") from None


def _decoded(line: bytes, kind: type[T], problem: str) -> T:
    try:
        return msgspec.json.decode(line, type=kind)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise UsageError(f"{problem}: {str(error)[:200]}") from None
