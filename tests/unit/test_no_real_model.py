"""No test reaches a real model by accident, whatever key it has."""

from __future__ import annotations

import os
from random import Random

import pytest
import trio

from aikyo.brain import BrainError, choose_brain, open_brain
from aikyo.errors import UsageError
from tests.support.minds import Hands, moment

KEY = "sk-nobody"


@pytest.mark.parametrize("name", ["anthropic", "openai"])
async def test_a_brain_asks_nobody_but_the_proxy_of_the_environment(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert os.environ["https_proxy"] == "http://127.0.0.1:9"  # where nobody answers
    asked: list[bytes] = []

    async def refuse(stream: trio.SocketStream) -> None:
        async with stream:
            asked.append(await stream.receive_some(4096))
            await stream.send_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(trio.serve_tcp, refuse, 0)
        port = listeners[0].socket.getsockname()[1]
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{port}")
        monkeypatch.delenv("ANTHROPIC_BASE_URL")
        monkeypatch.delenv("AIKYO_ONLY_LOCAL_MODELS")  # to see that there is more than the switch
        environ = {f"{name.upper()}_API_KEY": KEY}
        choice = choose_brain(name, environ=environ)
        brain = open_brain(choice, environ=environ, random=Random(1), model="m", small_model="m")
        with pytest.raises(BrainError, match="cannot reach"):
            await brain.compose(moment(), Hands())
        await brain.aclose()
        nursery.cancel_scope.cancel()
    assert asked
    assert all(head.startswith(f"CONNECT api.{name}.com:443".encode()) for head in asked)


def test_nobody_is_asked_for_models_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AIKYO_ONLY_LOCAL_MODELS")
    environ = {"OPENAI_API_KEY": KEY}
    with pytest.raises(UsageError, match=r"cannot reach api\.openai\.com"):
        open_brain(choose_brain("openai", environ=environ), environ=environ, random=Random(1))
