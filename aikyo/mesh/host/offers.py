"""Which of what neighbours offer by its id is asked for: not everything of everybody. Pure."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["Offers"]

_AT_ONCE = 2
_PATIENCE = 1.0
_MOST = 4096


class Offers:
    """What was asked for in the last second.

    A newcomer is offered the same by all of its neighbours in the same moment. It asks two of them, one
    of which may not answer; who offers it later is asked too.
    """

    def __init__(self) -> None:
        self._asked: dict[bytes, tuple[float, int]] = {}  # since when, and of how many

    def accept(self, ids: Iterable[bytes], now: float) -> list[bytes]:
        """Those of the message ids `ids` to ask the one for who offers them; `now` is in seconds."""
        accepted = []
        for mid in ids:
            since, times = self._asked.get(mid, (now, 0))
            if now - since >= _PATIENCE:
                since, times = now, 0
                del self._asked[mid]
            if times < _AT_ONCE:
                self._asked[mid] = (since, times + 1)
                accepted.append(mid)
        while len(self._asked) > _MOST:
            del self._asked[next(iter(self._asked))]
        return accepted
