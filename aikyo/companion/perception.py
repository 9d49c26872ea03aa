"""What a companion perceives: contexts of the last minutes, and in which talks it has told of them."""

from __future__ import annotations

import base64
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from typing import Literal

from ..brain import Line, Picture
from ..pictures import picture_type
from ..wire import Context

__all__ = ["PICTURE", "Perception"]

PICTURE = "a picture"
"""What a picture is in words."""

KEPT = 6
"""Contexts that are kept, the newest."""

KEPT_FOR = 600.0
"""Seconds for which a context is kept."""

_TALKS = 64


@dataclass(slots=True)
class _Perceived:
    line: Line
    told_in: deque[str] = field(default_factory=lambda: deque(maxlen=_TALKS))


class Perception:
    """The contexts of one companion. Bounded: the oldest make way, and all expire.

    A context is news in each talk until the companion has taken a turn there that knew of it. Then it
    stays at hand until it expires, so that one can still be asked about it, but fires no trigger more.

    Args:
        clock: seconds since the epoch.
        name_of: what somebody is called.
    """

    def __init__(self, clock: Callable[[], float], name_of: Callable[[str], str]) -> None:
        self._clock = clock
        self._name_of = name_of
        self._kept: deque[_Perceived] = deque(maxlen=KEPT)

    def take_in(self, context: Context) -> None:
        """Keep a context; what comes twice is kept once."""
        if any(each.line.id == context.id for each in self._kept):
            return
        line = Line(
            id=context.id,
            sender=context.sender,
            name=self._name_of(context.sender),
            text=context.context if context.type == "text" else PICTURE,
            time=self._clock(),
            kind="perceived",
            picture=_picture(context),
        )
        self._kept.append(_Perceived(line))

    def perceived(self, talk: str) -> tuple[Line, ...]:
        """What is at hand, oldest first; `Line.told` says whether it is news in `talk` (an id)."""
        since = self._clock() - KEPT_FOR
        return tuple(
            replace(each.line, told=talk in each.told_in)
            for each in self._kept
            if each.line.time >= since
        )

    def forget(self, uids: Collection[str]) -> None:
        """Keep these contexts (ids) no longer."""
        left = [each for each in self._kept if each.line.id not in uids]
        self._kept = deque(left, maxlen=KEPT)

    def news(self, talk: str) -> Literal["text", "image", ""]:
        """The kind of the newest that is news in `talk`; nothing where none is."""
        new = [line for line in self.perceived(talk) if not line.told]
        if not new:
            return ""
        return "image" if new[-1].picture else "text"

    def told(self, talk: str, lines: tuple[Line, ...]) -> None:
        """The companion has taken a turn in `talk` that knew of these."""
        known = {line.id for line in lines}
        for each in self._kept:
            if each.line.id in known and talk not in each.told_in:
                each.told_in.append(talk)


def _picture(context: Context) -> Picture | None:
    """The picture, of the type that its bytes show: servers refuse one that is labelled wrongly."""
    if context.type != "image":
        return None
    head = base64.b64decode(context.context[:64])
    return Picture(picture_type(head) or "application/octet-stream", context.context)
