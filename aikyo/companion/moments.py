"""Puts together what a brain is told: who is there, what was said, what memory brings up."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Collection, Iterable
from dataclasses import replace
from functools import partial
from typing import TypeVar

from ..brain import Briefing, Instruction, Known, Line, Moment, Someone
from ..conversation import Talk, asks, detect_language
from ..conversation.openings import Opening
from ..conversation.triggers import Facts
from ..memory import MemoryFile, MemoryFileError, Row
from ..wire import Closing, Context, Message
from .asker import asked_by
from .knowing import Told, as_known, number_of, tellers
from .perception import Perception
from .session import Session
from .session.budget import cut, fitted, line_tokens, room_of
from .session.fill import MAX_ROWS
from .world import World

__all__ = ["Moments", "recalled"]

log = logging.getLogger(__name__)

T = TypeVar("T")

RECALLED, _LOOKED_THROUGH = 4, 12
"""Lines that memory may bring up, and of how many: steps in the room say nothing, and what one has only
repeated from memory is there in the first hearing."""

KNOWN, OF_THEM = 6, 3
"""Facts that bear on a message, and among them at the most so many that only tell of whose it is."""

_LONGEST = 100  # tokens of a line that memory brings up

MET = 1024
"""Acquaintances that are kept at hand."""


class Moments:
    """Builds the `Moment`s of one companion.

    Args:
        world: the companion's world.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._met: dict[str, bool] = {}
        self._unread = ""  # why memory could not be read, or nothing
        self._perception = Perception(world.clock, world.name_of)

    async def meet(self, ident: str) -> None:
        """Find out whether `ident` is known from before; to be called before they are journaled."""
        if ident not in self._met and ident != self._world.me:
            met = await self._read(self._world.memory.met(ident), None)
            if met is not None:
                self._met[ident] = met
            while len(self._met) > MET:
                self._met.pop(next(iter(self._met)))  # memory knows them, once they were heard

    def spoke(self, moment: Moment, conversation: str) -> None:
        """One has spoken in `moment`: whoever was there is met, and what was news there is none now."""
        self._met |= dict.fromkeys((someone.id for someone in moment.present), True)
        self._perception.told(conversation, moment.perceived)

    def facts(self, session: Session, message: Message) -> Facts:
        """What the triggers may know of the message that is answered."""
        return Facts(
            message=message.message,
            sender=message.sender,
            to=message.to,
            language=_language(session, message.message),
            hour=self._world.now().hour,
            known=self._met.get(message.sender, False),
            context=self._perception.news(message.conversation or message.id),
        )

    def facts_of(self, session: Session, context: Context) -> Facts:
        """What the triggers may know of a context that has come in while nobody spoke."""
        return Facts(
            sender=context.sender,
            to=context.to,
            language=session.profile.metadata.language,
            hour=self._world.now().hour,
            known=self._met.get(context.sender, False),
            context=context.type,
        )

    def forget(self, uids: Collection[str]) -> None:
        """These were forgotten; keep them at hand no longer."""
        self._perception.forget(uids)

    def perceive(self, context: Context) -> None:
        """Keep a context for the turns of the next minutes."""
        self._perception.take_in(context)

    def addressed(self, message: Message, talk: Talk) -> bool:
        """Whether the message turns to this companion in particular, as it stands in its talk."""
        return talk.turns_to(message, self._world.me)

    async def beginning(self, session: Session, opening: Opening) -> Moment:
        """The moment of beginning a talk."""
        for ident in opening.to:
            await self.meet(ident)
        topic, perceived = opening.topic, self._perception.perceived(opening.conversation)
        texts = [line.text for line in perceived if opening.why == "context" and not line.picture]
        about = topic or (texts[-1] if texts else "")
        known, briefing = await self._known(session, about, opening.to[:1])
        rows = await self._since(session)
        return Moment(
            now=self._world.now(),
            me=session.persona(self._world.me),
            present=self._someones(opening.to),
            earlier=fitted(self._lines(rows), room_of(session)),
            topic=topic,
            opening=opening.why,
            recalled=await self._recall(session, about, ()) if about else (),
            known=known,
            perceived=perceived,
            instructions=tuple(Instruction(each.tool, each.instruction) for each in opening.fired),
            params=session.profile.triggers.params,
            language=_language(session, about),
            briefing=briefing,
            forgetful=self._world.forgetful.why or self._unread,
        )

    async def answering(
        self,
        session: Session,
        message: Message,
        talk: Talk,
        *,
        closing: Closing | None = None,
        instructions: tuple[Instruction, ...] = (),
    ) -> Moment:
        """The moment of answering `message`, which has been journaled.

        Args:
            session: what it is answered with.
            message: what was said.
            talk: its conversation.
            closing: how far that has wound down, where it is not as the talk itself counts.
            instructions: what the triggers say.
        """
        conversation = message.conversation or message.id
        earlier, recent = await self._talks(session, conversation, message)
        others = dict.fromkeys((message.sender, *message.to, *(line.sender for line in recent)))
        for ident in others:
            await self.meet(ident)
        sought = asked_by(self._world.name_of(message.sender), message.message)
        known, briefing = await self._known(session, sought, (message.sender,))
        return Moment(
            now=self._world.now(),
            me=session.persona(self._world.me),
            present=self._someones(others),
            message=self._heard(message),
            earlier=earlier,
            recent=recent,
            # What others said of it comes up too, unless one is asked.
            recalled=await self._recall(
                session, sought if asks(message.message) else message.message, recent
            ),
            known=known,
            perceived=self._perception.perceived(conversation),
            instructions=instructions,
            params=session.profile.triggers.params,
            closing=talk.closing if closing is None else closing,
            turn=talk.length,
            language=_language(session, message.message),
            addressed=self.addressed(message, talk),
            elsewhere=self._elsewhere(message, talk),
            change_topic=talk.change_topic,
            may_ask=self._may_ask(recent) and not talk.refusal(self._world.me),
            briefing=briefing,
            forgetful=self._world.forgetful.why or self._unread,
        )

    async def _talks(
        self, session: Session, conversation: str, message: Message
    ) -> tuple[tuple[Line, ...], tuple[Line, ...]]:
        """What was said since the session's summary, as far as there is room for it: before this
        conversation, and in it, `message` in any case. What others say meanwhile elsewhere is told when
        this conversation is over, so that what comes first stays as it is."""
        room = room_of(session)
        rows = await self._since(session)
        first = next((n for n, row in enumerate(rows) if row.entry.conversation == conversation), None)
        lines = self._lines(row for row in rows if row.entry.conversation == conversation)
        if all(line.id != message.id for line in lines):  # it is in the summary too
            lines.append(self._heard(message))
        recent = fitted(lines, room)
        room -= sum(line_tokens(line.text) for line in recent)
        before = self._lines(rows[:first] if first is not None else rows)
        return fitted(before, room) if room > 0 else (), recent

    async def _since(self, session: Session) -> tuple[Row, ...]:
        """What the session tells in full."""
        return await self._read(self._world.memory.after(session.since, MAX_ROWS), ())

    async def _read(self, look: Awaitable[T], otherwise: T) -> T:
        """What memory gives; `otherwise` where it cannot be read for now, and one talks without."""
        try:
            found = await look
        except MemoryFileError as error:
            if not self._unread:
                log.warning("%s cannot remember now: %s", self._world.me, error)
            self._unread = error.why
            return otherwise
        self._unread = ""
        return found

    def _lines(self, rows: Iterable[Row]) -> list[Line]:
        said = (row.entry for row in rows if row.entry.kind in {"heard", "said"})
        return [self._world.line(entry) for entry in said]

    def _elsewhere(self, message: Message, talk: Talk) -> bool:
        """Whether the message turns to somebody else in particular."""
        others = frozenset(message.to or self._world.roster) - {message.sender}
        found = talk.turned_to(message, others | {self._world.me})
        return bool(found) and self._world.me not in found

    def _may_ask(self, recent: Iterable[Line]) -> bool:
        """Not twice in a row: nobody wants to be questioned."""
        mine = [line.text for line in recent if line.kind == "said"]
        return not (mine and asks(mine[-1]))

    async def _recall(self, session: Session, text: str, recent: Iterable[Line]) -> tuple[Line, ...]:
        told = frozenset(line.id for line in (*recent, *session.briefing.memories))
        now = self._world.now()
        look = self._world.memory.recall(text, _LOOKED_THROUGH, exclude=told, now=now)
        hits = await self._read(look, ())
        entries = [hit.entry for hit in hits if hit.entry.kind != "did" and not hit.entry.echo]
        return tuple(self._world.line(e, text=cut(e.text, _LONGEST)) for e in entries[:RECALLED])

    async def _known(
        self, session: Session, text: str, about: Collection[str]
    ) -> tuple[tuple[Known, ...], Briefing]:
        """What is known that bears on `text`, and of those it is about, beyond the briefing; and the
        briefing without what has turned out otherwise since it was made."""
        briefing = session.briefing
        held = frozenset(map(number_of, (*briefing.itself, *briefing.known, *briefing.threads)))
        look = partial(_facts, text=text, about=about, held=held, now=self._world.clock())
        told, over = await self._read(self._world.memory.read(look), ((), frozenset()))
        if over:
            briefing = replace(
                briefing,
                itself=tuple(each for each in briefing.itself if number_of(each) not in over),
                known=tuple(each for each in briefing.known if number_of(each) not in over),
                threads=tuple(each for each in briefing.threads if number_of(each) not in over),
            )
        return as_known(self._world, told), briefing

    def _someones(self, others: Iterable[str]) -> tuple[Someone, ...]:
        return tuple(
            self._world.someone(ident, met=self._met.get(ident, False))
            for ident in others
            if ident != self._world.me
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


def recalled(moment: Moment | None) -> tuple[str, ...]:
    """Ids of the entries and facts that memory brought up, as a `TurnNote` tells of them."""
    if moment is None:
        return ()
    return (*(line.id for line in moment.recalled), *(each.id for each in moment.known))


def _facts(
    file: MemoryFile, text: str, about: Collection[str], held: Collection[int], now: float
) -> tuple[tuple[Told, ...], frozenset[int]]:
    """The facts to tell of, and the numbers of those held that have ended."""
    there = file.facts.find([f"f{number}" for number in held]) if held else ()
    over = frozenset(fact.number for fact in there if fact.ended is not None)
    hits = file.facts.recall(text, KNOWN + len(held), now=now) if text else ()
    facts = [hit.fact for hit in hits if hit.fact.number not in held][:KNOWN]
    left = min(OF_THEM, KNOWN - len(facts))
    held = {*held, *(fact.number for fact in facts)}
    for ident in about:
        of_them = file.facts.about(ident, n=left + len(held), now=now)
        facts += [fact for fact in of_them if fact.number not in held][:left]
    return tellers(file, facts), over


def _language(session: Session, text: str) -> str:
    """What to answer in: what one is spoken to in, else one's own."""
    return detect_language(text) or session.profile.metadata.language
