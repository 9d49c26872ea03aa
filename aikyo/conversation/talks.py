"""The conversations one listener follows: their latest messages and their open turns. Pure, bounded.

A companion and the swarm's observer feed it what they hear; from the same hearing, the same turns. What
is heard may come from anybody, late, twice, out of order, or with somebody else's ids.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from msgspec.structs import replace

from ..wire import Message, State
from ..wire.javascript import hashed
from .circles import Circles
from .hearing import Names, asks, bidders, hears
from .latency import Patience
from .leader import succession
from .led_turn import LedTurn
from .ranking import Spoken
from .repetition import Embed
from .talk import Talk
from .turns import Turn

__all__ = ["Talks"]

T = TypeVar("T")

_TALKS = 64
_TURNS = 64
_EARLY = 256


@dataclass(frozen=True, slots=True)
class _Hearers:
    """The companions that hear a message, as they come and go."""

    message: Message
    talks: Talks

    def __contains__(self, who: object) -> bool:
        return isinstance(who, str) and who in self.talks.companions and hears(self.message, who)


class Talks:
    """All conversations that are heard. The oldest are forgotten past a bound.

    Args:
        is_person: tells people's ids from companions'.
        led: whether turns are led, as in a mesh of the TypeScript aikyo.
        names: what somebody is called, besides the bare id; None: nothing else.
        embed: gives a text's sense; see `WindingDown`.
        lag: seconds that a message may come later to others than to whoever listens here; who takes part
            need not know, who only watches waits that much longer before a turn is given up.

    Attributes:
        companions: who is on the mesh.
    """

    def __init__(
        self,
        is_person: Callable[[str], bool],
        *,
        led: bool = False,
        names: Names | None = None,
        embed: Embed | None = None,
        lag: float = 0.0,
    ) -> None:
        self.companions: frozenset[str] = frozenset()
        self._lag = lag
        self._is_person = is_person
        self._names = names or (lambda _: ())
        self._embed = embed
        self._patience = Patience()
        self._circles = Circles() if led else None
        self._talks: OrderedDict[str, Talk] = OrderedDict()
        self._turns: OrderedDict[str, Turn] = OrderedDict()
        self._early: deque[tuple[State, str | None]] = deque(maxlen=_EARLY)  # overtook their message

    def meet(self, companions: Iterable[str], now: float) -> None:
        """Tell who is on the mesh now; whoever is gone is waited for no more."""
        before, self.companions = self.companions, frozenset(companions)
        for gone in before - self.companions:
            for turn in self._turns.values():
                turn.leave(gone, now)

    def place(self, message: Message, now: float) -> Message:
        """The message with the talk that it belongs to, where turns are led and it does not say so: that
        of the message whose answer is due from its sender, else the one the same people are having.
        There, a companion's message that does not say what it answers, answers what the talk is at."""
        if self._circles is None:
            return message
        if message.conversation is None and (asked := self._awaited_from(message, now)):
            talk = asked.conversation or asked.id
            return replace(message, conversation=talk, reply_to=message.reply_to or asked.id)
        message = replace(message, conversation=self._circles.talk_of(message, now))
        known = self._talks.get(message.conversation or "")
        if message.reply_to is None and known and known.turn and not self._is_person(message.sender):
            return replace(message, reply_to=known.turn.message.id)
        return message

    def overhear(self, message: Message, now: float, body: bytes) -> None:
        """Take in a message that goes to others, only to know who may judge for them."""
        if self._circles is not None and message.id not in self._turns:
            self._turns[message.id] = self._led(message, (), now, body) or Turn(_slim(message), (), now)
            _trim(self._turns, _TURNS, _speaker)

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
        hearers = frozenset(c for c in self.companions if c != message.sender and hears(message, c))
        takes_floor = talk.hear(message, hearers, now, by_person=self._is_person(message.sender))
        turn = self._turns[message.id] = self._open(talk, message, hearers, now, body)
        _trim(self._turns, _TURNS, _speaker)
        if takes_floor:
            if talk.turn is not None:
                turn.after = turn.after or talk.turn.message.id
                talk.turn.supersede()
            talk.turn = turn
        else:
            turn.supersede()
        for early in [early for early in self._early if early[0].message_id == message.id]:
            self._early.remove(early)
            turn.hear(early[0], now, early[1])
        return talk, turn

    def heard_in(self, conversation: str | None) -> tuple[str, ...]:
        """Who was heard lately in a conversation."""
        talk = self._talks.get(conversation or "")
        return tuple(dict.fromkeys(spoken.sender for spoken in talk.recent)) if talk else ()

    def hear_state(self, state: State, now: float, by: str | None = None) -> None:
        """Take in a State; one that is ahead of its message is kept for it.

        Args:
            state: what was published.
            now: seconds of the same clock as everywhere here.
            by: the companion that published it; None means its sender.
        """
        turn = self._turns.get(state.message_id)
        if turn is not None:
            turn.hear(state, now, by)
            return
        self._early.append((state, by))
        answered = self._turns.get(state.reply_to or "")
        witness = by or state.sender
        if answered is not None and not isinstance(answered, LedTurn) and witness in self.companions:
            answered.hear_of_answer(witness, now)

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
        self, talk: Talk, message: Message, hearers: frozenset[str], now: float, body: bytes
    ) -> Turn:
        """A led turn where turns are led and the message can elect a leader; else everybody bids."""
        if led := self._led(message, talk.recent, now, body):
            return led
        previous = talk.sender_of(message.reply_to)
        turn = Turn(
            _slim(message),
            bidders(message, hearers, self._names, previous=previous),
            now,
            talk.recent,
            hearers=_Hearers(_slim(message), self),
            patience=self._patience,
            settled_pair=self._settles(talk, message),
        )
        turn.decided_within += self._lag
        return turn

    def _led(self, message: Message, recent: Sequence[Spoken], now: float, body: bytes) -> Turn | None:
        elects = hashed(body, enveloped=False) if self._circles is not None and body else None
        if elects is None or not (leaders := succession(elects, self.companions)):
            return None
        return LedTurn(_slim(message), leaders, now, recent)

    def _settles(self, talk: Talk, message: Message) -> bool:
        """Whether this is the answer of the companion that a person asked in particular, and no
        question."""
        asked = self._turns.get(message.reply_to or "")
        return (
            asked is not None
            and self._is_person(asked.message.sender)
            and not self._is_person(message.sender)
            and not asks(message.message)
            and talk.turns_to(asked.message, message.sender)
        )

    def _talk(self, ident: str) -> Talk:
        talk = self._talks.setdefault(ident, Talk(ident, self._names, self._embed))
        self._talks.move_to_end(ident)
        _trim(self._talks, _TALKS, lambda talk: _speaker(talk.turn) if talk.turn else "")
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


def _slim(message: Message) -> Message:
    """What a turn needs of a message; metadata can be large."""
    target = message.metadata.get("target")
    return replace(message, metadata={"target": target} if isinstance(target, str) else {})


def _speaker(turn: Turn) -> str:
    return turn.message.sender


def _trim(table: OrderedDict[str, T], most: int, speaker: Callable[[T], str]) -> None:
    """Forget the oldest of whoever has the most, so that a flood pushes out nobody else's."""
    while len(table) > most:
        [(whose, _)] = Counter(map(speaker, table.values())).most_common(1)
        del table[next(key for key, value in table.items() if speaker(value) == whose)]
