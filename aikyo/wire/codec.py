"""Bytes ↔ payloads, in both dialects.

*Plain*: each body is one payload, nothing around it. *JSON-RPC* (the TypeScript aikyo): the payload
is the `params` of a call, a query's `id` stands at the top level, its result is a JSON-RPC answer on
`queries`, and `states` carries an array of calls. Its schemas are strict: what has a default with us
is written out there. Both are understood on the way in; only what is sent differs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from math import isinf
from typing import Any

import msgspec
from msgspec import UNSET, Raw, UnsetType

from .limits import MAX_MESSAGE, nested_too_deeply
from .payloads import (
    Action,
    Context,
    Message,
    Payload,
    Presence,
    Query,
    QueryResult,
    State,
    Topic,
)

__all__ = ["Decoded", "Dialect", "Reason", "WireError", "decode", "encode", "encode_all"]


_MAX_DETAIL = 500  # characters; what is wrong is quoted, and may be a megabyte


class Dialect(StrEnum):
    """How payloads are written when they are sent."""

    PLAIN = "plain"
    JSONRPC = "jsonrpc"


class Reason(StrEnum):
    """Why something was not taken, as counted and as told to a client (`error.code`)."""

    UNKNOWN_TOPIC = "unknown-topic"
    TOO_LARGE = "too-large"
    NOT_JSON = "not-json"
    INVALID = "invalid"


class WireError(ValueError):
    """Bytes that are no payload; the only error that `decode` and `encode` raise.

    Attributes:
        reason: the class of it, for counting and for `error.code`.
        detail: what is wrong and where, for whoever sent it.
    """

    def __init__(self, reason: Reason, detail: str) -> None:
        detail = detail if len(detail) <= _MAX_DETAIL else detail[: _MAX_DETAIL - 1] + "…"
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Decoded:
    """One payload that came in.

    Attributes:
        topic: where it belongs, which in the JSON-RPC dialect need not be where it came from.
        payload: the checked Struct, always with an `id` where the payload has one.
        body: the same in the plain dialect as it came, unknown fields included, to be passed on.
        listed: it came in an array, as the States of a mesh that elects who judges for all.
    """

    topic: Topic
    payload: Payload
    body: Raw
    listed: bool = False


class _Rpc(msgspec.Struct):
    """The JSON-RPC envelope; plain payloads have none of its own keys."""

    jsonrpc: str | UnsetType = UNSET
    method: str | UnsetType = UNSET
    id: str | int | float | UnsetType | None = UNSET
    params: Raw | UnsetType = UNSET
    result: Raw | UnsetType = UNSET
    error: Raw | UnsetType = UNSET


_TYPES: dict[Topic, type[Payload]] = {
    kind.topic: kind for kind in (Message, Action, State, Query, QueryResult, Context, Presence)
}


def _number(text: str) -> float:
    """A number in what is of no type. msgspec itself takes 10 µs for one at either end of the range
    (``1e300``): two seconds for a megabyte of them."""
    number = float(text)
    if isinf(number):
        raise ValueError("Number out of range")
    return number


_DECODERS = {topic: msgspec.json.Decoder(kind, float_hook=_number) for topic, kind in _TYPES.items()}
_RPC = msgspec.json.Decoder(_Rpc)
_LIST = msgspec.json.Decoder(list[Raw])
_OBJECT = msgspec.json.Decoder(dict[str, Any])
_ANYTHING = msgspec.json.Decoder(float_hook=_number)
_METHODS = {
    "message.send": Topic.MESSAGES,
    "action.send": Topic.ACTIONS,
    "state.send": Topic.STATES,
    "query.send": Topic.QUERIES,
}
_SENDS: dict[type[Payload], str] = {_TYPES[topic]: method for method, topic in _METHODS.items()}
_MAX_STATES = 256
_TOO_DEEP = "nested too deeply"


def encode(
    payload: Payload,
    dialect: Dialect = Dialect.PLAIN,
    *,
    body: Raw | None = None,
    everybody: Sequence[str] = (),
) -> tuple[Topic, bytes]:
    """Write a payload for the mesh.

    Args:
        payload: what to send.
        dialect: how to write it.
        body: the same payload as it came in, when it is passed on with fields we do not know.
        everybody: to whom a Message without recipients goes in the JSON-RPC dialect, where nobody
            named is nobody.

    Returns:
        The topic to publish on, and the bytes.

    Raises:
        WireError: it is over the limit, or holds what JSON cannot (`Reason.INVALID`).
    """
    plain = body if body is not None else Raw(_dumps(payload))
    topic, data = payload.topic, bytes(plain)
    if dialect is Dialect.JSONRPC:
        topic, data = _to_rpc(payload, plain, everybody)
    return topic, _checked(topic, data)


def encode_all(states: Sequence[State]) -> tuple[Topic, bytes]:
    """Write what a leader says of all, as one array, which the JSON-RPC dialect alone has.

    Raises:
        WireError: it is over the limit.
    """
    data = msgspec.json.encode([_state_call(state) for state in states])
    return Topic.STATES, _checked(Topic.STATES, data)


def _checked(topic: Topic, data: bytes) -> bytes:
    if len(data) > MAX_MESSAGE:
        raise WireError(
            Reason.TOO_LARGE, f"{len(data)} bytes are over the limit of {MAX_MESSAGE} for one message"
        )
    if nested_too_deeply(data):
        raise WireError(Reason.INVALID, f"{topic}: {_TOO_DEEP}")
    return data


def decode(
    topic: str, data: bytes | str, *, new_id: Callable[[], str] | None = None
) -> tuple[Decoded, ...]:
    """Read what came in on `topic`, in either dialect; `states` may carry several.

    Args:
        topic: the mesh's topic, without a mesh's name.
        data: UTF-8 JSON.
        new_id: gives an id to a payload that has none; without it, such a payload is refused.

    Raises:
        WireError: and nothing else, whatever the bytes.
    """
    try:
        where = Topic(topic)
    except ValueError:
        known = ", ".join(Topic)
        raise WireError(Reason.UNKNOWN_TOPIC, f"no topic {topic[:80]!r}; known: {known}") from None
    raw = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
    if len(raw) > MAX_MESSAGE:
        raise WireError(
            Reason.TOO_LARGE, f"{len(raw)} bytes are over the limit of {MAX_MESSAGE} for one message"
        )
    if nested_too_deeply(raw):
        raise WireError(Reason.INVALID, f"{where}: {_TOO_DEEP}")
    try:
        raw.decode()  # what stands in unknown fields is passed on unread, and must be text all the same
        return _read(where, raw, new_id)
    except WireError:
        raise
    except msgspec.ValidationError as error:
        raise WireError(Reason.INVALID, f"{where}: {error}") from None
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise WireError(Reason.NOT_JSON, f"{where}: not JSON: {error}") from None
    except RecursionError:
        raise WireError(Reason.INVALID, f"{where}: {_TOO_DEEP}") from None
    except (TypeError, ValueError, OverflowError) as error:  # what fits no JSON when put together anew
        raise WireError(Reason.INVALID, f"{where}: {error}") from None


def _read(topic: Topic, raw: bytes, new_id: Callable[[], str] | None) -> tuple[Decoded, ...]:
    if topic is Topic.STATES and raw.lstrip()[:1] == b"[":
        items = _LIST.decode(raw)
        if len(items) > _MAX_STATES:
            raise msgspec.ValidationError(f"more than {_MAX_STATES} States in one array")
        found = [one for item in items for one in _read_one(topic, bytes(item), new_id)]
        if len(found) > _MAX_STATES:
            raise msgspec.ValidationError(f"more than {_MAX_STATES} States in one message")
        return tuple(replace(one, listed=True) for one in found)
    return _read_one(topic, raw, new_id)


def _read_one(topic: Topic, raw: bytes, new_id: Callable[[], str] | None) -> tuple[Decoded, ...]:
    rpc = _RPC.decode(raw) if b'"jsonrpc"' in raw else _Rpc()
    if rpc.jsonrpc is UNSET:
        return (_typed(topic, raw, new_id),)
    where, plain = _from_rpc(rpc)
    if where is not topic and topic is not Topic.QUERIES:
        raise msgspec.ValidationError(f"a `{rpc.method}` does not belong on {topic}")
    if where is Topic.STATES and plain.lstrip()[:1] == b"[":
        return _read(where, plain, new_id)
    return (_typed(where, plain, new_id),)


def _typed(topic: Topic, raw: bytes, new_id: Callable[[], str] | None) -> Decoded:
    payload = _DECODERS[topic].decode(raw)
    if getattr(payload, "id", "given") == "":
        if new_id is None:
            raise msgspec.ValidationError("Object missing required field `id`")
        ident = new_id()
        payload = msgspec.structs.replace(payload, id=ident)
        raw = _with(raw, "id", ident)
    _dumps(payload)  # what cannot be written again is not taken in: numbers and strings of no JSON
    return Decoded(topic, payload, Raw(raw))


def _from_rpc(rpc: _Rpc) -> tuple[Topic, bytes]:
    """The topic and the plain form of what a JSON-RPC envelope holds."""
    is_call = isinstance(rpc.method, str) and rpc.method != "query.send"
    if not is_call and not isinstance(rpc.id, str):
        raise msgspec.ValidationError("a JSON-RPC query or its answer without an `id` that is a string")
    if isinstance(rpc.method, str):
        topic = _METHODS.get(rpc.method)
        if topic is None or isinstance(rpc.params, UnsetType):
            raise msgspec.ValidationError(f"no JSON-RPC call {rpc.method[:80]!r} with params")
        if topic is not Topic.QUERIES:
            return topic, bytes(rpc.params)
        return topic, _with(bytes(rpc.params), "id", rpc.id)
    if not isinstance(rpc.result, UnsetType):
        return Topic.QUERY_RESULTS, _with(bytes(rpc.result), "id", rpc.id)
    if not isinstance(rpc.error, UnsetType):
        error = _ANYTHING.decode(rpc.error)
        told = error.get("message") if isinstance(error, dict) else error
        answer = {"success": False, "error": told, "id": rpc.id}
        return Topic.QUERY_RESULTS, msgspec.json.encode(answer)
    raise msgspec.ValidationError("a JSON-RPC envelope without `method`, `result` or `error`")


def _with(raw: bytes, key: str, value: object) -> bytes:
    """An object with one more member, which goes before one of its name; written anew it could grow."""
    return raw.rstrip()[:-1] + b',"' + key.encode() + b'":' + msgspec.json.encode(value) + b"}"


def _to_rpc(payload: Payload, plain: Raw, everybody: Sequence[str]) -> tuple[Topic, bytes]:
    match payload:
        case State():
            return Topic.STATES, msgspec.json.encode([_state_call(payload)])
        case Query():
            params = _OBJECT.decode(plain)
            ident = params.pop("id")
            call = {"jsonrpc": "2.0", "id": ident, "method": "query.send", "params": params}
            return Topic.QUERIES, msgspec.json.encode(call)
        case QueryResult(success=True):
            params = _OBJECT.decode(plain)
            ident = params.pop("id")
            answer = {"jsonrpc": "2.0", "id": ident, "result": {"body": {}} | params}
            return Topic.QUERIES, msgspec.json.encode(answer)
        case QueryResult():
            answer = {"jsonrpc": "2.0", "id": payload.id, "error": payload.error}
            return Topic.QUERIES, msgspec.json.encode(answer)
        case Message() | Action():
            if isinstance(payload, Message) and not payload.to:
                plain = Raw(_with(bytes(plain), "to", everybody))
            elif isinstance(payload, Action) and not payload.params:
                plain = Raw(_with(bytes(plain), "params", {}))
            call = {"jsonrpc": "2.0", "method": _SENDS[type(payload)], "params": plain}
            return payload.topic, msgspec.json.encode(call)
        case _:  # contexts and presence have no form there
            return payload.topic, bytes(plain)


def _state_call(state: State) -> dict[str, Any]:
    params: dict[str, Any] = {
        "from": state.sender,
        "messageId": state.message_id,
        "state": state.state,
        "importance": state.importance,
        "selected": state.selected,
        "closing": state.closing,
    }
    if state.rank:  # of `composing`, which is ours alone: a TypeScript companion drops it
        params["rank"] = state.rank
    if state.reason and state.state == "composing":  # likewise
        params["reason"] = state.reason
    return {"jsonrpc": "2.0", "method": _SENDS[State], "params": params}


def _dumps(payload: Payload) -> bytes:
    try:
        return msgspec.json.encode(payload)
    except RecursionError:
        raise WireError(Reason.INVALID, f"{payload.topic}: {_TOO_DEEP}") from None
    except (TypeError, ValueError, OverflowError, UnicodeError) as error:
        raise WireError(Reason.INVALID, f"{payload.topic}: {error}") from None
