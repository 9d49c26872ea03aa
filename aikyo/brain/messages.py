"""One request to Anthropic's Messages API: sent, bounded in time, and explained when it fails."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec
import trio
from msgspec import Struct

from .base import BrainError, Usage
from .events import MAX_SIZE
from .faults import CONNECT_SECONDS, LONGEST_WAIT, one_line, seconds_to_wait, when
from .shown import RefusedPictures
from .turn import ToolUse

if TYPE_CHECKING:
    import anthropic
    import httpx2

__all__ = ["MessagesApi", "Reply"]


class _Tokens(Struct, frozen=True):
    input_tokens: int = 0
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    output_tokens: int = 0


class Reply(Struct, frozen=True, rename={"blocks": "content", "tokens": "usage"}):
    """What the model answered. `blocks` are kept as they came, since they are sent back unchanged."""

    blocks: list[dict[str, Any]]
    stop_reason: str | None = None
    tokens: _Tokens = _Tokens()

    @property
    def text(self) -> str:
        """The text of all blocks, thinking left out."""
        parts = [str(block.get("text", "")) for block in self.blocks if block.get("type") == "text"]
        return "".join(parts).strip()

    @property
    def calls(self) -> tuple[ToolUse, ...]:
        """The tools to be called, in order."""
        found = []
        for block in self.blocks:
            match block:
                case {"type": "tool_use", "id": str(ident), "name": str(name), "input": dict(params)}:
                    found.append(ToolUse(ident, name, params))
        return tuple(found)

    @property
    def usage(self) -> Usage:
        """What this one call cost."""
        tokens = self.tokens
        return Usage(
            calls=1,
            input=tokens.input_tokens + (tokens.cache_creation_input_tokens or 0),
            cached=tokens.cache_read_input_tokens or 0,
            output=tokens.output_tokens,
        )

    def check(self, model: str) -> None:
        """See that the answer is whole.

        Raises:
            BrainError: `model` declined, or stopped before it was done.
        """
        match self.stop_reason:
            case "refusal":
                raise BrainError(f"{model} declined to answer this")
            case "max_tokens":
                raise BrainError(f"the answer of {model} was cut off, being too long")
            case "model_context_window_exceeded":
                raise BrainError(f"the prompt is too long for {model}")


class MessagesApi:
    """A client of the Messages API, the real SDK inside. Connects when first asked.

    Exactly one of `api_key` and `auth_token` is given; `base_url` None is the SDK's default.
    """

    def __init__(self, *, api_key: str | None, auth_token: str | None, base_url: str | None) -> None:
        import anthropic
        import httpx2

        # Reading is bounded by trio's deadline around the whole call, retry and all.
        timeout = httpx2.Timeout(None, connect=CONNECT_SECONDS)
        hooks = {"response": [_bound, _decline_long_waits]}
        self._client = anthropic.AsyncAnthropic(
            api_key=api_key,
            auth_token=auth_token,
            base_url=base_url,
            timeout=timeout,
            max_retries=1,
            http_client=anthropic.DefaultAsyncHttpxClient(timeout=timeout, event_hooks=hooks),
        )
        self._secret = api_key or auth_token or ""
        self._models_without_effort: set[str] = set()
        self._refused = RefusedPictures()

    async def ask(self, request: Mapping[str, Any], *, deadline: float) -> Reply:
        """Send a request and wait for the answer; `Reply.check` tells whether it is whole.

        Args:
            request: the arguments of the SDK's `messages.create`.
            deadline: when to give up, on trio's clock.

        Raises:
            BrainError: no usable answer, and why, in one line. On this and on cancellation the
                connection is closed at once.
        """
        import anthropic

        model = str(request["model"])
        try:
            with trio.fail_at(deadline):
                body = await self._send(request)
        except trio.TooSlowError:
            raise BrainError(f"{model} did not answer in time") from None
        except anthropic.APIError as error:
            raise BrainError(self._explain(error, model)) from None
        try:
            return msgspec.json.decode(body, type=Reply)
        except (msgspec.DecodeError, RecursionError) as error:
            raise BrainError(f"{model} answered what is no message ({error})") from None

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def _send(self, request: Mapping[str, Any]) -> bytes:
        import anthropic

        create = self._client.messages.with_raw_response.create
        while True:
            fitted = self._refused.without(request)
            if request["model"] in self._models_without_effort:
                fitted = _without_effort(fitted)
            try:
                response = await create(**fitted)
            except anthropic.BadRequestError as error:
                if not self._learn(fitted, str(error.api_message).lower()):
                    raise
            else:
                body: bytes = response.http_response.content
                return body

    def _learn(self, request: Mapping[str, Any], why: str) -> bool:
        """Whether there is something in a refused request that can be left out, from now on."""
        model = str(request["model"])
        if "effort" in why and model not in self._models_without_effort:
            self._models_without_effort.add(model)  # models before the 4.6 generation don't know it
            return True
        return "image" in why and self._refused.refuse(request)

    def _explain(self, error: anthropic.APIError, model: str) -> str:
        import anthropic

        match error:
            case anthropic.APIConnectionError():
                return self._explain_connection(error)
            case anthropic.AuthenticationError():
                return "the key was refused; check ANTHROPIC_API_KEY, or take --brain offline"
            case anthropic.NotFoundError():
                return f"there is no model '{model}' for this key; correct model or small_model"
            case anthropic.RateLimitError():
                return f"too many requests for this key{when(error.response.headers)}"
            case anthropic.ContentTooLargeError():
                return f"the prompt is too long for {model}"
            case anthropic.APIStatusError(status_code=status) if status >= 500:
                later = when(error.response.headers)
                return f"{model} is overloaded or out of order (HTTP {status}){later}"
            case anthropic.APIStatusError(status_code=status):
                told = one_line(str(error.api_message or "no reason given"), self._secret)
                return f"the request to {model} was refused (HTTP {status}): {told}"
            case _:
                return f"{model} answered what the SDK could not read"

    def _explain_connection(self, error: anthropic.APIConnectionError) -> str:
        import httpx2

        host = self._client.base_url.host
        if isinstance(
            error.__cause__, httpx2.ReadError | httpx2.WriteError | httpx2.RemoteProtocolError
        ):
            return f"the connection to {host} was cut before the answer was whole"
        return f"cannot reach {host}; check the network (and ANTHROPIC_BASE_URL, if it is set)"


async def _bound(response: httpx2.Response) -> None:
    from .bounded import bound

    bound(response, MAX_SIZE)


async def _decline_long_waits(response: httpx2.Response) -> None:
    wait = seconds_to_wait(response.headers)
    if wait is not None and not wait <= LONGEST_WAIT:
        response.headers["x-should-retry"] = "false"  # the SDK obeys it and raises the error


def _without_effort(request: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in request["output_config"].items() if key != "effort"}
    return {**request, "output_config": kept}
