"""Pictures in requests to models, in the forms of both APIs, and those that a server has refused."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from typing import Any

from ..moment import Picture

__all__ = ["RefusedPictures", "chat_message", "first_message"]

_REMEMBERED = 64
_LEFT_OUT = {"type": "text", "text": "(it cannot be shown)"}


def first_message(prompt: str, pictures: Iterable[Picture]) -> dict[str, Any]:
    """What a request to Anthropic's Messages API begins with: the pictures, each with its number, then
    the prompt that speaks of them."""
    return _message(prompt, pictures, _source_block)


def chat_message(prompt: str, pictures: Iterable[Picture], *, talk: str = "") -> dict[str, Any]:
    """The same for Chat Completions; before the pictures the `talk`, if there is one."""
    message = _message(prompt, pictures, _url_block)
    if talk and isinstance(message["content"], str):
        return {**message, "content": f"{talk}\n\n{prompt}"}
    blocks = [{"type": "text", "text": talk}] if talk else []
    return {**message, "content": [*blocks, *message["content"]]} if blocks else message


class RefusedPictures:
    """The pictures a server has refused: anybody may send a broken one, which must cost no turn."""

    def __init__(self) -> None:
        self._hashes: OrderedDict[bytes, None] = OrderedDict()

    def refuse(self, request: Mapping[str, Any]) -> bool:
        """Leave out all pictures of `request` from now on; whether it had any."""
        found = [
            _hash(block)
            for message in request["messages"]
            for block in _blocks(message)
            if _is_picture(block)
        ]
        self._hashes |= dict.fromkeys(found)
        while len(self._hashes) > _REMEMBERED:
            self._hashes.popitem(last=False)
        return bool(found)

    def without(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The request with the refused pictures replaced by words."""
        return {**request, "messages": [self._fit(message) for message in request["messages"]]}

    def _fit(self, message: dict[str, Any]) -> dict[str, Any]:
        if not any(map(self._is_refused, _blocks(message))):
            return message
        blocks = [_LEFT_OUT if self._is_refused(block) else block for block in message["content"]]
        return {**message, "content": blocks}

    def _is_refused(self, block: Mapping[str, Any]) -> bool:
        return _is_picture(block) and _hash(block) in self._hashes


def _message(
    prompt: str, pictures: Iterable[Picture], form: Callable[[Picture], dict[str, Any]]
) -> dict[str, Any]:
    blocks: list[dict[str, Any]] = []
    for number, picture in enumerate(pictures, 1):
        blocks += [{"type": "text", "text": f"Picture {number}:"}, form(picture)]
    return {"role": "user", "content": [*blocks, {"type": "text", "text": prompt}] if blocks else prompt}


def _source_block(picture: Picture) -> dict[str, Any]:
    source = {"type": "base64", "media_type": picture.media_type, "data": picture.base64}
    return {"type": "image", "source": source}


def _url_block(picture: Picture) -> dict[str, Any]:
    url = f"data:{picture.media_type};base64,{picture.base64}"
    return {"type": "image_url", "image_url": {"url": url}}


def _blocks(message: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    content = message.get("content")
    return content if isinstance(content, list) else ()


def _is_picture(block: Mapping[str, Any]) -> bool:
    return block.get("type") in {"image", "image_url"}


def _hash(block: Mapping[str, Any]) -> bytes:
    data = block["source"]["data"] if block["type"] == "image" else block["image_url"]["url"]
    return sha256(str(data).encode()).digest()
