"""One request to a server that speaks Chat Completions: streamed, bounded in time, explained when it
fails."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

import trio

from .base import BrainError
from .chat_reply import Reply, Told
from .chat_server import ChatServer
from .faults import CONNECT_SECONDS, LONGEST_WAIT, one_line, seconds_to_wait, when
from .fitting import Fitting
from .incoming import Incoming, Unusable

__all__ = ["ChatApi"]

_FIRST_SECONDS = 40.0
"""Until something comes of an answer; a server may have to load the model first."""

_NEXT_SECONDS = 20.0
"""Until more of it comes, be it a sign of life; some send no words while a tool may be being called."""

_END_SECONDS = 2.0
"""Until what may follow the end of an answer (its cost) has come; some never close the stream."""

_PASSING = frozenset({408, 409, 425, 429})

_NO_CREDIT = ("insufficient_quota", "insufficient_credits", "billing")
_NO_MODEL = (
    "model_not_found",
    "not found",
    "does not exist",
    "no such model",
    "not loaded",
    "unknown model",
)
_TOO_LONG = (
    "context_length",
    "context length",
    "context size",
    "context window",
    "exceed_context",
    "prompt is too long",
    "too many tokens",
)


class ChatApi:
    """A client of one server. Connects when first asked.

    Args:
        server: which.
        random: spreads the retries of several companions.
    """

    def __init__(self, server: ChatServer, random: Random) -> None:
        import httpx2

        # Reading is bounded by trio's deadlines around the call.
        timeout = httpx2.Timeout(None, connect=CONNECT_SECONDS)
        self._client = httpx2.AsyncClient(timeout=timeout, **server.client_options())
        self._server = server
        self._random = random
        self._fitting = Fitting()

    def takes_tools(self, model: str) -> bool:
        """Whether the server has not refused tools for this model yet."""
        return self._fitting.takes_tools(model)

    async def ask(self, request: Mapping[str, Any], *, deadline: float) -> Reply:
        """Send a request and wait for the answer; `Reply.check` tells whether it is of use.

        Args:
            request: the body, but for what makes it stream. What the server has refused is left out.
            deadline: when to give up, on trio's clock.

        Raises:
            BrainError: no answer, and why, in one line. On this and on cancellation the connection is
                closed at once.
        """
        model = str(request["model"])
        streamed = {**request, "stream": True, "stream_options": {"include_usage": True}}
        try:
            with trio.fail_at(deadline):
                return await self._persist(streamed, model)
        except trio.TooSlowError:
            raise BrainError(f"{model} did not answer in time") from None

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _persist(self, request: Mapping[str, Any], model: str) -> Reply:
        """Ask until the request fits and, after a passing fault, once more."""
        tried = False
        while True:
            fitted = self._fitting.fit(request)
            try:
                return await self._once(fitted, model)
            except _Failed as failed:
                if self._fitting.learn(fitted, failed.status, f"{failed.code} {failed.text}"):
                    continue
                wait = failed.wait
                if tried or wait is None:
                    raise BrainError(self._explain(failed, model)) from None
            tried = True
            await trio.sleep(wait or self._random.uniform(0.3, 0.8))

    async def _once(self, request: Mapping[str, Any], model: str) -> Reply:
        incoming = Incoming()
        patience = trio.CancelScope(deadline=trio.current_time() + _FIRST_SECONDS)
        try:
            await self._receive(request, incoming, patience)
        except Unusable as error:
            told = one_line(str(error), self._server.key)
            raise BrainError(f"{model} answered what is no completion ({told})") from None
        if incoming.told is not None:
            raise _Failed(incoming.status, incoming.told, incoming.headers)
        if not incoming.pieces.whole:
            if patience.cancelled_caught:
                raise BrainError(f"{model} did not answer in time; the server stopped sending")
            raise _Failed(0, Told("cut"))
        return incoming.pieces.reply()

    async def _receive(
        self, request: Mapping[str, Any], incoming: Incoming, patience: trio.CancelScope
    ) -> None:
        import httpx2

        problem: Unusable | None = None
        try:
            with patience:
                url = f"{self._server.url}/chat/completions"
                async with self._client.stream("POST", url, json=request) as response:
                    incoming.begin(response.status_code, response.headers)
                    async for chunk in response.aiter_bytes():
                        ended = incoming.pieces.whole
                        try:
                            more = problem is None and incoming.take(chunk)
                        except Unusable as error:
                            problem, more = error, False
                        if not incoming.pieces.whole:
                            patience.deadline = trio.current_time() + _NEXT_SECONDS
                        elif not ended:
                            patience.deadline = trio.current_time() + _END_SECONDS
                        if not more:
                            # To break would leave the client's iterators to the garbage collector
                            patience.cancel()
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.ProxyError):
            raise _Failed(0, Told("unreachable")) from None
        except httpx2.TransportError:
            return
        except httpx2.DecodingError as error:
            raise Unusable(str(error)) from None
        if problem is not None:
            raise problem
        if not patience.cancelled_caught or incoming.status != 200:
            incoming.end()

    def _explain(self, failed: _Failed, model: str) -> str:
        host, status = self._server.host, failed.status
        said, why = one_line(failed.text, self._server.key), f"{failed.code} {failed.text}".lower()
        if status == 0:
            if failed.text == "cut":
                return f"the connection to {host} was cut before the answer was whole"
            return f"cannot reach {host}; check that it runs (and OPENAI_BASE_URL, if it is set)"
        if status == 401:
            refused = "the key was refused" if self._server.key else f"{host} wants a key"
            return f"{refused}; check OPENAI_API_KEY, or take --brain offline"
        if any(word in why for word in _NO_CREDIT):
            return f"the account at {host} has no credit left; {said}"
        if status == 429:
            return f"too many requests for this key{when(failed.headers)}"
        if status == 413 or any(word in why for word in _TOO_LONG):
            return f"the prompt is too long for {model}; give it a longer context, or take another model"
        if status in {400, 404} and model.lower() in why and any(word in why for word in _NO_MODEL):
            return f"there is no model '{model}' at {host}; correct model or small_model"
        if status in {404, 405}:
            return f"{host} has no Chat Completions there; OPENAI_BASE_URL mostly ends in /v1 ({said})"
        if status >= 500:
            return f"{model} is overloaded or out of order (HTTP {status}: {said}){when(failed.headers)}"
        return f"the request to {model} was refused (HTTP {status}): {said}"


class _Failed(Exception):  # noqa: N818 - told as a BrainError, never seen by itself
    """A request that came to nothing. `status` is 0 where there was no answer to it."""

    def __init__(self, status: int, told: Told, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status)
        self.status, self.text, self.code = status, told.text, told.code
        self.headers = headers or {}

    @property
    def wait(self) -> float | None:
        """Seconds to wait before it may be tried again (0: some); None if that is of no use."""
        if 0 < self.status < 500 and self.status not in _PASSING:
            return None
        if any(word in self.code.lower() for word in _NO_CREDIT):
            return None
        seconds = seconds_to_wait(self.headers)
        if seconds is None:
            return 0
        return max(0, seconds) if seconds <= LONGEST_WAIT else None
