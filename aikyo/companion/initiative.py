"""A companion's initiative: it begins talks of its own accord when that fits, within a budget."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence
from typing import Literal

import trio

from ..conversation.openings import OPENING, Opening, Openings, Wish
from ..wire import Context, Fired, Message, State
from .pulse import Pulse
from .world import World

__all__ = ["Initiative", "Opening"]

SETTLES = 0.3
"""Seconds between announcing an opening and composing it, in which a better one would be heard."""

TOLD = 3
"""How often it is announced meanwhile, since gossip may lose one, and once more when it has settled."""

HEARTBEAT = 3.0
"""Seconds between telling again that one composes."""


class Initiative:
    """When one companion begins a talk; `run` lives as long as it does.

    Args:
        world: all that it is handed; while its `quiet` is not normal it begins nothing by itself.
        begin: composes an opening and says it; cancelled when the opening must make way.
        starts: what the triggers say of a context that is to start a talk; nothing if it isn't.
        speechless_until: tells when its brain may be able to compose again, on trio's clock; before that
            it begins nothing by itself.
    """

    def __init__(
        self,
        world: World,
        begin: Callable[[Opening], Awaitable[None]],
        starts: Callable[[Context], tuple[Fired, ...]] = lambda context: (),
        speechless_until: Callable[[], float] = lambda: -math.inf,
    ) -> None:
        self._world = world
        self._begin = begin
        self._starts = starts
        self._speechless_until = speechless_until
        self._quiet = world.quiet
        self._begun = world.taken.begun
        self._heard = Pulse()
        self._asked: tuple[str, tuple[str, ...]] | None = None
        silence = world.taken.limits.silence
        self._openings = Openings(world.me, world.is_person, trio.current_time(), silence=silence)

    def ask(self, topic: str, others: Sequence[str]) -> None:
        """Have it begin a talk with `others` (ids) as soon as it can, whatever else goes on; on `topic`,
        or on anything where that is empty. While an earlier one waits, this one is dropped."""
        self._asked = self._asked or (topic, tuple(others))
        self._heard.wake()

    def look_again(self) -> None:
        """It may be able to speak earlier than it said."""
        self._heard.wake()

    def hear_message(self, message: Message) -> None:
        """Any message on the mesh, one's own and those to others too: of those, only that they were
        said counts."""
        self._openings.hear_message(message, trio.current_time())
        self._heard.wake()

    def hear_state(self, state: State) -> None:
        """Any State on the mesh, one's own too."""
        self._openings.hear_state(state, trio.current_time())
        self._heard.wake()

    def perceive(self, context: Context) -> None:
        """A context for this companion has come in."""
        if fired := self._starts(context):
            self._openings.perceive(context.id, fired, trio.current_time())
            self._heard.wake()

    async def run(self) -> None:
        """Begin talks until cancelled. What was not said by then is dropped."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._watch_roster)
            nursery.start_soon(self._watch_quiet)
            while True:
                match self._next(trio.current_time()):
                    case Opening() as opening:
                        await self._open(opening)
                    case until:
                        await self._heard.wait_until(until)

    def _next(self, now: float) -> Opening | float:
        """What to open now; else when to look again."""
        if self._asked is not None:
            (topic, others), self._asked = self._asked, None
            return Opening(self._world.new_id(), Wish("asked"), others, topic)
        if self._quiet.mode != "normal":
            return math.inf
        free = max(self._begun.free_at(now), self._speechless_until())
        wish = self._openings.decide(now) if free <= now else free
        if not isinstance(wish, Wish):
            return wish
        return Opening(self._world.new_id(), wish, self._openings.recipients(wish, now))

    async def _open(self, opening: Opening) -> None:
        openings = self._openings
        openings.announce(opening)
        if opening.why == "asked" or await self._settles(opening):
            await self._compose(opening)
        if openings.end(trio.current_time()):
            await self._tell(opening, "listen")

    async def _settles(self, opening: Opening) -> bool:
        """Whether it still stands after a moment; from then on it counts as begun."""
        for _ in range(TOLD):
            await self._tell(opening, "composing")
            if not await self._stands(opening, SETTLES / TOLD):
                return False
        self._openings.settle()
        self._begun.count(trio.current_time())
        return True

    async def _stands(self, opening: Opening, seconds: float) -> bool:
        until = trio.current_time() + seconds
        while not self._makes_way(opening):
            if trio.current_time() >= until:
                return True
            await self._heard.wait_until(until)
        return False

    def _makes_way(self, opening: Opening) -> bool:
        """Whether it must; what the user asked for makes way for nothing."""
        if opening.why == "asked" or not self._openings.is_open:
            return False
        return self._openings.yields or self._quiet.mode != "normal"

    async def _compose(self, opening: Opening) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._give_way, opening, nursery.cancel_scope)
            nursery.start_soon(self._repeat, opening)
            await self._begin(opening)
            nursery.cancel_scope.cancel()

    async def _give_way(self, opening: Opening, composing: trio.CancelScope) -> None:
        while not self._makes_way(opening):
            await self._heard.wait_until(math.inf)
        composing.cancel()

    async def _repeat(self, opening: Opening) -> None:
        """Tell again and again that one composes, until it is said; at once to whoever begins something
        else, not having heard of it."""
        openings = self._openings
        while openings.is_open:
            contested = openings.contested
            await self._tell(opening, "composing")
            until = trio.current_time() + HEARTBEAT
            while openings.contested == contested and trio.current_time() < until:
                await self._heard.wait_until(until)

    async def _tell(self, opening: Opening, state: Literal["composing", "listen"]) -> None:
        reason = OPENING if state == "composing" else ""
        await self._world.publish(
            State(sender=self._world.me, message_id=opening.conversation, state=state, reason=reason)
        )

    async def _watch_roster(self) -> None:
        while True:
            self._openings.meet(self._world.roster, trio.current_time())
            self._heard.wake()
            await self._world.roster.changed()

    async def _watch_quiet(self) -> None:
        while True:
            await self._quiet.changed()
            self._openings.rest(trio.current_time())
            self._heard.wake()
