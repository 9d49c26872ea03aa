"""What a client asks for in the handshake: the form, and the filters of `/v1/stream`."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

from msgspec import Struct

from ..errors import nearest
from ..wire import Topic
from .hub import DELTAS, EVENTS

__all__ = ["BadRequest", "Wanted", "read_target"]

_ORIGINAL = frozenset({Topic.MESSAGES, Topic.ACTIONS, Topic.QUERIES, Topic.QUERY_RESULTS})
_TOPICS = frozenset({*Topic, EVENTS, DELTAS})
_PARAMETERS = ("topics", "from", "since", "deltas")


class BadRequest(Exception):  # noqa: N818 - it is the client's error, not ours
    """The handshake is refused with the HTTP `status`; `str()` is the body of the answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Wanted(Struct, frozen=True):
    """What one client gets.

    Attributes:
        rich: envelopes (`/v1/stream`) rather than bare payloads (`/`).
        topics: only these; None is all.
        sender: only what is from this id or bare name.
        since: the last seq that the client has seen.
        deltas: also what is being composed, whatever `topics` are.
    """

    rich: bool
    topics: frozenset[str] | None = None
    sender: str | None = None
    since: int | None = None
    deltas: bool = False


def read_target(target: str) -> Wanted:
    """Read the request's target, ``/v1/stream?topics=actions,messages&from=alice``.

    Raises:
        BadRequest: no such path (404), or a parameter is wrong (400).
    """
    try:
        parts = urlsplit(target)
    except ValueError:  # brackets that hold no address
        raise BadRequest(400, f"there is no such target as {target[:80]!r}") from None
    if parts.path == "/":
        return Wanted(rich=False, topics=_ORIGINAL)
    if parts.path != "/v1/stream":
        raise BadRequest(404, "there is only / and /v1/stream here")
    given = dict(parse_qsl(parts.query, keep_blank_values=True))
    for name in given:
        if name not in _PARAMETERS:
            raise BadRequest(400, f"no parameter {name[:80]!r}{nearest(name, _PARAMETERS)}")
    topics = _read_topics(given["topics"]) if given.get("topics") else None
    return Wanted(
        rich=True,
        topics=topics,
        sender=given.get("from") or None,
        since=_read_since(given["since"]) if given.get("since") else None,
        deltas=_read_switch(given.get("deltas", "")) or DELTAS in (topics or ()),
    )


def _read_topics(listed: str) -> frozenset[str]:
    topics = frozenset(listed.split(","))
    for topic in topics - _TOPICS:
        raise BadRequest(400, f"no topic {topic[:80]!r}{nearest(topic, _TOPICS)}")
    return topics


def _read_since(seq: str) -> int:
    if not (seq.isascii() and seq.isdigit() and len(seq) <= 15):
        raise BadRequest(400, f"`since` is a seq, a whole number, not {seq[:80]!r}")
    return int(seq)


def _read_switch(value: str) -> bool:
    if value not in {"", "0", "1"}:
        raise BadRequest(400, f"`deltas` is 1 or 0, not {value[:80]!r}")
    return value == "1"
