"""Forgets for good: rows, what was made of them, every index, and what is left on the file's pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...wire import derived_id
from ..base import MemoryFileError
from ..recall.index import unindex_entry
from ..storage.forgotten import UNSCRUBBED, keep_forgotten
from .choosing import Chosen, in_pieces

if TYPE_CHECKING:
    from ..file import MemoryFile

__all__ = ["Gone", "forget", "scrub"]

_TRIES = 3


@dataclass(frozen=True, slots=True)
class Gone:
    """What was forgotten in one file.

    Attributes:
        uids: of entries, facts and digests.
        texts: what they said.
        rows: how many entries,
        facts: facts and reflections,
        digests: and digests.
        scrubbed: whether nothing of them is left in the file either; see `scrub`.
    """

    uids: frozenset[str] = frozenset()
    texts: frozenset[str] = frozenset()
    rows: int = 0
    facts: int = 0
    digests: int = 0
    scrubbed: bool = True


def forget(file: MemoryFile, chosen: Chosen, *, now: float) -> Gone:
    """Forget what was chosen and what only came of it, whole or not at all; then `scrub` the file.

    Facts and reflections go that rest on nothing else, and digests that tell of it: they are made anew
    from what is left. It does not come back by gossip or from a file, for its hash is kept. Not to be
    called in a transaction.

    Args:
        file: opened to write.
        chosen: what to forget; found in this very file.
        now: seconds since the epoch.

    Raises:
        MemoryFileError: it could not be done; then nothing is forgotten.
    """
    if not chosen:
        return Gone(scrubbed=not file.store.mark(UNSCRUBBED) or scrub(file))
    entries = [row.entry for row in chosen.rows]
    file.store.rows("PRAGMA secure_delete = ON")
    with file.store.transaction():
        gone = {fact.uid: fact for fact in file.facts.forget([fact.uid for fact in chosen.facts])}
        gone |= {fact.uid: fact for fact in file.facts.sources_gone([entry.uid for entry in entries])}
        told = file.digests.forget([digest.number for digest in chosen.digests])
        told += file.digests.forget_rows([row.number for row in chosen.rows])
        digests = {digest.uid: digest for digest in told}
        for row in chosen.rows:
            unindex_entry(file.store, row.number, row.entry)
        for some in in_pieces([row.number for row in chosen.rows]):
            file.store.change(f"DELETE FROM entries WHERE row IN ({', '.join('?' * len(some))})", *some)
        uids = [*(entry.uid for entry in entries), *gone, *digests]
        # Whoever's id was taken by somebody else before was journaled under one made of it.
        twins = [derived_id(entry.peer, entry.uid.encode(errors="surrogatepass")) for entry in entries]
        keep_forgotten(file.store, [*uids, *twins], now)
        file.store.set_mark(UNSCRUBBED, 1)
    texts = [*(entry.text for entry in entries), *(fact.text for fact in gone.values())]
    texts += [digest.text for digest in digests.values()]
    return Gone(
        uids=frozenset(uids),
        texts=frozenset(text for text in texts if text.strip()),
        rows=len(entries),
        facts=len(gone),
        digests=len(digests),
        scrubbed=scrub(file),
    )


def scrub(file: MemoryFile) -> bool:
    """Leave nothing of what was deleted in the file: in the indexes, on free pages, or in the log.

    Returns:
        False where that cannot be done now: another program reads the file, or the disk is full. It is
        done when the file is opened to write the next time.
    """
    try:
        _write_anew(file)
        # It waits a second for readers, and a backup that is being made may read longer.
        if all(file.store.rows("PRAGMA wal_checkpoint(TRUNCATE)")[0][0] for _ in range(_TRIES)):
            return False
        file.store.change("DELETE FROM marks WHERE name = ?", UNSCRUBBED)
    except MemoryFileError:
        return False
    return True


def _write_anew(file: MemoryFile) -> None:
    file.store.rows("PRAGMA secure_delete = ON")
    virtual = "SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE 'CREATE VIRTUAL %fts5%'"
    for (table,) in file.store.rows(virtual):
        # A deleted term stays in its part of the index until the parts are merged.
        file.store.change(f'INSERT INTO "{table}" ("{table}") VALUES (\'optimize\')')
    file.store.change("PRAGMA temp_store = DEFAULT")  # nothing that is deleted is copied any more
    file.store.change("VACUUM")
