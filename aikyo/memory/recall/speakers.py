"""Who is named in a question, of those who ever said anything."""

from __future__ import annotations

from dataclasses import dataclass

from ...wire import bare_name
from ..storage.store import Store
from .words import folded, index_text

__all__ = ["Named", "named"]

_KNOWN = 500
"""Speakers that are looked for; strangers can invent any number of names."""


@dataclass(frozen=True, slots=True)
class Named:
    """Who is named.

    Attributes:
        ids: of the one who is (of several, if they have one name); empty if nobody is, or more than one.
        words: of that name, as they are in the index.
    """

    ids: frozenset[str] = frozenset()
    words: frozenset[str] = frozenset()


def named(store: Store, query: str) -> Named:
    """The one whom `query` names."""
    text = folded(query)
    called: dict[str, set[str]] = {}
    for sender, name in _senders(store):
        for one in {folded(bare_name(sender)), folded(name)}:
            if _holds(text, one):
                called.setdefault(one, set()).add(sender)
    if len({frozenset(ids) for ids in called.values()}) != 1:
        return Named()
    return Named(
        frozenset().union(*called.values()),
        frozenset(word for name in called for word in index_text(name).split()),
    )


def _senders(store: Store) -> list[tuple[str, str]]:
    """Each sender, and what it was called last."""
    # Steps from one sender to the next in the index, where DISTINCT would read every row.
    rows = store.rows(
        "WITH RECURSIVE known (sender) AS ("
        " SELECT min(sender) FROM entries UNION ALL"
        " SELECT (SELECT min(sender) FROM entries WHERE entries.sender > known.sender)"
        " FROM known WHERE known.sender IS NOT NULL LIMIT ?)"
        " SELECT sender, (SELECT name FROM entries WHERE entries.sender = known.sender"
        "  AND kind = 'heard' ORDER BY time DESC LIMIT 1)"
        " FROM known WHERE sender IS NOT NULL",
        _KNOWN,
    )
    return [(sender, name or "") for sender, name in rows]


def _holds(text: str, name: str) -> bool:
    """Whether a name stands in a text; not as a part of a longer word, where words have spaces."""
    begin = text.find(name) if name else -1
    while begin >= 0:
        end = begin + len(name)
        before, after = text[begin - 1 : begin], text[end : end + 1]
        if not (_joins(before, name[0]) or _joins(name[-1], after)):
            return True
        begin = text.find(name, begin + 1)
    return False


def _joins(left: str, right: str) -> bool:
    return bool(left and right) and _spaced(left) and _spaced(right)


def _spaced(letter: str) -> bool:
    return letter.isalnum() and ord(letter) < 0x1100
