"""The digests of one memory file."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from msgspec.structs import replace

from ...wire import derived_id
from .model import Digest, DigestLevel
from .tree import FIELDS, MARK, VERSION, DigestTree

__all__ = ["Digests"]

_WRITTEN = FIELDS[1:]  # all but the number, which SQLite gives
_CHANGES = ", ".join(f"[{field}] = ?" for field in _WRITTEN)
_ADDED = f"({', '.join(f'[{field}]' for field in _WRITTEN)}) VALUES ({', '.join('?' * len(_WRITTEN))})"


class Digests(DigestTree):
    """Reached as `MemoryFile.digests`.

    Every row up to `upto` belongs to exactly one talk, or to the past; every talk to one day, once that
    is over and summed up, and every day to one month. A digest whose text is gone keeps its place among
    them, and is shown to nobody.

    Args:
        store: the file.
        rows: finds rows of the journal, by a condition in SQL.
    """

    # Summing up -----------------------------------------------------------------------------------

    def keep(
        self, digests: Sequence[Digest], *, version: int, upto: int | None = None
    ) -> tuple[Digest, ...] | None:
        """Keep talks and pasts: one with a number takes the place of what has it. All of them and the
        mark ``digested``, or nothing. What was made of an earlier state of theirs goes, to be made anew.

        Args:
            digests: which; one without rows is dropped.
            version: what `version` was when their rows were read.
            upto: number of the last row that is summed up now; None: as it was.

        Returns:
            Them as they are kept; None where the memory was changed meanwhile, and nothing is kept.
        """
        with self._store.transaction():
            if self.version() != version:
                return None
            kept = tuple(self._write(digest) for digest in digests if digest.rows)
            for digest in digests:
                self._drop_above(digest)
                if not digest.rows:
                    self._store.change("DELETE FROM digests WHERE number = ?", digest.number)
            self._store.set_mark(MARK, max(upto or 0, self.upto()))
            self._changed()
            return kept

    def keep_over(self, digest: Digest, parts: Sequence[Digest], *, version: int) -> Digest | None:
        """Keep a day or a month, made of `parts`.

        Returns:
            It as it is kept; None as in `keep`.
        """
        with self._store.transaction():
            if self.version() != version:
                return None
            self._drop(digest.level, digest.day)  # one that was taken over without its parts
            kept = self._write(digest)
            for part in parts:
                self._store.change(
                    "UPDATE digests SET parent = ? WHERE number = ?", kept.number, part.number
                )
            self._changed()
            return kept

    # What people do to it -------------------------------------------------------------------------

    def forget_rows(self, rows: Collection[int]) -> tuple[Digest, ...]:
        """What these rows say is forgotten or corrected: every digest that tells of it loses its text,
        up to the month, to be made anew from what is there then. To be called while the rows are there
        still.

        Args:
            rows: their numbers.

        Returns:
            The digests that went, as they were.
        """
        with self._store.transaction():
            told: dict[int, Digest] = {}
            for number in rows:
                told |= {digest.number: digest for digest in self._telling_of(number)}
            gone = [*told.values()]
            for digest in told.values():
                gone += self._drop_above(digest)
                self._empty(digest, stale=True)
            self._changed()  # also for what is being summed up just now
            return _with_text(gone)

    def forget(self, numbers: Collection[int]) -> tuple[Digest, ...]:
        """Forget digests and what they were made of; their rows stay, and are not summed up again. What
        was made of them goes, to be made anew from the rest.

        Returns:
            The digests that went, as they were.
        """
        with self._store.transaction():
            gone: list[Digest] = []
            for number in numbers:
                for digest in self._where("number = ?", number):
                    gone += self._drop_above(digest)
                    below = self._below(digest)
                    gone += below
                    for one in below:
                        self._empty(one, stale=False)
            self._changed()
            return _with_text(gone)

    def edit(self, number: int, text: str) -> Digest | None:
        """Put a digest as a person says it; what was made of it goes, to be made anew.

        Returns:
            The digest; None where there is none.
        """
        with self._store.transaction():
            digest = self.get(number)
            if digest is None:
                return None
            self._write(replace(digest, text=text, stale=False))
            self._drop_above(digest)
            self._changed()
            return self.get(number)

    def put(self, digest: Digest) -> Digest:
        """Take over a digest from elsewhere, its rows being there already: with its uid, and a number of
        this file. One that is known is left as it is; what there is two of for one day (or month) is
        made anew from the rows (or parts) of both.

        Args:
            digest: its `first`, `last` and `parent` being numbers of this file; months first, then days,
                then talks.

        Returns:
            It as it is kept; its number is 0 where it is to be made anew.
        """
        with self._store.transaction():
            self._changed()
            known = self._where("uid = ?", digest.uid)
            if known:
                return known[0]
            if digest.level in {"day", "month"} and self._drop(digest.level, digest.day):
                self._drop_above(digest)
                return replace(digest, number=0)
            parent = self.get(digest.parent) if digest.parent else None
            if parent is None:  # what tells of the same day or month does so without it
                self._drop_above(digest)
            there = self.talk(digest.day, digest.conversation) if digest.level == "talk" else None
            if there is None:
                return self._write(replace(digest, number=0, parent=parent and parent.number))
            both = replace(
                there,
                first=min(there.first, digest.first),
                last=max(there.last, digest.last),
                start=min(there.start, digest.start),
                end=max(there.end, digest.end),
                rows=there.rows + digest.rows,
            )
            self._drop_above(there)
            return self._empty(both, stale=True)

    # Helpers --------------------------------------------------------------------------------------

    def _below(self, digest: Digest) -> list[Digest]:
        """It, and all that it was made of."""
        parts = self._where("parent = ?", digest.number)
        return [digest, *(one for part in parts for one in self._below(part))]

    def _drop_above(self, digest: Digest) -> tuple[Digest, ...]:
        """Drop the day and the month that this one belongs to; what they were made of stays."""
        gone: tuple[Digest, ...] = ()
        if digest.level == "talk":
            gone += self._drop("day", digest.day)
        if digest.level in {"talk", "day"}:
            gone += self._drop("month", digest.day[:7])
        return gone

    def _drop(self, level: DigestLevel, day: str) -> tuple[Digest, ...]:
        gone = self._where("level = ? AND day = ?", level, day)
        for digest in gone:
            self._store.change("UPDATE digests SET parent = NULL WHERE parent = ?", digest.number)
            self._store.change("DELETE FROM digests WHERE number = ?", digest.number)
        return gone

    def _empty(self, digest: Digest, *, stale: bool) -> Digest:
        """Leave nothing but its place, under another name: the one it had is to be forgotten."""
        parent = self._store.rows("SELECT parent FROM digests WHERE number = ?", digest.number)[0][0]
        return self._write(replace(digest, uid="", text="", stale=stale, parent=parent))

    def _write(self, digest: Digest) -> Digest:
        digest = digest if digest.uid else replace(digest, uid=self._uid(digest))
        values = [getattr(digest, field) for field in _WRITTEN]
        if digest.number:
            self._store.change(f"UPDATE digests SET {_CHANGES} WHERE number = ?", *values, digest.number)
            return digest
        self._store.change(f"INSERT INTO digests {_ADDED}", *values)
        return self._where("uid = ?", digest.uid)[0]

    def _uid(self, digest: Digest) -> str:
        named = (digest.level, digest.day, digest.conversation, digest.first, digest.text)
        told = "\0".join(map(str, (*named, self.version())))
        return derived_id("digest", told.encode(errors="replace"))

    def _changed(self) -> None:
        self._store.set_mark(VERSION, self.version() + 1)


def _with_text(digests: Iterable[Digest]) -> tuple[Digest, ...]:
    return tuple({digest.number: digest for digest in digests if digest.text}.values())
