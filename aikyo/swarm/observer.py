"""Watches the talks from outside, as the firehose hears them, and tells when they begin, rest and end.

It runs the same turn-taking as every companion, so that it comes to the same conclusions, for the
companions of other swarms too.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable

import msgspec
import trio

from ..conversation import Outcome, Over, Talk, Talks, Turn
from ..mesh import Roster
from ..wire import Closing, Envelope, Event, Message, State, Topic

__all__ = ["observe"]

MAX_OPEN = 64

_MESSAGE = msgspec.json.Decoder(Message)
_STATE = msgspec.json.Decoder(State)


async def observe(
    envelopes: AsyncIterable[Envelope], roster: Roster, emit: Callable[[Event], None]
) -> None:
    """Watch until `envelopes` ends or this is cancelled.

    Args:
        envelopes: what goes over the mesh (`messages` and `states`).
        roster: who is on the mesh.
        emit: told of ``talk-begun``, ``talk-resting`` and ``talk-ended``.
    """
    observer = _Observer(roster, emit)
    async with trio.open_nursery() as nursery:
        async for envelope in envelopes:
            observer.take_in(envelope, nursery)
        nursery.cancel_scope.cancel()


class _Observer:
    def __init__(self, roster: Roster, emit: Callable[[Event], None]) -> None:
        self._roster = roster
        self._emit = emit
        self._talks = Talks()
        self._heard = trio.Event()
        self._open = 0

    def take_in(self, envelope: Envelope, nursery: trio.Nursery) -> None:
        now = trio.current_time()
        match envelope.topic:
            case Topic.MESSAGES:
                message = _MESSAGE.decode(envelope.body)
                talk, turn = self._talks.hear_message(message, self._roster, now)
                if len(talk.messages) == 1:
                    self._tell("talk-begun", turn)
                if self._open < MAX_OPEN:
                    self._open += 1
                    nursery.start_soon(self._follow, talk, turn)
            case Topic.STATES:
                self._talks.hear_state(_STATE.decode(envelope.body), now)
        self._heard.set()
        self._heard = trio.Event()

    async def _follow(self, talk: Talk, turn: Turn) -> None:
        while not isinstance(decision := turn.decide(trio.current_time()), Over):
            with trio.move_on_at(decision.until):
                await self._heard.wait()
        self._open -= 1
        if decision.outcome not in {Outcome.ANSWERED, Outcome.SUPERSEDED}:
            closed = turn.closing in {Closing.CLOSING, Closing.TERMINAL}
            self._tell("talk-ended" if closed else "talk-resting", turn, decision.outcome, closed=closed)

    def _tell(
        self, event: str, turn: Turn, outcome: Outcome | None = None, *, closed: bool = False
    ) -> None:
        message = turn.message
        self._emit(
            Event(
                type=event,
                conversation=message.conversation or message.id,
                message_id=message.id,
                reason="closed" if closed else outcome,
            )
        )
