"""When a companion begins a talk of its own accord, and which of two that begin at once stands. Pure.

It begins after a silence, on a context that its profile wants told, or to greet a newcomer; never while
anybody composes, nor right after something was said. Where several could begin, each has its place in an
order that all work out alike, and waits that much longer; so the first is mostly heard by the others
before they come to it. Two that announce an opening at the same moment compare hashes: the lower stands.
"""

from __future__ import annotations

import math
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Literal

from ..wire import Fired, Message, State
from .hearing import hears

__all__ = ["OPENING", "Beginnings", "Opening", "Openings", "Wish", "stands"]

OPENING = "opening"
"""The `reason` of a `composing` State that announces a talk; its `message_id` is the talk's id."""

BREATH = 8.0
"""Seconds after something was said in which the turn is the answer's: as long as States and a claim may
take."""

STEP = 0.5
"""Seconds from one place in the order to the next: longer than it takes to hear who was first."""

COMPOSES_FOR = 60.0
"""Seconds after which somebody who is never heard of again is not thought to compose any more."""

_PLACES = 16
_NEWCOMER_ARRIVES = 3.0  # until it hears what is said to it
_UP_FOR_A_WHILE = 30.0  # whoever comes before that was there first, or comes at the same time
_WISH_LASTS = 180.0
_LATELY = 3600.0
_MOST_COMPANIONS = 7
_MOST_PEOPLE = 8
_MOST_NEWCOMERS = 8
_MOST_PATIENCE = 6  # doublings of the silence, while nobody answers
_KNOWN = 1024

Why = Literal["silence", "newcomer", "context", "asked"]


@dataclass(frozen=True, slots=True)
class Wish:
    """That a talk be begun.

    Attributes:
        why: for what reason.
        about: the id of the newcomer or context.
        fired: what the profile's triggers say of the context.
    """

    why: Why
    about: str = ""
    fired: tuple[Fired, ...] = ()


@dataclass(frozen=True, slots=True)
class Opening:
    """A talk that is to be begun.

    Attributes:
        conversation: its id.
        wish: why.
        to: the ids of those it begins with.
        topic: what about, where one was given.
    """

    conversation: str
    wish: Wish
    to: tuple[str, ...]
    topic: str = ""

    @property
    def why(self) -> Why:
        """For what reason it begins."""
        return self.wish.why

    @property
    def fired(self) -> tuple[Fired, ...]:
        """What the profile's triggers say of the context it begins for."""
        return self.wish.fired


class Beginnings:
    """How many talks one companion has begun. Lasts longer than the companion: a crash brings no more.

    Args:
        an_hour: how many it may begin in an hour.
    """

    def __init__(self, an_hour: int) -> None:
        self.an_hour = an_hour
        self._begun: deque[float] = deque(maxlen=max(an_hour, 1))

    def count(self, now: float) -> None:
        """One was begun at `now` (seconds of one steady clock)."""
        self._begun.append(now)

    def free_at(self, now: float) -> float:
        """From when on one may be begun: `now`, or later; infinity where it never may."""
        if not self.an_hour:
            return math.inf
        if len(self._begun) < self.an_hour:
            return now
        return max(now, self._begun[0] + 3600.0)


def stands(mine: str, theirs: str) -> bool:
    """Whether the opening of the talk `mine` stands beside one of the talk `theirs` (ids)."""
    return _hash(mine) < _hash(theirs)


class Openings:
    """What one companion has heard that bears on whether it may begin a talk.

    It takes from messages to others only that they were sent, from whom, and to whom.

    Args:
        me: its id.
        is_person: tells people's ids from companions'.
        now: when it came up, in seconds of any steady clock.
        silence: seconds in which nothing was said, after which it may begin.

    Attributes:
        contested: how often another opening was heard that must make way for ours: whoever announces it
            has not heard of ours.
    """

    def __init__(self, me: str, is_person: Callable[[str], bool], now: float, *, silence: float) -> None:
        self._me = me
        self._is_person = is_person
        self._up_since = now
        self._silence = silence
        self._companions: tuple[str, ...] = ()
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._composing: OrderedDict[str, tuple[str, float]] = OrderedDict()  # who -> (of what, until)
        self._free_since = now  # when the last of them was done
        self._heard_at = -math.inf
        self._heard = ""  # the latest message
        self._talked: OrderedDict[str, float] = OrderedDict()  # who was heard, the latest last
        self._newcomers: OrderedDict[str, float] = OrderedDict()  # who -> when it came
        self._context: tuple[Wish, float] | None = None  # and when it came
        self._unanswered = 0
        self._own: str | None = None  # the talk we have announced, until the first word of it is said
        self._settled = False
        self._yields = False
        self.contested = 0

    @property
    def is_open(self) -> bool:
        """Whether an opening is announced of which nothing was said yet."""
        return self._own is not None

    @property
    def yields(self) -> bool:
        """Whether the opening that was announced has to make way, as long as nothing was said."""
        return self._own is not None and self._yields

    def meet(self, companions: Iterable[str], now: float) -> None:
        """Tell who is on the mesh now, oneself included."""
        if self._companions in {(), (self._me,)}:
            self.rest(now)  # alone, there was nobody to be silent
        self._companions = tuple(companions)
        for who in self._companions:
            if who not in self._seen and who != self._me and now >= self._up_since + _UP_FOR_A_WHILE:
                self._newcomers[who] = now
            _renew(self._seen, who, None, _KNOWN)
        there = set(self._companions)
        for gone in [who for who in self._newcomers if who not in there]:
            del self._newcomers[gone]
        while len(self._newcomers) > _MOST_NEWCOMERS:
            self._newcomers.popitem(last=False)
        for gone in [who for who in self._composing if who not in there]:
            self._is_done(gone, now)

    def perceive(self, context: str, fired: tuple[Fired, ...], now: float) -> None:
        """The context of this id is to be told, as the triggers that `fired` say; a newer one takes its
        place."""
        self._context = Wish("context", context, fired), now

    def hear_message(self, message: Message, now: float) -> None:
        """Take in a message, also one that goes to others."""
        sender = message.sender
        self._is_done(sender, now)
        for who in list(self._newcomers):  # it was greeted, or speaks already
            if hears(message, who):
                del self._newcomers[who]
        if not hears(message, self._me):
            return
        self._heard_at, self._heard = now, message.id
        begins = message.reply_to is None
        if sender == self._me:
            self._context = None
            self._unanswered += begins
            if self._own == message.conversation:
                self._own = None
            for who in message.to:
                _renew(self._talked, who, self._talked.get(who, -math.inf), _KNOWN)
            return
        self._unanswered = 0
        self._yields = True
        if begins and not self._is_person(sender):
            self._context = None  # it is for that talk now
        _renew(self._talked, sender, now, _KNOWN)

    def hear_state(self, state: State, now: float) -> None:
        """Take in a State, one's own too."""
        if state.message_id == self._own:
            return
        if state.state == "composing":
            until = now + COMPOSES_FOR
            _renew(self._composing, state.sender, (state.message_id, until), _KNOWN)
            if self._own is None:
                return
            if state.reason != OPENING:
                self._yields |= not self._settled
            elif stands(self._own, state.message_id):
                self.contested += 1
            else:
                self._yields = True
        elif self._composing.get(state.sender, ("", 0.0))[0] == state.message_id:
            self._is_done(state.sender, now)

    def rest(self, now: float) -> None:
        """Begin the silence anew: quiet was asked for, or nothing came of an opening."""
        self._free_since = max(self._free_since, now)

    def decide(self, now: float) -> Wish | float:
        """What to begin now; else when to look again, unless something is heard before."""
        self._forget_the_late(now)
        if not self.recipients(Wish("silence"), now):
            return math.inf
        if self._composing:
            return min(until for _, until in self._composing.values())
        calm = max(self._free_since, self._heard_at + BREATH)
        due: list[tuple[float, Wish]] = [
            (max(came + _NEWCOMER_ARRIVES, calm), Wish("newcomer", who))
            for who, came in self._newcomers.items()
        ]
        if self._context is not None:
            wish, came = self._context
            due.append((max(came, calm), wish))
        patience = self._silence * 2 ** min(self._unanswered, _MOST_PATIENCE)
        due.append((max(self._free_since, self._heard_at) + patience, Wish("silence")))
        places = [(at + self._waits(wish.about or self._heard), wish) for at, wish in due]
        at, wish = min(places, key=lambda place: place[0])
        return wish if at <= now else at

    def recipients(self, wish: Wish, now: float) -> tuple[str, ...]:
        """With whom to begin: a newcomer alone; else companions, those one talked with last first, and
        people who were heard in the last hour. Nobody, where one is alone."""
        if wish.why == "newcomer":
            return (wish.about,)
        latest = {who: place for place, who in enumerate(self._talked)}
        others = [who for who in self._companions if who != self._me]
        others.sort(key=lambda who: latest.get(who, -1), reverse=True)
        people = [
            who
            for who, at in reversed(self._talked.items())
            if self._is_person(who) and at > now - _LATELY
        ]
        return (*others[:_MOST_COMPANIONS], *people[:_MOST_PEOPLE])

    def announce(self, opening: Opening) -> None:
        """This is announced; its wish is granted thereby."""
        self._own, self._settled, self._yields = opening.conversation, False, False
        self._newcomers.pop(opening.wish.about, None)
        if opening.why == "context":
            self._context = None

    def settle(self) -> None:
        """It has stood for a moment: it makes way only for words, and for an opening that stands."""
        self._settled = True

    def end(self, now: float) -> bool:
        """It is over; whether nothing was said, so that the others are to be told."""
        unsaid, self._own = self._own is not None, None
        if unsaid:
            self.rest(now)
        return unsaid

    def _waits(self, about: str) -> float:
        """How much longer we wait than whoever is first, of all who could begin."""
        order = sorted(
            (who for who in self._companions if who != about), key=lambda who: _hash(f"{about}\0{who}")
        )
        return STEP * min(order.index(self._me) if self._me in order else 0, _PLACES)

    def _is_done(self, who: str, now: float) -> None:
        if self._composing.pop(who, None) is not None:
            self._free_since = max(self._free_since, now)

    def _forget_the_late(self, now: float) -> None:
        for who, (_, until) in list(self._composing.items()):
            if until <= now:
                self._is_done(who, until)
        for who, came in list(self._newcomers.items()):
            if now > came + _WISH_LASTS:
                del self._newcomers[who]
        if self._context is not None and now > self._context[1] + _WISH_LASTS:
            self._context = None


def _hash(text: str) -> bytes:
    return sha256(text.encode()).digest()


def _renew(table: OrderedDict[str, Any], key: str, value: object, most: int) -> None:
    table[key] = value
    table.move_to_end(key)
    while len(table) > most:
        table.popitem(last=False)
