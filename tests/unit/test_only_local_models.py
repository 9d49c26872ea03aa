"""The switch that lets nothing but a model of this machine be asked."""

from __future__ import annotations

import os
from random import Random

import pytest

from aikyo.brain import choose_brain, open_brain
from aikyo.brain.calling import refuse_remote
from aikyo.errors import UsageError

SWITCH = "AIKYO_ONLY_LOCAL_MODELS"


def test_it_is_on_in_every_test() -> None:
    assert os.environ[SWITCH] == "1"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9/v1",
        "http://127.9.8.7",
        "http://[::1]:80",
        "http://localhost:1",
        "http://a.localhost",
    ],
)
def test_this_machine_may_be_asked(url: str) -> None:
    refuse_remote(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://api.anthropic.com",
        "http://192.168.1.7:11434/v1",
        "http://0.0.0.0:80",
        "http://2130706433",
        "http://localhost.example",
        "http://127.0.0.1.example",
        "nonsense",
    ],
)
def test_no_other_machine_may(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match=SWITCH):
        refuse_remote(url)
    for off in ("", "0", "no"):
        monkeypatch.setenv(SWITCH, off)
        refuse_remote(url)
    monkeypatch.delenv(SWITCH)
    refuse_remote(url)


@pytest.mark.parametrize("name", ["anthropic", "openai"])
@pytest.mark.parametrize("model", ["m", None])
def test_no_brain_of_another_machine_is_made(name: str, model: str | None) -> None:
    environ = {f"{name.upper()}_API_KEY": "sk-nobody"}
    with pytest.raises(UsageError, match=SWITCH):
        open_brain(choose_brain(name, environ=environ), environ=environ, random=Random(1), model=model)
