"""How what a brain found becomes facts: refused, merged, replaced, or kept as new."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Collection

from msgspec.structs import replace

from ..recall.words import query_terms
from ..storage.forgotten import is_forgotten
from ..storage.store import Store
from .fading import half_life_of, lengthened
from .junk import junk, quotes
from .lexicon import lexicon
from .merging import gist, same_value
from .model import DAY, Fact, NewFact
from .rows import FactRows
from .senses import without

__all__ = ["Learning"]

_TIMED = ("event", "plan", "promise")
_THEIRS = re.compile(
    r"[^.]{1,40}?['’]s? (?P<en>(?:\w+ )?\w+)|[^。はがの]{1,20}の(?P<ja>[^。はがの]{1,8})[はがの]"
)
_KIN = frozenset({"family", "friend", "colleague", "neighbour", "flatmate", "lover", "animal"})
_ONES_OWN = frozenset({"name", "age", "birthday", "home", "hometown", "origin", "work", "school"})

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
        if _is_of_theirs(new):
            new = replace(new, slot="")
        over, doubted = self._named(new, new.replaces), self._named(new, new.against)
        same = self._named(new, new.same_as, closely=True)
        fact = self._held(new, None if same in (over, doubted) else same, sources)
        if fact is None:
            fact = self._made(new, sources)
        elif not self._confirmed(fact, new, sources):
            return None
        if fact is None:
            return None
        self._speak_against(doubted, fact, sources)
        self._replace(over, fact, max(sources.values()))
        return self._rows.numbered([fact.number])[fact.number]

    def _named(self, new: NewFact, ident: str, *, closely: bool = False) -> Fact | None:
        """The fact that `new` names, if it has to do with that: a brain may be wrong there, and what is
        so must be neither ended nor swallowed by something else."""
        fact = self._rows.find([ident]).get(ident) if ident else None
        if fact is None or fact.level == "fact" != new.level:
            return None  # what is made of facts says nothing against them
        if fact.about == new.about and (fact.kind == new.kind or not closely):
            return fact
        names = {*self._rows.names_of(new.about), *self._rows.names_of(fact.about)}
        one, other = (without(text, names) for text in (new.text, fact.text))
        alike = lexicon().concepts(one) & lexicon().concepts(other)
        return fact if alike or set(query_terms(one)) & set(query_terms(other)) else None

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
                "gist = ? AND +about = ? AND level = ? ORDER BY number",  # + : not by the index of that
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

    def _replace(self, named: Fact | None, fact: Fact, since: float) -> None:
        """End what this takes the place of, or this, where it comes late: people have said since what is
        so."""
        if named is not None and named.number != fact.number and named.ended is None:
            self._rows.update(named, ended=since, replaced_by=fact.uid)
        if not (fact.slot and fact.about) or fact.ended is not None:
            return
        for one in self._in_slot(fact):
            if one.number == fact.number or one.ended is not None:
                continue
            if one.confirmed > since:
                self._rows.update(fact, ended=one.confirmed, replaced_by=one.uid)
            else:
                self._rows.update(one, ended=since, replaced_by=fact.uid)


def _is_of_theirs(new: NewFact) -> bool:
    """Whether it gives to somebody what is their sister's or their cat's: her home is not theirs."""
    found = _THEIRS.match(new.text)
    if found is None or new.slot not in _ONES_OWN:
        return False
    return bool(lexicon().concepts(found["en"] or found["ja"]) & _KIN)


def _are_apart(fact: Fact, new: NewFact) -> bool:
    """Whether two that sound alike are of different days: one goes to Kyoto more than once."""
    if new.kind not in _TIMED or fact.happened is None or new.happened is None:
        return False
    return abs(fact.happened - new.happened) > 2 * DAY


def _uid(new: NewFact, sources: dict[str, float]) -> str:
    """The same for the same finding, so that it is never kept twice."""
    told = "\0".join([new.level, new.about, new.text, *sorted(sources)])
    return hashlib.sha256(told.encode()).hexdigest()[:24]
