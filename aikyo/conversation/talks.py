"""The conversations one listener follows: their latest messages and their open turns. Pure, bounded.

A companion and the swarm's observer feed it what they hear; from the same hearing, the same turns. What
is heard may come from anybody, late, twice, out of order, or with somebody else's ids.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from ..wire import Closing, Message, State
from ..wire.javascript import hashed
from .circles import Circles
from .hearing import bidders, hears
from .leader import succession
from .led_turn import LedTurn
from .turns import Turn
from .winding_down import WindingDown

__all__ = ["Talk", "Talks"]

_TALKS = 64
_TURNS = 64
_EARLY = 256
_ANSWERS = 64


@dataclass(slots=True)
class Talk:
    """One conversation.

    Attributes:
        id: the conversation's id.
        length: how many messages were heard.
        turn: the turn that is open now.
    """

    id: str
    length: int = 0
    turn: Turn | None = None
    _companions: int = 0
    _winding_down: WindingDown = field(default_factory=WindingDown)
    _speakers: deque[str] = field(default_factory=lambda: deque(maxlen=5))
    _answers: OrderedDict[str, str] = field(default_factory=OrderedDict)  # message id -> who answered

    @property
    def closing(self) -> Closing:
        """How far it has wound down, before the next message."""
        return self._winding_down.stage(self._companions)

    def may_speak(self, me: str, *, chosen: bool = False) -> bool:
        """Whether the companion `me` may speak again; `chosen`: a leader has given it the turn."""
        return self._winding_down.may_speak(me, self._companions, chosen=chosen)

    def answered_by(self, ident: str) -> str | None:
        """Who has answered the message `ident`, when the answer was heard before it."""
        return self._answers.get(ident)

    def hear(self, message: Message, invited: frozenset[str], *, by_person: bool) -> tuple[str, ...]:
        """Take in a message for which `invited` may bid; the senders of the latest, this one's last."""
        taking_part = len(invited) + (not by_person)
        self._companions = max(self._companions, taking_part)
        self._winding_down.hear(
            message.sender, message.message, by_person=by_person, companions=self._companions
        )
        self.length += 1
        self._speakers.append(message.sender)
        if message.reply_to is not None:
            self._answers.setdefault(message.reply_to, message.sender)
            _trim(self._answers, _ANSWERS)
        return tuple(self._speakers)


class Talks:
    """All conversations that are heard. The oldest are forgotten past a bound.

    Args:
        is_person: tells people's ids from companions'.
        led: whether turns are led, as in a mesh of the TypeScript aikyo.
    """

    def __init__(self, is_person: Callable[[str], bool], *, led: bool = False) -> None:
        self._is_person = is_person
        self._circles = Circles() if led else None
        self._talks: OrderedDict[str, Talk] = OrderedDict()
        self._turns: OrderedDict[str, Turn] = OrderedDict()
        self._early: deque[tuple[State, str | None]] = deque(maxlen=_EARLY)  # overtook their message
        self._companions: frozenset[str] = frozenset()

    def meet(self, companions: Iterable[str], now: float) -> None:
        """Tell who is on the mesh now; whoever is gone is waited for no more."""
        before, self._companions = self._companions, frozenset(companions)
        for gone in before - self._companions:
            for turn in self._turns.values():
                turn.leave(gone, now)

    def place(self, message: Message, now: float) -> Message:
        """The message with the talk that it belongs to, where turns are led and it does not say so: that
        of the message whose answer is due from its sender, else the one the same people are having."""
        if self._circles is None:
            return message
        if message.conversation is None and (asked := self._awaited_from(message, now)):
            talk = asked.conversation or asked.id
            return replace(message, conversation=talk, reply_to=message.reply_to or asked.id)
        return replace(message, conversation=self._circles.talk_of(message, now))

    def overhear(self, message: Message, now: float, body: bytes) -> None:
        """Take in a message that goes to others, only to know who may judge for them."""
        if self._circles is not None and message.id not in self._turns:
            self._turns[message.id] = self._open(message, frozenset(), (), now, body)
            _trim(self._turns, _TURNS)

    def hear_message(self, message: Message, now: float, body: bytes = b"") -> tuple[Talk, Turn] | None:
        """Take in a message: it closes the turn before it and opens its own.

        Args:
            message: what was said, as `place` gives it.
            now: seconds of the same clock as everywhere here.
            body: the same as it was on the wire, which elects the leader where turns are led.

        Returns:
            Its conversation and its turn, or None for a message whose id was heard before.
        """
        if message.id in self._turns:
            return None
        talk = self._talk(message.conversation or message.id)
        self._close_answered(talk, message)
        takes_floor = self._takes_floor(talk, message)
        invited = bidders(message, self._companions)
        recent = talk.hear(message, invited, by_person=self._is_person(message.sender))
        turn = self._turns[message.id] = self._open(message, invited, recent, now, body)
        _trim(self._turns, _TURNS)
        if takes_floor:
            if talk.turn is not None:
                talk.turn.supersede()
            talk.turn = turn
        else:
            turn.supersede()
        for early in [early for early in self._early if early[0].message_id == message.id]:
            self._early.remove(early)
            turn.hear(early[0], now, early[1])
        return talk, turn

    def hear_state(self, state: State, now: float, by: str | None = None) -> None:
        """Take in a State; one that is ahead of its message is kept for it.

        Args:
            state: what was published.
            now: seconds of the same clock as everywhere here.
            by: the companion that published it; None means its sender.
        """
        turn = self._turns.get(state.message_id)
        if turn is None:
            self._early.append((state, by))
        else:
            turn.hear(state, now, by)

    def leads(self, companion: str, message_id: str, now: float) -> bool | None:
        """Whether `companion` may judge for all who were to hear this message; None when it is too early
        to tell."""
        turn = self._turns.get(message_id)
        if turn is None:
            return None
        return turn.leads(companion, now) if isinstance(turn, LedTurn) else False

    def _awaited_from(self, message: Message, now: float) -> Message | None:
        """What the sender of `message` was chosen to answer and has not answered yet; the oldest."""
        for turn in self._turns.values():
            if isinstance(turn, LedTurn) and turn.expects(message.sender, now):
                return turn.message
        return None

    def _open(
        self, message: Message, invited: frozenset[str], recent: tuple[str, ...], now: float, body: bytes
    ) -> Turn:
        """A led turn where turns are led and the message can elect a leader; else everybody bids."""
        elects = hashed(body, enveloped=False) if self._circles is not None and body else None
        if elects is not None and (leaders := succession(elects, self._companions)):
            return LedTurn(_slim(message), leaders, now, recent)
        return Turn(_slim(message), invited, now, recent)

    def _talk(self, ident: str) -> Talk:
        talk = self._talks.setdefault(ident, Talk(ident))
        self._talks.move_to_end(ident)
        _trim(self._talks, _TALKS)
        return talk

    def _close_answered(self, talk: Talk, message: Message) -> None:
        """The turn that `message` answers is over, if it is of this talk and its sender heard it:
        nobody can answer away what others were asked."""
        answered = self._turns.get(message.reply_to or "")
        if (
            answered is not None
            and (answered.message.conversation or answered.message.id) == talk.id
            and hears(answered.message, message.sender)
        ):
            answered.answered(message.sender)

    def _takes_floor(self, talk: Talk, message: Message) -> bool:
        """Whether the talk goes on from `message`. What is heard after its own answer does not take the
        floor, nor a late answer to something older; of two answers to the same message the lower id
        does, in whichever order they are heard."""
        if talk.answered_by(message.id) is not None:
            return False
        if talk.turn is None or message.reply_to is None or message.reply_to not in self._turns:
            return True
        newest = talk.turn.message
        if message.reply_to == newest.reply_to:
            return message.id < newest.id
        return message.reply_to == newest.id


def _slim(message: Message) -> Message:
    """What a turn needs of a message; metadata can be large."""
    target = message.metadata.get("target")
    return replace(message, metadata={"target": target} if isinstance(target, str) else {})


def _trim(table: OrderedDict[str, Any], most: int) -> None:
    while len(table) > most:
        table.popitem(last=False)
