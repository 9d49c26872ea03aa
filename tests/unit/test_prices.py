from __future__ import annotations

import re
from datetime import date

import pytest

from aikyo.brain import Usage
from aikyo.brain.anthropic.brain import MODEL, SMALL_MODEL
from aikyo.brain.cost import Prices
from aikyo.config import Price

USAGE = Usage(calls=1, input=1_000_000, cached=2_000_000, stored=3_000_000, output=4_000_000)


def test_every_kind_of_token_has_its_price() -> None:
    prices = Prices({"mine": Price(input=1, cached=0.1, stored=1.25, output=5)})
    assert prices.money("mine", USAGE) == pytest.approx(1 + 0.2 + 3.75 + 20)


def test_what_is_left_out_costs_as_what_is_read() -> None:
    prices = Prices({"mine": Price(input=1, output=5)})
    assert prices.money("mine", USAGE) == pytest.approx(1 + 2 + 3 + 20)


def test_an_unknown_price_is_not_nothing() -> None:
    assert Prices().money("nobody-knows", USAGE) is None
    assert Prices().money("nobody-knows", Usage(calls=1)) == 0  # it never came to any tokens


@pytest.mark.parametrize("model", [MODEL, SMALL_MODEL])
def test_the_models_that_are_taken_by_default_have_a_price(model: str) -> None:
    price = Prices().of(model)
    assert price is not None
    assert price.cached is not None
    assert price.stored is not None
    assert 0 < price.cached < price.input < price.stored < price.output


@pytest.mark.parametrize("dated", ["-20261007", "-2026-10-07", "@20261007", "-latest"])
def test_a_dated_version_costs_what_its_model_does(dated: str) -> None:
    assert Prices().of(f"claude-haiku-5-5{dated}") == Prices().of("claude-haiku-5-5") is not None


@pytest.mark.parametrize(
    "model", ["gpt-5.5-pro", "claude-haiku-5-5-fast", "openrouter/gpt-5.5", "gpt", ""]
)
def test_a_name_that_only_begins_or_ends_alike_has_no_price(model: str) -> None:
    assert Prices().of(model) is None


def test_what_the_user_says_beats_the_table() -> None:
    own = Prices({"claude-haiku-5-5": Price(input=7, output=8)})
    assert own.of("claude-haiku-5-5-20261007") == Price(input=7, output=8)
    assert own.of("claude-sonnet-5-5") == Prices().of("claude-sonnet-5-5")


def test_a_dated_name_of_the_users_own_is_meant_exactly() -> None:
    own = Prices({"claude-haiku-5-5-20261007": Price(input=7, output=8)})
    assert own.of("claude-haiku-5-5") == Prices().of("claude-haiku-5-5")
    assert own.of("claude-haiku-5-5-20261007") == Price(input=7, output=8)


def test_the_table_tells_its_age() -> None:
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", Prices().as_of)
    assert date.fromisoformat(Prices().as_of) >= date(2026, 11, 1)
