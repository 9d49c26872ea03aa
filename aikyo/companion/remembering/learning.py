"""Learns facts from the journal, a batch at a time; what was learned from is marked with it."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from functools import partial

from ...brain import Brain, BrainError, Finding, Known, Line, Persona, Study
from ...memory import Fact, MemoryFile, NewFact
from ..asker import asked_by
from ..knowing import as_known, tellers
from ..session import Session
from ..world import World
from .asking import ask
from .material import MAX_FROM_PEOPLE, MAX_LINES, Batch, batch_of, known_within, tells

__all__ = ["Learning"]

log = logging.getLogger(__name__)

_SHARE, _SHARE_KNOWN = 1 / 3, 1 / 6  # of the budget; the prompt and the answer need room too
_LEAST = 60
"""Tokens of a batch below which nothing is tried once more with less."""

_SENTENCE = re.compile(r"[^.!?。！？\n]+[.!?。！？]*")

_LOOKED_UP, _NEAR, _KNOWN = 12, 4, 24
"""Lines for which it is looked up what is known, facts for each, and in all."""


class Learning:
    """Learns what one companion heard, said and perceived.

    Args:
        world: all that the companion is handed.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._most = 0  # tokens that a model took
        self._by: Brain | None = None  # and which

    async def pending(self) -> int:
        """How many rows of the journal were not learned from yet.

        Raises:
            MemoryFileError: the memory cannot be read.
        """
        return await self._world.memory.read(lambda file: file.facts.pending())

    async def step(self, session: Session) -> tuple[Fact, ...] | None:
        """Learn from the next batch; the facts that were made or confirmed, or None where nothing is
        left to learn from. Cancelled, nothing is learned, and the same batch comes next; likewise where
        a person has forgotten or edited a row of it meanwhile.

        Raises:
            BrainError: the brain could not learn; the batch is left for another time.
            MemoryFileError: the memory cannot be used; likewise.
        """
        most = self._most if session.brain is self._by else int(session.budget * _SHARE)
        while True:
            batch = await self._world.memory.read(partial(_next_batch, most=most))
            if batch is None:
                return None
            try:
                new = await self._new(session, batch, most)
            except BrainError as error:
                if error.kind != "too-long":
                    raise
                smaller = min(most, batch.tokens) // 2
                if smaller >= _LEAST:
                    most, self._most, self._by = smaller, smaller, session.brain
                    continue
                log.info("%s learns nothing from %d rows: %s", self._world.me, len(batch.rows), error)
                new = ()
            own = own_words(session.persona(self._world.me))
            keep = partial(_keep, batch=batch, new=new, own=own, now=self._world.clock())
            return await self._world.memory.write(keep)

    async def _new(self, session: Session, batch: Batch, most: int) -> tuple[NewFact, ...]:
        """What a batch holds that is to be kept."""
        lines = self._lines(batch)
        if all(line.echo for line in lines):
            return ()
        half = most * _SHARE_KNOWN / _SHARE
        known = known_within(await self._known(lines), int(half))
        world = self._world
        people = dict.fromkeys(who for line in lines for who in (line.sender, *line.to))
        study = Study(
            now=world.now(),
            me=session.persona(world.me),
            people=tuple(world.someone(who, met=True) for who in people if who != world.me),
            lines=lines,
            known=known,
            most=MAX_FROM_PEOPLE,
        )
        found = await ask(session.brain.learn, study)
        evidence = frozenset(line.id for line in lines if not line.echo)
        uids = await world.memory.read(partial(_uids, known=known))
        return tuple(as_new(finding, evidence, uids) for finding in found)

    def _lines(self, batch: Batch) -> tuple[Line, ...]:
        """The rows that tell something, as a brain is told of them."""
        pairs = zip(batch.rows, batch.texts, strict=True)
        return tuple(self._world.line(row.entry, text=text) for row, text in pairs if tells(row.entry))

    async def _known(self, lines: Sequence[Line]) -> tuple[Known, ...]:
        """What is known already of what is said in `lines`. Looked up line by line, so that whoever
        wants to read for an answer comes between."""
        told = sorted((line for line in lines if not line.echo), key=lambda line: -len(line.text))
        found = dict[int, Fact]()
        for line in told[:_LOOKED_UP]:
            near = await self._world.memory.read(partial(_near, text=asked_by(line.name, line.text)))
            found |= {fact.number: fact for fact in near}
        facts = list(found.values())[:_KNOWN]
        return as_known(self._world, await self._world.memory.read(partial(tellers, facts=facts)))


def as_new(finding: Finding, evidence: frozenset[str], uids: dict[str, str]) -> NewFact:
    """A finding as it is to be kept.

    Args:
        finding: what the brain found.
        evidence: ids that may be its sources.
        uids: of the facts that it may speak of, by the ids that the brain knows them by.
    """
    return NewFact(
        text=finding.text,
        about=finding.about,
        level=finding.level,
        kind=finding.kind,
        importance=finding.importance,
        happened=finding.happened,
        sources=tuple(uids.get(one, one) for one in finding.sources if one in evidence),
        slot=finding.slot,
        same_as=uids.get(finding.same_as, ""),
        replaces=uids.get(finding.replaces, ""),
        against=uids.get(finding.against, ""),
    )


def own_words(me: Persona) -> tuple[str, ...]:
    """The lines of a companion's profile, which it need not learn."""
    texts = (me.personality, me.story, me.sample, me.role, *me.interests, *me.phrases)
    return tuple(line.strip() for text in texts for line in _SENTENCE.findall(text) if line.strip())


def _next_batch(file: MemoryFile, most: int) -> Batch | None:
    rows = file.next_after(file.store.mark("learned"), MAX_LINES)
    return batch_of(rows, most) if rows else None


def _near(file: MemoryFile, text: str) -> tuple[Fact, ...]:
    return file.facts.near([text], _NEAR)


def _uids(file: MemoryFile, known: Sequence[Known]) -> dict[str, str]:
    return {f"f{fact.number}": fact.uid for fact in file.facts.find([each.id for each in known])}


def _keep(
    file: MemoryFile, batch: Batch, new: Sequence[NewFact], own: Sequence[str], now: float
) -> tuple[Fact, ...]:
    """Keep what was learned, and that it was; nothing where a person has forgotten or edited a row of it
    meanwhile, so that nothing of that comes back."""
    there = {row.number: row.entry for row in file.rows_of(numbers=[r.number for r in batch.rows])}
    if any(there.get(row.number) != row.entry for row in batch.rows):
        return ()
    return file.facts.learn(new, upto=batch.upto, now=now, own=own)
