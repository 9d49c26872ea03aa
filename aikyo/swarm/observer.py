"""Watches the talks from outside, as the firehose hears them, and tells when they begin, rest and end,
how each turn went, and who comes and goes.

It runs the same turn-taking as every companion, so that it comes to the same conclusions, for the
companions of other swarms too.
"""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from collections.abc import AsyncIterable, Callable

import msgspec
import trio

from ..conversation import Embed, Outcome, Over, Talk, Talks, Turn, as_message
from ..mesh import Roster
from ..wire import (
    Action,
    Closing,
    Envelope,
    Event,
    Message,
    State,
    Topic,
    TurnRecord,
    bare_name,
    is_companion,
)
from .turn_watch import TurnWatch

__all__ = ["OBSERVED", "Observer"]

OBSERVED = (Topic.MESSAGES, Topic.STATES, Topic.ACTIONS)
"""The topics that an observer wants to hear."""

LAG = 3.0
"""Seconds that a message may come later to a companion than to us, who miss less."""

SETTLES = 60.0
"""Seconds after its end in which a turn still waits for answers, of those who have missed that end: as
long as they may compose."""

MAX_OPEN = 256
"""Turns that are watched at once."""

_EARLY = 64  # answers that were heard before what they answer

_MESSAGE = msgspec.json.Decoder(Message, float_hook=float)  # see `wire.codec`
_STATE = msgspec.json.Decoder(State)
_ACTION = msgspec.json.Decoder(Action, float_hook=float)


class Observer:
    """One who watches.

    Args:
        roster: who is on the mesh.
        emit: told of ``talk-begun``, ``talk-resting``, ``talk-ended``, ``joined`` and ``left``.
        led: whether turns are led, as in a mesh of the TypeScript aikyo.
        record: told of each turn when it is over, and again where it was answered later. It must not
            raise.
        embed: gives a text's sense; None: likeness is told by characters alone.
        clock: seconds since the epoch.
        pace: how long the pauses for reading are; 1 is natural.

    Attributes:
        counters: ``turns-unwatched``, of more talks at once than are watched.
    """

    def __init__(
        self,
        roster: Roster,
        emit: Callable[[Event], None],
        *,
        led: bool = False,
        record: Callable[[TurnRecord], None] | None = None,
        embed: Embed | None = None,
        clock: Callable[[], float] = time.time,
        pace: float = 1.0,
    ) -> None:
        self._roster = roster
        self._emit = emit
        self._record = record
        self._clock = clock
        self._pace = pace
        self._talks = Talks(self._is_person, led=led, names=self._names_of, embed=embed, lag=LAG)
        self._heard = trio.Event()
        self._open: dict[str, TurnWatch] = {}  # by message
        self._early: OrderedDict[str, tuple[Message, float]] = OrderedDict()  # by what they answer
        self.counters: Counter[str] = Counter()

    async def watch(self, envelopes: AsyncIterable[Envelope]) -> None:
        """Watch until `envelopes` (what goes over the mesh on `OBSERVED`) ends or this is cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._watch_roster)
            async for envelope in envelopes:
                self._take_in(envelope, nursery)
            nursery.cancel_scope.cancel()

    def watching(self) -> tuple[TurnRecord, ...]:
        """The turns that are not settled yet, oldest first; `outcome` is empty where one goes on."""
        return tuple(watch.record() for watch in self._open.values())

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
                state, now = _STATE.decode(envelope.body), trio.current_time()
                if watch := self._open.get(state.message_id):
                    watch.hear_state(state, now)
                self._talks.hear_state(state, now, by)
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
                for watch in self._open.values():
                    watch.leave(who)
            known = there
            await self._roster.changed()

    def _hear(self, message: Message, nursery: trio.Nursery, body: bytes = b"") -> None:
        self._talks.meet(self._roster, trio.current_time())
        message = self._talks.place(message, trio.current_time())
        heard = self._talks.hear_message(message, trio.current_time(), body)
        if heard is None:
            return
        talk, turn = heard
        self._hear_answer(message, trio.current_time())
        if talk.length == 1:
            self._tell("talk-begun", turn)
        if len(self._open) >= MAX_OPEN:
            self.counters["turns-unwatched"] += 1
            return
        nursery.start_soon(self._follow, talk, turn, self._watch_turn(talk, turn))

    def _watch_turn(self, talk: Talk, turn: Turn) -> TurnWatch:
        """Watch a turn that has just begun; an answer to it may have been heard already."""
        now = trio.current_time()
        watch = self._open[turn.message.id] = TurnWatch(
            talk,
            turn,
            by_person=self._is_person(turn.message.sender),
            time=self._clock(),
            now=now,
            pace=self._pace,
        )
        if early := self._early.pop(turn.message.id, None):
            watch.hear_answer(*early)
        return watch

    def _hear_answer(self, message: Message, now: float) -> None:
        """Note what a companion says in answer to something."""
        if message.reply_to is None or self._is_person(message.sender):
            return
        if watch := self._open.get(message.reply_to):
            watch.hear_answer(message, now)
            return
        self._early[message.reply_to] = (message, now)
        while len(self._early) > _EARLY:
            self._early.popitem(last=False)

    async def _follow(self, talk: Talk, turn: Turn, watch: TurnWatch) -> None:
        try:
            while not isinstance(decision := turn.decide(trio.current_time()), Over):
                with trio.move_on_at(decision.until):
                    await self._heard.wait()
            outcome = self._ending(decision.outcome, talk, turn)
            watch.end(outcome, trio.current_time())
            if outcome is Outcome.CLOSED:
                self._tell("talk-ended", turn, outcome)
            elif outcome not in {Outcome.ANSWERED, Outcome.SUPERSEDED}:
                self._tell("talk-resting", turn, outcome)
            told = self._hand_over(watch)
            try:
                await trio.sleep(SETTLES)
            finally:  # cut short by the swarm's end, too
                if watch.record() != told:
                    self._hand_over(watch)
        finally:
            del self._open[turn.message.id]

    def _ending(self, outcome: Outcome, talk: Talk, turn: Turn) -> Outcome:
        """How a turn ended. Those who do not say so end their talk by falling silent when it has closed;
        and where a person spoke and no companion was there, none can have wanted or not."""
        if outcome is not Outcome.NOBODY_WANTED:
            return outcome
        if not turn.invited and self._is_person(turn.message.sender):
            return Outcome.NO_QUORUM
        return Outcome.CLOSED if talk.closing in {Closing.CLOSING, Closing.TERMINAL} else outcome

    def _hand_over(self, watch: TurnWatch) -> TurnRecord:
        record = watch.record()
        if self._record is not None:
            self._record(record)
        return record

    def _is_person(self, ident: str) -> bool:
        return not is_companion(ident) and ident not in self._roster

    def _names_of(self, ident: str) -> tuple[str, ...]:
        member, bare = self._roster.get(ident), bare_name(ident)
        return (member.presence.name or bare if member else bare, bare)

    def _wake(self) -> None:
        self._heard.set()
        self._heard = trio.Event()

    def _tell(self, event: str, turn: Turn, reason: str | None = None) -> None:
        message = turn.message
        conversation = message.conversation or message.id
        self._emit(Event(type=event, conversation=conversation, message_id=message.id, reason=reason))
