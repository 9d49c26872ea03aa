"""Keeps the sense of the journal's entries, so that they are found by other words than their own.

Of a vector only the signs are kept, 32 bytes a row: enough to find the nearest. They are made in the
background: an entry must not wait for the embedder, which takes a while to load, and what is new is in
the talk at hand anyway. The senses of many rows are one row of the table, since all are read at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from struct import Struct

from ...embeddings import load_embedder
from ...errors import AikyoError
from ..storage.store import Store

__all__ = [
    "BLOCK",
    "RECORD",
    "embedder",
    "make_sense",
    "make_senses",
    "remove_sense",
    "remove_senses",
    "renew_sense",
    "signs",
    "version",
]

BLOCK = 256
"""Rows of the journal whose senses are kept together."""

RECORD = Struct("<qq32s")
"""Of one row, in the order of rows: `entries.row`, `entries.spot`, and one bit a dimension; no bit is
set where the text has no words."""

_MADE = "sensed"  # the mark up to which rows have a sense


def embedder() -> Callable[[str], Sequence[float]] | None:
    """The embedder of this process, or None where it has none: then words alone must do."""
    try:
        return load_embedder()
    except AikyoError:
        return None


def make_sense(store: Store, row: int, spot: int, text: str) -> None:
    """Make the sense of one row, at once."""
    if (embed := embedder()) is not None:
        _put(store, {row: RECORD.pack(row, spot, signs(embed(text)))})
        _changed(store)


def renew_sense(store: Store, row: int) -> None:
    """A row has come; one may have had its number before, and been forgotten."""
    store.change("UPDATE marks SET upto = ? WHERE name = ? AND upto >= ?", row - 1, _MADE, row)


def make_senses(store: Store, n: int) -> bool:
    """Make the sense of the next `n` rows that have none; 0.1 ms each, and 0.3 s the first time in a
    process.

    Returns:
        Whether there were any; never without an embedder.
    """
    if (embed := embedder()) is None:
        return False
    with store.transaction():
        rows = store.rows(
            "SELECT row, spot, text FROM entries WHERE row > ? ORDER BY row LIMIT ?",
            store.mark(_MADE),
            n,
        )
        if not rows:
            return False
        newest = _newest(store)
        _put(store, {row: RECORD.pack(row, spot, signs(embed(text))) for row, spot, text in rows})
        if rows[0]["row"] <= newest:
            _changed(store)
        store.set_mark(_MADE, rows[-1]["row"])
    return True


def remove_sense(store: Store, row: int) -> None:
    """Remove the sense of a row."""
    held = _block(store, row // BLOCK)
    if held.pop(row, None) is not None:
        _write(store, row // BLOCK, held)
        _changed(store)


def remove_senses(store: Store) -> None:
    """Remove all senses: they are made again."""
    store.change("DELETE FROM senses")
    store.set_mark(_MADE, 0)
    _changed(store)


def version(store: Store) -> int:
    """Another number whenever senses have changed otherwise than by new rows."""
    return store.mark("senses")


def signs(vector: Sequence[float]) -> bytes:
    """One bit a dimension; none is set for the vector of a text without words."""
    import numpy as np

    return np.packbits(np.asarray(vector) > 0).tobytes()


def _put(store: Store, records: Mapping[int, bytes]) -> None:
    for block, rows in groupby(records, lambda row: row // BLOCK):
        _write(store, block, _block(store, block) | {row: records[row] for row in rows})


def _block(store: Store, block: int) -> dict[int, bytes]:
    """The records of a block, by row."""
    rows = store.rows(
        "SELECT records FROM senses WHERE block = ? AND length(records) % ? = 0", block, RECORD.size
    )
    held: bytes = rows[0][0] if rows else b""
    records = (held[at : at + RECORD.size] for at in range(0, len(held), RECORD.size))
    return {RECORD.unpack(record)[0]: record for record in records}


def _write(store: Store, block: int, records: Mapping[int, bytes]) -> None:
    held = b"".join(records[row] for row in sorted(records))
    store.change("INSERT OR REPLACE INTO senses (block, records) VALUES (?, ?)", block, held)


def _newest(store: Store) -> int:
    """The last row that has a sense."""
    newest = store.rows("SELECT max(block) FROM senses")[0][0]
    return 0 if newest is None else max(_block(store, newest), default=0)


def _changed(store: Store) -> None:
    store.set_mark("senses", version(store) + 1)
