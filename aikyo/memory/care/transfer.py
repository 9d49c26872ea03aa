"""What a memory is as a file to take elsewhere: one JSON object a line. Pure.

A `Header`, then entries in the order in which they were appended, facts, digests, marks and hashes of
what was forgotten, and an `End` by which a file that was cut off is told.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from ..base import Entry
from ..digests import Digest
from ..facts import Fact

__all__ = [
    "MARKS",
    "MAX_LINE",
    "MAX_PLACE",
    "VERSION",
    "DigestLine",
    "End",
    "EntryLine",
    "FactLine",
    "ForgottenLine",
    "Header",
    "Line",
    "MarkLine",
]

VERSION = 1

MAX_LINE = 4 << 20
"""Bytes of one line."""

MARKS = frozenset({"learned", "digested", "reflected"})
"""That tell how far something has been done; others count what happens in one file."""

MAX_PLACE = 1 << 53
"""Of a row, a fact or a digest: there are never so many."""

Place = Annotated[int, Meta(ge=1, le=MAX_PLACE)]


class Header(Struct, frozen=True, kw_only=True, tag_field="is", tag="memory"):
    """The first line.

    Attributes:
        version: of this format.
        name: whose memory it was.
        time: when it was written, in seconds since the epoch.
    """

    version: int
    name: str = ""
    time: float = 0.0


class EntryLine(Struct, frozen=True, kw_only=True, tag_field="is", tag="turn"):
    """A row of the journal, with its place."""

    number: Place
    entry: Entry


class FactLine(Struct, frozen=True, kw_only=True, tag_field="is", tag="fact"):
    """A fact with its evidence, by the uids of entries and facts."""

    fact: Fact


class DigestLine(Struct, frozen=True, kw_only=True, tag_field="is", tag="digest"):
    """A digest; `first`, `last` and `parent` are places in this file."""

    digest: Digest


class MarkLine(Struct, frozen=True, kw_only=True, tag_field="is", tag="mark"):
    """Up to which row (or fact) something has been done."""

    name: str
    upto: Annotated[int, Meta(ge=0, le=MAX_PLACE)]


class ForgottenLine(Struct, frozen=True, kw_only=True, tag_field="is", tag="forgotten"):
    """The hash (base64) of the uid of something that is to stay forgotten."""

    hash: Annotated[bytes, Meta(min_length=16, max_length=16)]
    time: Annotated[float, Meta(ge=0, le=1e300)]


class End(Struct, frozen=True, kw_only=True, tag_field="is", tag="end"):
    """The last line; `lines` counts those before it."""

    lines: int


Line = Header | EntryLine | FactLine | DigestLine | MarkLine | ForgottenLine | End
