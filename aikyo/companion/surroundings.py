"""What goes on around a companion beside the talk: the room, questions of its tools and of others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial

import trio

from ..room import Layout, Room
from ..tools import Here, Tool
from ..wire import Action, Payload, Query, QueryResult
from .answering import answer
from .asking import Asking
from .toolset import Toolset
from .world import World

__all__ = ["Surroundings"]

MAX_ANSWERS, MAX_ANSWERS_FOR_ONE = 8, 2
"""Queries that are answered or wait to be, in all and of one peer's."""


class Surroundings:
    """One companion's surroundings.

    Args:
        world: all that the companion is handed.
        toolset: gives its tools as they are now; some may answer others' Queries.

    Attributes:
        room: who stands where, as far as it was heard.
        dropped: Queries that were not answered because there were too many at once.
    """

    def __init__(self, world: World, toolset: Callable[[], Toolset]) -> None:
        self.room = Room()
        self.dropped = 0
        self._world = world
        self._toolset = toolset
        self._asking = Asking(world)
        self._asked = Counter[str]()  # Queries that wait or are being answered, by peer
        self._ask, self._questions = trio.open_memory_channel[tuple[Tool, Query, str]](MAX_ANSWERS)

    async def hear(self, payload: Payload, peer: str) -> None:
        """Take in an Action, a Query or a QueryResult; anything else is ignored. Never waits.

        Args:
            payload: what was heard.
            peer: peer id of its signed author.
        """
        match payload:
            case Action():
                self.room.hear(payload, self._world.roster)
            case QueryResult():
                self._asking.hear(payload, peer)
            case Query() if self._is_for_us(payload) and (tool := self._answering(payload)):
                self._take(tool, payload, peer)

    async def run(self) -> None:
        """Answer others' Queries, until cancelled."""
        async with trio.open_nursery() as nursery:
            async for tool, query, peer in self._questions:
                nursery.start_soon(self._answer, tool, query, peer)

    def here(self, *, caller: str, conversation: str = "", audience: Iterable[str] = ()) -> Here:
        """Where a tool of one's own is called; see `Here`."""
        audience = tuple(audience)
        return Here(
            companion=self._world.me,
            caller=caller,
            conversation=conversation,
            audience=audience,
            room=self.layout(audience),
            asking=partial(self._asking.ask, known=audience),
        )

    def layout(self, audience: Iterable[str] = ()) -> Layout:
        """Where everybody on the mesh stands, and those of `audience` too."""
        return self.room.layout({self._world.me, *self._world.roster, *audience})

    def _is_for_us(self, query: Query) -> bool:
        me = self._world.me
        return query.sender != me and (not query.to or me in query.to)

    def _answering(self, query: Query) -> Tool | None:
        tool = self._toolset().own.get(query.type)
        return tool if tool is not None and tool.answers else None

    def _take(self, tool: Tool, query: Query, peer: str) -> None:
        if self._asked.total() >= MAX_ANSWERS or self._asked[peer] >= MAX_ANSWERS_FOR_ONE:
            self.dropped += 1
            return
        self._asked[peer] += 1
        self._ask.send_nowait((tool, query, peer))

    async def _answer(self, tool: Tool, query: Query, peer: str) -> None:
        try:
            await answer(self._world, tool, query, self.here(caller=query.sender))
        finally:
            self._asked[peer] -= 1
            self._asked += Counter()  # without those of whom nothing waits
