"""A brain with a model behind it, and the server that stands in for its own, whatever API they speak."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from random import Random
from typing import Any

import pytest

from aikyo.brain import Brain, choose_brain, open_brain
from aikyo.brain.calling import Caller
from tests.support import chat_api, messages_api

__all__ = ["KEY", "PATIENCE", "Provider", "every_provider"]

KEY = "sk-very-secret"

PATIENCE = 0.2
"""Real seconds without traffic after which the virtual clock may jump: over any deadline, and over a
pause before a retry."""


class Provider:
    """One of them.

    Args:
        name: ``anthropic`` or ``openai``.

    Attributes:
        name: as given.
        api: the module of the stand-in; both have the same names for the same things.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.api: Any = {"anthropic": messages_api, "openai": chat_api}[name]

    @asynccontextmanager
    async def thinking(
        self, script: Callable[[Any], Any], caller: Caller | None = None
    ) -> AsyncIterator[tuple[Brain, Any]]:
        """A brain whose server follows the script. Its models are called ``big`` and ``small``."""
        serve = getattr(self.api, "messages_api" if self.name == "anthropic" else "chat_api")
        served: AbstractAsyncContextManager[Any] = serve(script)
        async with served as api, self.alone(api.url, caller) as brain:
            yield brain, api

    @asynccontextmanager
    async def alone(self, url: str, caller: Caller | None = None) -> AsyncIterator[Brain]:
        """A brain whose server is at `url`, or not."""
        prefix = self.name.upper()
        environ = {f"{prefix}_API_KEY": KEY, f"{prefix}_BASE_URL": url}
        choice = choose_brain(self.name, environ=environ)
        random = Random(1)
        brain = open_brain(
            choice, environ=environ, random=random, model="big", small_model="small", caller=caller
        )
        try:
            yield brain
        finally:
            await brain.aclose()


every_provider = pytest.mark.parametrize(
    "provider", [Provider("anthropic"), Provider("openai")], ids=["anthropic", "openai"]
)
