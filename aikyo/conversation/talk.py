"""One conversation, as one listener has heard it. Pure, bounded."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection

from ..wire import Closing, Message
from .floor import Floor
from .hearing import Names, turned_to
from .led_turn import LedTurn
from .ranking import RECENT, Spoken
from .repetition import Embed
from .turns import Turn
from .winding_down import WindingDown, speaking_time

__all__ = ["Talk"]


class Talk:
    """One conversation.

    Args:
        ident: the conversation's id.
        names: what somebody is called.
        embed: gives a text's sense; see `WindingDown`.

    Attributes:
        id: the conversation's id.
        length: how many messages were heard.
        turn: the turn that is open now.
    """

    def __init__(self, ident: str, names: Names = lambda _: (), embed: Embed | None = None) -> None:
        self.id = ident
        self.length = 0
        self.turn: Turn | None = None
        self._names = names
        self._companions = 0
        self._there: frozenset[str] = frozenset()
        self._floor = Floor()
        self._recent: deque[Spoken] = deque(maxlen=RECENT)
        self._winding_down = WindingDown(embed)
        self._counted: Turn | None = None  # whose States were taken in

    @property
    def closing(self) -> Closing:
        """How far it has wound down, before the next message."""
        self._count_stages()
        return self._winding_down.stage

    @property
    def change_topic(self) -> bool:
        """Whether the next message should bring up something else: the talk has begun to circle."""
        self._count_stages()
        return self._winding_down.change_topic

    @property
    def repeats(self) -> float:
        """How much the latest message says again what was said before it, 0 to 1."""
        return self._winding_down.repeats

    def refusal(self, me: str, *, chosen: bool = False, asked: bool = False) -> str:
        """Why the companion `me` may not speak now, as its State says it; nothing when it may.

        Args:
            me: who.
            chosen: a leader has given it the turn.
            asked: a question was put to it.
        """
        self._count_stages()
        return self._winding_down.refusal(me, chosen=chosen, asked=asked)

    def turns_to(self, message: Message, who: str) -> bool:
        """Whether a message of this talk turns to `who` in particular; see `turned_to`."""
        return who in self.turned_to(message, {who, *(message.to or self._there)} - {message.sender})

    def turned_to(self, message: Message, hearers: Collection[str]) -> frozenset[str]:
        """Whom of `hearers` a message of this talk turns to in particular; see `turned_to`."""
        return turned_to(message, hearers, self._names, previous=self.sender_of(message.reply_to))

    def sender_of(self, ident: str | None) -> str | None:
        """Who said the message `ident`, if it was heard in this talk."""
        return self._floor.sender_of(ident)

    def hear(self, message: Message, hearers: frozenset[str], now: float, *, by_person: bool) -> bool:
        """Take in a message that the companions `hearers` hear besides its sender; whether the talk goes
        on from it."""
        self._count_stages()
        self._there = hearers
        self._companions = max(self._companions, len(hearers) + (not by_person))
        self._winding_down.hear(
            message.sender, message.message, by_person=by_person, companions=self._companions
        )
        self.length += 1
        self._recent.append(Spoken(message.sender, speaking_time(message.message), by_person))
        return self._floor.takes(message, now, by_person=by_person)

    @property
    def recent(self) -> tuple[Spoken, ...]:
        """The latest messages, oldest first."""
        return tuple(self._recent)

    def _count_stages(self) -> None:
        """Take in what the States for the latest message say of the stage, once they are in."""
        turn = self.turn
        if turn is None or turn is self._counted or not turn.is_decided or isinstance(turn, LedTurn):
            return
        self._counted = turn
        stages = [state.closing for state in turn.offers.values()]
        self._winding_down.hear_stages(stages)
