"""One request to Anthropic's Messages API: streamed, bounded in time and size, explained when it
fails."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import trio

from ..calling import CallFault
from ..calling.fault import CONNECT_SECONDS, FIRST_SECONDS
from ..calling.switch import refuse_remote
from ..models.incoming import Incoming, receive
from ..models.shown import RefusedPictures
from ..openai.server import ChatServer
from .faults import Explained
from .reply import Pieces, Reply

if TYPE_CHECKING:
    import httpx2

__all__ = ["ANTHROPIC", "MessagesApi"]

ANTHROPIC = "https://api.anthropic.com"
"""Where requests go when no other server is named."""

_MAX_ERROR = 64 << 10
"""Bytes of an error that are read."""

_EAGER = "eager_input_streaming"


class MessagesApi:
    """A client of the Messages API, the real SDK inside. Connects when first asked.

    Exactly one of `api_key` and `auth_token` is given; `base_url` None is Anthropic's own server.

    Attributes:
        is_local: whether the server is on this machine or this network, so that asking costs no money.

    Raises:
        UsageError: the switch is on that lets no server elsewhere be asked.
    """

    def __init__(self, *, api_key: str | None, auth_token: str | None, base_url: str | None) -> None:
        import anthropic
        import httpx2

        url = base_url or ANTHROPIC
        refuse_remote(url)
        server = ChatServer(url)
        self.is_local = server.is_local
        # Reading is bounded by trio's deadlines around the call.
        timeout = httpx2.Timeout(None, connect=CONNECT_SECONDS)
        self._client = anthropic.AsyncAnthropic(
            api_key=api_key,
            auth_token=auth_token,
            base_url=url,
            timeout=timeout,
            max_retries=0,
            # Not the SDK's own: that follows redirects, key and all, and asks the proxy for what is near
            http_client=httpx2.AsyncClient(
                timeout=timeout,
                event_hooks={"response": [_bound_errors]},
                **server.client_options(),
            ),
        )
        self._explained = Explained(server.host, api_key or auth_token or "")
        self._models_without_effort: set[str] = set()
        self._takes_eager = True
        self._refused = RefusedPictures()

    async def ask(self, request: Mapping[str, Any], pieces: Pieces) -> Reply:
        """Send a request and wait for the answer; `Reply.check` tells whether it is of use.

        Args:
            request: the arguments of the SDK's `messages.create`. What the server has refused is left
                out, and what it refuses now is left out at once.
            pieces: takes in what comes of the answer; new ones.

        Raises:
            CallFault: no answer, and why. On this and on cancellation the connection is closed at once.
        """
        import anthropic

        model = str(request["model"])
        while True:
            fitted = self._fit(request)
            try:
                await self._receive(fitted, pieces, model)
            except anthropic.BadRequestError as error:
                if not self._learn(fitted, str(error.api_message).lower()):
                    raise self._explained.status(error, model) from None
            except anthropic.APIStatusError as error:
                raise self._explained.status(error, model) from None
            except anthropic.APIConnectionError as error:
                raise self._explained.connection(error.__cause__) from None
            except anthropic.APIError:
                raise self._explained.unreadable(model, "the SDK could not read it") from None
            else:
                return pieces.reply()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def _receive(self, request: Mapping[str, Any], pieces: Pieces, model: str) -> None:
        """Take in one whole answer."""
        import httpx2

        patience = trio.CancelScope(deadline=trio.current_time() + FIRST_SECONDS)
        incoming = Incoming(pieces)
        try:
            with patience:
                async with self._client.messages.with_streaming_response.create(
                    **request, stream=True
                ) as response:
                    incoming.begin(200, response.headers)
                    await receive(incoming, response.http_response.aiter_raw(), patience)
        except httpx2.TransportError:
            pass
        if incoming.told is not None:
            raise self._explained.told(incoming.told, model, pieces.usage)
        if incoming.problem:
            raise self._explained.unreadable(model, incoming.problem, pieces.usage)
        if not pieces.whole:
            if patience.cancelled_caught:
                raise CallFault("timeout", f"{model} did not answer in time", usage=pieces.usage)
            raise self._explained.cut(pieces.usage)

    def _fit(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The request as the server takes it."""
        fitted = self._refused.without(request)
        if request["model"] in self._models_without_effort and "output_config" in fitted:
            kept = {key: value for key, value in fitted["output_config"].items() if key != "effort"}
            fitted["output_config"] = kept
            if not kept:
                del fitted["output_config"]
        if not self._takes_eager and "tools" in fitted:
            fitted["tools"] = [
                {key: value for key, value in tool.items() if key != _EAGER} for tool in fitted["tools"]
            ]
        return fitted

    def _learn(self, request: Mapping[str, Any], why: str) -> bool:
        """Whether there is something in a refused request that can be left out, from now on."""
        model = str(request["model"])
        if _EAGER in why and self._takes_eager:
            self._takes_eager = False
            return True
        if "effort" in why and model not in self._models_without_effort:
            self._models_without_effort.add(model)  # models before the 4.6 generation don't know it
            return True
        return "image" in why and self._refused.refuse(request)


async def _bound_errors(response: httpx2.Response) -> None:
    from ..models.bounded import bound

    if response.status_code != 200:
        response.headers.pop("content-encoding", None)  # to unpack it has no bounds
        bound(response, _MAX_ERROR)
