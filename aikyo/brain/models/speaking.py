"""What a model is about to say, shown while it is still composing it."""

from __future__ import annotations

from collections.abc import Callable

from ..base import Toolbox

__all__ = ["MAX_SHOWN", "Speaking"]

MAX_SHOWN = 64 << 10
"""Characters that are looked at: several times what can be said."""

_STEPS = 64
"""Of a long input, only each 64th more is looked at anew, so that the work stays within bounds."""

_NO_WORDS = ("{", "[", "<", "`")
"""What text begins with that is no speech: JSON, a tag, a fence."""


class Speaking:
    """The words of one answer as they come in; for the next attempt, a new one is made.

    Args:
        toolbox: whose `saying` is told of them. Nothing is shown that may have to be taken back: no half
            of a letter, and of several calls of `speak` the first alone.
    """

    def __init__(self, toolbox: Toolbox) -> None:
        self._toolbox = toolbox
        self._seen = 0
        self._arguments = ""
        self._shown = ""

    def feed(self, name: str, size: int, arguments: Callable[[], str]) -> None:
        """More of a tool's input has come.

        Args:
            name: which tool; none but `speak` is of interest.
            size: how many characters of it have come.
            arguments: puts these together: JSON from its beginning. Asked only where they are shown, for
                whoever sends them one by one must not have us join all of them each time.
        """
        if name != "speak" or not self._is_due(size):
            return
        given = arguments()
        if given.startswith(self._arguments):
            self._seen, self._arguments = size, given
            self._show(_message(given))

    def aloud(self, size: int, text: Callable[[], str]) -> None:
        """More has come of text that will be said, since no tool can be called.

        Args:
            size: how many characters have come.
            text: puts them together, as in `feed`; what is not said may be left out.
        """
        if not self._is_due(size):
            return
        self._seen = size
        words = text().strip()
        if not words.startswith(_NO_WORDS):
            self._show(words)

    def _is_due(self, size: int) -> bool:
        return size <= MAX_SHOWN and size - self._seen > self._seen // _STEPS

    def _show(self, text: str) -> None:
        if len(text) > len(self._shown):
            self._shown = text
            self._toolbox.saying(text)


def _message(arguments: str) -> str:
    """The `message` in the beginning of a JSON object, as far as it goes."""
    import jiter  # comes with the SDK

    try:
        found = jiter.from_json(arguments.encode(), partial_mode="trailing-strings")
    except ValueError:
        return ""  # nothing yet, or no JSON, which shows when it is whole
    message = found.get("message") if isinstance(found, dict) else None
    return message if isinstance(message, str) else ""
