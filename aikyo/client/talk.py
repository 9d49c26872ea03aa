"""Follows one talk in the stream: who answers what was said, and when it rests."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from ..wire import Envelope, Event, Message, State, Topic

__all__ = ["Talk"]

_CLAIM_LASTS = 5.0
"""Seconds after which somebody who no longer says so does not hold a turn any more."""

_CLAIMS = 256
"""Claims that are remembered; the oldest go first."""


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
    _claims: dict[tuple[str, str], float] = field(default_factory=dict)  # who, to answer what; when

    def hear(self, envelope: Envelope) -> Message | None:
        """The answer in `envelope`, if it is one."""
        if envelope.topic == "events":
            self._hear_event(msgspec.json.decode(envelope.body, type=Event))
            return None
        if envelope.topic == Topic.STATES:
            self._hear_state(msgspec.json.decode(envelope.body, type=State), envelope.time)
            return None
        if envelope.topic != Topic.MESSAGES:
            return None
        message = msgspec.json.decode(envelope.body, type=Message)
        for claim in [claim for claim in self._claims if claim[1] == message.reply_to]:
            del self._claims[claim]
        if not self._belongs(message):
            return None
        self.replies += 1
        self._heard.add(message.id)
        return message

    def is_answered_by(self, who: str, now: float) -> bool:
        """Whether what `who` is composing at `now` (seconds since the epoch) is an answer in this talk,
        as far as States tell: they do not where it holds turns of several talks."""
        held = [(of, time) for (claimed_by, of), time in self._claims.items() if claimed_by == who]
        ours = {self.message.id, *self._heard}
        return any(of in ours for of, _ in held) and all(
            of in ours or now - time > _CLAIM_LASTS for of, time in held
        )

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

    def _hear_state(self, state: State, time: float) -> None:
        claim = state.sender, state.message_id
        self._claims.pop(claim, None)
        if state.state == "composing":
            self._claims[claim] = time
            if len(self._claims) > _CLAIMS:
                del self._claims[next(iter(self._claims))]

    def _hear_event(self, event: Event) -> None:
        who = event.companion or ""
        if event.type == "quiet" and (not self.message.to or who in self.message.to):
            self.quieted[who] = event
        ended = event.type in {"talk-resting", "talk-ended"}
        if ended and event.conversation == self.message.conversation:
            self.rested = event.reason or event.type
