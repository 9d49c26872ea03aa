"""Who hears a message, whom it turns to, and in what language it is. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..wire import MAX_ID, Action, Message, bare_name

__all__ = ["as_message", "audience", "bidders", "detect_language", "hears", "turns_to"]

_KANA_OR_HAN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uff66-\uff9f]")
_LATIN = re.compile(r"[A-Za-z]{2,}")


def as_message(action: Action) -> Message | None:
    """A `speak` action that stands alone, as MRTalk's companions send it, as the Message that it is.

    One that goes with a Message of its own, which it names, is none.
    """
    text, target = action.params.get("message"), action.params.get("target")
    if action.name != "speak" or "messageId" in action.params or not isinstance(text, str):
        return None
    to = (target,) if isinstance(target, str) and 0 < len(target) <= MAX_ID else ()
    return Message(id=action.id, sender=action.sender, to=to, message=text)


def hears(message: Message, who: str) -> bool:
    """Whether `who` perceives the message: its recipients (nobody named: everybody) and its sender."""
    return not message.to or who in message.to or who == message.sender


def bidders(message: Message, companions: Iterable[str]) -> frozenset[str]:
    """Those of `companions` who are to say whether they want to answer: who hears it but its sender."""
    return frozenset(c for c in companions if c != message.sender and hears(message, c))


def audience(message: Message, me: str) -> tuple[str, ...]:
    """To whom an answer by `me` goes: everybody else who heard the message; empty means everybody."""
    if not message.to:
        return ()
    heard = dict.fromkeys((message.sender, *message.to))
    return tuple(who for who in heard if who != me)


def turns_to(message: Message, me: str, names: Iterable[str]) -> bool:
    """Whether the message turns to `me` in particular: sent to it alone, or calling it by a name.

    Args:
        message: what was said.
        me: a companion's id.
        names: what it is called by, besides its bare id.
    """
    if message.to == (me,) or message.metadata.get("target") == me:
        return True
    return any(_calls(message.message, name) for name in (*names, bare_name(me)) if name)


def _calls(text: str, name: str) -> bool:
    """Whether `text` holds `name` as a word of its own; scripts without spaces need no boundary."""
    if _KANA_OR_HAN.search(name):
        return name in text
    return re.search(rf"(?<![\w]){re.escape(name)}(?![A-Za-z0-9_])", text, re.IGNORECASE) is not None


def detect_language(text: str) -> str | None:
    """``ja`` for text with Japanese script, ``en`` for text with Latin words, else None."""
    if _KANA_OR_HAN.search(text):
        return "ja"
    return "en" if _LATIN.search(text) else None
