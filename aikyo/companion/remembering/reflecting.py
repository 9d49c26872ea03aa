"""Reflects on the facts that have come together, and on what they say of the companion itself."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from ...brain import BrainError, Study
from ...memory import Fact, MemoryFile, NewFact
from ...memory.facts import DAY
from ..knowing import Told, as_known, tellers
from ..session import Session
from ..world import World
from .asking import ask
from .learning import as_new, own_words
from .material import known_within

__all__ = ["ENOUGH", "Reflecting"]

log = logging.getLogger(__name__)

ENOUGH = 30.0
"""Importance of new facts, added up, that is worth reflecting on; with less, it is done once a day."""

_SHARE, _SHARE_BELIEFS = 1 / 4, 1 / 8  # of the budget
_LEAST = 120
"""Tokens of facts below which nothing is tried once more with fewer."""

_NEW, _ABOUT, _BELIEFS, _PEOPLE = 40, 12, 24, 8
"""New facts at once; earlier ones about each; beliefs in all; how many they may be about."""


class _Matter(NamedTuple):
    """What is to be reflected on.

    Attributes:
        new: facts since the last time, oldest first.
        earlier: others about the same.
        beliefs: what is believed of the same, and of oneself.
    """

    new: tuple[Fact, ...]
    earlier: tuple[Told, ...]
    beliefs: tuple[Told, ...]


class Reflecting:
    """Reflects for one companion.

    Args:
        world: all that the companion is handed.
    """

    def __init__(self, world: World) -> None:
        self._world = world

    async def due_in(self) -> float:
        """Seconds until there is something to reflect on, as things stand; 0: now, infinite: nothing.

        Raises:
            MemoryFileError: the memory cannot be read.
        """
        new = await self._world.memory.read(_new)
        if not new:
            return math.inf
        if sum(fact.importance for fact in new) >= ENOUGH or len(new) == _NEW:
            return 0.0
        return max(0.0, new[0].learned + DAY - self._world.clock())

    async def step(self, session: Session) -> tuple[Fact, ...]:
        """Reflect on the next facts; what came of it. Cancelled, nothing did, and the same facts come
        next; likewise where a person has forgotten or edited one of them meanwhile.

        Raises:
            BrainError: the brain could not; they are left for another time.
            MemoryFileError: the memory cannot be used; likewise.
        """
        world = self._world
        most = int(session.budget * _SHARE)
        while True:
            matter = await world.memory.read(partial(_matter, me=world.me, now=world.clock()))
            if not matter.new:
                return ()
            told = (*(Told(fact) for fact in matter.new), *matter.earlier)
            known = known_within(as_known(world, told), most)
            beliefs = known_within(as_known(world, matter.beliefs), int(most * _SHARE_BELIEFS / _SHARE))
            people = dict.fromkeys(each.about for each in known if each.about)
            study = Study(
                now=world.now(),
                me=session.persona(world.me),
                people=tuple(world.someone(who, met=True) for who in people if who != world.me),
                known=known,
                beliefs=beliefs,
            )
            try:
                found = await ask(session.brain.reflect, study) if known else ()
            except BrainError as error:
                if error.kind != "too-long":
                    raise
                if most >= 2 * _LEAST:
                    most //= 2
                    continue
                log.info("%s does not reflect on %d facts: %s", world.me, len(matter.new), error)
                found = ()
            facts = [*matter.new, *(told.fact for told in (*matter.earlier, *matter.beliefs))]
            uids = {f"f{fact.number}": fact.uid for fact in facts}
            evidence = frozenset(each.id for each in known)
            new = tuple(as_new(finding, evidence, uids) for finding in found)
            done = [fact for fact in matter.new if f"f{fact.number}" in evidence] or matter.new
            keep = partial(
                _keep,
                told=facts,
                new=new,
                upto=done[-1].number,
                own=own_words(study.me),
                now=world.clock(),
            )
            return await world.memory.write(keep)


def _new(file: MemoryFile) -> tuple[Fact, ...]:
    """Facts that hold and were not reflected on, the oldest of them."""
    after = file.store.mark("reflected")
    while page := file.facts.after(after, _NEW):
        if held := tuple(fact for fact in page if fact.ended is None):
            return held
        after = page[-1].number
    return ()


def _matter(file: MemoryFile, me: str, now: float) -> _Matter:
    new = _new(file)
    numbers = {fact.number for fact in new}
    earlier, beliefs = dict[int, Fact](), dict[int, Fact]()
    for who in list(dict.fromkeys(fact.about for fact in new if fact.about))[:_PEOPLE]:
        for fact in file.facts.about(who, n=_ABOUT, now=now):
            found = earlier if fact.level == "fact" else beliefs
            found[fact.number] = fact
    beliefs |= {fact.number: fact for fact in file.facts.itself(_ABOUT, now)}
    older = [fact for number, fact in earlier.items() if number not in numbers]
    believed = list(beliefs.values())[:_BELIEFS]
    return _Matter(new, tellers(file, older), tellers(file, believed))


def _keep(
    file: MemoryFile,
    told: Sequence[Fact],
    new: Sequence[NewFact],
    *,
    upto: int,
    own: Sequence[str],
    now: float,
) -> tuple[Fact, ...]:
    """Keep what was found; nothing where a person has forgotten or edited one of the facts meanwhile."""
    there = {fact.uid: fact.text for fact in file.facts.find([fact.uid for fact in told])}
    if any(there.get(fact.uid) != fact.text for fact in told):
        return ()
    return file.facts.reflect(new, upto=upto, now=now, own=own)
