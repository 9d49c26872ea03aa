"""What goes wrong with Anthropic's Messages API, told as a `CallFault`.

https://platform.claude.com/docs/en/api/errors
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..base import BrainFault, Usage
from ..calling import CallFault
from ..calling.words import one_line, seconds_to_wait
from ..models.incoming import Told

if TYPE_CHECKING:
    import anthropic

__all__ = ["Explained"]

_BY_STATUS: Mapping[int, BrainFault] = {
    401: "key",
    402: "credit",
    403: "key",
    404: "model",
    408: "overload",
    409: "overload",
    413: "too-long",
    425: "overload",
    429: "rate",
}

_BY_TYPE: Mapping[str, BrainFault] = {
    "authentication_error": "key",
    "permission_error": "key",
    "billing_error": "credit",
    "not_found_error": "model",
    "request_too_large": "too-long",
    "rate_limit_error": "rate",
    "overloaded_error": "overload",
    "api_error": "overload",
    "timeout_error": "overload",
    "invalid_request_error": "request",
}
"""Of an error within a stream, which has no status of its own."""

_NO_CREDIT = ("credit balance", "spend_limit", "billing")
_TOO_LONG = (
    "prompt is too long",
    "context limit",
    "context window",
    "context length",
    "too many tokens",
)


class Explained:
    """Tells faults of one server.

    Args:
        host: its name.
        secret: the key, which no text may show.
    """

    def __init__(self, host: str, secret: str) -> None:
        self._host = host
        self._secret = secret

    def status(self, error: anthropic.APIStatusError, model: str) -> CallFault:
        """The server has answered with an error."""
        status = error.status_code
        kind = _BY_STATUS.get(status) or ("overload" if status >= 500 else "request")
        told = Told(str(error.api_message or ""), str(error.error_code or error.type or ""))
        wait = seconds_to_wait(error.response.headers)
        return self._fault(kind, told, model, f"HTTP {status}", wait=wait)

    def told(self, told: Told, model: str, usage: Usage) -> CallFault:
        """The server has told of an error in the middle of an answer."""
        return self._fault(_BY_TYPE.get(told.code, "overload"), told, model, told.code, usage=usage)

    def connection(self, cause: BaseException | None) -> CallFault:
        """There was no connection, or it ended before the answer had begun."""
        import httpx2

        if isinstance(cause, httpx2.ReadError | httpx2.WriteError | httpx2.RemoteProtocolError):
            return self.cut(None)
        told = f"cannot reach {self._host}; check the network (and ANTHROPIC_BASE_URL, if it is set)"
        return CallFault("unreachable", told, may_pass=True)

    def cut(self, usage: Usage | None) -> CallFault:
        """The connection was closed in the middle. Nothing is done before an answer is whole, so it may
        be asked for again."""
        told = f"the connection to {self._host} was cut before the answer was whole"
        return CallFault("cut", told, may_pass=True, usage=usage)

    def unreadable(self, model: str, why: str, usage: Usage | None = None) -> CallFault:
        """What came is no answer."""
        told = f"{model} answered what is no message ({one_line(why, self._secret)})"
        return CallFault("malformed", told, usage=usage)

    def _fault(
        self,
        kind: BrainFault,
        told: Told,
        model: str,
        name: str,
        *,
        wait: float | None = None,
        usage: Usage | None = None,
    ) -> CallFault:
        why = f"{told.code} {told.text}".lower()
        said = one_line(told.text or "no reason given", self._secret)
        if any(word in why for word in _NO_CREDIT):
            kind = "credit"
        elif kind == "request" and any(word in why for word in _TOO_LONG):
            kind = "too-long"
        elif kind == "model" and not ("model" in why or model.lower() in why):
            kind, said = "request", f"{said}; check ANTHROPIC_BASE_URL, if it is set"
        words = self._words(kind, said, model, one_line(name, self._secret))
        may_pass = kind == "overload" and wait is None
        return CallFault(kind, words, wait=wait, may_pass=may_pass, usage=usage)

    def _words(self, kind: BrainFault, said: str, model: str, name: str) -> str:
        match kind:
            case "key":
                way_out = "check ANTHROPIC_API_KEY, or take --brain offline"
                return f"the key was refused; {way_out} ({name}: {said})"
            case "credit":
                return f"the account at {self._host} has no credit left: {said}"
            case "model":
                return f"there is no model '{model}' for this key; correct model or small_model"
            case "rate":
                return "too many requests for this key"
            case "too-long":
                return f"the prompt is too long for {model}"
            case "overload":
                return f"{model} is overloaded or out of order ({name}: {said})"
            case _:
                return f"the request to {model} was refused ({name}): {said}"
