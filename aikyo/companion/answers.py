"""A companion's answer in a turn that is its own: composed, noted, and sent again to who missed it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection

import trio

from ..brain import Assessment, Instruction, Moment
from ..conversation import LedTurn, Speaker, Talk, Turn, audience
from ..wire import Closing, Event, Message, State, TurnNote
from .hands import Hands, Occasion
from .moments import Moments, recalled
from .restraint import Restraint
from .session import Session
from .voice import Voice
from .world import World

__all__ = ["Answers", "is_held_by", "stage_for"]

KEPT, SAID_AGAIN = 32, 3
"""Own answers that are sent once more to one who missed them, and how often."""


class Answers:
    """What one companion answers.

    Args:
        world: all that it is handed.
        moments: what its brain is told.
        voice: what it speaks with.
        restraint: what holds it back.
    """

    def __init__(self, world: World, moments: Moments, voice: Voice, restraint: Restraint) -> None:
        self._world = world
        self._moments = moments
        self._voice = voice
        self._restraint = restraint
        self._kept: OrderedDict[str, tuple[Message, int]] = OrderedDict()

    async def hear_claim(self, state: State) -> None:
        """Somebody claims a turn: if we have answered that message, it was missed, and is sent again."""
        found = self._kept.get(state.message_id)
        if found is None or state.state != "composing" or state.sender == self._world.me:
            return
        message, left = found
        if left:
            self._kept[state.message_id] = message, left - 1
            await self._world.publish(message)

    def forget(self, uids: Collection[str]) -> None:
        """These Messages (ids) were forgotten: send them to nobody again."""
        for ident in [key for key, (message, _) in self._kept.items() if message.id in uids]:
            del self._kept[ident]

    async def answer(
        self,
        session: Session,
        talk: Talk,
        turn: Turn,
        assessment: Assessment,
        *,
        may_interrupt: bool,
    ) -> tuple[Hands, str]:
        """Compose an answer, in a turn that is ours.

        Args:
            session: what the turn is taken with.
            talk: the conversation.
            turn: whose message is answered.
            assessment: what the brain made of that.
            may_interrupt: whether a person who speaks meanwhile interrupts it.

        Returns:
            What it was done with, the Message among it, and why nothing was said, as a State says it.
        """
        message, world = turn.message, self._world
        occasion = Occasion(
            conversation=talk.id,
            audience=audience(message, world.me),
            reply_to=message.id,
            may_speak=lambda: is_held_by(turn, world.me) and not self._restraint.is_quiet(talk, turn),
            asker=message.sender,
        )
        hands, problem, began = self._voice.hands(session, occasion), "", trio.current_time()
        moment: Moment | None = None
        facts = self._moments.facts(session, message)
        fired = session.profile.triggers.evaluate(assessment.params, facts)
        async with self._voice.mouth:
            if not is_held_by(turn, world.me):
                return hands, ""
            if reason := self._restraint.hindrance(talk, turn):  # since we said that we want to speak
                return hands, reason
            if not self._restraint.may_spend("turn", talk):
                return hands, "limit"
            with self._voice.interruptible() if may_interrupt else trio.CancelScope() as unsaid:
                moment = await self._moments.answering(
                    session,
                    message,
                    talk,
                    closing=stage_for(self._world, talk, turn),
                    instructions=tuple(Instruction(each.tool, each.instruction) for each in fired),
                )
                problem = await self._voice.compose(session, moment, hands)
        reason = self._voice.failing if problem else ""
        if hands.message is not None:
            self._has_said(hands.message, talk)
            turn.answered(world.me)
        elif self._restraint.is_quiet(talk, turn):
            reason = problem = "quiet"
        elif unsaid.cancelled_caught:
            reason = problem = "interrupted"
            self._tell_of_interruption(turn, talk)
        note = TurnNote(
            companion=world.me,
            message_id=message.id,
            conversation=talk.id,
            said=hands.message.id if hands.message else "",
            fired=fired,
            recalled=recalled(moment),
            perceived=tuple(line.id for line in moment.perceived) if moment else (),
            params=dict(assessment.params),
            brain=session.brain.label,
            session=session.number,
            seconds=trio.current_time() - began,
            reason=problem,
        )
        world.note(note)
        return hands, reason

    def _tell_of_interruption(self, turn: Turn, talk: Talk) -> None:
        self._world.emit(
            Event(
                type="interrupted",
                companion=self._world.me,
                conversation=talk.id,
                message_id=turn.message.id,
            )
        )

    def _has_said(self, said: Message, talk: Talk) -> None:
        self._world.taken.take(talk.id, trio.current_time())
        if said.reply_to is not None:
            self._kept[said.reply_to] = said, SAID_AGAIN
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)


def is_held_by(turn: Turn, me: str) -> bool:
    """Whether the turn is claimed by `me`, and nobody better."""
    decision = turn.decide(trio.current_time())
    return isinstance(decision, Speaker) and decision.claimed and decision.who == me


def stage_for(world: World, talk: Talk, turn: Turn) -> Closing:
    """How far the talk has wound down, as we count it or as the leader sees it; our last turn is a last
    word."""
    stages = [talk.closing]
    if isinstance(turn, LedTurn):
        stages.append(turn.closing_of(world.me))
    if world.taken.left(talk.id, trio.current_time()) == 1:
        stages.append(Closing.TERMINAL)
    return max(stages, key=list(Closing).index)
