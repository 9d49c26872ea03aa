"""How often dials to one IP address may fail: anybody can announce addresses of others. Pure."""

from __future__ import annotations

__all__ = ["Misses"]

_EVERY = 0.5  # seconds between failures, in the long run
_AT_ONCE = 128  # and so many before that
_MOST = 4096


class Misses:
    """Failures by key (an IP address, and more), of the 4096 keys used last. Times are in seconds."""

    def __init__(self) -> None:
        self._paid: dict[tuple[str, bool], float] = {}  # until when there were as many as there may be

    def allow(self, key: tuple[str, bool], now: float) -> bool:
        """Whether one more attempt may be made; it counts as a failure until `forgive`."""
        paid = max(self._paid.pop(key, now), now)
        allowed = paid - now < _AT_ONCE * _EVERY
        self._paid[key] = paid + _EVERY if allowed else paid
        if len(self._paid) > _MOST:
            del self._paid[next(iter(self._paid))]
        return allowed

    def forgive(self, key: tuple[str, bool]) -> None:
        """The attempt was none in vain."""
        if key in self._paid:
            self._paid[key] -= _EVERY
