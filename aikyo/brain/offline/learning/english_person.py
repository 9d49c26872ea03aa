"""From the first person to the third, in English. Pure."""

from __future__ import annotations

import re
from functools import cache

from ..language import tongue_named
from ..phrasing import capital
from ..retelling import of_many
from .rules import Clause, load_signs

__all__ = ["base", "fill", "third", "whose"]

_LONGEST_THING, _LONGEST_DEED = 11, 14
_SIGNS = load_signs("en")
_VAGUE = re.compile(rf"\b(?:{_SIGNS['vague']})\b", re.IGNORECASE)
_VAGUE_IN_A_DEED = re.compile(
    r"\b(?:it|this|these|those|there|here|something|anything|everything|nothing|that|stuff|such|ago|today"
    r"|yesterday|tomorrow|tonight)\b",
    re.IGNORECASE,
)
_THAT_ONE = re.compile(rf"(?:all |both )?the (?!(?:{_SIGNS['known_to_all']})(?:\b|(?<=[A-Z])))")
_LIKES = (
    "I like",
    "I love",
    "I enjoy",
    "I adore",
    "I hate",
    "I do not",
    "I am ",
    "I prefer",
    "I dislike",
)
_OTHERS = re.compile(r"\b(?:he|she|him|her|they|them|his|their)\b")
_NOT = re.compile(r"\b(?:not|cannot|no|never|neither|nor|hardly|barely|rarely|seldom)\b", re.I)
_YOU = re.compile(r"\b(?:you|your|yours|yourself|u|ur)\b", re.IGNORECASE)
_SEVERAL = re.compile(
    r"\b(?:parents|grandparents|children|kids|brothers|sisters|sons|daughters|cats|dogs)$"
)
_MANNERS = re.compile(r"(?:the way|seeing|being|talking|hearing|having|knowing|to|when|if)\b", re.I)
_UNCHANGED = re.compile(rf"^(?:{_SIGNS['unchanged']})\b")
_IRREGULAR = {"have": "has", "am": "is", "do": "does", "go": "goes", "are": "is"}
_BASES = {"is": "am", "has": "have", "does not": "do not", "was": "was", "goes": "go", "are": "am"}
_THEIRS = (
    *(
        (r"\bmy own\b", "their own"),
        (r"\bmy\b", "their"),
        (r"\bme\b", "them"),
        (r"\bmyself\b", "themself"),
    ),
    *((r"\bus\b", "them"), (r"\bourselves\b", "themselves"), (r"\bI\b", "they")),
)
_SMALL = frozenset(
    {"and", "in", "near", "a", "the", "small", "little", "town", "village", "city", "island"}
)


def base(said: str) -> str:
    """What is said of a third person as one says it of oneself ("has a cat": "have a cat"); empty where
    it does not begin with a verb."""
    for theirs, mine in _BASES.items():
        if said.startswith(f"{theirs} "):
            return mine + said[len(theirs) :]
    word, _, rest = said.partition(" ")
    plain = _first_persons().get(word, "")
    if plain:
        return f"{plain} {rest}".strip()
    return said if _UNCHANGED.match(said) else ""


def third(verb: str) -> str:
    """A verb as one says it of a third person: "lives", "goes", "studies"."""
    if verb in _IRREGULAR:
        return _IRREGULAR[verb]
    if re.search(r"(?:s|sh|ch|x|z|o)$", verb):
        return f"{verb}es"
    return f"{verb[:-1]}ies" if re.search(r"[^aeiou]y$", verb) else f"{verb}s"


def whose(who: str) -> str:
    """E.g. "Mika's", "Mika's parents'"."""
    return f"{who}'" if who.endswith("s") and " " in who else f"{who}'s"


def fill(group: str, held: str, clause: Clause) -> str | None:
    """What a group of a rule's pattern becomes in a fact; None where it cannot be told so."""
    match group:
        case "whose":
            return whose(held)
        case "fact":
            turned = _NOT.search(clause.text) is not None and _NOT.search(held) is None
            return None if turned else _agreeing(held, clause)
        case "does":
            known = tongue_named("en").book.words["verbs"] | set(_first_persons().values())
            return third(held) if held in known else None
        case "name" | "names" | "place" | "from":
            return _named(held, clause)
        case "age" | "often" | "sort" | "when_up":
            return held
        case "act" | "opinion" | "rest":
            return _deed(held, clause)
        case "what" if clause.text.startswith(_LIKES):
            return None if _THAT_ONE.match(held) else _thing(held)
        case _:
            return _thing(held)


@cache
def _first_persons() -> dict[str, str]:
    return {third(verb): verb for verb in _SIGNS["verbs"].split("|")}


@cache
def _no_names() -> frozenset[str]:
    """Words that are no names, where these are typed without a capital."""
    words = tongue_named("en").book.words
    idle = words["stop"] | words["weak"] | words["verbs"] | words["irregular"] | words["doers"]
    forms = {form for verb in words["verbs"] for form in (f"{verb}ing", f"{verb}ed", f"{verb}s")}
    return (idle | forms) - _SMALL


def _agreeing(fact: str, clause: Clause) -> str:
    """With the verb as it is said of several, where it is about several ("Mika's parents live …")."""
    verb = re.match(rf"{re.escape(clause.who)} (\w+)", fact)
    if verb is None or not _SEVERAL.search(clause.part):
        return fact
    return f"{clause.who} {of_many(verb[1]) or verb[1]}{fact[verb.end() :]}"


def _named(held: str, clause: Clause) -> str | None:
    held = held.strip(" .,")
    if _YOU.search(held) or _VAGUE_IN_A_DEED.search(held):
        return None
    if clause.loose:
        if not _no_names().isdisjoint(held.split()):
            return None
        held = " ".join(word if word in _SMALL else capital(word) for word in held.split())
    return _theirs(held)


def _thing(held: str) -> str | None:
    """A thing somebody has, likes, is: told in words that mean the same out of this talk."""
    held = held.strip(" .,!")
    words = held.split()
    if not words or len(words) > _LONGEST_THING or _MANNERS.match(held):
        return None
    return None if _YOU.search(held) or _VAGUE.search(held) else _theirs(held)


def _deed(held: str, clause: Clause) -> str | None:
    held = held.rstrip(" .,!")
    if len(held.split()) > _LONGEST_DEED or _VAGUE_IN_A_DEED.search(held):
        return None
    if _OTHERS.search(held) and not re.search(r"\bmy\b", held):
        return None
    if _YOU.search(held):
        if not clause.you:
            return None
        held = re.sub(r"\byour\b", whose(clause.you), held)
        held = re.sub(r"\byou\b", clause.you, held)
    return _theirs(held)


def _theirs(held: str) -> str:
    for mine, theirs in _THEIRS:
        held = re.sub(mine, theirs, held)
    return held
