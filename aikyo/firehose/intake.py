"""What a client sends: one JSON object a frame, checked before anything of it reaches the mesh."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from msgspec import Raw, Struct

from ..guests import ForbiddenSenderError, from_person
from ..wire import MAX_MESSAGE, Decoded, Topic, WireError, decode

__all__ = ["Refused", "read_frame"]

SENDER = "user_firehose"
"""Whom a context is from when the frame does not say."""


class Refused(Exception):  # noqa: N818 - it is the client's error, not ours
    """A frame is not taken; the client is told and stays.

    Attributes:
        code: for programs.
        detail: what is wrong and where, for people; may be empty.
    """

    def __init__(self, code: str, message: str, detail: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.detail = detail

    def frame(self) -> bytes:
        """The JSON that the client is answered."""
        error = {"code": self.code, "message": str(self)}
        if self.detail:
            error["detail"] = self.detail
        return msgspec.json.encode({"error": error})


class _Sent(Struct):
    topic: str
    body: Raw


_FRAME = msgspec.json.Decoder(_Sent)


def read_frame(text: str, new_id: Callable[[], str]) -> tuple[Decoded, ...]:
    """The payloads in a client's frame ``{"topic", "body"}``.

    Args:
        text: the frame.
        new_id: gives an id to a payload that has none.

    Raises:
        Refused: it is no such frame, its payload is wrong, or not a client's to send.
    """
    try:
        sent = _FRAME.decode(text)
        payloads = decode(sent.topic, bytes(sent.body), new_id=new_id)
    except msgspec.ValidationError as error:
        raise Refused("invalid", 'a frame is {"topic": …, "body": {…}}', str(error)) from None
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise Refused("not-json", "a frame is one JSON object", str(error)) from None
    except WireError as error:
        raise Refused(error.reason, _MEANING[error.reason], error.detail) from None
    return tuple(_checked(decoded) for decoded in payloads)


_MEANING = {
    "unknown-topic": "there is no such topic to send on",
    "too-large": f"a payload is at most {MAX_MESSAGE} bytes",
    "not-json": "the body is not JSON",
    "invalid": "the body does not fit its topic",
}


def _checked(decoded: Decoded) -> Decoded:
    if decoded.topic is Topic.PRESENCE:
        raise Refused("forbidden", "only companions announce themselves on presence")
    try:
        return from_person(decoded, SENDER)
    except ForbiddenSenderError as error:
        raise Refused("forbidden", "a client speaks as a person", str(error)) from None
