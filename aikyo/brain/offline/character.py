"""A companion's character, as far as the offline brain can play it: what it can tell and turn to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from ..moment import Persona
from .language import tongue_named
from .tongue import Manner, Tongue

__all__ = ["Character", "Tale", "character_of"]

_LONGEST_TALE = 300
_MOST_TALES = 64


@dataclass(frozen=True, slots=True)
class Tale:
    """Something to tell, with its content words and the parts of the world they belong to."""

    text: str
    stems: frozenset[str]
    fields: frozenset[str]


@dataclass(frozen=True, slots=True)
class Character:
    """A persona in one language.

    Attributes:
        persona: whose it is.
        tongue: the language that is spoken now.
        native: whether it is the persona's own.
        manner: how it speaks.
        tales: what it can tell: the lines of its sample, and its story where it is in the first person.
        interests: what it turns to, as tales.
        phrases: what it says before it tells something.
    """

    persona: Persona
    tongue: Tongue
    native: bool
    manner: Manner
    tales: tuple[Tale, ...]
    interests: tuple[Tale, ...]
    phrases: tuple[str, ...]


@lru_cache(maxsize=128)
def character_of(me: Persona, tongue: Tongue) -> Character:
    """The character of `me` when it speaks `tongue`. What it cannot say in it is left out."""
    native = tongue_named(me.language) is tongue
    told = _lines(me.sample, tongue)
    story = [line for line in _lines(me.story, tongue) if tongue.in_first_person(line)]
    return Character(
        persona=me,
        tongue=tongue,
        native=native,
        manner=tongue.manner(me),
        tales=_tales([line for line in (*told, *story) if native and tongue.fits(line)], tongue),
        interests=_tales(_spoken(me, tongue), tongue),
        phrases=tuple(phrase for phrase in me.phrases if native and tongue.fits(phrase)),
    )


def _spoken(me: Persona, tongue: Tongue) -> list[str]:
    """Interests as they can be named in `tongue`: those in the script of another language by the parts
    of the world that they belong to."""
    own, spoken = tongue_named(me.language), list[str]()
    for interest in filter(str.strip, me.interests):
        if own is tongue or tongue.fits(interest):
            spoken.append(interest)
        else:
            fields = sorted(own.fields(own.stems(interest)))
            spoken += [tongue.book.fields[name].called for name in fields]
    return list(dict.fromkeys(spoken))


def _lines(text: str, tongue: Tongue) -> list[str]:
    """One thing to tell a line; a text of a single line is told sentence by sentence. What tells
    nothing ("Oh!") is left out."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    found = lines if len(lines) > 1 else tongue.sentences(text)
    return [line for line in found if len(line) <= _LONGEST_TALE and tongue.stems(line)][:_MOST_TALES]


def _tales(texts: Sequence[str], tongue: Tongue) -> tuple[Tale, ...]:
    found = []
    for text in dict.fromkeys(texts):
        stems = tongue.stems(text)
        found.append(Tale(text, stems, tongue.fields(stems)))
    return tuple(found)
