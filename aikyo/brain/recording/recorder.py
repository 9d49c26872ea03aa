"""Keeps every call of every brain in a file, so that it can be played back without a model."""

from __future__ import annotations

import logging
import math
import os
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn, Self, get_args

import msgspec
import trio

from ...errors import AikyoError, UsageError
from ...jsonl import replace_lines
from ...wire import Closing
from ..base import Assessment, Brain, BrainError, BrainFault, Toolbox, ToolError, ToolSpec, Usage
from ..moment import FindingKind, FindingLevel, Moment, Past
from ..study import Finding, Study
from .format import MAX_BYTES, MAX_LINE, Answer, Asked, Call, Called, Header, Task

__all__ = ["Recorder", "RecordingBrain"]

MAX_QUEUED = 8 << 20
"""Bytes that wait for the disk."""

Blank = Callable[[Iterable[bytes]], Iterable[bytes]]
"""Gives lines of the recording, each as it is to be now."""

_BLANKS = 16  # that count for calls which go on; more are not made while one does
_GATHERS = 0.2  # seconds; then what has come is written at once
_SHORTEST_KEY = 8  # characters; what is shorter is no key, and may well be a word
_HIDDEN = "[key]"
_OURS = frozenset(
    [
        name
        for kind in (Header, Call, Asked, Answer, Called, Finding, Usage)
        for name in kind.__struct_fields__
    ]
    + [*Closing, *get_args(Task), *get_args(BrainFault), "action", "knowledge"]
    + [*get_args(FindingKind), *get_args(FindingLevel)]
)
"""Words of the format; a key that is one must not make a recording unreadable."""

_LOST = {
    "full": f"the recording has reached its {MAX_BYTES >> 20} MiB; what comes from now on is not in it",
    "long": f"a call of over {MAX_LINE >> 10} KiB is not in the recording",
    "odd": "a call that no JSON can hold is not in the recording",
    "behind": "the disk is too slow for the recording; calls are missing in it",
    "disk": "the recording cannot be written; calls are missing in it",
}

log = logging.getLogger(__name__)


class Recorder:
    """A recording that is being made. A context manager; at its end all that came is written.

    Args:
        file: where to; made now, readable by its owner alone.
        header: its first line.
        keys: what must not be in it: keys, wherever they turn up.

    Attributes:
        lost: how many calls the file does not hold, by reason: ``full``, ``long``, ``odd``, ``behind``,
            ``disk``.
        redactions: how often something in it was to be forgotten.

    Raises:
        UsageError: the file is there already, or cannot be made.
    """

    def __init__(self, file: Path, header: Header, *, keys: Collection[str] = ()) -> None:
        fit = {key for key in keys if len(key) >= _SHORTEST_KEY and key.isascii() and key.isprintable()}
        self._keys = sorted(fit, key=len, reverse=True)  # one may be the beginning of another
        self._queue: deque[bytes] = deque()
        self._queued = 0
        self._come = trio.Event()
        self._size = 0  # with what is queued
        self._calls = 0
        self._told: set[str] = set()
        self._blanks: deque[tuple[int, Blank]] = deque(maxlen=_BLANKS)
        self.redactions = 0
        self._file = file
        self._at_the_file = trio.Lock()
        self.lost: Counter[str] = Counter()
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND
            self._fd = os.open(file, flags, 0o600)
        except FileExistsError:
            raise UsageError(f"--record {file}: it is there already; give another name") from None
        except (OSError, ValueError) as error:
            reason = (getattr(error, "strerror", None) or str(error)).lower()
            raise UsageError(f"--record {file}: cannot be made: {reason}") from None
        self._put(header)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._wrote(*self._write(self._take()))
        os.close(self._fd)
        if error is not None and not self._calls:  # it never came to a recording: the name stays free
            self._file.unlink(missing_ok=True)

    def add(self, call: Call, since: int | None = None) -> None:
        """Take in a call. Returns at once, and never fails: what cannot be kept is counted.

        Args:
            call: which.
            since: what `redactions` was when it began; None: it has begun just now.
        """
        self._calls += 1
        begun = self.redactions if since is None else since
        self._put(call, [blank for number, blank in self._blanks if number > begun])

    async def keep(self, tell: Callable[[str], None]) -> NoReturn:
        """Write what comes in, in a thread, until cancelled.

        Args:
            tell: told in a line what is missing in the recording, once for each reason.
        """
        while True:
            await self._come.wait()
            await trio.sleep(_GATHERS)
            async with self._at_the_file:
                if lines := self._take():
                    self._wrote(*await trio.to_thread.run_sync(self._write, lines))
            for reason in self.lost.keys() - self._told:
                self._told.add(reason)
                tell(f"{self._file}: {_LOST[reason]}")

    async def redact(self, blank: Blank) -> int:
        """Write the recording anew with its lines blanked, whole or not at all; so is what comes of the
        calls that go on now.

        Args:
            blank: gives the lines as they are to be.

        Returns:
            How many lines are others now.

        Raises:
            OSError: it cannot be written; then it stays as it was.
        """
        self.redactions += 1
        self._blanks.append((self.redactions, blank))
        async with self._at_the_file:
            self._wrote(*await trio.to_thread.run_sync(self._write, self._take()))
            return await trio.to_thread.run_sync(self._redact, blank)

    def _redact(self, blank: Blank) -> int:
        lines = self._file.read_bytes().splitlines()
        blanked = list(blank(lines))
        changed = sum(new != old for new, old in zip(blanked, lines, strict=True))
        if changed:
            replace_lines(self._file, blanked)
            old, self._fd = self._fd, os.open(self._file, os.O_WRONLY | os.O_APPEND)
            os.close(old)
        return changed

    def _put(self, what: Header | Call, blanks: Iterable[Blank] = ()) -> None:
        line = self._encoded(what)
        for blank in blanks if line else ():
            line = b"".join(blank([line.rstrip(b"\n")])) + b"\n"
        if reason := self._refusal(line):
            self.lost[reason] += 1
        else:
            self._queue.append(line)
            self._queued += len(line)
            self._size += len(line)
        self._come.set()

    def _encoded(self, what: Header | Call) -> bytes:
        """The line without keys, or nothing where there can be none."""
        try:
            return msgspec.json.encode(self._without_keys(msgspec.to_builtins(what))) + b"\n"
        except (TypeError, ValueError, RecursionError, msgspec.MsgspecError):
            return b""

    def _without_keys(self, value: Any) -> Any:
        match value:
            case str() if value not in _OURS:
                for key in self._keys:
                    value = value.replace(key, _HIDDEN)
            case dict():
                return {
                    self._without_keys(name): self._without_keys(each) for name, each in value.items()
                }
            case list() | tuple():
                return [self._without_keys(each) for each in value]
        return value

    def _refusal(self, line: bytes) -> str:
        if not line:
            return "odd"
        if len(line) > MAX_LINE:
            return "long"
        if self.lost["full"] or self._size + len(line) > MAX_BYTES:
            return "full"  # from then on all: what a replay lacks is the end, not the middle
        return "behind" if self._queued + len(line) > MAX_QUEUED else ""

    def _take(self) -> list[bytes]:
        lines = list(self._queue)
        self._queue.clear()
        self._queued = 0
        self._come = trio.Event()
        return lines

    def _write(self, lines: list[bytes]) -> tuple[int, str]:
        """Append lines, each whole or not at all; how many the disk did not take, and why."""
        for number, line in enumerate(lines):
            start, left = os.fstat(self._fd).st_size, memoryview(line)
            try:
                while left:
                    left = left[os.write(self._fd, left) :]
            except OSError as error:
                with suppress(OSError):
                    os.ftruncate(self._fd, start)
                return len(lines) - number, error.strerror or str(error)
        return 0, ""

    def _wrote(self, lost: int, problem: str) -> None:
        if lost:
            self.lost["disk"] += lost
            log.warning("the recording has lost %d lines: %s", lost, problem)
            self._come.set()


class RecordingBrain(Brain):
    """Thinks with another brain, and records it.

    Args:
        brain: the other; closed with this one.
        companion: whose brain it is.
        recorder: takes in its calls.
        clock: seconds since the epoch.
    """

    def __init__(
        self, brain: Brain, companion: str, recorder: Recorder, *, clock: Callable[[], float]
    ) -> None:
        self.label = brain.label
        self.paid = brain.paid
        self.usage = self._recorded_usage = brain.usage
        self._brain = brain
        self._companion = companion
        self._recorder = recorder
        self._clock = clock

    async def assess(self, moment: Moment) -> Assessment:
        """As the other's."""
        with self._recorded("assess", Asked.of(moment)) as going:
            answer = await self._brain.assess(moment)
            importance = answer.importance if math.isfinite(answer.importance) else 0
            going.answer = Answer(
                speak=answer.speak,
                importance=importance,
                params=dict(answer.params),
                circles=answer.circles,
            )
            return answer

    async def compose(self, moment: Moment, toolbox: Toolbox) -> None:
        """As the other's."""
        with self._recorded("compose", Asked.of(moment)) as going:
            await self._brain.compose(moment, _Overheard(toolbox, going))

    async def summarize(self, past: Past) -> str:
        """As the other's."""
        with self._recorded("summarize", Asked.of_past(past)) as going:
            going.summary = await self._brain.summarize(past)
            return going.summary

    async def learn(self, study: Study) -> Sequence[Finding] | None:
        """As the other's."""
        with self._recorded("learn", Asked.of_study(study)) as going:
            return going.found(await self._brain.learn(study))

    async def reflect(self, study: Study) -> Sequence[Finding] | None:
        """As the other's."""
        with self._recorded("reflect", Asked.of_study(study)) as going:
            return going.found(await self._brain.reflect(study))

    async def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]] | None:
        """As the other's; not recorded, for vectors are as good made anew."""
        try:
            return await self._brain.embed(texts)
        finally:
            self.usage = self._brain.usage

    async def wake(self) -> None:
        """As the other's; not recorded."""
        try:
            await self._brain.wake()
        finally:
            self.usage = self._brain.usage

    def check(self) -> None:
        """As the other's."""
        self._brain.check()

    async def aclose(self) -> None:
        """Close the other."""
        await self._brain.aclose()

    @contextmanager
    def _recorded(self, task: Task, asked: Asked) -> Iterator[_Going]:
        going, began, time = _Going(), trio.current_time(), self._clock()
        redactions = self._recorder.redactions
        error, cut = "", False
        fault: BrainFault = "other"
        retry_in: float | None = None
        try:
            yield going
        except BrainError as problem:
            error, fault, retry_in = str(problem), problem.kind, problem.retry_in
            raise
        except Exception as problem:
            error = str(problem) if isinstance(problem, AikyoError) else type(problem).__name__
            raise
        except BaseException:  # cancelled, as a rule
            cut = True
            raise
        finally:
            self.usage = self._brain.usage
            cost = _difference(self.usage, self._recorded_usage)
            self._recorded_usage = self.usage
            self._recorder.add(
                Call(
                    companion=self._companion,
                    task=task,
                    brain=self.label,
                    time=time,
                    asked=asked,
                    seconds=trio.current_time() - began,
                    answer=going.answer,
                    tools=tuple(going.tools),
                    summary=going.summary,
                    findings=going.findings,
                    error=error,
                    fault=fault,
                    retry_in=retry_in,
                    cut=cut,
                    usage=None if cost == Usage() else cost,
                ),
                redactions,
            )


@dataclass(slots=True)
class _Going:
    """A call that goes on."""

    answer: Answer | None = None
    tools: list[Called] = field(default_factory=list)
    summary: str = ""
    findings: tuple[Finding, ...] | None = None
    since: float = field(default_factory=trio.current_time)  # when the brain began to think

    def found(self, findings: Sequence[Finding] | None) -> Sequence[Finding] | None:
        """Note what was found; returns it."""
        self.findings = None if findings is None else tuple(findings)
        return findings


@dataclass(slots=True)
class _Overheard:
    """A toolbox whose calls are noted."""

    toolbox: Toolbox
    going: _Going

    @property
    def specs(self) -> tuple[ToolSpec, ...]:
        """As the toolbox has them."""
        return self.toolbox.specs

    def saying(self, text: str) -> None:
        """As the toolbox does it."""
        self.toolbox.saying(text)

    async def call(self, name: str, params: Mapping[str, Any]) -> str:
        """As the toolbox does it."""
        began, result, error = trio.current_time(), "", "cut off"
        thought = began - self.going.since
        try:
            result, error = await self.toolbox.call(name, params), ""
        except ToolError as problem:
            error = str(problem) or "refused"
            raise
        else:
            return result
        finally:
            self.going.since = trio.current_time()
            self.going.tools.append(
                Called(
                    tool=name,
                    kind=next((spec.kind for spec in self.specs if spec.name == name), ""),
                    params=dict(params),
                    thought=thought,
                    seconds=self.going.since - began,
                    result=result,
                    error=error,
                )
            )


def _difference(now: Usage, before: Usage) -> Usage:
    return Usage(
        calls=now.calls - before.calls,
        input=now.input - before.input,
        cached=now.cached - before.cached,
        output=now.output - before.output,
        stored=now.stored - before.stored,
    )
