"""The facts of one memory file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

from msgspec.structs import replace

from ...embeddings import Embedder
from ..storage.forgotten import is_forgotten
from ..storage.store import Store
from .fading import strength
from .model import DAY, Fact, FactHit, Level, NewFact
from .recall import FactRecall
from .rows import FactRows
from .senses import Outdated, Sense, sense_of

__all__ = ["Facts"]

_LONG_PAST = 2 * DAY  # a plan is open for so long after its time,
_UNDATED = 30 * DAY  # and one without a time for so long after it was last spoken of


class Facts:
    """Reached as `MemoryFile.facts`. Ids are uids, or numbers as people see them (``f12``).

    Args:
        store: the file.
        embedder: what makes vectors; None: facts are found by words and concepts.

    Attributes:
        refused: how many findings were refused since the file was opened, by reason.
    """

    def __init__(self, store: Store, embedder: Embedder | None) -> None:
        self.refused: Counter[str] = Counter()
        self._store = store
        self._embedder = embedder
        self._rows = FactRows(store, embedder)
        self._recall = FactRecall(store, self._rows, embedder)

    def learn(
        self, new: Sequence[NewFact], *, upto: int, now: float, own: Collection[str] = ()
    ) -> tuple[Fact, ...]:
        """Keep what was found in the journal: junk and what has no source are refused, paraphrases are
        merged, what is contradicted ends. All of it and the mark ``learned``, or nothing.

        Args:
            new: what was found; its sources are uids of entries that repeat nothing recalled.
            upto: number of the last row that was learned from.
            now: seconds since the epoch.
            own: lines of the companion's own profile, which it need not learn.

        Returns:
            The facts that were made or confirmed, in order; the same call again gives none.
        """
        return self._keep(new, "learned", upto, now, own)

    def reflect(
        self, new: Sequence[NewFact], *, upto: int, now: float, own: Collection[str] = ()
    ) -> tuple[Fact, ...]:
        """The same for reflections and what the companion believes of itself; their sources are facts,
        and `upto` is the number of the last fact that was reflected on (mark ``reflected``)."""
        return self._keep(new, "reflected", upto, now, own)

    def recall(
        self,
        query: str,
        k: int = 8,
        *,
        now: float | None = None,
        about: str | None = None,
        ended: bool = False,
        level: Level | None = None,
    ) -> tuple[FactHit, ...]:
        """The `k` facts that fit `query` best, best first. Deterministic.

        Args:
            query: any text at all.
            k: how many at the most.
            now: seconds since the epoch, for what has faded and for "last week"; None: when a fact was
                confirmed last, and no times are read.
            about: only those about this person or thing.
            ended: also those that hold no more.
            level: only those of this level.
        """
        return self._recall.recall(query, k, now=now, about=about, ended=ended, level=level)

    def near(self, texts: Sequence[str], n: int) -> tuple[Fact, ...]:
        """Up to `n` facts that hold and are near to any of `texts`, the nearest first."""
        best: dict[int, FactHit] = {}
        for text in texts:
            for hit in self.recall(text, n, level="fact"):
                if hit.fact.number not in best or best[hit.fact.number].score < hit.score:
                    best[hit.fact.number] = hit
        ranked = sorted(best.values(), key=lambda hit: (-hit.score, -hit.fact.number))
        return tuple(hit.fact for hit in ranked[:n])

    def about(
        self, ident: str, *, n: int = 20, level: Level | None = None, now: float
    ) -> tuple[Fact, ...]:
        """The `n` strongest facts about somebody or something that hold, strongest first."""
        found = self._rows.where("about = ? AND ended IS NULL", ident)
        return _strongest([f for f in found if level in {None, f.level}], n, now)

    def itself(self, n: int, now: float) -> tuple[Fact, ...]:
        """The `n` strongest things that the companion believes of itself and of how it stands with
        others."""
        return _strongest(self._rows.where("level = 'self' AND ended IS NULL"), n, now)

    def threads(self, idents: Collection[str], n: int, now: float) -> tuple[Fact, ...]:
        """Up to `n` plans and promises of or to these that hold and are not long past, the next first;
        those without a time come last."""
        found = self._rows.where(
            "kind IN ('plan', 'promise') AND level = 'fact' AND ended IS NULL"
            " AND ifnull(happened, confirmed + ?) > ?",
            _UNDATED - _LONG_PAST,
            now - _LONG_PAST,
        )
        told = self._told_by(found)
        of_them = [f for f in found if f.about in idents or told[f.number] & set(idents)]
        never = float("inf")
        return tuple(sorted(of_them, key=lambda f: (f.happened or never, -f.confirmed, f.number))[:n])

    def find(self, ids: Collection[str]) -> tuple[Fact, ...]:
        """The facts that `ids` mean, in the order of `ids`; what there is not is left out."""
        found = self._rows.find(ids)
        return tuple(dict.fromkeys(found[one] for one in ids if one in found))

    def after(self, number: int, n: int) -> tuple[Fact, ...]:
        """The first `n` facts (no reflections) after this number, oldest first; ended ones too."""
        return self._rows.where("level = 'fact' AND number > ? ORDER BY number LIMIT ?", number, n)

    def all(self) -> tuple[Fact, ...]:
        """Every fact, oldest first; those that have ended too."""
        return self._rows.where("true ORDER BY number")

    def index_anew(self) -> None:
        """Make the index of words from the facts; to be called in a transaction."""
        self._rows.index_anew()

    def outdated(self, n: int) -> tuple[Outdated, ...]:
        """Up to `n` facts that have no vector yet, or one of another embedder. They are found by words
        and concepts meanwhile."""
        return self._rows.outdated(n)

    def senses_of(self, facts: Sequence[Outdated]) -> tuple[tuple[Outdated, Sense], ...]:
        """The sense of each; takes what the embedder takes. Touches no file, so any thread may do it."""
        return tuple((fact, sense_of(fact.text, fact.names, self._embedder)) for fact in facts)

    def renew(self, made: Sequence[tuple[Outdated, Sense]]) -> None:
        """Give facts their sense; of one whose text has changed since, nothing is kept."""
        with self._store.transaction():
            self._rows.renew(made)

    def count(self) -> int:
        """How many facts there are, of all levels; those that have ended too."""
        return int(self._store.rows("SELECT count(*) FROM facts")[0][0])

    def pending(self) -> int:
        """How many rows of the journal nothing was learned from yet."""
        return int(
            self._store.rows("SELECT count(*) FROM entries WHERE row > ?", self._store.mark("learned"))[
                0
            ][0]
        )

    def forget(self, ids: Collection[str]) -> tuple[Fact, ...]:
        """Remove facts, and the reflections that rest on them; they are to be made anew from the rest.

        Returns:
            All that went.
        """
        with self._store.transaction():
            return self._remove(self.find(ids))

    def sources_gone(self, entries: Collection[str]) -> tuple[Fact, ...]:
        """These entries are no more: so is what only they were evidence for, and what rests on that.

        Returns:
            All that went.
        """
        with self._store.transaction():
            touched = self._rows.resting_on(entries)
            self._rows.drop_evidence(entries)
            left = self._rows.numbered([fact.number for fact in touched])
            return self._remove([fact for fact in left.values() if not fact.sources])

    def edit(self, ident: str, text: str, now: float) -> Fact | None:
        """Put a fact as a person says it; what rested on the old wording goes, to be made anew.

        Returns:
            The fact; None where there is none.
        """
        with self._store.transaction():
            facts = self.find([ident])
            if not facts:
                return None
            self._remove(self._above(facts))
            self._rows.reword(facts[0], text)
            self._rows.update(facts[0], edited=1, confirmed=max(now, facts[0].confirmed))
            return self.find([facts[0].uid])[0]

    def put(self, fact: Fact) -> bool:
        """Take over a fact from elsewhere as it is, with its uid; its number is given anew. Where it is
        known already, it gets the evidence.

        Returns:
            Whether it is new; False also for one that was forgotten here.
        """
        with self._store.transaction():
            if is_forgotten(self._store, fact.uid):
                return False
            held = self.find([fact.uid])
            kept = held[0] if held else self._rows.add(replace(fact, sources=(), against=()))
            for stance, sources in ((1, fact.sources), (-1, fact.against)):
                for source in sources:
                    self._rows.add_evidence(kept, source, stance, self._time_of(source, fact.learned))
            if held:
                self._settle(kept, fact)
            return not held

    def _settle(self, held: Fact, fact: Fact) -> None:
        """Bring what is held in line with what was put: a person's wording, the later confirmation, the
        first end."""
        if fact.edited and not held.edited and fact.text != held.text:
            self._rows.reword(held, fact.text)
        ends = [
            (end, by)
            for end, by in ((held.ended, held.replaced_by), (fact.ended, fact.replaced_by))
            if end is not None
        ]
        ended, by = min(ends) if ends else (None, "")
        self._rows.update(
            held,
            edited=int(held.edited or fact.edited),
            confirmed=max(held.confirmed, fact.confirmed),
            learned=min(held.learned, fact.learned),
            ended=ended,
            replaced_by=by,
        )

    def _keep(
        self, new: Sequence[NewFact], mark: str, upto: int, now: float, own: Collection[str]
    ) -> tuple[Fact, ...]:
        from .learning import Learning  # here and in `rows`: reading needs none of its rules

        with self._store.transaction():
            learning = Learning(self._store, self._rows, now, own)
            taken = [learning.take(one) for one in new]
            self.refused += learning.refused
            self._store.set_mark(mark, max(upto, self._store.mark(mark)))
            numbers = dict.fromkeys(fact.number for fact in taken if fact is not None)
            facts = self._rows.numbered(numbers)
            return tuple(facts[number] for number in numbers)

    def _above(self, facts: Collection[Fact]) -> list[Fact]:
        """All that rests on these, without them."""
        found: dict[int, Fact] = {}
        below: Collection[Fact] = facts
        while below:
            above = self._rows.resting_on([fact.uid for fact in below])
            below = [fact for fact in above if fact.number not in found]
            found |= {fact.number: fact for fact in below}
        own = {fact.number for fact in facts}
        return [fact for number, fact in found.items() if number not in own]

    def _remove(self, facts: Collection[Fact]) -> tuple[Fact, ...]:
        gone = [*facts, *self._above(facts)]
        self._rows.remove(gone)
        uids = [fact.uid for fact in gone]
        # What else the reflections rested on is to be reflected on again.
        rested = [f.number for f in self.find([s for fact in gone for s in fact.sources])]
        self._rows.drop_evidence(uids)
        if rested and (first := min(rested)) <= self._store.mark("reflected"):
            self._store.set_mark("reflected", first - 1)
        return tuple(gone)

    def _told_by(self, facts: Sequence[Fact]) -> dict[int, set[str]]:
        return {
            fact.number: {
                str(row[0])
                for source in fact.sources
                for row in self._store.rows("SELECT sender FROM entries WHERE uid = ?", source)
            }
            for fact in facts
        }

    def _time_of(self, source: str, otherwise: float) -> float:
        rows = self._store.rows("SELECT min(time) FROM entries WHERE uid = ?", source)
        return otherwise if rows[0][0] is None else float(rows[0][0])


def _strongest(facts: Sequence[Fact], n: int, now: float) -> tuple[Fact, ...]:
    return tuple(sorted(facts, key=lambda fact: (-strength(fact, now), -fact.number))[:n])
