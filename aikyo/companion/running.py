"""Runs tools of one's own: checked on the way out, in a bounded time, and never the companion's end."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Mapping
from dataclasses import replace
from typing import Any

import msgspec
import trio
from msgspec import Struct

from ..brain import ToolError
from ..errors import leaves, text_of
from ..tools import MAX_TIMEOUT, Ask, Here, Tool

__all__ = ["as_text", "run_tool"]

MAX_RESULT = 16 << 10
"""Characters of a result that a brain is told."""

_TO_GO_ON = 1.0  # seconds for what a tool makes of an answer, or of there being none
_MAX_ERROR = 300

_ENDS = (trio.Cancelled, KeyboardInterrupt, GeneratorExit)
"""What ends a tool from outside, and is no failure of its own."""

log = logging.getLogger(__name__)


async def run_tool(tool: Tool, given: Struct, here: Here) -> Any:
    """Call a tool, and check what it gives. One that asks others has as long as it waits for them, but
    no longer than any tool may have.

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
    began = trio.current_time()
    scope = trio.CancelScope(deadline=began + tool.timeout)
    if here.asking is not None:
        here = replace(here, asking=_patient(here.asking, scope))
    args = (*((given,) if tool.wants_input else ()), *((here,) if tool.wants_here else ()))
    try:
        with scope:
            return _checked(tool, await _called(tool, args))
        why = f"{tool.name} has not come back within {scope.deadline - began:.3g} s"
    except BaseException as error:  # a thread may raise anything, a nursery a group with anything in it
        faults = [leaf for leaf in leaves(error) if not isinstance(leaf, _ENDS)]
        if not faults:
            raise
        own = [fault for fault in faults if not isinstance(fault, ToolError)]
        if own:
            log.warning("the tool %s of %s failed", tool.name, here.companion, exc_info=True)
        why = f"{tool.name} failed: {type(own[0]).__name__}: " if own else ""
        why += text_of((own or faults)[0])
    await trio.lowlevel.checkpoint_if_cancelled()  # where it failed because it was cancelled
    raise ToolError(_line(why))


def as_text(result: Any) -> str:
    """What a brain is told of a result: text as it is, nothing as ``done``, anything else as JSON."""
    text = result if isinstance(result, str) else msgspec.json.encode(result).decode()
    text = "done" if result is None else text
    return text if len(text) <= MAX_RESULT else text[: MAX_RESULT - 1] + "…"


async def _called(tool: Tool, args: tuple[Any, ...]) -> Any:
    if tool.is_async:
        return await tool(*args)
    return await trio.to_thread.run_sync(tool, *args, limiter=tool.threads, abandon_on_cancel=True)


def _patient(ask: Ask, scope: trio.CancelScope) -> Ask:
    """`ask`, leaving the tool that runs in `scope` the time until its question has had its own."""
    latest = trio.current_time() + MAX_TIMEOUT

    def patiently(
        kind: str, body: Mapping[str, Any], *, to: tuple[str, ...], timeout: float
    ) -> Awaitable[dict[str, Any]]:
        scope.deadline = min(latest, max(scope.deadline, trio.current_time() + timeout + _TO_GO_ON))
        return ask(kind, body, to=to, timeout=timeout)

    return patiently


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
