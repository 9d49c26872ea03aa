"""Pictures in requests to Anthropic's Messages API, and those that it has refused."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any

from .base import Picture

__all__ = ["RefusedPictures", "first_message"]

_REMEMBERED = 64
_LEFT_OUT = {"type": "text", "text": "(it cannot be shown)"}


def first_message(prompt: str, pictures: Iterable[Picture]) -> dict[str, Any]:
    """What a request begins with: the pictures, each with its number, then the prompt that speaks of
    them."""
    blocks: list[dict[str, Any]] = []
    for number, picture in enumerate(pictures, 1):
        source = {"type": "base64", "media_type": picture.media_type, "data": picture.base64}
        blocks += [{"type": "text", "text": f"Picture {number}:"}, {"type": "image", "source": source}]
    return {"role": "user", "content": [*blocks, {"type": "text", "text": prompt}] if blocks else prompt}


class RefusedPictures:
    """The pictures a server has refused: anybody may send a broken one, which must cost no turn."""

    def __init__(self) -> None:
        self._hashes: OrderedDict[bytes, None] = OrderedDict()

    def refuse(self, request: Mapping[str, Any]) -> bool:
        """Leave out all pictures of `request` from now on; whether it had any."""
        found = [_hash(block) for block in _blocks(request) if block["type"] == "image"]
        self._hashes |= dict.fromkeys(found)
        while len(self._hashes) > _REMEMBERED:
            self._hashes.popitem(last=False)
        return bool(found)

    def without(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The request with the refused pictures replaced by words."""
        if not any(map(self._is_refused, _blocks(request))):
            return dict(request)
        first, *others = request["messages"]
        blocks = [_LEFT_OUT if self._is_refused(block) else block for block in first["content"]]
        return {**request, "messages": [{**first, "content": blocks}, *others]}

    def _is_refused(self, block: Mapping[str, Any]) -> bool:
        return block["type"] == "image" and _hash(block) in self._hashes


def _blocks(request: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    content = request["messages"][0]["content"]
    return () if isinstance(content, str) else content


def _hash(block: Mapping[str, Any]) -> bytes:
    return sha256(block["source"]["data"].encode()).digest()
