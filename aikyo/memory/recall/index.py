"""Keeps the words of the journal's entries, so that they are found again."""

from __future__ import annotations

from ..base import Entry
from ..storage.store import Store
from .senses import make_sense, remove_sense, renew_sense
from .spots import PLACES, place_of, spot
from .words import index_text

__all__ = ["WORDS", "index_anew", "index_entry", "unindex_entry"]

WORDS = (
    "CREATE VIRTUAL TABLE {} USING fts5("
    "text, content='', columnsize=0, detail=none, tokenize='porter unicode61 remove_diacritics 2')"
)
"""The index, by its name. It holds which row has which word and no more: the words are found again
from the row's text, and where they stand in it is never asked. Its rowids are `entries.spot`."""


def index_entry(store: Store, row: int, entry: Entry) -> None:
    """Make an entry found; to be called in the transaction that writes it.

    Args:
        store: the open file.
        row: `entries.row`, which is there already.
        entry: what it holds now.
    """
    again = _spot(store, row) is not None
    number = _index(store, row, entry.conversation, entry.sender, entry.text)
    if again:
        make_sense(store, row, number, entry.text)
    else:  # it is made later
        renew_sense(store, row)


def unindex_entry(store: Store, row: int, entry: Entry) -> None:
    """Make an entry found no more; the row itself stays, and keeps its place among the others.

    Args:
        store: the open file.
        row: `entries.row`.
        entry: what it held when it was indexed.
    """
    store.change(
        "INSERT INTO words (words, rowid, text) VALUES ('delete', ?, ?)",
        _spot(store, row),
        index_text(entry.text),
    )
    remove_sense(store, row)


def index_anew(store: Store) -> None:
    """Make the index from the rows, in the place of what there was; for a migration."""
    store.change("DROP TABLE IF EXISTS words")
    store.change(WORDS.format("words"))
    row = 0
    while page := store.rows(
        "SELECT row, conversation, sender, text FROM entries WHERE row > ? ORDER BY row LIMIT 500", row
    ):
        for row, *said in page:
            _index(store, row, *said)


def _index(store: Store, row: int, conversation: str | None, sender: str, text: str) -> int:
    known = _spot(store, row)
    place = _next_place(store, conversation) if known is None else place_of(known)
    words = index_text(text)
    number = spot(place, sender, text, words.count(" ") + 1 if words else 0)
    store.change("UPDATE entries SET spot = ? WHERE row = ?", number, row)
    store.change("INSERT INTO words (rowid, text) VALUES (?, ?)", number, words)
    return number


def _spot(store: Store, row: int) -> int | None:
    known: int | None = store.rows("SELECT spot FROM entries WHERE row = ?", row)[0][0]
    return known


def _next_place(store: Store, conversation: str | None) -> int:
    """The place after the last one of a conversation, or the first of a new talk."""
    if conversation is not None:
        last = store.rows("SELECT max(spot) FROM entries WHERE conversation = ?", conversation)[0][0]
        if last is not None and (place_of(last) + 1) % PLACES:
            return int(place_of(last)) + 1
    newest = store.rows("SELECT max(spot) FROM entries")[0][0]
    return 0 if newest is None else (place_of(int(newest)) // PLACES + 1) * PLACES
