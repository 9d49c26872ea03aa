"""Who speaks through our servers: people, never companions, which speak for themselves on the mesh."""

from __future__ import annotations

import msgspec
from msgspec import Raw

from .wire import Context, Decoded, QueryResult

__all__ = ["ForbiddenSenderError", "from_person", "with_fields"]

_PERSON = "user_"
_OBJECT = msgspec.json.Decoder(dict[str, Raw])


class ForbiddenSenderError(ValueError):
    """`str()` says whom the payload may not be from."""


def from_person(decoded: Decoded, default: str) -> Decoded:
    """What came in, if it is from a person; a Context without `from` is from `default` then.

    A QueryResult belongs to its query and names nobody: it is taken as it is.

    Raises:
        ForbiddenSenderError: it is from somebody else, or from nobody.
    """
    payload = decoded.payload
    if isinstance(payload, QueryResult):
        return decoded
    sender: str = getattr(payload, "sender", "")
    if not sender and isinstance(payload, Context):
        return with_fields(decoded, msgspec.structs.replace(payload, sender=default))
    if not sender.startswith(_PERSON) or sender == _PERSON:
        raise ForbiddenSenderError(f"`from` must be user_<name>, not {sender[:80]!r}")
    return decoded


def with_fields(decoded: Decoded, context: Context) -> Decoded:
    """`decoded` with the known fields of `context`, and the unknown ones that came with it."""
    known = {field.encode_name for field in msgspec.structs.fields(Context)}
    unknown = {key: value for key, value in _OBJECT.decode(decoded.body).items() if key not in known}
    body = msgspec.json.encode({**msgspec.to_builtins(context), **unknown})
    return Decoded(decoded.topic, context, Raw(body))
