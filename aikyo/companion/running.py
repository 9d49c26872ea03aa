"""Runs tools of one's own: checked on the way out, in a bounded time, and never the companion's end."""

from __future__ import annotations

import logging
from typing import Any

import msgspec
import trio
from msgspec import Struct

from ..brain import ToolError
from ..tools import Here, Tool

__all__ = ["as_text", "run_tool"]

MAX_RESULT = 16 << 10
"""Characters of a result that a brain is told."""

_MAX_ERROR = 300

log = logging.getLogger(__name__)


async def run_tool(tool: Tool, given: Struct, here: Here) -> Any:
    """Call a tool, and check what it gives.

    Cancelled, an async tool ends at once; one in a thread is left to itself, and its result is dropped.

    Args:
        tool: which.
        given: its input, checked.
        here: where it is called.

    Returns:
        What it gave, as plain data (text, numbers, lists, dicts).

    Raises:
        ToolError: it took too long, failed, or gave what it does not promise; one line for the brain. A
            failure is in the log with its traceback, unless the tool raised a `ToolError` itself.
    """
    args = (*((given,) if tool.wants_input else ()), *((here,) if tool.wants_here else ()))
    try:
        with trio.move_on_after(tool.timeout) as scope:
            return _checked(tool, await _called(tool, args))
    except ToolError as error:
        raise ToolError(_line(str(error))) from None
    except (Exception, SystemExit) as error:
        log.warning("the tool %s of %s failed", tool.name, here.companion, exc_info=True)
        raise ToolError(_line(f"{tool.name} failed: {type(error).__name__}: {error}")) from None
    assert scope.cancelled_caught
    raise ToolError(f"{tool.name} has not come back within {tool.timeout:g} s")


def as_text(result: Any) -> str:
    """What a brain is told of a result: text as it is, nothing as ``done``, anything else as JSON."""
    text = result if isinstance(result, str) else msgspec.json.encode(result).decode()
    text = "done" if result is None else text
    return text if len(text) <= MAX_RESULT else text[: MAX_RESULT - 1] + "…"


async def _called(tool: Tool, args: tuple[Any, ...]) -> Any:
    if tool.is_async:
        return await tool(*args)
    return await trio.to_thread.run_sync(tool, *args, limiter=tool.threads, abandon_on_cancel=True)


def _checked(tool: Tool, result: Any) -> Any:
    plain = msgspec.to_builtins(result, str_keys=True)
    try:
        msgspec.convert(plain, tool.returns, str_keys=True)
    except msgspec.ValidationError as error:
        raise TypeError(f"it returned what it does not promise: {error}") from None
    msgspec.json.encode(plain)  # half a surrogate pair, say, has no JSON
    return plain


def _line(text: str) -> str:
    line = " ".join(text.encode(errors="replace").decode().split())
    return line if len(line) <= _MAX_ERROR else line[: _MAX_ERROR - 1] + "…"
