"""Who was refused something, and why: counted by peer, for `aikyo peers`. Pure, bounded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

__all__ = ["Refusal", "Refusals"]

_MOST = 256
_MOST_REASONS = 32

_FOLLOWS = {"spoofed", "unbound"}
_CAUSES = {"pinned", "claim-refused"}


@dataclass(slots=True)
class Refusal:
    """What one peer was refused.

    Attributes:
        who: its peer id; of one that never came so far as to tell it, its IP address.
        reason: the latest reason, a short text for people; of what it says under an id that it was
            refused, why it was refused that.
        reasons: the latest text of each reason, by its counter.
        since: when it was first refused, seconds since the epoch.
        latest: when it last was.
        counters: how often, by reason as `Node.counters` names it (``spoofed``).
    """

    who: str
    reason: str
    since: float
    latest: float
    counters: Counter[str] = field(default_factory=Counter)
    reasons: dict[str, str] = field(default_factory=dict)


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
        refusal.latest = now
        if counter not in _FOLLOWS or not _CAUSES & refusal.counters.keys():
            refusal.reason = reason or counter
        if counter in refusal.counters or len(refusal.counters) < _MOST_REASONS:
            refusal.counters[counter] += 1
            refusal.reasons[counter] = reason or counter
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
