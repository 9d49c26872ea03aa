"""What travels: topics, payloads, dialects, limits. Pure."""

from .codec import Decoded, Dialect, Reason, WireError, decode, encode
from .control import Activity, CompanionStatus, Envelope, Event, SwarmFile, SwarmStatus
from .ids import NAME, IdMaker, bare_name, companion_id, derived_id, is_companion, user_id
from .limits import MAX_ID, MAX_MESSAGE, MAX_PICTURE, MAX_RECIPIENTS, MAX_TEXT
from .payloads import (
    Action,
    Closing,
    Context,
    Message,
    Payload,
    Presence,
    Query,
    QueryResult,
    State,
    Topic,
)

__all__ = [
    "MAX_ID",
    "MAX_MESSAGE",
    "MAX_PICTURE",
    "MAX_RECIPIENTS",
    "MAX_TEXT",
    "NAME",
    "Action",
    "Activity",
    "Closing",
    "CompanionStatus",
    "Context",
    "Decoded",
    "Dialect",
    "Envelope",
    "Event",
    "IdMaker",
    "Message",
    "Payload",
    "Presence",
    "Query",
    "QueryResult",
    "Reason",
    "State",
    "SwarmFile",
    "SwarmStatus",
    "Topic",
    "WireError",
    "bare_name",
    "companion_id",
    "decode",
    "derived_id",
    "encode",
    "is_companion",
    "user_id",
]
