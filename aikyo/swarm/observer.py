"""Watches the talks from outside, as the firehose hears them, and tells when they begin, rest and end;
and who comes and goes.

It runs the same turn-taking as every companion, so that it comes to the same conclusions, for the
companions of other swarms too.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable

import msgspec
import trio

from ..conversation import Outcome, Over, Talk, Talks, Turn, as_message
from ..mesh import Roster
from ..wire import Action, Closing, Envelope, Event, Message, State, Topic, is_companion

__all__ = ["OBSERVED", "Observer"]

OBSERVED = (Topic.MESSAGES, Topic.STATES, Topic.ACTIONS)
"""The topics that an observer wants to hear."""

MAX_OPEN = 64

_MESSAGE = msgspec.json.Decoder(Message, float_hook=float)  # see `wire.codec`
_STATE = msgspec.json.Decoder(State)
_ACTION = msgspec.json.Decoder(Action, float_hook=float)


class Observer:
    """One who watches.

    Args:
        roster: who is on the mesh.
        emit: told of ``talk-begun``, ``talk-resting``, ``talk-ended``, ``joined`` and ``left``.
        led: whether turns are led, as in a mesh of the TypeScript aikyo.
    """

    def __init__(self, roster: Roster, emit: Callable[[Event], None], *, led: bool = False) -> None:
        self._roster = roster
        self._emit = emit
        self._talks = Talks(lambda ident: not is_companion(ident) and ident not in roster, led=led)
        self._heard = trio.Event()
        self._open = 0

    async def watch(self, envelopes: AsyncIterable[Envelope]) -> None:
        """Watch until `envelopes` (what goes over the mesh on `OBSERVED`) ends or this is cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._watch_roster)
            async for envelope in envelopes:
                self._take_in(envelope, nursery)
            nursery.cancel_scope.cancel()

    def leads(self, companion: str, message_id: str) -> bool | None:
        """Whether `companion` may judge for all who hear this message; see `Node.judge_leaders`."""
        return self._talks.leads(companion, message_id, trio.current_time())

    def _take_in(self, envelope: Envelope, nursery: trio.Nursery) -> None:
        match envelope.topic:
            case Topic.MESSAGES:
                self._hear(_MESSAGE.decode(envelope.body), nursery, bytes(envelope.body))
            case Topic.ACTIONS:
                message = as_message(_ACTION.decode(envelope.body))
                if message is not None:
                    self._hear(message, nursery)
            case Topic.STATES:
                by = self._roster.held_by(envelope.peer or "")
                self._talks.hear_state(_STATE.decode(envelope.body), trio.current_time(), by)
        self._wake()

    async def _watch_roster(self) -> None:
        known: set[str] = set()
        while True:
            there = set(self._roster)
            self._talks.meet(there, trio.current_time())
            self._wake()
            for who in sorted(there - known):
                self._emit(Event(type="joined", companion=who))
            for who in sorted(known - there):
                self._emit(Event(type="left", companion=who))
            known = there
            await self._roster.changed()

    def _hear(self, message: Message, nursery: trio.Nursery, body: bytes = b"") -> None:
        self._talks.meet(self._roster, trio.current_time())
        message = self._talks.place(message, trio.current_time())
        heard = self._talks.hear_message(message, trio.current_time(), body)
        if heard is None:
            return
        talk, turn = heard
        if talk.length == 1:
            self._tell("talk-begun", turn)
        if self._open < MAX_OPEN:  # of more talks at once the rest is not told
            self._open += 1
            nursery.start_soon(self._follow, talk, turn)

    async def _follow(self, talk: Talk, turn: Turn) -> None:
        while not isinstance(decision := turn.decide(trio.current_time()), Over):
            with trio.move_on_at(decision.until):
                await self._heard.wait()
        self._open -= 1
        if decision.outcome in {Outcome.ANSWERED, Outcome.SUPERSEDED}:
            return
        if talk.closing in {Closing.CLOSING, Closing.TERMINAL}:
            self._tell("talk-ended", turn, "closed")
        else:
            self._tell("talk-resting", turn, decision.outcome)

    def _wake(self) -> None:
        self._heard.set()
        self._heard = trio.Event()

    def _tell(self, event: str, turn: Turn, reason: str | None = None) -> None:
        message = turn.message
        conversation = message.conversation or message.id
        self._emit(Event(type=event, conversation=conversation, message_id=message.id, reason=reason))
