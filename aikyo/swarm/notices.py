"""Tells people what they should know of the mesh: who is refused, once a peer and reason; what is wrong
with what is kept of others; and that there are too many of us for a js-libp2p peer."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from typing import NoReturn

import trio

from ..mesh import Mesh
from ..mesh.members.pins import is_peer_id
from ..mesh.refusals import Refusal
from ..text import inert
from ..wire import Event, MeshStatus, bare_name

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

COUNT_EVERY = 30.0
"""Seconds between looks at everybody, which cost more: milliseconds, where there are 60."""

HOUR = 3600.0

MOST_AN_HOUR = 16
"""Notices an hour: who makes up peer ids is not to fill the log with them."""

MOST_COMPANIONS = 9
"""With the firehose, ten peers of one address: as many as js-libp2p listens to."""

_JS = "js-libp2p/"
_REMEMBERED = 1024


async def give_notice(mesh: Mesh, emit: Callable[[Event], None]) -> NoReturn:
    """Look every few seconds, until cancelled.

    Args:
        mesh: this process's part of the mesh.
        emit: told of each thing with a ``notice``.
    """
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_count, mesh, emit)
        await _tell_refusals(mesh, emit)


async def _tell_refusals(mesh: Mesh, emit: Callable[[Event], None]) -> NoReturn:
    said = ""
    told: OrderedDict[tuple[str, str], None] = OrderedDict()
    times: deque[float] = deque(maxlen=MOST_AN_HOUR)
    while True:
        if mesh.trouble not in ("", said):
            said = mesh.trouble
            emit(Event(type="notice", reason=said))
        for refusal in mesh.refusals.all():
            for counter in WORTH_TELLING.keys() & refusal.counters.keys():
                key = (refusal.who, counter)
                now = trio.current_time()
                full = len(times) == MOST_AN_HOUR and now - times[0] < HOUR
                if key in told or full:
                    continue
                told[key] = None
                times.append(now)
                emit(_notice(refusal, counter, mesh.roster.held_by(refusal.who)))
        while len(told) > _REMEMBERED:
            told.popitem(last=False)
        await trio.sleep(LOOK_EVERY)


async def _count(mesh: Mesh, emit: Callable[[Event], None]) -> None:
    """Say once that a js-libp2p peer will not hear all of us."""
    while True:
        if ours := _too_many(mesh.status()):
            reason = (
                f"{ours} companions run here beside a js-libp2p peer (a TypeScript companion), which "
                "stops hearing peers of one address when they are over ten, the firehose included; "
                f"start with --companions {MOST_COMPANIONS} or fewer"
            )
            emit(Event(type="notice", reason=reason))
            return
        await trio.sleep(COUNT_EVERY)


def _too_many(status: MeshStatus) -> int:
    """How many companions of ours there are, if that is too many for somebody; else 0."""
    ours = sum(one.state == "own" and one.companion != "" for one in status.peers)
    js = any(one.agent.startswith(_JS) for one in status.peers)
    return ours if js and ours > MOST_COMPANIONS else 0


def _notice(refusal: Refusal, counter: str, companion: str | None) -> Event:
    name = inert(bare_name(companion or ""))
    who = f"{name} ({refusal.who})" if name else refusal.who
    said = refusal.reasons[counter]
    why = WORTH_TELLING[counter] if said == counter else inert(said)
    reason = f"refused {who}: {why}; `aikyo peers` shows more"
    return Event(type="notice", reason=reason, peer=refusal.who if is_peer_id(refusal.who) else None)
