"""What a person means: by number, by uid, or by what it is about."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Annotated, TypeVar

from msgspec import Meta, Struct

from ...errors import UsageError, nearest
from ...wire import bare_name
from ..base import Entry, Row
from ..digests import Digest
from ..facts import Fact

if TYPE_CHECKING:
    from ..file import MemoryFile

__all__ = ["MAX_IDS", "Chosen", "Wish", "by_uid", "choose", "in_pieces"]

MAX_IDS = 1000
"""That are named at once."""

_MAX_TEXT = 1000
_MANY = 500  # values in one statement
_ID = re.compile(r"([jfd])(\d{1,18})", re.ASCII)
_KINDS = {"j": "turn", "f": "fact", "d": "digest"}

T = TypeVar("T")


class Wish(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What is meant: either `ids`, or all that fits everything else that is given.

    Attributes:
        ids: numbers as people see them (``j12``, ``f3``, ``d2``), or uids.
        about: an id or a name: what they said, what was said to them alone, what names them, and what is
            known about them.
        matching: a text that stands in it, in whatever case.
        before: only what is older, in seconds since the epoch.
        sources: with facts and digests, the turns that they come from too.
    """

    ids: Annotated[tuple[Annotated[str, Meta(max_length=256)], ...], Meta(max_length=MAX_IDS)] = ()
    about: Annotated[str, Meta(max_length=_MAX_TEXT)] = ""
    matching: Annotated[str, Meta(max_length=_MAX_TEXT)] = ""
    before: float | None = None
    sources: bool = False

    @property
    def filters(self) -> bool:
        """Whether it is told by what things are like, and not by ids."""
        return bool(self.about or self.matching or self.before is not None)

    @property
    def only_matching(self) -> str:
        """The text, where all that has it in it is meant, whoever said it when; else nothing."""
        return "" if self.about or self.before is not None else self.matching


@dataclass(frozen=True, slots=True)
class Chosen:
    """Rows of the journal, facts and digests, each once, oldest first."""

    rows: tuple[Row, ...] = ()
    facts: tuple[Fact, ...] = ()
    digests: tuple[Digest, ...] = ()

    def __or__(self, other: Chosen) -> Chosen:
        """Both, with each thing once."""
        rows = {row.number: row for row in (*self.rows, *other.rows)}
        facts = {fact.uid: fact for fact in (*self.facts, *other.facts)}
        digests = {digest.uid: digest for digest in (*self.digests, *other.digests)}
        in_order = tuple(rows[number] for number in sorted(rows))
        return Chosen(in_order, tuple(facts.values()), tuple(digests.values()))

    def __bool__(self) -> bool:
        return bool(self.rows or self.facts or self.digests)

    @property
    def uids(self) -> frozenset[str]:
        """Of all of it."""
        return frozenset(
            [row.entry.uid for row in self.rows]
            + [fact.uid for fact in self.facts]
            + [digest.uid for digest in self.digests]
        )


def choose(file: MemoryFile, wish: Wish) -> Chosen:
    """Find what is meant.

    Raises:
        UsageError: nothing is given, or both ids and something else, or there is no such id.
    """
    if wish.filters == bool(wish.ids):
        raise UsageError("name ids such as j12 or f3, or else whom it is about, a text or a date")
    chosen = _by_filter(file, wish) if wish.filters else _by_id(file, wish.ids)
    return _with_sources(file, chosen) if wish.sources else chosen


def by_uid(file: MemoryFile, uids: Collection[str]) -> Chosen:
    """What has one of these uids; what there is not is left out."""
    pieces = list(in_pieces(sorted(uids)))
    facts = [fact for some in pieces for fact in file.facts.find(some)]
    digests = [digest for some in pieces for digest in file.digests.find(some)]
    return Chosen(
        tuple(row for some in pieces for row in file.rows_of(uids=some)),
        # What looks like a number is none here
        tuple({fact.uid: fact for fact in facts if fact.uid in uids}.values()),
        tuple({digest.uid: digest for digest in digests if digest.uid in uids}.values()),
    )


def in_pieces(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """The values, as many at a time as one statement takes."""
    for start in range(0, len(values), _MANY):
        yield values[start : start + _MANY]


def _by_id(file: MemoryFile, ids: Sequence[str]) -> Chosen:
    found = (_one(file, ident) for ident in dict.fromkeys(ids))
    return reduce(or_, found, Chosen())


def _one(file: MemoryFile, ident: str) -> Chosen:
    """What one id stands for.

    Raises:
        UsageError: nothing.
    """
    match = _ID.fullmatch(ident)
    if match is None:
        found = by_uid(file, {ident})
    else:
        letter, number = match[1], int(match[2])
        match letter:
            case "j":
                found = Chosen(rows=file.rows_of(numbers=[number]))
            case "f":
                found = Chosen(facts=tuple(file.facts.find([ident])))
            case _:
                found = Chosen(digests=file.digests.find([ident]))
    if found:
        return found
    raise UsageError(f"{file.path.stem} has no {ident[:80]!r}{_way_out(file, match)}")


def _way_out(file: MemoryFile, match: re.Match[str] | None) -> str:
    if match is None:
        return "; aikyo memory dump shows ids such as j12"
    letter, number = match[1], int(match[2])
    match letter:
        case "j":
            known = _numbers_near(file, number)
        case "f":
            known = tuple(fact.number for fact in file.facts.all())
        case _:
            known = tuple(digest.number for digest in file.digests.all())
    close = sorted(known, key=lambda one: abs(one - number))[:3]
    if not close:
        return f": there is no {_KINDS[letter]} in it"
    return nearest(match[0], [f"{letter}{one}" for one in close]) or ""


def _by_filter(file: MemoryFile, wish: Wish) -> Chosen:
    fits = _Fits(wish)
    return Chosen(
        tuple(row for row in file.rows() if fits.row(row.entry)),
        tuple(fact for fact in file.facts.all() if fits.fact(fact)),
        tuple(digest for digest in file.digests.all() if fits.digest(digest)),
    )


def _with_sources(file: MemoryFile, chosen: Chosen) -> Chosen:
    """The same with the turns that its facts and digests come from."""
    sources, known = set[str](), {fact.uid: fact for fact in file.facts.all()}
    open_, seen = [fact.uid for fact in chosen.facts], set[str]()
    while open_:
        uid = open_.pop()
        if uid in seen:
            continue
        seen.add(uid)
        fact = known.get(uid)
        if fact is None:
            sources.add(uid)
        else:
            open_ += [*fact.sources, *fact.against]
    rows = [row for some in in_pieces(sorted(sources)) for row in file.rows_of(uids=some)]
    rows += [row for digest in chosen.digests for row in file.digests.rows_of(digest.number)]
    return chosen | Chosen(rows=tuple(rows))


class _Fits:
    """Tells what a wish means.

    Args:
        wish: without ids.
    """

    def __init__(self, wish: Wish) -> None:
        self._wish = wish
        self._who = _plain(bare_name(wish.about.strip()))
        self._text = _plain(wish.matching)
        # A name of Latin letters is a word of its own; others stand next to anything: ミカは
        edge = r"\b" if self._who.isascii() else ""
        self._named = re.compile(f"{edge}{re.escape(self._who)}{edge}")

    def row(self, entry: Entry) -> bool:
        return (
            self._is_old(entry.time)
            and self._has(entry.text)
            and (
                not self._who
                or self._is(entry.sender)
                or self._is(entry.name)
                or (len(entry.to) == 1 and self._is(entry.to[0]))
                or self._names(entry.text)
            )
        )

    def fact(self, fact: Fact) -> bool:
        about = not self._who or self._is(fact.about) or self._names(fact.text)
        return self._is_old(fact.confirmed) and self._has(fact.text) and about

    def digest(self, digest: Digest) -> bool:
        names = not self._who or self._names(digest.text)
        return self._is_old(digest.end) and self._has(digest.text) and names

    def _is_old(self, time: float) -> bool:
        return self._wish.before is None or time < self._wish.before

    def _has(self, text: str) -> bool:
        return not self._text or self._text in _plain(text)

    def _is(self, ident: str) -> bool:
        return _plain(bare_name(ident)) == self._who

    def _names(self, text: str) -> bool:
        return self._named.search(_plain(text)) is not None


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _numbers_near(file: MemoryFile, number: int) -> tuple[int, ...]:
    """Numbers of rows on either side of `number`."""
    below = file.store.rows("SELECT row FROM entries WHERE row < ? ORDER BY row DESC LIMIT 2", number)
    above = file.store.rows("SELECT row FROM entries WHERE row > ? ORDER BY row LIMIT 2", number)
    return tuple(int(row[0]) for row in (*below, *above))
