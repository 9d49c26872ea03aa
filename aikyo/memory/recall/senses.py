"""Keeps the sense of the journal's entries, so that they are found by other words than their own.

Of a vector only the signs are kept, 32 bytes a row: enough to find the nearest. They are made in the
background: an entry must not wait for the embedder, which takes a while to load, and what is new is in
the talk at hand anyway.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ...embeddings import load_embedder
from ...errors import AikyoError
from ..storage.store import Store

__all__ = ["embedder", "make_sense", "make_senses", "remove_sense", "signs", "version"]


def embedder() -> Callable[[str], Sequence[float]] | None:
    """The embedder of this process, or None where it has none: then words alone must do."""
    try:
        return load_embedder()
    except AikyoError:
        return None


def make_sense(store: Store, row: int, spot: int, text: str) -> None:
    """Make the sense of one row, at once."""
    if (embed := embedder()) is not None:
        _put(store, row, spot, signs(embed(text)))
        _changed(store)


def make_senses(store: Store, after: int, n: int) -> int | None:
    """Make the sense of those that have none of the `n` rows after row `after`; 0.1 ms each, and 0.3 s
    the first time in a process.

    Returns:
        The last row that was looked at, to go on after; None at the end, or without an embedder.
    """
    rows = store.rows(
        "SELECT row, spot, text, row IN (SELECT row FROM senses) AS done FROM entries"
        " WHERE row > ? ORDER BY row LIMIT ?",
        after,
        n,
    )
    if not rows or (embed := embedder()) is None:
        return None
    missing = [row for row in rows if not row["done"]]
    if missing:
        made = [signs(embed(row["text"])) for row in missing]
        with store.transaction():
            newest = store.rows("SELECT ifnull(max(row), 0) FROM senses")[0][0]
            for row, sense in zip(missing, made, strict=True):
                _put(store, row["row"], row["spot"], sense)
            if missing[0]["row"] < newest:
                _changed(store)
    return int(rows[-1]["row"])


def remove_sense(store: Store, row: int) -> None:
    """Remove the sense of a row."""
    if store.change("DELETE FROM senses WHERE row = ?", row):
        _changed(store)


def version(store: Store) -> int:
    """Another number whenever senses have changed otherwise than by new rows."""
    return store.mark("senses")


def signs(vector: Sequence[float]) -> bytes:
    """One bit a dimension; nothing for the vector of a text without words."""
    import numpy as np

    values = np.asarray(vector)
    return np.packbits(values > 0).tobytes() if values.any() else b""


def _put(store: Store, row: int, spot: int, sense: bytes) -> None:
    store.change("INSERT OR REPLACE INTO senses (row, spot, signs) VALUES (?, ?, ?)", row, spot, sense)


def _changed(store: Store) -> None:
    store.set_mark("senses", version(store) + 1)
