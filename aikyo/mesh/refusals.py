"""Who was refused something, and why: counted by peer, for `aikyo peers`. Pure, bounded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

__all__ = ["Refusal", "Refusals"]

_MOST = 256
_MOST_REASONS = 32


@dataclass(slots=True)
class Refusal:
    """What one peer was refused.

    Attributes:
        who: its peer id; of one that never came so far as to tell it, its IP address.
        reason: the latest reason, a short text for people.
        since: when it was first refused, seconds since the epoch.
        latest: when it last was.
        counters: how often, by reason as `Node.counters` names it (``spoofed``).
    """

    who: str
    reason: str
    since: float
    latest: float
    counters: Counter[str] = field(default_factory=Counter)


class Refusals:
    """The latest 256 that were refused something; those refused longest ago are forgotten first.

    Args:
        clock: seconds since the epoch.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._refused: dict[str, Refusal] = {}

    def note(self, who: str, counter: str, reason: str = "") -> None:
        """`who` (a peer id or an IP address) was refused something.

        Args:
            who: the peer id, or the IP address of one that has not told it.
            counter: the reason as it is counted, one of a fixed set of words.
            reason: the same for people, with what they may do; by default the counter's word.
        """
        now = self._clock()
        refusal = self._refused.pop(who, None) or Refusal(who, "", now, now)
        self._refused[who] = refusal
        refusal.reason, refusal.latest = reason or counter, now
        if counter in refusal.counters or len(refusal.counters) < _MOST_REASONS:
            refusal.counters[counter] += 1
        if len(self._refused) > _MOST:
            del self._refused[next(iter(self._refused))]

    def get(self, who: str) -> Refusal | None:
        """What `who` was refused, if anything."""
        return self._refused.get(who)

    def all(self) -> tuple[Refusal, ...]:
        """All of them, the latest last."""
        return tuple(self._refused.values())

    def forget(self, who: str) -> None:
        """Strike `who` from the list."""
        self._refused.pop(who, None)
