"""An answer of a server's embeddings endpoint. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec
from msgspec import Struct

from ..base import Usage
from ..models.incoming import Told, told_by

__all__ = ["Vectors"]

_MAX_SIZE = 8192
"""Numbers in a vector."""


class _One(Struct, frozen=True):
    embedding: list[float]
    index: int | None = None


class _Tokens(Struct, frozen=True):
    prompt_tokens: int | None = None


class _Body(Struct, frozen=True):
    data: list[_One] | None = None
    usage: _Tokens | None = None
    error: object = None


class Vectors:
    """The vectors of so many texts.

    Attributes:
        found: one a text, in their order, all of one length; empty as long as they have not come.
        usage: what they cost.
    """

    def __init__(self, texts: int) -> None:
        self.found: Sequence[Sequence[float]] = ()
        self.usage = Usage(calls=1)
        self._texts = texts

    @property
    def whole(self) -> bool:
        """Whether they have come."""
        return bool(self.found)

    @property
    def cost(self) -> Usage:
        """The same as `usage`."""
        return self.usage

    def take(self, data: str) -> Told | None:
        """Take in the answer; returns what it tells went wrong, if it does.

        Raises:
            msgspec.DecodeError: it is no such answer.
        """
        body = msgspec.json.decode(data, type=_Body)
        if body.error:
            return told_by(body.error)
        read = max(0, (body.usage.prompt_tokens if body.usage else None) or 0)
        self.usage = Usage(calls=1, input=read)
        each = body.data or []
        if all(one.index is not None for one in each):
            each = sorted(each, key=lambda one: one.index or 0)
        found = [one.embedding for one in each]
        sizes = {len(vector) for vector in found}
        if len(found) != self._texts or len(sizes) != 1 or not 0 < sizes.pop() <= _MAX_SIZE:
            raise msgspec.ValidationError("it has not one vector of one size for each text")
        if not all(math.isfinite(number) for vector in found for number in vector):
            raise msgspec.ValidationError("it has numbers that are none")
        self.found = found
        return None
