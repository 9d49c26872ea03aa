"""What companions of this swarm are composing, as far as it has come. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..wire import MAX_TEXT, Delta

__all__ = ["Draft", "Drafts"]

MOST = 32
"""Drafts that are kept; the oldest go first."""

PATIENCE = 60.0
"""Seconds after its last words for which a draft is kept; a turn does not take as long."""

MESSAGE_WITHIN = 2.0
"""The same for one that is said, for the Message to come."""


@dataclass(slots=True)
class Draft:
    """Something that is being composed since `time`: the `id` of the Message that it may become."""

    time: float
    id: str
    text: str = ""
    until: float = 0


@dataclass(slots=True)
class Drafts:
    """One draft for each companion, oldest first, as long as no Message has taken its place."""

    by_sender: dict[str, Draft] = field(default_factory=dict)

    def hear(self, delta: Delta, time: float) -> None:
        """Take in more of a draft, or its end, at `time` (seconds since the epoch)."""
        if delta.end in {"interrupted", "dropped"}:
            self.end(delta.sender, delta.id)
            return
        draft = self.by_sender.get(delta.sender)
        if draft is None or draft.id != delta.id:
            if delta.end is not None:  # whose Message has come before
                return
            self.by_sender.pop(delta.sender, None)
            if len(self.by_sender) >= MOST:
                del self.by_sender[next(iter(self.by_sender))]
            draft = self.by_sender[delta.sender] = Draft(time, delta.id)
        draft.text = (draft.text + delta.text)[:MAX_TEXT]
        draft.until = time + (PATIENCE if delta.end is None else MESSAGE_WITHIN)

    def end(self, sender: str, ident: str) -> None:
        """Forget the draft of this sender and id, if there is one."""
        if (draft := self.by_sender.get(sender)) and draft.id == ident:
            del self.by_sender[sender]

    def expire(self, now: float) -> bool:
        """Forget what has been given up without a word; whether there was any."""
        over = [sender for sender, draft in self.by_sender.items() if now >= draft.until]
        for sender in over:
            del self.by_sender[sender]
        return bool(over)
