"""Which brain a companion thinks with, and why. Decides from names and the environment alone."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from random import Random
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ..errors import UsageError, nearest
from .base import Brain
from .plugins import BrainRequest, installed_brains, make_own_brain

if TYPE_CHECKING:
    from .calling import Caller
    from .openai.server import ChatServer
    from .prompts import Prompts

__all__ = ["BUILT_IN", "Choice", "check_provider", "choose_brain", "open_brain"]

BUILT_IN = ("auto", "anthropic", "openai", "offline")
"""The names of brains that can always be asked for; no installed package can take one of them."""

_KEYS = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN")
"""Where the SDK looks for a key, in its order."""

_OPENAI_KEY, _OPENAI_URL = "OPENAI_API_KEY", "OPENAI_BASE_URL"

_URL = re.compile(r"https?://(\[[0-9a-fA-F:]+\]|[^\s/:@\[\]]+)(:[0-9]{1,5})?(/\S*)?")
"""A server's address; nothing before an @, so that no password of it is ever printed."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The brain that was chosen, and a line that tells a person why. Holds no key.

    Attributes:
        provider: ``anthropic``, ``openai``, ``offline`` or the name of an installed one.
        reason: why.
    """

    provider: str
    reason: str


def check_provider(provider: str) -> None:
    """See that there is a brain of that name. Looks at the installed packages only where it is none that
    comes with the program, and loads nothing.

    Raises:
        UsageError: there is none, and the nearest names.
    """
    if provider in BUILT_IN:
        return
    installed = installed_brains()
    if provider in installed:
        return
    known = (*BUILT_IN, *installed)
    name, _, _ = provider[:80].partition(":")
    way_out = nearest(provider[:80], known)
    if difflib.get_close_matches(name, (*known, "replay"), n=1) == ["replay"]:
        way_out = "; a recording is played by `aikyo up --brain replay:FILE`"
    raise UsageError(f"unknown brain '{provider[:80]}'{way_out}")


def choose_brain(provider: str, *, environ: Mapping[str, str]) -> Choice:
    """Choose among the brains there are.

    Args:
        provider: one of `BUILT_IN`, or the name of an installed one, as the user gave it. ``auto`` is
            anthropic when there is a key for it, else openai when there is a server or a key for it,
            else offline.
        environ: the environment variables.

    Raises:
        UsageError: there is no such brain, or it lacks a key it could use.
    """
    variable = _first_set(environ, *_KEYS)
    openai = _first_set(environ, _OPENAI_URL, _OPENAI_KEY)
    match provider:
        case "auto" if variable:
            _key(environ, variable)
            return Choice("anthropic", f"brain anthropic, since {variable} is set")
        case "auto" if openai:
            _chat_server(environ)
            return Choice("openai", f"brain openai, since {openai} is set")
        case "auto":
            nothing = f"neither {_KEYS[0]} nor {_OPENAI_URL} is set"
            return Choice("offline", f"brain offline (rules, no model), since {nothing}")
        case "anthropic" if variable:
            _key(environ, variable)
            return Choice("anthropic", "brain anthropic, as asked")
        case "anthropic":
            raise UsageError(f"--brain anthropic needs a key; set {_KEYS[0]}, or take --brain offline")
        case "offline":
            return Choice("offline", "brain offline (rules, no model), as asked")
        case "openai" if openai:
            _chat_server(environ)
            return Choice("openai", "brain openai, as asked")
        case "openai":
            raise UsageError(
                f"--brain openai needs a server or a key; set {_OPENAI_URL} (for Ollama to "
                f"http://localhost:11434/v1) or {_OPENAI_KEY}, or take --brain offline"
            )
        case _:
            check_provider(provider)
            return Choice(provider, f"brain {provider}, as asked")


def open_brain(
    choice: Choice,
    *,
    environ: Mapping[str, str],
    random: Random,
    model: str | None = None,
    small_model: str | None = None,
    embedding_model: str | None = None,
    prompts: Prompts | None = None,
    companion: str = "",
    caller: Caller | None = None,
) -> Brain:
    """Make a brain for one companion. The caller closes it with `Brain.aclose`.

    Loads what the brain needs (a second or two for the first anthropic one), so call it in a thread.
    Connects to nothing yet, except that an openai one without a `model` asks its server which it has.

    Args:
        choice: as `choose_brain` gave it for the same `environ`.
        environ: where keys and base URLs are read from.
        random: what the offline brain draws from, and what spreads the retries of the openai one.
        model: what to compose with, in place of the provider's default.
        small_model: what to assess with, in place of the provider's default.
        embedding_model: what makes vectors of texts, where the provider has such; None: nothing does.
        prompts: what a model is told; None: as it comes with the program.
        companion: id of whom it is for.
        caller: by which it asks its models; is told their server, and whether they cost money. None: one
            of its own.

    Raises:
        UsageError: the key is gone or unusable, a base URL is none, the openai brain was given no model
            and its server names none, or an installed brain cannot be made.
    """
    if choice.provider == "offline":
        from .offline import OfflineBrain

        return OfflineBrain(random)

    from .calling import Caller
    from .prompts import Prompts

    caller = caller or Caller(companion=companion, provider=choice.provider, random=random)
    request = BrainRequest(
        companion=companion,
        model=model,
        small_model=small_model,
        embedding_model=embedding_model,
        environ=environ,
        random=random,
        prompts=prompts or Prompts(),
        caller=caller,
    )
    match choice.provider:
        case "openai":
            brain = _open_openai(request)
        case "anthropic":
            brain = _open_anthropic(request)
        case own:
            from .guard import GuardedBrain

            brain = GuardedBrain(make_own_brain(own, request), name=own, caller=caller)
    caller.paid = brain.paid
    return brain


def _open_openai(request: BrainRequest) -> Brain:
    from .openai.brain import OpenAIBrain

    server = _chat_server(request.environ)
    request.caller.server = server.url
    return OpenAIBrain(
        server=server,
        model=request.model or server.find_model(),
        small_model=request.small_model,
        embedding_model=request.embedding_model,
        random=request.random,
        prompts=request.prompts,
        caller=request.caller,
    )


def _open_anthropic(request: BrainRequest) -> Brain:
    from .anthropic.brain import MODEL, SMALL_MODEL, AnthropicBrain

    variable = _first_set(request.environ, *_KEYS) or _KEYS[0]
    key = _key(request.environ, variable)
    base_url = _base_url(request.environ, "ANTHROPIC_BASE_URL")
    request.caller.server = base_url or ""
    return AnthropicBrain(
        api_key=key if variable == _KEYS[0] else None,
        auth_token=key if variable != _KEYS[0] else None,
        base_url=base_url,
        model=request.model or MODEL,
        small_model=request.small_model or SMALL_MODEL,
        prompts=request.prompts,
        caller=request.caller,
    )


def _first_set(environ: Mapping[str, str], *variables: str) -> str | None:
    return next((name for name in variables if environ.get(name, "").strip()), None)


def _chat_server(environ: Mapping[str, str]) -> ChatServer:
    """The server of the openai brain; one that is named may do without a key."""
    from .openai.server import OPENAI, ChatServer

    url = _base_url(environ, _OPENAI_URL)
    key = _key(environ, _OPENAI_KEY) if url is None or _first_set(environ, _OPENAI_KEY) else ""
    return ChatServer((url or OPENAI).rstrip("/"), key)


def _key(environ: Mapping[str, str], variable: str) -> str:
    """The key in `variable`; it travels in a header, which takes no blanks and nothing but ASCII."""
    key = environ.get(variable, "").strip()
    if not key:
        raise UsageError(f"this brain needs a key: set {variable}")
    if not key.isascii() or not key.isprintable() or " " in key:
        raise UsageError(
            f"{variable} is no key: it holds blanks or signs that no key has; copy it again"
        )
    return key


def _base_url(environ: Mapping[str, str], variable: str) -> str | None:
    url = environ.get(variable, "").strip()
    if not url:
        return None
    if not (_URL.fullmatch(url) and _is_possible(url)):
        raise UsageError(f"{variable} is no URL of a server; it looks like https://host:port")
    return url


def _is_possible(url: str) -> bool:
    """Whether its port is one, its address where it looks like one, its name short enough for DNS."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = parts.port
        if ":" in host or re.fullmatch(r"[0-9.]+", host):
            ip_address(host)
    except ValueError:
        return False
    return port != 0 and all(len(label) < 64 for label in host.split("."))
