"""Which brain is taken, and that choosing costs nothing."""

from __future__ import annotations

import subprocess
import sys
from random import Random

import pytest

from aikyo.brain import Choice, Usage, choose_brain, open_brain
from aikyo.brain.calling import Caller
from aikyo.errors import UsageError


@pytest.mark.parametrize("variable", ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"])
def test_auto_takes_anthropic_when_there_is_a_key(variable: str) -> None:
    choice = choose_brain("auto", environ={variable: "sk-secret"})
    assert choice == Choice("anthropic", f"brain anthropic, since {variable} is set")


@pytest.mark.parametrize("environ", [{}, {"ANTHROPIC_API_KEY": ""}, {"ANTHROPIC_API_KEY": " \n"}])
def test_auto_takes_offline_when_there_is_none_and_says_why(environ: dict[str, str]) -> None:
    choice = choose_brain("auto", environ=environ)
    assert choice.provider == "offline"
    assert "neither ANTHROPIC_API_KEY nor OPENAI_BASE_URL is set" in choice.reason


@pytest.mark.parametrize(
    ("environ", "why"),
    [
        ({"OPENAI_BASE_URL": "http://localhost:11434/v1"}, "OPENAI_BASE_URL"),
        ({"OPENAI_API_KEY": "sk-secret"}, "OPENAI_API_KEY"),
        ({"OPENAI_BASE_URL": "http://localhost:1/v1", "OPENAI_API_KEY": "sk-secret"}, "OPENAI_BASE_URL"),
    ],
)
def test_auto_takes_openai_where_there_is_a_server_or_a_key(environ: dict[str, str], why: str) -> None:
    choice = choose_brain("auto", environ=environ)
    assert choice == Choice("openai", f"brain openai, since {why} is set")


def test_auto_takes_anthropic_before_openai() -> None:
    environ = {"ANTHROPIC_API_KEY": "sk-secret", "OPENAI_BASE_URL": "http://localhost:1/v1"}
    assert choose_brain("auto", environ=environ).provider == "anthropic"


@pytest.mark.parametrize("provider", ["anthropic", "openai", "offline"])
def test_what_is_asked_for_is_taken(provider: str) -> None:
    environ = {"ANTHROPIC_API_KEY": "sk-secret", "OPENAI_API_KEY": "sk-secret"}
    assert choose_brain(provider, environ=environ).provider == provider


def test_anthropic_without_a_key_tells_the_way_out() -> None:
    with pytest.raises(UsageError, match="set ANTHROPIC_API_KEY, or take --brain offline") as caught:
        choose_brain("anthropic", environ={})
    assert caught.value.exit_code == 2


def test_openai_without_a_server_or_a_key_tells_the_way_out() -> None:
    with pytest.raises(UsageError, match=r"set OPENAI_BASE_URL .* or OPENAI_API_KEY") as caught:
        choose_brain("openai", environ={"ANTHROPIC_API_KEY": "sk-secret"})
    assert "--brain offline" in str(caught.value)


def test_a_brain_that_is_not_there_is_an_error() -> None:
    with pytest.raises(UsageError, match="did you mean 'anthropic'"):
        choose_brain("antropic", environ={"ANTHROPIC_API_KEY": "sk-secret"})


@pytest.mark.parametrize("name", ["repaly:talk.jsonl", "repaly", "replay", "replay:", "Replay:x"])
def test_who_wants_to_play_a_recording_is_told_how(name: str) -> None:
    with pytest.raises(UsageError, match=r"played by `aikyo up --brain replay:FILE`"):
        choose_brain(name, environ={})
    with pytest.raises(UsageError, match="did you mean 'offline'"):
        choose_brain("ofline:x", environ={})


@pytest.mark.parametrize("key", ["sk secret", "sk-\nsecret", "sk-鍵", "sk-\x00"])
@pytest.mark.parametrize("variable", ["ANTHROPIC_API_KEY", "OPENAI_API_KEY"])
def test_a_key_that_cannot_be_one_is_an_error_that_does_not_show_it(variable: str, key: str) -> None:
    with pytest.raises(UsageError, match=f"{variable} is no key") as caught:
        choose_brain("auto", environ={variable: key})
    assert key not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "localhost:11434",
        "ftp://host",
        "http://",
        "http://host:port",
        "http://host:99999",
        "http://me:pw@host",
        "http://256.1.1.1",
        "http://[::zz]",
        f"http://{'a' * 64}.example",
        "nonsense",
    ],
)
def test_a_base_url_that_is_none_is_an_error(url: str) -> None:
    environ = {"ANTHROPIC_API_KEY": "sk-secret", "ANTHROPIC_BASE_URL": url}
    choice = choose_brain("auto", environ=environ)
    with pytest.raises(UsageError, match="ANTHROPIC_BASE_URL is no URL"):
        open_brain(choice, environ=environ, random=Random(1))
    with pytest.raises(UsageError, match="OPENAI_BASE_URL is no URL"):
        choose_brain("auto", environ={"OPENAI_BASE_URL": url})


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:11434", "https://models.example/anthropic/", "http://[::1]:80"]
)
def test_another_server_can_be_named(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AIKYO_ONLY_LOCAL_MODELS")  # nobody is asked
    environ = {"ANTHROPIC_API_KEY": "sk-secret", "ANTHROPIC_BASE_URL": url}
    brain = open_brain(choose_brain("auto", environ=environ), environ=environ, random=Random(1))
    assert brain.label == "anthropic claude-sonnet-5-5"


@pytest.mark.parametrize(
    ("url", "paid"), [("http://localhost:11434/v1/", False), ("https://models.example/v1", True)]
)
@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_a_model_of_this_network_costs_nothing(
    url: str, paid: bool, provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AIKYO_ONLY_LOCAL_MODELS")  # nobody is asked
    environ = {"OPENAI_BASE_URL": url, "ANTHROPIC_BASE_URL": url, "ANTHROPIC_API_KEY": "sk-secret"}
    choice, caller = choose_brain(provider, environ=environ), Caller()
    brain = open_brain(choice, environ=environ, random=Random(1), model="m", caller=caller)
    assert (brain.label, brain.paid) == (f"{provider} m", paid)
    assert (caller.server.rstrip("/"), caller.paid) == (url.rstrip("/"), paid)


@pytest.mark.parametrize("provider", ["anthropic", "openai"])
def test_a_key_that_went_away_is_an_error(provider: str) -> None:
    with pytest.raises(UsageError, match=f"set {provider.upper()}_API_KEY"):
        open_brain(Choice(provider, ""), environ={}, random=Random(1), model="m")


def test_the_offline_brain_costs_nothing() -> None:
    brain = open_brain(choose_brain("offline", environ={}), environ={}, random=Random(1))
    assert brain.usage == Usage()


def test_choosing_loads_no_sdk_and_no_prompts() -> None:
    code = (
        "import sys; from aikyo.brain import choose_brain;"
        "choose_brain('auto', environ={'ANTHROPIC_API_KEY': 'k'});"
        "choose_brain('auto', environ={'OPENAI_API_KEY': 'k'});"
        "print([m for m in ('anthropic', 'httpx2', 'aikyo.brain.prompts') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
