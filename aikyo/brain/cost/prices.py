"""What tokens cost: a table that comes with the program, and what the user knows better."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

import msgspec
from msgspec import Struct

from ...config import Price
from ..base import Usage

__all__ = ["Prices"]

_DATED = re.compile(r"[-@](?:latest|\d{8}|\d{4}-\d{2}-\d{2})")
"""What follows a model's name where one of its versions is meant."""

_MILLION = 1_000_000


class _Table(Struct, frozen=True):
    as_of: str
    models: dict[str, Price]


class Prices:
    """Prices in US dollars, by model.

    Args:
        own: the user's own, which beat the table that comes with the program.

    Attributes:
        as_of: when that table was looked up (``2026-11-20``).
    """

    def __init__(self, own: Mapping[str, Price] = MappingProxyType({})) -> None:
        table = _packaged()
        self.as_of = table.as_of
        self._tables = (own, table.models)

    def of(self, model: str) -> Price | None:
        """The price of `model`, also of a dated version of what is listed; None where it is unknown."""
        for table in self._tables:
            for name in (model, _DATED.sub("", model)):
                if name in table:
                    return table[name]
        return None

    def money(self, model: str, usage: Usage) -> float | None:
        """What `usage` of `model` costs in dollars; None where its price is unknown."""
        price = self.of(model)
        if price is None:
            return None if usage.tokens else 0.0
        cached = price.input if price.cached is None else price.cached
        stored = price.input if price.stored is None else price.stored
        cost = (
            usage.input * price.input
            + usage.cached * cached
            + usage.stored * stored
            + usage.output * price.output
        )
        return cost / _MILLION


@cache
def _packaged() -> _Table:
    text = files(__package__).joinpath("prices.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), _Table)
