"""Why a server that speaks Chat Completions gave no answer, from its status and its words. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..base import BrainFault, Usage
from ..calling import CallFault
from ..calling.words import one_line, seconds_to_wait
from ..models.incoming import Told
from .server import ChatServer

__all__ = ["Refusal", "fault_of"]

_PASSING = frozenset({408, 409, 425})

_NO_CREDIT = ("insufficient_quota", "insufficient_credits", "insufficient balance", "billing")
_PER_TIME = ("rate_limit", "rate limit", "try again in", "retry in")
"""In refusals that speak of billing as well, as the way to be allowed more."""

_NO_MODEL = (
    "model_not_found",
    "not found",
    "does not exist",
    "no such model",
    "not loaded",
    "unknown model",
    "not a valid model",
)
_NOTHING_LOADED = "no models loaded"
_TOO_LONG = (
    "context_length",
    "context length",
    "context size",
    "context window",
    "exceed_context",
    "prompt is too long",
    "too many tokens",
)
_DECLINED = ("content_filter", "content_policy", "content management policy", "flagged", "moderation")
_BAD_CALL = ("failed_generation", "tool_use_failed")


class Refusal(Exception):  # noqa: N818 - becomes a `CallFault`, never seen by itself
    """A request that was answered by an error.

    Args:
        status: the HTTP status; 0 where there was no answer.
        told: the server's words.
        headers: those of the answer.
    """

    def __init__(self, status: int, told: Told, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, told.text)
        self.status, self.text, self.code = status, told.text, told.code
        self.headers = headers or {}


def fault_of(
    refusal: Refusal,
    server: ChatServer,
    model: str,
    usage: Usage | None,
    *,
    what: str = "Chat Completions",
) -> CallFault:
    """What went wrong, in our words.

    Args:
        refusal: the error.
        server: whose.
        model: which model was asked.
        usage: what the request has cost all the same, where that is known.
        what: what was asked for.
    """
    kind, told, may_pass = _explain(refusal, server, model, what)
    wait = seconds_to_wait(refusal.headers) if kind in {"rate", "overload"} else None
    return CallFault(kind, told, wait=wait, may_pass=may_pass, usage=usage)


def _explain(
    refusal: Refusal, server: ChatServer, model: str, what: str
) -> tuple[BrainFault, str, bool]:
    """The kind, a line for people, and whether it may pass by itself."""
    host, status = server.host, refusal.status
    said, why = one_line(refusal.text, server.key), f"{refusal.code} {refusal.text}".lower()
    if status == 0:
        told = f"cannot reach {host}; check that it runs (and OPENAI_BASE_URL, if it is set)"
        return "unreachable", told, True
    if status == 401:
        refused = "the key was refused" if server.key else f"{host} wants a key"
        return "key", f"{refused}; check OPENAI_API_KEY, or take --brain offline", False
    if status == 402 or (_any(_NO_CREDIT, why) and not (status == 429 and _is_per_time(why))):
        return "credit", f"the account at {host} has no credit left; {said}", False
    if status == 413 or _any(_TOO_LONG, why):
        told = f"the prompt is too long for {model}; give it a longer context, or take another model"
        return "too-long", told, False
    if status == 429:
        return "rate", f"too many requests for this key at {host}", True
    if status in {400, 404} and _names(model, why) and _any(_NO_MODEL, why):
        return "model", f"there is no model '{model}' at {host}; correct model or small_model", False
    if status in {400, 404} and _NOTHING_LOADED in why:
        return "model", f"{host} has no model loaded; load {model} there", False
    if status in {400, 403} and _any(_DECLINED, why):
        return "declined", f"{host} declined to answer this: {said}", False
    if status == 400 and _any(_BAD_CALL, why):
        return "malformed", f"{model} called a tool in a form that {host} could not read ({said})", True
    if status == 403:
        return "key", f"the request to {model} was refused (HTTP 403): {said}", False
    if status in {404, 405}:
        or_model = f", or no model '{model}'" if status == 404 else ""
        words = f" ({said})" if said else ""
        told = f"{host} has no {what} there{or_model}; OPENAI_BASE_URL mostly ends in /v1{words}"
        return "unreachable", told, False
    if (status >= 500 and status != 501) or status in _PASSING:
        told = f"{model} is overloaded or out of order (HTTP {status}: {said})"
        return "overload", told, True
    return "request", f"the request to {model} was refused (HTTP {status}): {said}", False


def _names(model: str, text: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(model.lower())}(?!\w)", text) is not None


def _is_per_time(text: str) -> bool:
    return _any(_PER_TIME, text) and "insufficient" not in text


def _any(words: tuple[str, ...], text: str) -> bool:
    return any(word in text for word in words)
