"""A companion's part in the turns of others' messages: its State, its claim, its answer."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import trio

from ..brain import Assessment, Instruction, Moment
from ..conversation import (
    Leader,
    LedTurn,
    Over,
    Speaker,
    Talk,
    Turn,
    audience,
    judge_all,
    speaking_time,
)
from ..wire import Closing, Event, Fired, Message, State, TurnNote
from .allowance import Spending
from .hands import Hands, Occasion
from .moments import Moments
from .profile import Profile
from .pulse import Pulse
from .voice import Voice
from .world import World

__all__ = ["TurnTaking"]

CLAIM_SETTLES = 0.05
"""Seconds between claiming a turn and using it, in which a better claim would be heard."""

UNSURE_SETTLES = 0.5
"""The same where not all States were heard: then others may well have come to another speaker."""

FIRST_REPEAT, LAST_REPEAT = 0.1, 2.0
"""Seconds after which a claim is said again, the first time and from the sixth time on: who missed it
must not take the turn too, and who hears it no more knows that the speaker is gone."""

MAX_INTERRUPTIONS = 3
"""How often the answer to one person is dropped for others, before it is said after all."""

ANSWERS_KEPT, SAID_AGAIN = 32, 3
"""Own answers that are sent once more to one who missed them, and how often."""


class TurnTaking:
    """How one companion takes part in turns.

    Args:
        profile: its character.
        world: all that it is handed.
        moments: what its brain is told.
        voice: what it speaks with.
        heard: tells when something new was heard.
    """

    def __init__(
        self, profile: Profile, world: World, moments: Moments, voice: Voice, heard: Pulse
    ) -> None:
        self._profile = profile
        self._world = world
        self._moments = moments
        self._voice = voice
        self._heard = heard
        self._for_people: list[Turn] = []  # open turns of people's messages, the newest last
        self._interrupted_at = float("-inf")
        self._answers: OrderedDict[str, tuple[Message, int]] = OrderedDict()

    @property
    def is_awaited_by_people(self) -> bool:
        """Whether a person has had no answer yet, of us or of others."""
        return any(not turn.is_over for turn in self._for_people)

    def was_interrupted_since(self, moment: float) -> bool:
        """Whether a person has spoken to us since then."""
        return self._interrupted_at >= moment

    def owe(self, turn: Turn) -> None:
        """A person waits for the answer in `turn`, from now on until our part in it is over."""
        self._for_people.append(turn)

    async def take_part(self, talk: Talk, turn: Turn) -> None:
        """Say what one wants, and follow the turn until it is over or taken."""
        try:
            if isinstance(turn, LedTurn):
                await self._follow_led(talk, turn)
            else:
                state, assessment = await self._bid(talk, turn)
                await self._tell(state, turn)
                await self._follow(talk, turn, assessment)
        finally:
            if turn in self._for_people:
                self._for_people.remove(turn)
                self._heard.wake()

    async def decline(self, turn: Turn, reason: str = "busy") -> None:
        """Have no part in it, so that nobody waits for us; a led turn passes by whoever is silent."""
        if not isinstance(turn, LedTurn):
            await self._tell(self._state(turn, state="listen", reason=reason), turn)

    def interrupt(self) -> None:
        """A person has spoken to us: whatever we were about to say to others is dropped."""
        self._interrupted_at = trio.current_time()
        self._voice.interrupt()
        self._heard.wake()

    async def hear_claim(self, state: State) -> None:
        """Somebody claims a turn: if we have answered that message, it was missed, and is sent again."""
        found = self._answers.get(state.message_id)
        if found is None or state.state != "composing" or state.sender == self._world.me:
            return
        message, left = found
        if left:
            self._answers[state.message_id] = message, left - 1
            await self._world.publish(message)

    # A turn in which everybody bids ---------------------------------------------------------------

    async def _bid(self, talk: Talk, turn: Turn) -> tuple[State, Assessment]:
        message = turn.message
        assessment = Assessment(speak=False)
        reason = self._refusal(talk, turn)
        if not reason:
            moment = await self._moments.answering(message, talk)
            found = await self._voice.assess(moment)
            reason = "" if found else "brain-failed"
            assessment = found or assessment
        state = self._state(
            turn,
            state="speak" if assessment.speak else "listen",
            importance=min(10.0, max(0.0, assessment.importance)),
            selected=self._moments.addressed(message, talk),
            closing=_next(talk.closing) if assessment.circles else talk.closing,
            reason=reason,
        )
        return state, assessment

    def _refusal(self, talk: Talk, turn: Turn) -> str:
        """Why we may not speak, as a State says it; nothing if we may."""
        if reason := talk.refusal(self._world.me) or self._hindrance(talk, turn):
            return reason
        return "" if self._may_spend("weigh", talk) else "limit"

    async def _follow(self, talk: Talk, turn: Turn, assessment: Assessment) -> None:
        """Follow the turn until it is over, and take it when it is one's own."""
        while not isinstance(decision := turn.decide(trio.current_time()), Over):
            if self._stands_back(turn):
                is_awaited = not turn.is_decided or self._world.me in turn.standing_by
                if assessment.speak and is_awaited:
                    await self.decline(turn, "interrupted")
                return
            match decision:
                case Speaker(who=self._world.me, claimed=False) if self._busy_elsewhere(turn):
                    await self.decline(turn)
                case Speaker(who=self._world.me, claimed=False, rank=rank):
                    claim = self._state(turn, state="composing", rank=rank)
                    await self._tell(claim, turn)
                    async with self._holding(turn, claim):
                        said = await self._use_turn(talk, turn, assessment)
                    await self._voice.sound(said)
                case _:
                    await self._heard.wait_until(decision.until)

    @asynccontextmanager
    async def _holding(self, turn: Turn, claim: State) -> AsyncIterator[None]:
        """Meanwhile say again and again that we have the turn."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._repeat, turn, claim)
            yield
            nursery.cancel_scope.cancel()

    async def _repeat(self, turn: Turn, claim: State) -> None:
        pause = FIRST_REPEAT
        await trio.sleep(pause)
        while self._is_mine(turn):
            await self._tell(claim, turn)
            pause = min(2 * pause, LAST_REPEAT)
            await trio.sleep(pause)

    # A turn that one leads for all ----------------------------------------------------------------

    async def _follow_led(self, talk: Talk, turn: LedTurn) -> None:
        """Follow a led turn until it is over: judge for all when one is to lead, and take the turn when
        one is chosen."""
        assessment: Assessment | None = None
        told: str | None = None  # the speaker, where we told it to all
        while True:
            decision = turn.decide(trio.current_time())
            if isinstance(decision, Speaker) and told not in (None, decision.who):
                await self._world.node.publish_all(turn.as_it_stands())
                told = decision.who
            match decision:
                case Over():
                    return
                case Leader(who=self._world.me) if assessment is None:
                    assessment = await self._lead(talk, turn)
                    told = turn.ranking[0] if turn.ranking else None
                case Speaker(who=self._world.me, claimed=False) if self._busy_elsewhere(
                    turn
                ) or self._stands_back(turn):
                    await self._tell(self._state(turn, state="listen"), turn)
                case Speaker(who=self._world.me, claimed=False, rank=rank):
                    assessment = assessment or await self._accept(talk, turn)
                    if assessment is None:
                        await self._tell(self._state(turn, state="listen"), turn)
                        continue
                    await self._tell(self._state(turn, state="composing", rank=rank), turn)
                    await self._voice.sound(await self._use_turn(talk, turn, assessment))
                case _:
                    await self._heard.wait_until(decision.until)

    async def _lead(self, talk: Talk, turn: LedTurn) -> Assessment | None:
        """Judge for all: for oneself by the brain, for others by rule. None when somebody else has."""
        own, assessment = await self._bid(talk, turn)
        if not isinstance(turn.decide(trio.current_time()), Leader):
            return None
        world = self._world
        states = judge_all(turn, talk, own, name_of=world.name_of, there=frozenset(world.roster))
        for state in states:
            turn.hear(state, trio.current_time(), world.me)
        self._heard.wake()
        await world.node.publish_all(states)
        return assessment

    async def _accept(self, talk: Talk, turn: LedTurn) -> Assessment | None:
        """What the brain makes of a message that another has chosen us to answer; None if we cannot."""
        now = trio.current_time()
        if (
            talk.refusal(self._world.me, chosen=True)
            or self._is_quiet(talk, turn)
            or not self._world.taken.left(talk.id, now)
            or not self._may_spend("weigh", talk)
        ):
            return None
        moment = await self._moments.answering(turn.message, talk, closing=self._closing(talk, turn))
        return await self._voice.assess(moment)

    # Taking the turn ------------------------------------------------------------------------------

    async def _use_turn(self, talk: Talk, turn: Turn, assessment: Assessment) -> str:
        """Say what we have to say, unless the turn is lost meanwhile; what was said. What a person
        interrupts is taken up again after the turns of those who wait then, where nobody else can
        answer."""
        interruptions = 0
        while await self._keep_turn(turn):
            may_interrupt = interruptions < MAX_INTERRUPTIONS
            hands, reason = await self._speak(talk, turn, assessment, may_interrupt=may_interrupt)
            if hands.message is not None:
                return hands.message.message
            if reason != "interrupted" or not self._is_asked_by_person_alone(turn):
                await self._give_up(turn, reason)
                break
            interruptions += 1
            waiting = [other for other in self._for_people if other.heard_at > turn.heard_at]
            while self._is_mine(turn) and not all(other.is_over for other in waiting):
                await self._heard.wait_until(trio.current_time() + LAST_REPEAT)
        return ""

    async def _give_up(self, turn: Turn, reason: str) -> None:
        """Let the next have a turn that is ours."""
        if self._is_mine(turn):
            await self._tell(self._state(turn, state="listen", reason=reason), turn)

    async def _keep_turn(self, turn: Turn) -> bool:
        """Leave what was said its time, and the claim its own; whether the turn is still ours then."""
        pause = CLAIM_SETTLES if turn.invited <= turn.offers.keys() else UNSURE_SETTLES
        if not self._world.is_person(turn.message.sender):
            pause = max(pause, speaking_time(turn.message.message) * self._world.pace)
        until = trio.current_time() + pause
        while self._is_mine(turn) and not self._stands_back(turn):
            if trio.current_time() >= until:
                return True
            await self._heard.wait_until(until)
        if self._stands_back(turn):
            await self._give_up(turn, "interrupted")
        return False

    async def _speak(
        self, talk: Talk, turn: Turn, assessment: Assessment, *, may_interrupt: bool
    ) -> tuple[Hands, str]:
        """Compose an answer; with what came of it, and why nothing was said, as a State says it."""
        message, world = turn.message, self._world
        occasion = Occasion(
            conversation=talk.id,
            audience=audience(message, world.me),
            reply_to=message.id,
            may_speak=lambda: self._is_mine(turn) and not self._is_quiet(talk, turn),
        )
        hands, problem, began = self._voice.hands(occasion), "", trio.current_time()
        moment: Moment | None = None
        fired = self._fired(message, assessment)
        async with self._voice.mouth:
            if not self._is_mine(turn):
                return hands, ""
            if reason := self._hindrance(talk, turn):  # since we said that we want to speak
                return hands, reason
            if not self._may_spend("turn", talk):
                return hands, "limit"
            with self._voice.interruptible() if may_interrupt else trio.CancelScope() as unsaid:
                moment = await self._moments.answering(
                    message,
                    talk,
                    closing=self._closing(talk, turn),
                    instructions=tuple(Instruction(each.tool, each.instruction) for each in fired),
                )
                problem = await self._voice.compose(moment, hands)
        reason = "brain-failed" if problem else ""
        if hands.message is not None:
            self._has_said(hands.message, talk)
            turn.answered(world.me)
        elif self._is_quiet(talk, turn):
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
            recalled=tuple(line.id for line in moment.recalled) if moment else (),
            perceived=tuple(line.id for line in moment.perceived) if moment else (),
            params=dict(assessment.params),
            brain=world.brain.label,
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
            self._answers[said.reply_to] = said, SAID_AGAIN
            while len(self._answers) > ANSWERS_KEPT:
                self._answers.popitem(last=False)

    def _fired(self, message: Message, assessment: Assessment) -> tuple[Fired, ...]:
        facts = self._moments.facts(message)
        return self._profile.triggers.evaluate(assessment.params, facts)

    # What holds us back ---------------------------------------------------------------------------

    def _hindrance(self, talk: Talk, turn: Turn) -> str:
        """What keeps us from speaking just now, as a State says it; nothing if nothing does."""
        if self._is_quiet(talk, turn):
            return "quiet"
        if not self._world.is_person(turn.message.sender) and (
            self._stands_back(turn) or self.is_awaited_by_people
        ):
            return "interrupted"
        if why := self._world.taken.why_none(talk.id, trio.current_time()):
            self._voice.rest(why)
            return "limit"
        return ""

    def _is_quiet(self, talk: Talk, turn: Turn) -> bool:
        match self._world.quiet.mode:
            case "quiet":
                return True
            case "mention-only":
                return not self._moments.addressed(turn.message, talk)
            case _:
                return False

    def _stands_back(self, turn: Turn) -> bool:
        """Whether a person has spoken to us since a companion said what this turn is about."""
        if self._world.is_person(turn.message.sender):
            return False
        return turn.heard_at <= self._interrupted_at

    def _is_asked_by_person_alone(self, turn: Turn) -> bool:
        """Whether a person asked, and nobody else is left who wants to answer."""
        return self._world.is_person(turn.message.sender) and not self._others_want(turn)

    def _busy_elsewhere(self, turn: Turn) -> bool:
        """Whether we are speaking in another talk, and somebody else is left who wants to answer in this
        one."""
        return self._voice.mouth.locked() and self._others_want(turn)

    def _others_want(self, turn: Turn) -> bool:
        return any(who != self._world.me for who in turn.standing_by)

    def _may_spend(self, spending: Spending, talk: Talk) -> bool:
        """Whether the brain may be asked in `talk`; if not, say why, but not every time."""
        allowance, now = self._world.allowance, trio.current_time()
        if allowance is None or allowance.spend(spending, talk.id, now):
            return True
        if reason := allowance.why_not(talk.id, now):
            self._voice.rest(reason)
        return False

    def _closing(self, talk: Talk, turn: Turn) -> Closing:
        """How far the talk has wound down, as we count it or as the leader sees it; our last turn is a
        last word."""
        stages = [talk.closing]
        if isinstance(turn, LedTurn):
            stages.append(turn.closing_of(self._world.me))
        if self._world.taken.left(talk.id, trio.current_time()) == 1:
            stages.append(Closing.TERMINAL)
        return max(stages, key=list(Closing).index)

    def _is_mine(self, turn: Turn) -> bool:
        decision = turn.decide(trio.current_time())
        return isinstance(decision, Speaker) and decision.claimed and decision.who == self._world.me

    def _state(self, turn: Turn, **fields: Any) -> State:
        if not isinstance(turn, LedTurn):  # TypeScript companions know of neither
            fields["reply_to"] = turn.after
        else:
            fields.pop("reason", None)
        return State(sender=self._world.me, message_id=turn.message.id, **fields)

    async def _tell(self, state: State, turn: Turn) -> None:
        turn.hear(state, trio.current_time())
        self._heard.wake()
        await self._world.publish(state)


def _next(stage: Closing) -> Closing:
    """The stage after this one: what a brain votes for that finds the talk repeating itself."""
    stages = tuple(Closing)
    return stages[min(stages.index(stage) + 1, len(stages) - 1)]
