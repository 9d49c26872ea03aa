"""Which servers cost money, and which model is taken of those they have."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from aikyo.brain.openai.server import ChatServer
from aikyo.errors import UsageError


@pytest.mark.parametrize(
    ("host", "is_local"),
    [
        ("localhost:11434", True),
        ("127.0.0.1:1234", True),
        ("[::1]:80", True),
        ("192.168.1.20", True),
        ("10.0.0.5:8000", True),
        ("[fd00::1]", True),
        ("ollama:11434", True),
        ("nas.local", True),
        ("host.docker.internal:11434", True),
        ("api.openai.com", False),
        ("8.8.8.8", False),
        ("[2001:4860:4860::8888]", False),
        ("localhost.example.com", False),
        # As systems read addresses, too
        ("2130706433", True),
        ("0x7f000001", True),
        ("017700000001:8000", True),
        ("127.1", True),
        ("134744072", False),
        ("0x08080808", False),
        ("010.8.8.8", False),
        ("0xdeadbeef", False),
        ("[::ffff:8.8.8.8]", False),
        ("[::ffff:10.0.0.5]", True),
    ],
)
def test_a_server_of_this_network_costs_nothing(host: str, is_local: bool) -> None:
    assert ChatServer(f"http://{host}/v1").is_local is is_local


def test_a_key_is_not_shown() -> None:
    assert "sk-secret" not in repr(ChatServer(key="sk-secret"))


class Listing(ChatServer):
    names: Sequence[str] = ()

    def _models(self) -> Sequence[str]:
        return self.names


@pytest.mark.parametrize(
    ("url", "names", "found"),
    [
        ("http://localhost/v1", ["a"], "a"),
        ("http://localhost/v1", ["text-embedding-nomic", "a", "b"], "a"),
        ("https://api.example.com/v1", ["a"], "a"),
        ("https://api.example.com/v1", ["whisper-1", "a"], "a"),
    ],
)
def test_the_only_model_is_taken_or_of_this_network_the_first(
    monkeypatch: pytest.MonkeyPatch, url: str, names: list[str], found: str
) -> None:
    monkeypatch.setattr(Listing, "names", names)
    assert Listing(url).find_model() == found


def test_of_a_server_that_may_cost_money_none_is_taken_by_chance(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Listing, "names", [f"gpt-{n}" for n in range(9)])
    with pytest.raises(UsageError, match="several models; set `model`") as caught:
        Listing("https://api.example.com/v1").find_model()
    assert "gpt-4, …" in str(caught.value)
