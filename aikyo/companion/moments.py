"""Puts together what a brain is told: who is there, what was said, what memory brings up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..brain import Instruction, Line, Moment, Persona, Someone
from ..conversation import Talk, asks, detect_language
from ..conversation.openings import Opening
from ..conversation.triggers import Facts
from ..memory import Entry
from ..wire import Closing, Context, Message
from .perception import Perception
from .world import World

__all__ = ["Moments"]

RECENT = 16
"""Lines of the conversation a brain is told."""

RECALLED = 4
"""Lines that memory may bring up."""

KNOWN = 1024
"""Acquaintances that are kept at hand."""


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
        self._perception = Perception(world.clock, world.name_of)

    async def meet(self, ident: str) -> None:
        """Find out whether `ident` is known from before; to be called before they are journaled."""
        if ident not in self._met and ident != self._world.me:
            self._met[ident] = await self._world.memory.met(ident)
            while len(self._met) > KNOWN:
                self._met.pop(next(iter(self._met)))  # memory knows them, once they were heard

    def spoke(self, moment: Moment, conversation: str) -> None:
        """One has spoken in `moment`: whoever was there is met, and what was news there is none now."""
        self._met |= dict.fromkeys((someone.id for someone in moment.present), True)
        self._perception.told(conversation, moment.perceived)

    def facts(self, message: Message) -> Facts:
        """What the triggers may know of the message that is answered."""
        return Facts(
            message=message.message,
            sender=message.sender,
            to=message.to,
            language=self._language(message.message),
            hour=self._world.now().hour,
            known=self._met.get(message.sender, False),
            context=self._perception.news(message.conversation or message.id),
        )

    def facts_of(self, context: Context) -> Facts:
        """What the triggers may know of a context that has come in while nobody spoke."""
        return Facts(
            sender=context.sender,
            to=context.to,
            language=self._persona.language,
            hour=self._world.now().hour,
            known=self._met.get(context.sender, False),
            context=context.type,
        )

    def perceive(self, context: Context) -> None:
        """Keep a context for the turns of the next minutes."""
        self._perception.take_in(context)

    def addressed(self, message: Message, talk: Talk) -> bool:
        """Whether the message turns to this companion in particular, as it stands in its talk."""
        return talk.turns_to(message, self._world.me)

    async def beginning(self, opening: Opening) -> Moment:
        """The moment of beginning a talk."""
        for ident in opening.to:
            await self.meet(ident)
        topic, perceived = opening.topic, self._perception.perceived(opening.conversation)
        texts = [line.text for line in perceived if opening.why == "context" and not line.picture]
        about = topic or (texts[-1] if texts else "")
        return Moment(
            now=self._world.now(),
            me=self._persona,
            present=self._someones(opening.to),
            topic=topic,
            opening=opening.why,
            recalled=await self._recall(about, ()) if about else (),
            perceived=perceived,
            instructions=tuple(Instruction(each.tool, each.instruction) for each in opening.fired),
            params=self._params,
            language=self._language(about),
        )

    async def answering(
        self,
        message: Message,
        talk: Talk,
        *,
        closing: Closing | None = None,
        instructions: tuple[Instruction, ...] = (),
    ) -> Moment:
        """The moment of answering `message`, which has been journaled.

        Args:
            message: what was said.
            talk: its conversation.
            closing: how far that has wound down, where it is not as the talk itself counts.
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
            perceived=self._perception.perceived(conversation),
            instructions=instructions,
            params=self._params,
            closing=talk.closing if closing is None else closing,
            turn=talk.length,
            language=self._language(message.message),
            addressed=self.addressed(message, talk),
            change_topic=talk.change_topic,
            may_ask=self._may_ask(recent) and not talk.refusal(self._world.me),
        )

    def _may_ask(self, recent: Iterable[Line]) -> bool:
        """Not twice in a row: nobody wants to be questioned."""
        mine = [line.text for line in recent if line.kind == "said"]
        return not (mine and asks(mine[-1]))

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
