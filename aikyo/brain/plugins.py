"""Brains of one's own: an installed package brings them by an entry point."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from ..errors import UsageError, text_of
from ..stdout import printing_to_stderr
from .base import Brain

if TYPE_CHECKING:
    from .calling import Caller
    from .prompts import Prompts

__all__ = ["GROUP", "BrainRequest", "installed_brains", "make_own_brain"]

GROUP = "aikyo.brains"
"""The group of entry points: a name, and a callable that takes a `BrainRequest` and gives a `Brain`."""

_MAX_ERROR = 300


@dataclass(frozen=True, slots=True)
class BrainRequest:
    """What a brain of one's own is made from.

    Attributes:
        companion: id of whom it is for.
        model: the model that is set for it, if any.
        small_model: the one for small decisions, if any.
        embedding_model: the one that makes vectors of texts, if any.
        environ: the environment, where keys are.
        random: what to draw from, so that a swarm with a seed does the same again.
        prompts: what a model is told, with the user's own prompts.
        caller: the way to a model that retries, rests, counts and keeps to the caps; to be used or not.
    """

    companion: str
    model: str | None
    small_model: str | None
    embedding_model: str | None
    environ: Mapping[str, str]
    random: Random
    prompts: Prompts
    caller: Caller


def installed_brains() -> tuple[str, ...]:
    """The names of the brains that installed packages bring; none is loaded."""
    from importlib.metadata import entry_points  # which takes a while to import

    return tuple(sorted({entry.name for entry in entry_points(group=GROUP)}))


def make_own_brain(name: str, request: BrainRequest) -> Brain:
    """Load the package that brings the brain, and have it make one.

    Raises:
        UsageError: there is none of that name, its package fails, or what it gives is no brain.
    """
    from importlib.metadata import entry_points

    entries = [entry for entry in entry_points(group=GROUP) if entry.name == name]
    if not entries:
        raise UsageError(f"no installed package brings the brain '{name[:80]}' any more")
    place = f"brain '{name}' ({entries[0].value})"
    try:
        with printing_to_stderr():  # stdout is for what was asked for
            make: Callable[[BrainRequest], Brain] = entries[0].load()
            brain = make(request)
    except KeyboardInterrupt:
        raise
    except UsageError as error:
        raise UsageError(f"{place}: {error}") from None
    except BaseException as error:  # whatever stands in the package may be raised
        raise UsageError(f"{place}: {_told(error)}") from error
    if not isinstance(brain, Brain):
        raise UsageError(f"{place}: gives {type(brain).__name__}, which is no aikyo.brain.Brain")
    return brain


def _told(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {text_of(error)}".split())[:_MAX_ERROR]
