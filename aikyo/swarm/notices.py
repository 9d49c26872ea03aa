"""Tells people what they should know of the mesh: who is refused, once a peer and reason, and what is
wrong with what is kept of others."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from typing import NoReturn

import trio

from ..text import inert
from ..wire import Event, MeshStatus, PeerStatus, bare_name

__all__ = ["WORTH_TELLING", "give_notice"]

WORTH_TELLING = {
    "pinned": "claims an id that is another's",
    "wrong-network-key": "has another network key, or none",
    "foreign": "does not begin as others do; it may have a network key",
    "flood": "sends more than anybody may",
    "banned": "is kept out for a while for what it sent",
}
"""Reasons, as they are counted, that somebody may want to act upon."""

LOOK_EVERY = 3.0

HOUR = 3600.0

MOST_AN_HOUR = 16
"""Notices an hour: who makes up peer ids is not to fill the log with them."""

_REMEMBERED = 1024


async def give_notice(
    status: Callable[[], MeshStatus], trouble: Callable[[], str], emit: Callable[[Event], None]
) -> NoReturn:
    """Look every few seconds, until cancelled.

    Args:
        status: gives who is refused.
        trouble: gives what is wrong with what is kept.
        emit: told of each with a ``notice``.
    """
    said = ""
    told: OrderedDict[tuple[str, str], None] = OrderedDict()
    times: deque[float] = deque(maxlen=MOST_AN_HOUR)
    while True:
        if trouble() not in ("", said):
            said = trouble()
            emit(Event(type="notice", reason=said))
        for one in status().peers:
            for counter in WORTH_TELLING.keys() & one.counters.keys():
                key = (one.peer or "".join(one.addresses), counter)
                now = trio.current_time()
                full = len(times) == MOST_AN_HOUR and now - times[0] < HOUR
                if key in told or full:
                    continue
                told[key] = None
                times.append(now)
                emit(_notice(one, counter))
        while len(told) > _REMEMBERED:
            told.popitem(last=False)
        await trio.sleep(LOOK_EVERY)


def _notice(one: PeerStatus, counter: str) -> Event:
    name = inert(bare_name(one.companion))
    where = one.peer or (one.addresses[0] if one.addresses else "somebody")
    who = f"{name} ({where})" if name else where
    why = inert(one.reason) if len(one.counters) == 1 and one.reason else WORTH_TELLING[counter]
    reason = f"refused {who}: {why}; `aikyo peers` shows more"
    return Event(type="notice", reason=reason, peer=one.peer or None)
