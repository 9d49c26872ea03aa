"""About how many tokens a request to the Messages API costs, and how many are read from the cache."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any

from .model_server import size_in_tokens

MIN_TOKENS = 1_024
"""What is shorter is not cached; some models want more."""

LOOK_BACK = 20
"""Blocks before a mark at which a cached beginning is looked for."""

_PICTURE_TOKENS = 1_500


class PromptCache:
    """The beginnings that were marked for caching in the requests so far. None is ever forgotten, where
    the real one forgets them after five minutes.

    https://platform.claude.com/docs/en/build-with-claude/prompt-caching
    """

    def __init__(self) -> None:
        self._kept: set[str] = set()

    def read(self, body: Mapping[str, Any]) -> dict[str, int]:
        """The usage of a request as the API tells it, but for its output."""
        hashed = sha256(str(body.get("model")).encode())
        beginnings, marks, size = [(hashed.hexdigest(), 0)], list[int](), 0
        for number, block in enumerate(_blocks(body), 1):
            plain = {key: value for key, value in block.items() if key != "cache_control"}
            hashed.update(json.dumps(plain).encode())
            size += _PICTURE_TOKENS if block.get("type") == "image" else size_in_tokens(plain)
            beginnings.append((hashed.hexdigest(), size))
            if "cache_control" in block and size >= MIN_TOKENS:
                marks.append(number)
        found = [
            number
            for mark in marks
            for number in range(max(1, mark - LOOK_BACK), mark + 1)
            if beginnings[number][0] in self._kept
        ]
        cached = beginnings[max(found)][1] if found else 0
        stored = beginnings[marks[-1]][1] - cached if marks else 0
        self._kept |= {beginnings[mark][0] for mark in marks}
        return {
            "input_tokens": size - cached - stored,
            "cache_creation_input_tokens": stored,
            "cache_read_input_tokens": cached,
        }


def _blocks(body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """All that the model reads, in its order."""
    yield from body.get("tools", ())
    yield from _content(body.get("system", ""))
    for message in body["messages"]:
        for block in _content(message["content"]):
            yield {"role": message["role"], **block}


def _content(content: Any) -> list[dict[str, Any]]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content
