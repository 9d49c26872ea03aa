"""Which brain a companion thinks with, and why. Decides from names and the environment alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Literal

from ..errors import UsageError, nearest
from .base import Brain

__all__ = ["Choice", "Provider", "choose_brain", "open_brain"]

Provider = Literal["anthropic", "offline"]

_KEYS = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN")
"""Where the SDK looks for a key, in its order."""

_URL = re.compile(r"https?://(\[[0-9a-fA-F:]+\]|[^\s/:@\[\]]+)(:[0-9]{1,5})?(/\S*)?")
"""A server's address; nothing before an @, so that no password of it is ever printed."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The brain that was chosen, and a line that tells a person why. Holds no key."""

    provider: Provider
    reason: str


def choose_brain(provider: str, *, environ: Mapping[str, str]) -> Choice:
    """Choose among the brains there are.

    Args:
        provider: ``auto``, ``anthropic`` or ``offline``, as the user gave it. ``auto`` is anthropic
            when there is a key for it, else offline.
        environ: the environment variables.

    Raises:
        UsageError: there is no such brain, or it lacks a key it could use.
    """
    variable = next((name for name in _KEYS if environ.get(name, "").strip()), None)
    match provider:
        case "auto" if variable:
            _key(environ, variable)
            return Choice("anthropic", f"brain anthropic, since {variable} is set")
        case "auto":
            return Choice("offline", f"brain offline (rules, no model), since {_KEYS[0]} is not set")
        case "anthropic" if variable:
            _key(environ, variable)
            return Choice("anthropic", "brain anthropic, as asked")
        case "anthropic":
            raise UsageError(f"--brain anthropic needs a key; set {_KEYS[0]}, or take --brain offline")
        case "offline":
            return Choice("offline", "brain offline (rules, no model), as asked")
        case "openai":
            raise UsageError("there is no openai brain yet; take --brain anthropic or --brain offline")
        case _:
            known = ("auto", "anthropic", "offline")
            raise UsageError(f"unknown brain '{provider}'{nearest(provider, known)}")


def open_brain(
    choice: Choice,
    *,
    environ: Mapping[str, str],
    random: Random,
    model: str | None = None,
    small_model: str | None = None,
) -> Brain:
    """Make a brain for one companion. The caller closes it with `Brain.aclose`.

    Loads what the brain needs (a second or two for the first anthropic one); connects to nothing yet.

    Args:
        choice: as `choose_brain` gave it for the same `environ`.
        environ: where the key and ``ANTHROPIC_BASE_URL`` are read from.
        random: what the offline brain draws from.
        model: what to compose with, in place of the provider's default.
        small_model: what to assess with, in place of the provider's default.

    Raises:
        UsageError: the key is gone or unusable, or ``ANTHROPIC_BASE_URL`` is no URL.
    """
    if choice.provider == "offline":
        from .offline import OfflineBrain

        return OfflineBrain(random)

    from .anthropic import MODEL, SMALL_MODEL, AnthropicBrain

    variable = next((name for name in _KEYS if environ.get(name, "").strip()), _KEYS[0])
    key = _key(environ, variable)
    return AnthropicBrain(
        api_key=key if variable == _KEYS[0] else None,
        auth_token=key if variable != _KEYS[0] else None,
        base_url=_base_url(environ),
        model=model or MODEL,
        small_model=small_model or SMALL_MODEL,
    )


def _key(environ: Mapping[str, str], variable: str) -> str:
    """The key in `variable`; it travels in a header, which takes no blanks and nothing but ASCII."""
    key = environ.get(variable, "").strip()
    if not key:
        raise UsageError(f"the anthropic brain needs a key: set {variable}")
    if not key.isascii() or not key.isprintable() or " " in key:
        raise UsageError(
            f"{variable} is no key: it holds blanks or signs that no key has; copy it again"
        )
    return key


def _base_url(environ: Mapping[str, str]) -> str | None:
    url = environ.get("ANTHROPIC_BASE_URL", "").strip()
    if not url:
        return None
    if not _URL.fullmatch(url):
        raise UsageError("ANTHROPIC_BASE_URL is no URL of a server; it looks like https://host:port")
    return url
