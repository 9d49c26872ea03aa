"""Follows one talk in the stream: who answers what was said, and when it rests."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from ..wire import Envelope, Event, Message, Topic

__all__ = ["Talk"]


@dataclass(slots=True)
class Talk:
    """What became of `message`. Pure: feed it every envelope that comes after the message was sent.

    Attributes:
        message: what was said, with its id and conversation.
        replies: how many answers there were so far.
        rested: why the talk rests or has ended; None while it goes on.
        quieted: who of those it was said to became quiet, or talks again, with the event that told it.
    """

    message: Message
    replies: int = 0
    rested: str | None = None
    quieted: dict[str, Event] = field(default_factory=dict)
    _heard: set[str] = field(default_factory=set)

    def hear(self, envelope: Envelope) -> Message | None:
        """The answer in `envelope`, if it is one."""
        if envelope.topic == "events":
            self._hear_event(msgspec.json.decode(envelope.body, type=Event))
            return None
        if envelope.topic != Topic.MESSAGES:
            return None
        message = msgspec.json.decode(envelope.body, type=Message)
        if not self._belongs(message):
            return None
        self.replies += 1
        self._heard.add(message.id)
        return message

    def _belongs(self, message: Message) -> bool:
        ours = self.message
        if message.sender == ours.sender or message.id in self._heard:
            return False
        if message.conversation is not None:
            return message.conversation == ours.conversation
        # Companions of other makes name no conversation
        return (
            message.reply_to == ours.id or message.reply_to in self._heard or ours.sender in message.to
        )

    def _hear_event(self, event: Event) -> None:
        who = event.companion or ""
        if event.type == "quiet" and (not self.message.to or who in self.message.to):
            self.quieted[who] = event
        ended = event.type in {"talk-resting", "talk-ended"}
        if ended and event.conversation == self.message.conversation:
            self.rested = event.reason or event.type
