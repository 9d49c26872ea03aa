"""What a terminal shows of a talk: replies as they are composed, one at a time. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from ..text import inert
from ..wire import MAX_TEXT, Delta, Envelope, Message, bare_name
from .talk import Talk

__all__ = ["Telling"]

_DRAFTS = 32
_WAITING = 8
_TOLD = 256

_ENDS = {"interrupted": " (interrupted)", "dropped": " (not said)"}


@dataclass(slots=True)
class _Draft:
    sender: str
    text: str = ""
    end: str | None = None


class Telling:
    """Feed it every envelope, and write at once what it gives: nothing of that is taken back later.

    While one reply grows on its line, others wait and come whole. Without envelopes of `deltas` every
    reply comes whole.

    Args:
        talk: what is followed; it is fed by this.
        color: with ANSI colours.
    """

    def __init__(self, talk: Talk, *, color: bool = False) -> None:
        self._talk = talk
        self._color = color
        self._drafts: dict[str, _Draft] = {}  # by id, in the order in which they began
        self._open = ""  # the id of the draft whose line is being written
        self._written = ""  # and what stands there
        self._waiting: deque[Message] = deque()
        self._told: dict[str, str] = {}  # by id, what nothing more is written of but another Message

    def hear(self, envelope: Envelope) -> str:
        """What is to be written now; often nothing."""
        try:
            if envelope.topic == "deltas":
                return self._compose(msgspec.json.decode(envelope.body, type=Delta))
            reply = self._talk.hear(envelope)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            return ""
        return self._go_on() if reply is None else self._say(reply)

    def end(self) -> str:
        """What is to be written when nothing more will be heard."""
        ended = self._give_up() if self._open else ""
        return ended + "".join(self._whole())

    def _compose(self, delta: Delta) -> str:
        if delta.id in self._told:
            return ""
        written = ""
        draft = self._drafts.get(delta.id)
        if draft is None:
            if self._open and self._drafts[self._open].sender == delta.sender:
                written = self._give_up()  # nobody composes two things at once
            if delta.end is not None or delta.conversation != self._talk.message.conversation:
                return written + self._go_on()
            if len(self._drafts) >= _DRAFTS:
                del self._drafts[next(ident for ident in self._drafts if ident != self._open)]
            draft = self._drafts[delta.id] = _Draft(delta.sender)
        draft.text = (draft.text + delta.text)[:MAX_TEXT]
        draft.end = delta.end
        if draft.end is not None and delta.id != self._open:
            del self._drafts[delta.id]
        return written + self._go_on()

    def _say(self, reply: Message) -> str:
        text = _shown(reply.message)
        if self._told.get(reply.id) == text:
            return ""
        if reply.id == self._open and text.startswith(self._written):
            return text[len(self._written) :] + self._close(text) + self._go_on()
        written = ""
        if self._open and self._drafts[self._open].sender == reply.sender:
            written = self._give_up()
        self._drafts.pop(reply.id, None)
        self._tell(reply.id, text)
        self._waiting.append(reply)
        if self._open and len(self._waiting) > _WAITING:
            written += self._give_up()
        return written + self._go_on()

    def _go_on(self) -> str:
        """All that can be written now."""
        written = ""
        while True:
            if not self._open:
                written += "".join(self._whole())
                self._open = next(iter(self._drafts), "")
                if not self._open:
                    return written
                written += self._name(self._drafts[self._open].sender)
            draft = self._drafts[self._open]
            # What an escape sequence is shows only when it is whole
            text = _shown(draft.text if draft.end else draft.text.partition("\x1b")[0])
            if text.startswith(self._written):
                written += text[len(self._written) :]
                self._written = text
            if draft.end is None:
                return written
            not_said = _ENDS.get(draft.end, "")
            written += self._dim(not_said) + self._close("" if not_said else self._written)

    def _whole(self) -> Iterator[str]:
        while self._waiting:
            yield self._line(self._waiting.popleft())

    def _line(self, reply: Message) -> str:
        return f"{self._name(reply.sender)}{_shown(reply.message)}\n"

    def _give_up(self) -> str:
        """End a line whose rest will not come, or not soon."""
        return self._dim(" …") + self._close("")

    def _close(self, told: str) -> str:
        """End the line that is open; `told` is the Message, where all of it stands there."""
        del self._drafts[self._open]
        self._tell(self._open, told)
        self._open = self._written = ""
        return "\n"

    def _tell(self, ident: str, text: str) -> None:
        self._told[ident] = text
        if len(self._told) > _TOLD:
            del self._told[next(iter(self._told))]

    def _name(self, sender: str) -> str:
        name = inert(bare_name(sender))
        return f"\x1b[1;36m{name}\x1b[0m: " if self._color else f"{name}: "

    def _dim(self, text: str) -> str:
        return f"\x1b[2m{text}\x1b[0m" if self._color and text else text


def _shown(text: str) -> str:
    """Lines after the first are indented, so that none looks like what somebody else says."""
    return inert(text, lines=True).replace("\n", "\n  ")
