"""Which embedder a memory uses."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from threading import Lock
from typing import Literal, get_args

from ..errors import AikyoError, UsageError
from . import minilm, wordllama

__all__ = ["CHOICES", "Choice", "Embedder", "choose_embedder"]

log = logging.getLogger(__name__)

Choice = Literal["auto", "wordllama", "minilm", "none"]
"""What a setting may ask for; `auto` is the best that is installed."""

CHOICES: tuple[Choice, ...] = get_args(Choice)

Embed = Callable[[str], Sequence[float]]


class Embedder:
    """Makes vectors of texts; loaded when it is first needed. May be shared by threads.

    Args:
        name: kept beside every vector, since those of two embedders cannot be compared.
        dimensions: of a vector.
        load: gives what makes a text's vector, of unit length, or of zeros for a text without words; may
            take a second, and raises `AikyoError`.
        is_quick: whether a vector takes so little that it may be made while a file is being written.
    """

    def __init__(
        self, name: str, dimensions: int, load: Callable[[], Embed], *, is_quick: bool = False
    ) -> None:
        self.name = name
        self.dimensions = dimensions
        self.is_quick = is_quick
        self._load = load
        self._lock = Lock()
        self._loaded: tuple[Embed | None] | None = None

    def ready(self) -> Embed | None:
        """What makes vectors; None, and a warning the first time, where it cannot be loaded."""
        with self._lock:
            if self._loaded is None:
                try:
                    self._loaded = (self._load(),)
                except AikyoError as error:
                    log.warning("%s; memories are found by words alone", error)
                    self._loaded = (None,)
            return self._loaded[0]


_WORDLLAMA = Embedder("wordllama", wordllama.DIMENSIONS, wordllama.load_embedder, is_quick=True)
_MINILM = Embedder("minilm", minilm.DIMENSIONS, minilm.load_embedder)


def choose_embedder(choice: Choice = "auto") -> Embedder | None:
    """The embedder of this process that `choice` names; None for `none`, and for `auto` where nothing is
    installed. Loads nothing.

    Raises:
        UsageError: what is asked for by name is not installed.
    """
    if choice == "none":
        return None
    if choice in {"auto", "minilm"} and minilm.is_installed():
        return _MINILM
    if choice == "minilm":
        raise UsageError(f"minilm is not installed; `{minilm.COMMAND}` installs it")
    if wordllama.is_installed():
        return _WORDLLAMA
    if choice == "auto":
        return None
    raise UsageError("wordllama is not installed; there is none for this Python or processor")
