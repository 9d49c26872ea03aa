"""Puts a session's summary together from the tree of what was summed up, within its budget. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import attrgetter

from ...memory import Digest, MemoryFile
from .budget import cut, share_out, tokens

__all__ = ["MOST_DIGESTS", "dated", "newest_digests", "tell"]

MOST_DIGESTS = 200
"""Of each level that are looked at, the newest; more than any summary has room for."""

_SHARES = {"talk": 0.5, "day": 0.3, "older": 0.2}
"""Of the budget; what a part does not need goes to the others, the newest first."""

_age = attrgetter("end", "number")


def newest_digests(file: MemoryFile) -> tuple[Digest, ...]:
    """What a summary is put together from, so far as there can be room for it."""
    found: list[Digest] = []
    for level in ("talk", "day", "month", "past"):
        newest = file.digests.latest(MOST_DIGESTS, level)
        if len(newest) == MOST_DIGESTS and newest[0].parent is not None:
            # Some of what its parent is made of may be missing here; the parent tells of it.
            newest = tuple(one for one in newest if one.parent != newest[0].parent)
        found += newest
    return tuple(found)


def tell(digests: Iterable[Digest], most: int) -> str:
    """The summary: the newest talks in their own words, older days, then months. Nothing is told twice;
    where there is too little room, the oldest of each is left out.

    Args:
        digests: those that have a text; where one has a parent among them, all of its parts are there.
        most: tokens, which are never exceeded.

    Returns:
        A paragraph for each that is told, oldest first, with its date.
    """
    newest = sorted(digests, key=_age, reverse=True)
    numbers = {one.number for one in newest}
    roots = [one for one in newest if one.parent not in numbers]
    parts: dict[str, list[Digest]] = {"talk": [], "day": [], "older": []}
    for one in roots:
        parts[one.level if one.level in parts else "older"].append(one)
    costs = {name: [_cost(one) for one in part] for name, part in parts.items()}
    kept = share_out(costs, _SHARES, most)
    told = [one for name, part in parts.items() for one in part[: kept[name]]]
    if not told:
        return cut(dated(roots[0]), most) if roots and most > 1 else ""
    left = most - sum(map(_cost, told))
    for coarse, finer in (("day", "talk"), ("month", "day"), ("day", "talk")):
        if kept[finer] == len(parts[finer]):  # what is over is for more words
            left = _refine(told, coarse, newest, left)
    return "\n".join(map(dated, sorted(told, key=_age)))


def dated(digest: Digest) -> str:
    """What a digest tells, with its date, unless it begins with that anyway."""
    named = not digest.day or digest.day in digest.text.partition("\n")[0]
    return digest.text if named else f"{digest.day}: {digest.text}"


def _refine(told: list[Digest], level: str, there: Sequence[Digest], left: int) -> int:
    """Put in the place of each of a level, newest first, what it was made of, until there is no room for
    that; returns how much is left."""
    coarse = [one for one in told if one.level == level]
    for one in sorted(coarse, key=_age, reverse=True):
        finer = [part for part in there if part.parent == one.number]
        more = sum(map(_cost, finer)) - _cost(one)
        if finer and more > left:
            break
        if finer:
            left -= more
            told.remove(one)
            told += finer
    return left


def _cost(digest: Digest) -> int:
    return tokens(dated(digest) + "\n")
