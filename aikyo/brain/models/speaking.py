"""What a model is about to say, shown while it is still composing it."""

from __future__ import annotations

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
        self._arguments = ""
        self._shown = ""

    def feed(self, name: str, arguments: str) -> None:
        """More of a tool's input has come.

        Args:
            name: which tool; none but `speak` is of interest.
            arguments: its input as JSON, as far as it has come, from the beginning.
        """
        if name != "speak" or len(arguments) > MAX_SHOWN:
            return
        seen = len(self._arguments)
        if len(arguments) - seen <= seen // _STEPS or not arguments.startswith(self._arguments):
            return
        self._arguments = arguments
        self._show(_message(arguments))

    def aloud(self, text: str) -> None:
        """More has come of text that will be said, since no tool can be called.

        Args:
            text: all of it so far.
        """
        text = text.strip()
        if len(text) <= MAX_SHOWN and not text.startswith(_NO_WORDS):
            self._show(text)

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
