"""Turns a line of a phrase book into a sentence: choices are made, slots filled, the edges smoothed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from random import Random

__all__ = ["capital", "core_of", "fill", "slots_of", "tidy"]

_SLOT = re.compile(r"\{(\w+)\}")
_REGISTER = re.compile(r"<([^<>/]*)/([^<>/]*)>")
_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_CLOSERS = "”\"'」』)）"


@lru_cache(maxsize=2048)
def slots_of(template: str) -> frozenset[str]:
    """The slots that must be known to use `template` (in small letters)."""
    return frozenset(slot.lower() for slot in _SLOT.findall(template))


@lru_cache(maxsize=2048)
def core_of(template: str, *, polite: bool = True) -> str:
    """The longest piece of `template` that is the same however it is filled, in one register."""
    template = _REGISTER.sub(lambda found: found[1] if polite else found[2], template)
    pieces = re.split(r"\{\w+\}|<[^<>]*>", re.sub(r"\[[^\[\]]*\]", "{gap}", template))
    return max((piece.strip(" .,。、") for piece in pieces), key=len)


def fill(template: str, slots: Mapping[str, str], random: Random, *, polite: bool = True) -> str:
    """One sentence of `template`.

    Args:
        template: with ``[either|or]``, ``<polite/plain>``, ``{slot}`` and ``{Slot}`` (with a capital).
        slots: what to fill in. It is taken as it is, whatever signs it holds.
        random: picks among alternatives.
        polite: which register.
    """
    text = _REGISTER.sub(lambda found: found[1] if polite else found[2], template)
    while (found := _CHOICE.search(text)) is not None:
        text = text[: found.start()] + random.choice(found[1].split("|")) + text[found.end() :]

    def value(slot: re.Match[str]) -> str:
        known = slots[slot[1].lower()]
        return capital(known) if slot[1][0].isupper() else known

    return tidy(_SLOT.sub(value, text))


def capital(text: str) -> str:
    """`text` with its first letter in upper case, the rest as it is."""
    return text[:1].upper() + text[1:]


def tidy(text: str) -> str:
    """No doubled marks or spaces, a capital to begin with."""
    text = re.sub(r"\s+", " ", text).strip()
    text = re.sub(r"([.!?…])\1*(?:\.(?!\.)|!)(?=\s|$)", _one_mark, text)
    text = re.sub(r"([。！？])[。、]+", r"\1", text)
    text = re.sub(rf"([.!?])([{_CLOSERS}])[.!]", r"\1\2", text)
    return capital(text)


def _one_mark(found: re.Match[str]) -> str:
    marks = found[0]
    if set(marks) == {"."}:  # an ellipsis stays
        return "..." if len(marks) >= 3 else "."
    return "?" if "?" in marks else "!" if "!" in marks else found[1]
