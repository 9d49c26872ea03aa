"""What the dashboard shows, as data. Pure: it is told what happened, and renders nothing."""

from __future__ import annotations

import unicodedata
from collections import deque
from dataclasses import dataclass, field

import msgspec

from ..deeds import deed, happening
from ..text import inert
from ..wire import (
    Action,
    CompanionStatus,
    Delta,
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
from .drafts import Drafts

__all__ = ["Deed", "Notice", "Row", "Said", "View"]

KEPT = 200
"""Lines of the talk that are kept, which is more than any terminal shows."""

MAX_SHOWN = 2000
"""Characters of one text that are kept, which is more than is ever read in passing."""

MAX_COMPOSED = 240
"""The same of one that is being composed: its end."""

_STEP = 80
"""Characters that are left out at a time, so that its lines do not all shift with each word."""

_SILENT = frozenset({"activity", "mood", "ready", "talk-begun"})
_EVENT = msgspec.json.Decoder(Event)
_DELTA = msgspec.json.Decoder(Delta)


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
    """The swarm as it is to be shown; texts are inert and cut to `MAX_SHOWN` when they come in.

    Attributes:
        rows: this swarm's companions, by id, in the order of the status.
        talk: what was said and what happened, oldest first.
        deeds: what was done, oldest first.
        drafts: what is being composed.
        counts: payloads seen, by topic.
        unreadable: envelopes whose body was not understood.
        status: the last status, or None before the first.
        uptime: minutes since the swarm started.
    """

    rows: dict[str, Row] = field(default_factory=dict)
    talk: deque[Said | Notice] = field(default_factory=lambda: deque(maxlen=KEPT))
    deeds: deque[Deed] = field(default_factory=lambda: deque(maxlen=KEPT))
    drafts: Drafts = field(default_factory=Drafts)
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
            if envelope.topic == "deltas":
                self.drafts.hear(_DELTA.decode(envelope.body), envelope.time)
                return
            payloads = [one.payload for one in decode(envelope.topic, bytes(envelope.body))]
        except (WireError, msgspec.MsgspecError, UnicodeError, RecursionError):
            self.unreadable += 1
            return
        self.counts[envelope.topic] = self.counts.get(envelope.topic, 0) + len(payloads)
        for payload in payloads:
            match payload:
                case Message():
                    text = _short(payload.message)
                    self.drafts.end(payload.sender, payload.id)
                    self.talk.append(Said(envelope.time, payload.sender, payload.to, text))
                    if payload.sender in self.rows:
                        self.rows[payload.sender].words = text
                case Action() if payload.name != "speak":  # that one is a Message too
                    text = _short(deed(payload, self.name))
                    self.deeds.append(Deed(envelope.time, payload.sender, text))

    @property
    def composed(self) -> list[Said]:
        """What is being composed, as if it were said already."""
        return [
            Said(draft.time, who, (), f"{inert(_end(draft.text))}…")
            for who, draft in self.drafts.by_sender.items()
            if draft.text
        ]

    def tick(self, status: SwarmStatus, now: float) -> bool:
        """Take in the status at `now` (seconds since the epoch); whether anything changed."""
        minutes = max(0, int(now - status.started) // 60)
        changed = self.drafts.expire(now) or status != self.status or minutes != self.uptime
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
                quiet=event.mode or row.status.quiet,
                quiet_until=(event.until or 0) if event.mode else row.status.quiet_until,
            )
        at_home = row is not None and event.type in {"joined", "left"}  # which its own line shows
        if event.type not in _SILENT and not event.routine and not at_home:
            who = f"{self.name(ident)} " if ident else ""
            self.talk.append(Notice(time, _short(f"{who}{happening(event, time)}")))


def _short(text: str) -> str:
    """Text from others, ready to be shown: a frame should not have to clean it again.

    The middle of a long one is left out: a line shows the beginning, and the talk the end.
    """
    if len(text) > MAX_SHOWN:
        half = MAX_SHOWN // 2
        text = f"{text[: half - 2]} … {text[-half:]}"
    return inert(text)


def _end(text: str) -> str:
    """The end of a text, from the beginning of a character, not from its marks."""
    if len(text) <= MAX_COMPOSED:
        return text
    start = -(-(len(text) - MAX_COMPOSED) // _STEP) * _STEP
    while start < len(text) and unicodedata.category(text[start])[0] == "M":
        start += 1
    return f"…{text[start:]}"
