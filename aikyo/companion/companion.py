"""A companion: what it hears, and what comes of it. One task tree of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from functools import partial

import trio

from ..brain import Moment
from ..conversation import (
    Talk,
    Talks,
    Turn,
    as_message,
    audience,
    hears,
    quiet_request,
    turns_to,
)
from ..mesh import Received
from ..wire import (
    Action,
    Activity,
    Context,
    Dialect,
    Event,
    Fired,
    Message,
    Query,
    QueryResult,
    State,
    TurnNote,
    made_at,
)
from .answers import Answers
from .hands import Occasion
from .initiative import Initiative, Opening
from .journal import journal, write
from .moments import Moments, recalled
from .perception import PICTURE
from .profile import Profile
from .pulse import Pulse
from .remembering import OwnWords, Remembering
from .restraint import Restraint
from .session import Change, Session, Sessions
from .surroundings import Surroundings
from .turn_taking import TurnTaking
from .voice import Voice
from .world import World

__all__ = ["Companion"]

MAX_TURNS_AT_ONCE, MAX_TURNS_FOR_ONE = 32, 8
"""Turns that are followed at once, in all and of one peer's messages: a flood leaves room for others,
and peers of other homes, however many they are, leave room for our own."""

LOOKS_AGAIN = 2.0
"""Seconds after which it is looked at the latest whether people still wait."""


class Companion:
    """One companion on the mesh.

    Args:
        profile: its character.
        world: all that it is handed.

    Attributes:
        sessions: what its turns are taken with.
        dropped: messages in which it took no part because too much was going on at once.
    """

    def __init__(self, profile: Profile, world: World) -> None:
        self._world = world
        self.sessions = Sessions(profile, world, lambda: self.mood, self._think_anew)
        self._moments = Moments(world)
        self._led = world.node.dialect is Dialect.JSONRPC
        self._talks = Talks(world.is_person, led=self._led, names=world.names_of, embed=world.embed)
        self._heard = Pulse()
        self._surroundings = Surroundings(world, lambda: self.sessions.current.profile.toolset)
        self._voice = Voice(world, self._moments, self._surroundings, self.sessions)
        self._restraint = Restraint(world, self._moments, self._voice, self.sessions)
        self._answers = Answers(world, self._moments, self._voice, self._restraint)
        self._turns = TurnTaking(
            world,
            self._moments,
            self._voice,
            self._answers,
            self._restraint,
            sessions=self.sessions,
            heard=self._heard,
        )
        self._taking_part = Counter[str]()  # turns by the peer whose message it is
        self._initiative = Initiative(
            world, self._begin, self._starts, lambda: self._voice.speechless_until
        )
        self._remembering = Remembering(world, self.sessions, self._is_busy)
        self._own_words = OwnWords()
        self._up_since = float("-inf")
        self.dropped = 0

    @property
    def activity(self) -> Activity:
        """What it is doing."""
        return self._voice.activity

    @property
    def reason(self) -> str:
        """Why it rests, if it does."""
        return self._voice.reason

    @property
    def turns(self) -> int:
        """How many turns it has taken."""
        return self._voice.turns

    @property
    def mood(self) -> str:
        """The emotion it last spoke with, or nothing."""
        return self._voice.mood

    @property
    def forgetful(self) -> str:
        """Why it cannot remember now what happens, or nothing."""
        return self._world.forgetful.reason

    async def run(self) -> None:
        """Live, until cancelled or until the node ends; then whatever ended it is raised.

        Cancelled in the middle of a turn, what was not yet said is dropped and not journaled.
        """
        self._up_since = self._world.clock()
        self._voice.be("listening")
        if self._led:
            self._world.node.judge_leaders(self._leads)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._watch_roster)
            nursery.start_soon(self._watch_quiet)
            nursery.start_soon(self._initiative.run)
            nursery.start_soon(self._surroundings.run)
            nursery.start_soon(self.sessions.run)
            nursery.start_soon(self._voice.recover)
            nursery.start_soon(self._remembering.run)
            nursery.start_soon(self._catch_up)
            # Whoever meets the damage; some would only try again later
            nursery.start_soon(self._world.memory.until_damaged)
            async for received in self._world.node.received:
                await self._take_in(received, nursery)
            nursery.cancel_scope.cancel()

    async def _catch_up(self) -> None:
        await self._world.forgetful.run(self._world, partial(write, self._world.memory))

    def _think_anew(self) -> None:
        self._voice.be_back()
        self._remembering.look_again()
        self._initiative.look_again()

    async def try_again(self) -> None:
        """Where its brain has failed and rests, see at once whether it can think again."""
        await self._voice.try_again()

    async def write_down(self) -> None:
        """Write what waits to be written, if anything does and if that is possible.

        Raises:
            MemoryDamagedError: the memory is damaged.
        """
        await self._world.forgetful.catch_up(self._world, partial(write, self._world.memory))

    async def forget(self, uids: Collection[str]) -> None:
        """Entries with these uids were taken out of its memory: tell the brain of them no more.

        Raises:
            AikyoError: the session that tells of them could not be renewed, and why; it goes on.
        """
        self._moments.forget(uids)
        self._answers.forget(uids)
        self._own_words.forget()
        self._remembering.look_again()
        await self.sessions.renew(Change("forgotten"))

    def _is_busy(self) -> bool:
        """Whether it composes something, or a person waits for it."""
        return self._voice.mouth.locked() or self._restraint.is_awaited_by_people

    def begin(self, topic: str, others: Sequence[str]) -> None:
        """Have it begin a talk with `others` (ids) of its own accord, on `topic` or on anything.

        Returns at once; while an earlier beginning waits for its turn, this one is dropped.
        """
        self._initiative.ask(topic, others)

    async def _begin(self, opening: Opening) -> None:
        """Say the first word of a talk; a person who speaks to us meanwhile is answered instead."""
        while self._restraint.is_awaited_by_people:
            await self._heard.wait_until(trio.current_time() + LOOKS_AGAIN)
        with self.sessions.use() as session:
            said = await self._open(session, opening)
        await self._voice.sound(said)

    async def _open(self, session: Session, opening: Opening) -> str:
        """Say the first word of a talk, unless something is in the way; what was said."""
        world, now = self._world, trio.current_time()
        occasion = Occasion(
            opening.conversation, opening.to, may_speak=lambda: world.quiet.mode == "normal"
        )
        hands = self._voice.hands(session, occasion)
        moment: Moment | None = None
        problem = "interrupted"
        try:
            async with self._voice.mouth:
                if hindrance := self._hindrance(opening, now):
                    problem = hindrance
                    return ""
                with self._voice.interruptible():
                    moment = await self._moments.beginning(session, opening)
                    problem = await self._voice.compose(session, moment, hands)
        finally:  # an opening that must make way is cancelled from outside
            if hands.message is not None:
                world.taken.take(opening.conversation, trio.current_time())
                problem = ""
            elif world.quiet.mode != "normal":
                problem = "quiet"
            note = TurnNote(
                companion=world.me,
                conversation=opening.conversation,
                said=hands.message.id if hands.message else "",
                opening=opening.why,
                fired=opening.fired,
                recalled=recalled(moment),
                perceived=tuple(line.id for line in moment.perceived) if moment else (),
                brain=session.brain.label,
                session=session.number,
                seconds=trio.current_time() - now,
                reason=problem,
            )
            world.note(note)
        return hands.message.message if hands.message else ""

    def _hindrance(self, opening: Opening, since: float) -> str:
        """Why it is not to be composed after all; nothing if it is."""
        if self._world.quiet.mode != "normal":
            return "quiet"
        if self._restraint.was_interrupted_since(since):
            return "interrupted"
        if why := self._world.taken.why_none(opening.conversation, trio.current_time()):
            self._voice.rest(why)
        return why

    def _starts(self, context: Context) -> tuple[Fired, ...]:
        session = self.sessions.current
        return session.profile.triggers.starts_on(self._moments.facts_of(session, context))

    async def _take_in(self, received: Received, nursery: trio.Nursery) -> None:
        match received.payload:
            case State() as state:
                by = self._world.roster.held_by(received.peer)
                self._talks.hear_state(state, trio.current_time(), by)
                self._initiative.hear_state(state)
                self._heard.wake()
                await self._answers.hear_claim(state)
            case Message() as message:
                await self._hear(message, received, nursery, bytes(received.body))
            case Action() as action if (spoken := as_message(action)) is not None:
                await self._hear(spoken, received, nursery)
            case Action() | Query() | QueryResult() as payload:
                await self._surroundings.hear(payload, received.peer)
            case Context() as context if not context.to or self._world.me in context.to:
                await self._perceive(context, received)

    async def _hear(
        self, message: Message, received: Received, nursery: trio.Nursery, body: bytes = b""
    ) -> None:
        self._initiative.hear_message(message)
        if not hears(message, self._world.me):
            self._talks.meet(self._world.roster, trio.current_time())
            self._talks.overhear(message, trio.current_time(), body)
            return
        message = self._talks.place(message, trio.current_time())
        is_new = False
        if not received.own:  # one's own was journaled when it was said
            await self._moments.meet(message.sender)
            is_new = await journal(
                self._world,
                message,
                "heard",
                message.message,
                peer=received.peer,
                echo=self._is_own_echo(message),
                present=self._talks.heard_in(message.conversation),
            )
        else:
            self._own_words.add(message.message)
        self.sessions.journaled()
        self._remembering.journaled()
        self._talks.meet(self._world.roster, trio.current_time())
        heard = self._talks.hear_message(message, trio.current_time(), body)
        if self._led:
            self._world.node.judge_leaders(self._leads)
        by_person = self._world.is_person(message.sender)
        if heard is not None and self._world.allowance is not None:
            self._world.allowance.hear(heard[0].id, received.peer, message.sender, by_person=by_person)
        self._heard.wake()
        if heard is None or not is_new:  # not to what was heard before a restart
            return
        talk, turn = heard
        if by_person:
            self._remembering.make_way()
            await self._obey(message, talk, received.peer)
            if not self._restraint.has_spent_all(talk):
                self._restraint.interrupt()
            self._heard.wake()
        if turn.is_over or self._world.me not in turn.invited:
            return
        if not by_person and self._was_said_before_us(message):
            await self._turns.decline(turn)
            return
        busy, peer = self._taking_part, received.peer
        is_full = busy.total() >= MAX_TURNS_AT_ONCE and not self._world.owns(peer)
        if is_full or busy[peer] >= MAX_TURNS_FOR_ONE:
            self.dropped += 1
            await self._turns.decline(turn)
            return
        busy[peer] += 1
        if by_person:
            self._restraint.owe(turn)
        nursery.start_soon(self._take_part, talk, turn, peer)

    def _is_own_echo(self, message: Message) -> bool:
        """Whether somebody only says what we have said to them."""
        return self._own_words.are_in(
            message.message,
            by_person=self._world.is_person(message.sender),
            names=(*self._world.names_of(self._world.me), *self._world.names_of(message.sender)),
        )

    def _was_said_before_us(self, message: Message) -> bool:
        """Whether it was said before we were up; gossip tells newcomers, but not what came of it."""
        return (made_at(message.id) or self._up_since) < self._up_since

    async def _take_part(self, talk: Talk, turn: Turn, peer: str) -> None:
        try:
            said = await self._turns.take_part(talk, turn)
        finally:
            self._taking_part[peer] -= 1
            self._taking_part += Counter()  # without those who are at none
        await self._voice.sound(said)

    async def _obey(self, message: Message, talk: Talk, peer: str) -> None:
        """Be quiet, or talk again, as a person of this home asks; one of another home cannot silence
        us."""
        names = [name for who in self._world.roster for name in self._world.names_of(who)]
        request = quiet_request(message.message, names)
        if request is None or not self._world.owns(peer) or not self._is_for_me(message, talk):
            return
        self._world.quiet.set(request.mode, request.seconds)
        if request.mode != "normal":
            await self._voice.nod(Occasion(talk.id, audience(message, self._world.me), message.id))

    def _is_for_me(self, message: Message, talk: Talk) -> bool:
        """Whether it turns to us, or to nobody in particular."""
        if self._moments.addressed(message, talk):
            return True
        others = (who for who in self._world.roster if who != self._world.me)
        return not any(turns_to(message, who, self._world.names_of(who)) for who in others)

    async def _watch_quiet(self) -> None:
        """Tell of each change; whoever becomes quiet drops what it was about to say."""
        quiet = self._world.quiet
        if quiet.mode == "normal":
            await quiet.changed()
        while True:
            if quiet.mode == "quiet":
                self._voice.interrupt()
            until = 0.0
            if quiet.until is not None:
                until = self._world.clock() + quiet.until - trio.current_time()
            self._world.emit(Event(type="quiet", companion=self._world.me, mode=quiet.mode, until=until))
            await quiet.changed()

    async def _perceive(self, context: Context, received: Received) -> None:
        text = context.context if context.type == "text" else PICTURE
        await journal(self._world, context, "perceived", text, peer=received.peer)
        self.sessions.journaled()
        self._remembering.journaled()
        self._moments.perceive(context)
        self._initiative.perceive(context)

    def _leads(self, companion: str, message_id: str) -> bool | None:
        return self._talks.leads(companion, message_id, trio.current_time())

    async def _watch_roster(self) -> None:
        while True:
            self._talks.meet(self._world.roster, trio.current_time())
            self._heard.wake()
            await self._world.roster.changed()
