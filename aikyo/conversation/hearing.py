"""Who hears a message, whom it turns to, and in what language it is. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from hashlib import sha256
from itertools import chain, islice

from ..wire import MAX_ID, Action, Message, bare_name

__all__ = [
    "MAX_BIDDERS",
    "Names",
    "as_message",
    "asks",
    "audience",
    "bidders",
    "detect_language",
    "hears",
    "turned_to",
    "turns_to",
]

MAX_BIDDERS = 8
"""How many companions say whether they want to answer a message, so that a turn's cost does not grow
with the room."""

Names = Callable[[str], Sequence[str]]
"""What somebody is called, besides the bare id."""

_MAX_NAMES = 4
_MAX_NAMED = 64  # whose names are in a message, perhaps as part of a word
_READ = 2000  # characters of a message in which names are looked for

_KANA_OR_HAN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uff66-\uff9f]")
_LATIN = re.compile(r"[A-Za-z]{2,}")
_QUESTION = re.compile(
    r"[?\uff1f]"  # also full width
    r"|(?:(?:です|ます|ました|ません|でしょう|だろう|の)か|かな|かしら)[。、！!…~〜\s]*$"
)
_TITLE = "(?:さん|ちゃん|くん|君|さま|様|先生|先輩|殿|氏|っち|たん)?"
_BEFORE_A_CALL = re.compile(
    r"(?:^|[.!?,;:。、，！？…\n@(「『\u2014\u2013-]"
    r"|\b(?:hey|hi|hello|oh|ok|okay|dear|so|well|yes|no|thanks|thank you|sorry|please)"
    r"|, (?:and|or)"
    r"|(?:ねえ|ねぇ|ねー|やあ|おい|あの|では|じゃあ|ところで|そして|はい|うん))[\s\u3000\"']*$",
    re.IGNORECASE,
)
_AFTER_A_CALL = re.compile(
    _TITLE
    + r"[\s\u3000\"']*(?:$|[.!?,;:。、，！？…~〜～\n)」』\u2014\u2013-]"
    + r"|は(?:、|どう|何|なに|なんて|いかが)|も(?:、|どう))"
)
_NEAR = 16  # characters before a name that tell whether it is called


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


def bidders(
    message: Message,
    companions: Iterable[str],
    names: Names | None = None,
    *,
    previous: str | None = None,
) -> frozenset[str]:
    """Those of `companions` who are to say whether they want to answer: who hears it but its sender; of
    more than `MAX_BIDDERS` those whom it turns to, then by a hash of the message and each, so that one
    more or less in the roster changes no more than one.

    Args:
        message: what was said.
        companions: who is on the mesh.
        names: what they are called; None: by their bare ids.
        previous: who said what the message answers.
    """
    invited = [c for c in companions if c != message.sender and hears(message, c)]
    if len(invited) <= MAX_BIDDERS:
        return frozenset(invited)
    found = turned_to(message, invited, names, previous=previous)
    invited.sort(key=lambda who: (who not in found, _draw(message, who)))
    return frozenset(invited[:MAX_BIDDERS])


def audience(message: Message, me: str) -> tuple[str, ...]:
    """To whom an answer by `me` goes: everybody else who heard the message; empty means everybody."""
    if not message.to:
        return ()
    heard = dict.fromkeys((message.sender, *message.to))
    return tuple(who for who in heard if who != me)


def turned_to(
    message: Message,
    hearers: Collection[str],
    names: Names | None = None,
    *,
    previous: str | None = None,
) -> frozenset[str]:
    """Those of `hearers` whom the message turns to in particular: the one that it is sent to alone; else
    whom it calls; else whom it names; else, with a question, whoever said what it answers.

    Args:
        message: what was said.
        hearers: who hears it.
        names: what they are called; None: by their bare ids.
        previous: who said what the message answers.
    """
    target = message.metadata.get("target")
    alone = [target] if isinstance(target, str) and target else message.to
    if len(alone) == 1:
        return frozenset(who for who in alone if who in hearers)
    text = message.message[:_READ]
    folded = text.casefold()
    found: dict[str, list[str]] = {}  # names that may be in it
    for who in hearers:
        bears = {*(names(who) if names else ())[:_MAX_NAMES], bare_name(who)}
        if likely := [name for name in bears if name and name.casefold() in folded]:
            found[who] = likely
    named: dict[str, bool] = {}  # and whether that is a call
    for who in sorted(found)[:_MAX_NAMED]:
        for is_call in chain.from_iterable(_uses(text, name) for name in found[who]):
            named[who] = named.get(who, False) or is_call
    if not named and previous is not None and previous in hearers and asks(message.message):
        return frozenset((previous,))
    return frozenset(filter(named.get, named)) or frozenset(named)


def turns_to(message: Message, me: str, names: Sequence[str]) -> bool:
    """Whether the message turns to `me`, who is called by `names`; see `turned_to`."""
    return bool(turned_to(message, (me,), lambda _: names))


def asks(text: str) -> bool:
    """Whether `text` is a question, in English or Japanese."""
    return _QUESTION.search(text) is not None


def detect_language(text: str) -> str | None:
    """``ja`` for text with Japanese script, ``en`` for text with Latin words, else None."""
    if _KANA_OR_HAN.search(text):
        return "ja"
    return "en" if _LATIN.search(text) else None


def _uses(text: str, name: str) -> Iterator[bool]:
    """For each place where `text` has `name` as a word of its own, whether it calls whoever bears it;
    scripts without spaces need no boundary."""
    pattern = re.escape(name)
    if not _KANA_OR_HAN.search(name):
        pattern = rf"(?<!\w){pattern}(?![A-Za-z0-9_])"
    for match in islice(re.finditer(pattern, text, re.IGNORECASE), 8):
        before = text[max(0, match.start() - _NEAR) : match.start()]
        is_set_off = _BEFORE_A_CALL.search(before) and _AFTER_A_CALL.match(text, match.end())
        yield bool(is_set_off) or before.endswith("@")


def _draw(message: Message, who: str) -> bytes:
    return sha256(f"{message.id}\0{who}".encode()).digest()
