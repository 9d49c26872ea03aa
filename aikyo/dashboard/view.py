"""What the dashboard shows, as data. Pure: it is told what happened, and renders nothing."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from ..wire import (
    Action,
    CompanionStatus,
    Envelope,
    Event,
    Message,
    SwarmStatus,
    Topic,
    WireError,
    bare_name,
    companion_id,
    decode,
)

__all__ = ["Deed", "Notice", "Row", "Said", "View"]

KEPT = 200
"""Lines of the talk that are kept, which is more than any terminal shows."""

_SILENT = frozenset({"activity", "mood", "ready"})
_EVENT = msgspec.json.Decoder(Event)


@dataclass(slots=True)
class Row:
    """One companion of this swarm: its status, and what it said last."""

    status: CompanionStatus
    words: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """Something said; `time` is seconds since the epoch, `sender` and `to` are ids."""

    time: float
    sender: str
    to: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that happened and that people should see among the talk."""

    time: float
    text: str


@dataclass(frozen=True, slots=True)
class Deed:
    """Something done, other than speaking, in words without the doer: ``waves at Bob``."""

    time: float
    sender: str
    text: str


@dataclass(slots=True)
class View:
    """The swarm as it is to be shown.

    Attributes:
        rows: this swarm's companions, by id, in the order of the status.
        talk: what was said and what happened, oldest first.
        deeds: what was done, oldest first.
        counts: payloads seen, by topic.
        unreadable: envelopes whose body was not understood.
        status: the last status, or None before the first.
        uptime: minutes since the swarm started.
    """

    rows: dict[str, Row] = field(default_factory=dict)
    talk: deque[Said | Notice] = field(default_factory=lambda: deque(maxlen=KEPT))
    deeds: deque[Deed] = field(default_factory=lambda: deque(maxlen=KEPT))
    counts: dict[str, int] = field(default_factory=dict)
    unreadable: int = 0
    status: SwarmStatus | None = None
    uptime: int = 0

    def apply(self, envelope: Envelope) -> None:
        """Take in one object of the stream; one that cannot be read is counted."""
        try:
            if envelope.topic == "events":
                self._happened(_EVENT.decode(envelope.body), envelope.time)
                return
            payloads = [one.payload for one in decode(envelope.topic, bytes(envelope.body))]
        except (WireError, msgspec.MsgspecError, UnicodeError, RecursionError):
            self.unreadable += 1
            return
        self.counts[envelope.topic] = self.counts.get(envelope.topic, 0) + len(payloads)
        for payload in payloads:
            match payload:
                case Message():
                    self.talk.append(Said(envelope.time, payload.sender, payload.to, payload.message))
                    if payload.sender in self.rows:
                        self.rows[payload.sender].words = payload.message
                case Action() if payload.name != "speak":  # that one is a Message too
                    text = _deed(payload.name, payload.params, self)
                    self.deeds.append(Deed(envelope.time, payload.sender, text))

    def tick(self, status: SwarmStatus, now: float) -> bool:
        """Take in the status at `now` (seconds since the epoch); whether anything changed."""
        minutes = max(0, int(now - status.started) // 60)
        changed = status != self.status or minutes != self.uptime
        self.status, self.uptime = status, minutes
        old = self.rows
        self.rows = {
            one.id: Row(one, old[one.id].words if one.id in old else "") for one in status.companions
        }
        return changed

    def name(self, ident: str) -> str:
        """What somebody is called here."""
        row = self.rows.get(ident)
        return (row.status.display_name if row else "") or bare_name(ident)

    @property
    def dropped(self) -> int:
        """Messages that companions' inboxes had no room for."""
        return sum(row.status.dropped for row in self.rows.values())

    def count(self, topic: Topic) -> int:
        """How many payloads of `topic` were seen."""
        return self.counts.get(topic, 0)

    def _happened(self, event: Event, time: float) -> None:
        ident = companion_id(event.companion) if event.companion else ""
        if row := self.rows.get(ident):
            row.status = msgspec.structs.replace(
                row.status,
                activity=event.activity or row.status.activity,
                mood=row.status.mood if event.mood is None else event.mood,
                reason=(event.reason or "") if event.activity else row.status.reason,
            )
        if event.type not in _SILENT:
            who = f"{self.name(ident)}: " if ident else ""
            why = f" ({event.reason})" if event.reason else ""
            self.talk.append(Notice(time, f"{who}{event.type.replace('-', ' ')}{why}"))


def _deed(name: str, params: Mapping[str, Any], view: View) -> str:
    target = params.get("target")
    at = view.name(target) if isinstance(target, str) else ""
    match name:
        case "move" if at:
            return f"goes to {at}"
        case "move":
            return f"moves to {_number(params.get('x'))}, {_number(params.get('y'))}"
        case "look" if at:
            return f"looks at {at}"
        case "look":
            return f"looks towards {_number(params.get('direction'))} degrees"
        case "gesture":
            return _verb(params.get("kind")) + (f" at {at}" if at else "")
        case _:
            return f"does {name}" + (f" to {at}" if at else "")


def _verb(kind: object) -> str:
    """What somebody does who makes this gesture: ``wave`` → ``waves``."""
    if not (isinstance(kind, str) and re.fullmatch("[a-z]+", kind)):
        return f"gestures: {kind}"
    if kind.endswith(("s", "sh", "ch", "x", "z")):
        return kind + "es"
    return re.sub("(?<=[^aeiou])y$", "ie", kind) + "s"


def _number(value: object) -> str:
    return f"{value:.0f}" if isinstance(value, int | float) else "?"
