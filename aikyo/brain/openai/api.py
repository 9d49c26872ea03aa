"""One request to a server that speaks Chat Completions: streamed, bounded in time and size, explained
when it fails."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Protocol

import msgspec
import trio

from ..base import Usage
from ..calling import Answered, CallFault
from ..calling.fault import CONNECT_SECONDS, FIRST_SECONDS
from ..calling.switch import refuse_remote
from ..calling.words import one_line
from ..models.incoming import Answer, Incoming, Told, receive
from .faults import Refusal, fault_of
from .fitting import Fitting
from .reply import Pieces, Reply, about
from .server import ChatServer
from .vectors import Vectors

__all__ = ["ChatApi"]

_FITTINGS = 16
"""How often a request is made to fit; there is less than that to be left out."""


class _Answer(Answer, Protocol):
    @property
    def cost(self) -> Usage | None:
        """What it has cost so far, if that is known."""
        ...


class ChatApi:
    """A client of one server. Connects when first asked.

    Args:
        server: which.

    Raises:
        UsageError: only models of this machine may be asked, and it is none.
    """

    def __init__(self, server: ChatServer) -> None:
        import httpx2

        refuse_remote(server.url)
        # Reading is bounded by trio's deadlines around the call.
        timeout = httpx2.Timeout(None, connect=CONNECT_SECONDS)
        self._client = httpx2.AsyncClient(timeout=timeout, **server.client_options())
        self._server = server
        self._fitting = Fitting()

    def takes_tools(self, model: str) -> bool:
        """Whether the server has not refused tools for this model yet."""
        return self._fitting.takes_tools(model)

    async def ask(
        self, request: Mapping[str, Any], watch: Callable[[Pieces], None] | None = None
    ) -> Answered[Reply]:
        """Send a request and wait for the answer; `Reply.check` tells whether it is of use.

        Args:
            request: the body, but for what makes it stream. What the server refuses is left out, now
                and from then on.
            watch: told of the pieces, each time that there are more of them.

        Raises:
            CallFault: no answer, and why. On this and on cancellation the connection is closed at once.
        """
        model = str(request["model"])
        asked = about(msgspec.json.encode(request))
        pieces = Pieces(asked)
        streamed = {**request, "stream": True, "stream_options": {"include_usage": True}}
        for left in reversed(range(_FITTINGS)):
            fitted = self._fitting.fit(streamed)
            pieces = Pieces(asked)
            seen = partial(watch, pieces) if watch else None
            try:
                await self._post("chat/completions", fitted, pieces, seen)
                break
            except Refusal as refusal:
                told = f"{refusal.code} {refusal.text}"
                if not (left and self._fitting.learn(fitted, refusal.status, told)):
                    raise fault_of(refusal, self._server, model, pieces.cost) from None
        return Answered(pieces.reply(), pieces.usage)

    async def embed(self, model: str, texts: Sequence[str]) -> Answered[Sequence[Sequence[float]]]:
        """Ask for a vector for each text.

        Raises:
            CallFault: as `ask`.
        """
        request = {"model": model, "input": list(texts), "encoding_format": "float"}
        vectors = Vectors(len(texts))
        try:
            await self._post("embeddings", request, vectors, None)
        except Refusal as refusal:
            raise fault_of(refusal, self._server, model, None, what="embeddings") from None
        return Answered(vectors.found, vectors.usage)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _post(
        self, path: str, request: Mapping[str, Any], answer: _Answer, seen: Callable[[], None] | None
    ) -> None:
        """Make one request, and put what comes into `answer`, until that is whole.

        Raises:
            Refusal: the server gave an error, or cannot be reached.
            CallFault: anything else.
        """
        import httpx2

        model, url = str(request["model"]), f"{self._server.url}/{path}"
        incoming = Incoming(answer)
        patience = trio.CancelScope(deadline=trio.current_time() + FIRST_SECONDS)
        try:
            with patience:
                async with self._client.stream("POST", url, json=request) as response:
                    incoming.begin(response.status_code, response.headers)
                    await receive(incoming, response.aiter_raw(), patience, seen)
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.ProxyError):
            raise Refusal(0, Told("")) from None
        except httpx2.TransportError:
            pass
        if incoming.status != 200:
            incoming.end()  # of an error, what came is enough
        if incoming.problem:
            told = one_line(incoming.problem, self._server.key)
            told = f"{model} answered what is no completion ({told})"
            raise CallFault("malformed", told, usage=answer.cost)
        if incoming.told is not None:
            raise Refusal(incoming.status, incoming.told, incoming.headers)
        if not answer.whole:
            if patience.cancelled_caught:
                told = f"{model} did not answer in time; the server stopped sending"
                raise CallFault("timeout", told, usage=answer.cost)
            told = f"the connection to {self._server.host} was cut before the answer was whole"
            raise CallFault("cut", told, may_pass=True, usage=answer.cost)
