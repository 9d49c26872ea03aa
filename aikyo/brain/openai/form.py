"""Tools, calls of them and what came of these, in the form of Chat Completions. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec

from ..base import ToolSpec
from ..models.turn import ToolResult, ToolUse
from ..models.written import written_calls
from .reply import Reply

__all__ = ["read_calls", "said", "told", "tool_form"]


def tool_form(spec: ToolSpec) -> dict[str, Any]:
    """A tool as a server is told of it."""
    function = {"name": spec.name, "description": spec.description, "parameters": dict(spec.schema)}
    return {"type": "function", "function": function}


def read_calls(reply: Reply, tools: Sequence[str], name: str) -> Reply:
    """The answer with the calls in it that were only written.

    Args:
        reply: what came.
        tools: the tools that there are.
        name: the companion's, which models write before what they say.
    """
    if reply.calls:
        return reply
    written, rest = written_calls(reply.text, tools)
    calls = tuple(ToolUse("", tool, params) for tool, params in written)
    return replace(reply, text=rest.removeprefix(f"{name}:").strip(), calls=calls)


def said(reply: Reply) -> dict[str, Any]:
    """An answer as it is told back."""
    message: dict[str, Any] = {"role": "assistant", "content": reply.text}
    if reply.calls:
        message["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {
                    # As servers take it, whatever the model called
                    "name": re.sub(r"[^a-zA-Z0-9_-]", "_", call.name)[:64],
                    "arguments": msgspec.json.encode(call.params).decode(),
                },
            }
            for call in reply.calls
        ]
    return message


def told(results: Sequence[ToolResult]) -> list[dict[str, Any]]:
    """What came of calls: by their ids, or in words where they were only written."""
    if all(result.call.id for result in results):
        return [
            {"role": "tool", "tool_call_id": result.call.id, "content": result.content}
            for result in results
        ]
    words = "\n\n".join(f"{result.call.name}: {result.content}" for result in results)
    return [{"role": "user", "content": words}]
