"""Which brain is taken, and that choosing costs nothing."""

from __future__ import annotations

import subprocess
import sys
from random import Random

import pytest

from aikyo.brain import Choice, Usage, choose_brain, open_brain
from aikyo.errors import UsageError


@pytest.mark.parametrize("variable", ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"])
def test_auto_takes_anthropic_when_there_is_a_key(variable: str) -> None:
    choice = choose_brain("auto", environ={variable: "sk-secret"})
    assert choice == Choice("anthropic", f"brain anthropic, since {variable} is set")


@pytest.mark.parametrize("environ", [{}, {"ANTHROPIC_API_KEY": ""}, {"ANTHROPIC_API_KEY": " \n"}])
def test_auto_takes_offline_when_there_is_none_and_says_why(environ: dict[str, str]) -> None:
    choice = choose_brain("auto", environ=environ)
    assert choice.provider == "offline"
    assert "ANTHROPIC_API_KEY is not set" in choice.reason


@pytest.mark.parametrize("provider", ["anthropic", "offline"])
def test_what_is_asked_for_is_taken(provider: str) -> None:
    assert choose_brain(provider, environ={"ANTHROPIC_API_KEY": "sk-secret"}).provider == provider


def test_anthropic_without_a_key_tells_the_way_out() -> None:
    with pytest.raises(UsageError, match="set ANTHROPIC_API_KEY, or take --brain offline") as caught:
        choose_brain("anthropic", environ={})
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("provider", "told"), [("openai", "no openai brain yet"), ("antropic", "did you mean 'anthropic'")]
)
def test_a_brain_that_is_not_there_is_an_error(provider: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        choose_brain(provider, environ={"ANTHROPIC_API_KEY": "sk-secret"})


@pytest.mark.parametrize("key", ["sk secret", "sk-\nsecret", "sk-鍵", "sk-\x00"])
def test_a_key_that_cannot_be_one_is_an_error_that_does_not_show_it(key: str) -> None:
    with pytest.raises(UsageError, match="ANTHROPIC_API_KEY is no key") as caught:
        choose_brain("auto", environ={"ANTHROPIC_API_KEY": key})
    assert key not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    ["localhost:11434", "ftp://host", "http://", "http://host:port", "http://me:pw@host", "nonsense"],
)
def test_a_base_url_that_is_none_is_an_error(url: str) -> None:
    environ = {"ANTHROPIC_API_KEY": "sk-secret", "ANTHROPIC_BASE_URL": url}
    choice = choose_brain("auto", environ=environ)
    with pytest.raises(UsageError, match="ANTHROPIC_BASE_URL"):
        open_brain(choice, environ=environ, random=Random(1))


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:11434", "https://models.example/anthropic/", "http://[::1]:80"]
)
def test_another_server_can_be_named(url: str) -> None:
    environ = {"ANTHROPIC_API_KEY": "sk-secret", "ANTHROPIC_BASE_URL": url}
    brain = open_brain(choose_brain("auto", environ=environ), environ=environ, random=Random(1))
    assert brain.label == "anthropic claude-sonnet-5-5"


def test_a_key_that_went_away_is_an_error() -> None:
    with pytest.raises(UsageError, match="set ANTHROPIC_API_KEY"):
        open_brain(Choice("anthropic", ""), environ={}, random=Random(1))


def test_the_offline_brain_costs_nothing() -> None:
    brain = open_brain(choose_brain("offline", environ={}), environ={}, random=Random(1))
    assert brain.usage == Usage()


def test_choosing_loads_no_sdk_and_no_trio() -> None:
    code = (
        "import sys; from aikyo.brain import choose_brain;"
        "choose_brain('auto', environ={'ANTHROPIC_API_KEY': 'k'});"
        "print([m for m in ('anthropic', 'httpx2', 'trio', 'aikyo.brain.prompts') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
