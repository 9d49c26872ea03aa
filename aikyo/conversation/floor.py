"""Which message a talk goes on from, whichever of several in flight is heard first. Pure, bounded.

What is said in a talk is a tree: *roots*, which are what people say and what answers nothing, and
answers. The talk goes on from the latest root; there, from the answer that is furthest from it; of two
as far, from the one with the lower id. Of two roots that were in flight at once a person's goes before
a companion's, else the one with the higher id. So all who have heard the same are at the same message.
A companion that could not hear what the talk is at cannot lead it away from there.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from ..wire import Message
from .hearing import hears

__all__ = ["Floor"]

IN_FLIGHT = 2.0
"""Seconds within which two roots count as said at once. Later than that, the one that is heard later is
the later: nobody goes unheard for a slow clock."""

STALE = 20.0
"""Seconds within which an answer to something that was missed here is taken for a late one, if what it
answers has a lower id than what the talk is at."""

_MOST = 128


@dataclass(frozen=True, slots=True)
class _Place:
    sender: str
    root: str
    depth: int = 0


class Floor:
    """The messages of one talk, by what they answer."""

    def __init__(self) -> None:
        self._places: OrderedDict[str, _Place] = OrderedDict()
        self._answered: OrderedDict[str, str] = OrderedDict()  # message id -> who has answered it
        self._root = ""
        self._root_is_persons = False
        self._root_at = float("-inf")
        self._at: tuple[int, str] | None = None  # depth and id of the message that the talk goes on from
        self._there: Message | None = None  # that message
        self._at_since = float("-inf")

    def sender_of(self, ident: str | None) -> str | None:
        """Who said the message `ident`, if it was heard in this talk."""
        place = self._places.get(ident or "")
        return place.sender if place else None

    def takes(self, message: Message, now: float, *, by_person: bool) -> bool:
        """Take in the next message; whether the talk goes on from it.

        Args:
            message: what was said.
            now: when it was heard.
            by_person: whether a person said it; that is a root, whatever it answers.
        """
        parent = None if by_person else self._places.get(message.reply_to or "")
        if parent is None:
            place = _Place(message.sender, message.id)
            taken = self._takes_as_root(message, now, by_person=by_person)
        else:
            place = _Place(message.sender, parent.root, parent.depth + 1)
            taken = place.root == self._root and self._is_further(place.depth, message.id)
        self._places[message.id] = place
        _trim(self._places)
        if message.reply_to is not None:
            self._answered.setdefault(message.reply_to, message.sender)
            _trim(self._answered)
        answered_by = self._answered.get(message.id)  # it is heard after its own answer
        if answered_by is not None and hears(message, answered_by):
            return False
        if not by_person and self._there is not None and not hears(self._there, message.sender):
            return False
        if taken:
            self._at, self._at_since, self._there = (place.depth, message.id), now, message
            if parent is None:
                self._root, self._root_at, self._root_is_persons = message.id, now, by_person
        return taken

    def _takes_as_root(self, message: Message, now: float, *, by_person: bool) -> bool:
        if not by_person and message.reply_to is not None:  # an answer to what was missed here
            is_stale = self._at is not None and message.reply_to < self._at[1]
            return not is_stale or now - self._at_since >= STALE
        if now - self._root_at >= IN_FLIGHT:
            return True
        if by_person is not self._root_is_persons:
            return by_person
        return message.id > self._root

    def _is_further(self, depth: int, ident: str) -> bool:
        return self._at is None or depth > self._at[0] or (depth == self._at[0] and ident < self._at[1])


def _trim(table: OrderedDict[str, Any]) -> None:
    while len(table) > _MOST:
        table.popitem(last=False)
