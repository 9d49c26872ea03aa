"""How what a brain found becomes facts: refused, merged, replaced, or kept as new."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection

from ..storage.forgotten import is_forgotten
from ..storage.store import Store
from .fading import half_life_of, lengthened
from .junk import junk, quotes
from .merging import gist, same_value
from .model import DAY, Fact, NewFact
from .rows import FactRows

__all__ = ["Learning"]

_TIMED = ("event", "plan", "promise")
_ENOUGH = 2
"""Sources against a fact that end it, where they are more than those for it."""


class Learning:
    """What one call of `Facts.learn` or `Facts.reflect` does; to be used within a transaction.

    Args:
        store: the file.
        rows: its facts.
        now: seconds since the epoch.
        own: lines of the companion's own profile.

    Attributes:
        refused: how many were refused, by reason.
    """

    def __init__(self, store: Store, rows: FactRows, now: float, own: Collection[str] = ()) -> None:
        self._store = store
        self._rows = rows
        self._now = now
        self._own = own
        self.refused: Counter[str] = Counter()

    def take(self, new: NewFact) -> Fact | None:
        """Keep one, or what it adds to another.

        Returns:
            The fact that was made, or that has more evidence now; None where nothing changed.
        """
        sources = self._sources(new)
        if why := self._why_not(new, sources):
            self.refused[why] += 1
            return None
        named = self._rows.find({new.same_as, new.replaces, new.against} - {""})
        fact = self._held(new, named.get(new.same_as), sources)
        if fact is None:
            fact = self._made(new, sources)
        elif not self._confirmed(fact, new, sources):
            return None
        if fact is None:
            return None
        self._speak_against(named.get(new.against), fact, sources)
        self._replace(new, named.get(new.replaces), fact, max(sources.values()))
        return self._rows.numbered([fact.number])[fact.number]

    def _why_not(self, new: NewFact, sources: dict[str, float]) -> str:
        if not sources:
            return "no source"
        return junk(new.text, new.level) or ("profile" if quotes(new.text, self._own) else "")

    def _sources(self, new: NewFact) -> dict[str, float]:
        """Its evidence, as far as there is such, with the time of each."""
        if new.level != "fact":
            facts = self._rows.find(dict.fromkeys(new.sources))
            return {fact.uid: fact.confirmed for fact in facts.values()}
        found: dict[str, float] = {}
        for source in dict.fromkeys(new.sources):
            rows = self._store.rows("SELECT time, echo FROM entries WHERE uid = ?", source)
            if rows and not any(row["echo"] for row in rows):
                found[source] = min(row["time"] for row in rows)
        return found

    def _held(self, new: NewFact, named: Fact | None, sources: dict[str, float]) -> Fact | None:
        """The fact that says the same, if there is one: one that has ended only where it has this very
        evidence, since the same may become true again."""
        alike = [
            *self._rows.where(
                "gist = ? AND about = ? AND level = ? ORDER BY number",
                gist(new.text),
                new.about,
                new.level,
            ),
            *self._of_same_value(new),
        ]
        if named is not None and named.level == new.level:
            alike.append(named)
        for fact in alike:
            if _are_apart(fact, new):
                continue
            if fact.ended is None or sources.keys() <= set(fact.sources):
                return fact
        return None

    def _of_same_value(self, new: NewFact) -> list[Fact]:
        if not (new.slot and new.about):
            return []
        names = self._rows.names_of(new.about)
        return [fact for fact in self._in_slot(new) if same_value(fact.text, new.text, names)]

    def _in_slot(self, new: NewFact | Fact) -> tuple[Fact, ...]:
        return self._rows.where(
            "about = ? AND slot = ? AND level = ? ORDER BY number", new.about, new.slot, new.level
        )

    def _made(self, new: NewFact, sources: dict[str, float]) -> Fact | None:
        uid = _uid(new, sources)
        if is_forgotten(self._store, uid) or self._rows.find([uid]):
            return None  # it was kept before, and is gone, or worded otherwise since
        fact = self._rows.add(
            Fact(
                number=0,
                uid=uid,
                text=new.text,
                about=new.about,
                level=new.level,
                kind=new.kind,
                importance=new.importance,
                happened=new.happened,
                slot=new.slot,
                learned=self._now,
                confirmed=max(sources.values()),
                half_life=half_life_of(new.kind, new.level),
            )
        )
        for source, time in sources.items():
            self._rows.add_evidence(fact, source, 1, time)
        return fact

    def _confirmed(self, fact: Fact, new: NewFact, sources: dict[str, float]) -> bool:
        """Add evidence to a fact; False where all of it was there."""
        added = [s for s, time in sources.items() if self._rows.add_evidence(fact, s, 1, time)]
        if not added or fact.ended is not None:
            return bool(added)
        self._rows.update(
            fact,
            confirmed=max(fact.confirmed, *(sources[source] for source in added)),
            half_life=lengthened(fact.half_life),
            importance=max(fact.importance, new.importance),
            happened=new.happened if fact.happened is None else fact.happened,
        )
        return True

    def _speak_against(self, old: Fact | None, fact: Fact, sources: dict[str, float]) -> None:
        if old is None or old.number == fact.number:
            return
        for source, time in sources.items():
            self._rows.add_evidence(old, source, -1, time)
        old = self._rows.numbered([old.number])[old.number]
        if old.ended is None and len(old.against) >= max(_ENOUGH, len(old.sources) + 1):
            self._rows.update(old, ended=max(sources.values()), replaced_by=fact.uid)

    def _replace(self, new: NewFact, named: Fact | None, fact: Fact, since: float) -> None:
        """End what this takes the place of."""
        old = [] if named is None else [named]
        if fact.slot and fact.about:
            old += self._in_slot(fact)
        for one in old:
            if one.number != fact.number and one.ended is None:
                self._rows.update(one, ended=since, replaced_by=fact.uid)


def _are_apart(fact: Fact, new: NewFact) -> bool:
    """Whether two that sound alike are of different days: one goes to Kyoto more than once."""
    if new.kind not in _TIMED or fact.happened is None or new.happened is None:
        return False
    return abs(fact.happened - new.happened) > 2 * DAY


def _uid(new: NewFact, sources: dict[str, float]) -> str:
    """The same for the same finding, so that it is never kept twice."""
    told = "\0".join([new.level, new.about, new.text, *sorted(sources)])
    return hashlib.sha256(told.encode()).hexdigest()[:24]
