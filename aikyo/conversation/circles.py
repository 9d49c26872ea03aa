"""Which talk a message belongs to that does not say so: TypeScript companions know of no talks. Pure."""

from __future__ import annotations

from collections import OrderedDict

from ..wire import Message

__all__ = ["Circles"]

SAME_TALK = 300.0
"""Seconds of silence after which the same people begin a new talk."""

_MOST = 64


class Circles:
    """The latest talk of each circle of people: a message's sender and recipients together."""

    def __init__(self) -> None:
        self._latest: OrderedDict[frozenset[str], tuple[str, float]] = OrderedDict()

    def talk_of(self, message: Message, now: float) -> str:
        """The id of the talk that `message` belongs to: the one it names, else the one that the same
        people are having, else a new one with the message's own id.

        Args:
            message: what was said.
            now: when it was heard, in seconds of any clock.
        """
        circle = frozenset((message.sender, *message.to))
        talk, last = self._latest.get(circle, (message.id, now))
        if now - last > SAME_TALK:
            talk = message.id
        talk = message.conversation or talk
        self._latest[circle] = talk, now
        self._latest.move_to_end(circle)
        while len(self._latest) > _MOST:
            self._latest.popitem(last=False)
        return talk
