"""The conversations one listener follows: their latest messages and their open turns. Pure, bounded.

A companion and the swarm's observer feed it what they hear; from the same hearing, the same turns.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from ..wire import Message, State
from .hearing import bidders
from .turns import Turn
from .winding_down import Utterance

__all__ = ["Talk", "Talks"]

_TALKS = 64
_TURNS = 64
_EARLY = 256
_MESSAGES = 64


@dataclass(slots=True)
class Talk:
    """One conversation: the messages heard, and the turn that is open now."""

    id: str
    messages: deque[Message] = field(default_factory=lambda: deque(maxlen=_MESSAGES))
    companions: int = 0
    turn: Turn | None = None

    def utterances(self, is_person: Callable[[str], bool]) -> list[Utterance]:
        """What was said, for winding down."""
        return [Utterance(m.sender, m.message, is_person(m.sender)) for m in self.messages]


class Talks:
    """All conversations that are heard. Oldest ones are forgotten past a bound."""

    def __init__(self) -> None:
        self._talks: OrderedDict[str, Talk] = OrderedDict()
        self._turns: OrderedDict[str, Turn] = OrderedDict()
        self._early: deque[State] = deque(maxlen=_EARLY)  # States that overtook their message

    def hear_message(self, message: Message, companions: Iterable[str], now: float) -> tuple[Talk, Turn]:
        """Take in a message: it closes the turn before it and opens its own.

        Args:
            message: what was said.
            companions: the ids of all companions on the mesh.
            now: seconds of the same clock as everywhere here.
        """
        talk = self._talk(message.conversation or message.id)
        answered = self._turns.get(message.reply_to or "")
        if answered is not None:
            answered.answered(message.sender)
        takes_floor = self._takes_floor(talk, message)
        talk.messages.append(message)
        invited = bidders(message, companions)
        talk.companions = max(talk.companions, len(invited | {message.sender} & set(companions)))
        turn = Turn(message, invited, now, [m.sender for m in talk.messages])
        self._turns[message.id] = turn
        if takes_floor:
            if talk.turn is not None:
                talk.turn.supersede()
            talk.turn = turn
        else:
            turn.supersede()
        while len(self._turns) > _TURNS:
            self._turns.popitem(last=False)
        early = [state for state in self._early if state.message_id == message.id]
        for state in early:
            self._early.remove(state)
            turn.hear(state, now)
        return talk, turn

    def hear_state(self, state: State, now: float) -> Turn | None:
        """Take in a State; one that is ahead of its message is kept for it."""
        turn = self._turns.get(state.message_id)
        if turn is None:
            self._early.append(state)
        else:
            turn.hear(state, now)
        return turn

    def leave(self, companion: str, now: float) -> list[Turn]:
        """A companion has left the mesh; returns the turns that this may change."""
        for turn in self._turns.values():
            turn.leave(companion, now)
        return list(self._turns.values())

    def _talk(self, ident: str) -> Talk:
        talk = self._talks.setdefault(ident, Talk(ident))
        self._talks.move_to_end(ident)
        while len(self._talks) > _TALKS:
            self._talks.popitem(last=False)
        return talk

    def _takes_floor(self, talk: Talk, message: Message) -> bool:
        """Whether the talk goes on from `message`. A late answer to something older does not take it;
        of two answers to the same message the lower id does, in whichever order they are heard."""
        if talk.turn is None or message.reply_to is None or message.reply_to not in self._turns:
            return True
        newest = talk.turn.message
        if message.reply_to == newest.reply_to:
            return message.id < newest.id
        return message.reply_to == newest.id
