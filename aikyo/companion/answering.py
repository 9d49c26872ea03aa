"""Answers another's Query with a tool that may answer."""

from __future__ import annotations

import msgspec

from ..brain import ToolError
from ..mesh import MeshError
from ..tools import Here, Tool
from ..wire import Query, QueryResult, WireError
from .running import run_tool
from .toolset import checked
from .world import World

__all__ = ["answer"]

MAX_BODY = 64 << 10
"""Bytes of an answer."""


async def answer(world: World, tool: Tool, query: Query, here: Here) -> None:
    """Call `tool` with the Query's body, and publish what it gives, or why it gives nothing.

    An object is the answer's body; a text stands in it as ``text``, anything else as ``result``.
    """
    try:
        result = await run_tool(tool, checked(tool.name, query.body, tool.input), here)
        key = "text" if isinstance(result, str) else "result"
        body = result if isinstance(result, dict) else {key: result}
        if len(msgspec.json.encode(body)) > MAX_BODY:
            raise ToolError(f"{tool.name}: the answer is over {MAX_BODY >> 10} KiB")
        reply = QueryResult(id=query.id, success=True, body=body)
    except ToolError as error:
        reply = QueryResult(id=query.id, success=False, error=str(error)[:1000])
    try:
        await world.publish(reply)
    except (WireError, MeshError):
        return  # the asker gives up by itself
