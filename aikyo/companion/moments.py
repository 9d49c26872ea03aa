"""Puts together what a brain is told: who is there, what was said, what memory brings up."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ..brain import Instruction, Line, Moment, Persona, Someone
from ..conversation import detect_language, turns_to
from ..conversation.triggers import Facts
from ..memory import Entry
from ..wire import Closing, Context, Message
from .world import World

__all__ = ["Moments"]

RECENT = 16
"""Lines of the conversation a brain is told."""

RECALLED = 4
"""Lines that memory may bring up."""

PERCEIVED = 6
"""Contexts that are kept for the next turn."""

KNOWN = 1024
"""Acquaintances that are kept at hand."""

PICTURE = "a picture"
"""What a picture is in words."""

PERCEIVED_FOR = 600.0
"""Seconds after which a context is no longer news."""


class Moments:
    """Builds the `Moment`s of one companion.

    Args:
        world: the companion's world.
        persona: who it is.
        params: JSON Schema of the parameters its triggers want, or None.
    """

    def __init__(self, world: World, persona: Persona, params: Mapping[str, Any] | None) -> None:
        self._world = world
        self._persona = persona
        self._params = params
        self._met: dict[str, bool] = {}
        self._perceived: deque[Line] = deque(maxlen=PERCEIVED)

    async def meet(self, ident: str) -> None:
        """Find out whether `ident` is known from before; to be called before they are journaled."""
        if ident not in self._met and ident != self._world.me:
            self._met[ident] = await self._world.memory.met(ident)
            while len(self._met) > KNOWN:
                self._met.pop(next(iter(self._met)))  # memory knows them, once they were heard

    def spoke_to(self, present: Iterable[str]) -> None:
        """Whoever was there when one spoke is met."""
        self._met |= dict.fromkeys(present, True)

    def facts(self, message: Message) -> Facts:
        """What the triggers may know of the message that is answered."""
        news = self._news()
        context = ("image" if news[-1].text == PICTURE else "text") if news else ""
        return Facts(
            message=message.message,
            sender=message.sender,
            to=message.to,
            language=self._language(message.message),
            hour=self._world.now().hour,
            known=self._met.get(message.sender, False),
            context=context,
        )

    def perceive(self, context: Context) -> None:
        """Keep a context for the turns of the next minutes."""
        self._perceived.append(
            Line(
                id=context.id,
                sender=context.sender,
                name=self._world.name_of(context.sender),
                text=context.context if context.type == "text" else PICTURE,
                time=self._world.clock(),
                kind="perceived",
            )
        )

    def addressed(self, message: Message) -> bool:
        """Whether the message turns to this companion in particular."""
        return turns_to(message, self._world.me, (self._persona.name,))

    async def beginning(self, topic: str, others: Collection[str]) -> Moment:
        """The moment of beginning a talk with `others`."""
        for ident in others:
            await self.meet(ident)
        return Moment(
            now=self._world.now(),
            me=self._persona,
            present=self._someones(others),
            topic=topic,
            recalled=await self._recall(topic, ()) if topic else (),
            perceived=self._news(),
            params=self._params,
            language=self._language(topic),
        )

    async def answering(
        self,
        message: Message,
        *,
        turn: int,
        closing: Closing,
        instructions: tuple[Instruction, ...] = (),
    ) -> Moment:
        """The moment of answering `message`, which has been journaled.

        Args:
            message: what was said.
            turn: how many messages the conversation has had.
            closing: how far it has wound down.
            instructions: what the triggers say.
        """
        conversation = message.conversation or message.id
        recent = [self._line(e) for e in await self._world.memory.recent(conversation, RECENT)]
        others = dict.fromkeys((message.sender, *message.to, *(line.sender for line in recent)))
        for ident in others:
            await self.meet(ident)
        return Moment(
            now=self._world.now(),
            me=self._persona,
            present=self._someones(others),
            message=self._heard(message),
            recent=tuple(line for line in recent if line.kind in {"heard", "said"}),
            recalled=await self._recall(message.message, [line.id for line in recent]),
            perceived=self._news(),
            instructions=instructions,
            params=self._params,
            closing=closing,
            turn=turn,
            language=self._language(message.message),
            addressed=self.addressed(message),
        )

    async def _recall(self, text: str, known: Iterable[str]) -> tuple[Line, ...]:
        hits = await self._world.memory.recall(text, RECALLED, exclude=frozenset(known))
        return tuple(self._line(hit.entry) for hit in hits)

    def _someones(self, others: Iterable[str]) -> tuple[Someone, ...]:
        return tuple(self._someone(ident) for ident in others if ident != self._world.me)

    def _someone(self, ident: str) -> Someone:
        member = self._world.roster.get(ident)
        return Someone(
            id=ident,
            name=self._world.name_of(ident),
            kind="person" if self._world.is_person(ident) else "companion",
            personality=member.presence.personality if member else "",
            met=self._met.get(ident, False),
        )

    def _heard(self, message: Message) -> Line:
        return Line(
            id=message.id,
            sender=message.sender,
            name=self._world.name_of(message.sender),
            text=message.message,
            time=self._world.clock(),
            to=message.to,
        )

    def _line(self, entry: Entry) -> Line:
        return Line(
            id=entry.uid,
            sender=entry.sender,
            name=self._world.name_of(entry.sender),
            text=entry.text,
            time=entry.time,
            to=entry.to,
            kind=entry.kind,
        )

    def _language(self, text: str) -> str:
        """What to answer in: what one is spoken to in, else one's own."""
        return detect_language(text) or self._persona.language

    def _news(self) -> tuple[Line, ...]:
        since = self._world.clock() - PERCEIVED_FOR
        return tuple(line for line in self._perceived if line.time >= since)
