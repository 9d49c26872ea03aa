"""The file of all calls: read, written at its end, and folded when it grows. Blocks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import msgspec

from ...jsonl import append_lines, read_lines, replace_lines
from .records import ModelCall
from .spending import DAY, HOUR

__all__ = ["CallFile", "parse_calls", "read_calls"]

MAX_BYTES = 16 << 20
"""Of the file; beyond it, it is folded."""

SINGLE = 2 * DAY
"""How long calls are kept one by one; then by the hour, and at last by the day."""

_BY_HOUR = 40 * DAY
_KEPT = 400 * DAY
_READ = 4 * MAX_BYTES
_MOST = 1e11
"""Of anything: tokens, dollars, seconds; calendars end about there, too."""

_CALL = msgspec.json.Decoder(ModelCall)
_ENCODER = msgspec.json.Encoder()


class CallFile:
    """Takes in lines of `ModelCall`. For one thread at a time.

    Attributes:
        path: where it is; made with the first line, readable by the user alone.
        counters: ``usage-dropped``, calls that were not old, but for which there was no room.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.counters: Counter[str] = Counter()
        self._fold_at = MAX_BYTES

    def append(self, lines: Iterable[bytes], now: float) -> str:
        """Returns why the lines are not there, if so; nothing is raised."""
        try:
            append_lines(self.path, lines)
        except OSError as error:
            return (error.strerror or str(error)).lower()
        with suppress(OSError):  # the lines are there; that it is too large matters little
            size = self.path.stat().st_size
            if size > self._fold_at:
                self._fold_at = size + MAX_BYTES // 16  # where it fails, it is not tried with every line
                self.fold(now)
        return ""

    def fold(self, now: float) -> None:
        """Sum up what is older than two days (where even that is too much, what is older than an hour),
        and drop what is older than 400 days.

        Raises:
            OSError: it cannot be written; then it is as it was.
        """
        calls, unreadable = read_calls(self.path)
        left = list(_folded(calls, now, SINGLE))
        if _size(left) > MAX_BYTES:
            left = list(_folded(calls, now, HOUR))
        while _size(left) > MAX_BYTES:
            half = len(left) // 2 + 1
            self.counters["usage-dropped"] += sum(call.usage.calls for call in left[:half])  # the oldest
            left = left[half:]
        if unreadable or len(left) != len(calls):
            replace_lines(self.path, map(_ENCODER.encode, left))
        # Where there is nothing more to fold, it is not tried again with every line
        self._fold_at = max(MAX_BYTES, 2 * _size(left))


def read_calls(path: Path) -> tuple[list[ModelCall], int]:
    """What is in the file, in its order, and how many lines were passed over since they are no calls, as
    one that was cut off. No file is an empty one."""
    return parse_calls(read_lines(path, _READ))


def parse_calls(lines: Iterable[bytes]) -> tuple[list[ModelCall], int]:
    """The calls that `lines` are, and how many are none."""
    calls, unreadable = [], 0
    for line in lines:
        try:
            call = _CALL.decode(line)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            unreadable += 1
            continue
        usage = call.usage
        counts = (usage.calls, usage.input, usage.cached, usage.stored, usage.output)
        numbers = (*counts, call.time, call.seconds, call.money or 0)
        if min(numbers) >= 0 and max(numbers) <= _MOST:
            calls.append(call)
        else:
            unreadable += 1
    return calls, unreadable


def _size(calls: Iterable[ModelCall]) -> int:
    return sum(len(_ENCODER.encode(call)) + 1 for call in calls)


def _folded(calls: Iterable[ModelCall], now: float, single: float) -> Iterator[ModelCall]:
    """Sums of what is older than `single` seconds, oldest first, then the rest one by one."""
    sums: dict[tuple[object, ...], ModelCall] = {}
    rest = []
    for call in calls:
        age = now - call.time
        if age > _KEPT:
            continue
        if age <= single:
            rest.append(call)
            continue
        step = HOUR if age <= _BY_HOUR else DAY
        one = msgspec.structs.replace(call, time=call.time // step * step, fault=None)
        priced = call.money is not None
        key = (one.time, one.companion, one.provider, one.model, one.purpose, one.paid, priced)
        sums[key] = _plus(sums[key], one) if key in sums else one
    yield from sorted(sums.values(), key=lambda one: one.time)
    yield from rest


def _plus(one: ModelCall, other: ModelCall) -> ModelCall:
    return msgspec.structs.replace(
        one,
        usage=one.usage + other.usage,
        seconds=round(one.seconds + other.seconds, 3),
        money=None if one.money is None or other.money is None else round(one.money + other.money, 9),
    )
