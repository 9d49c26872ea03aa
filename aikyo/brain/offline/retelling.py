"""English facts put as one tells them to somebody. Pure."""

from __future__ import annotations

import re

from .book import load_book

__all__ = ["of_many", "retell"]

_ANY = frozenset({"can", "cannot", "will", "had", "quit", "hurt", "won", "caught", "lost", "ran"})
_SAYS_OF_THEM = re.compile(
    r" (?P<often>(?:no longer|never|always|usually|often|regularly|also|now|still|once) )?"
    r"(?P<verb>[a-z']+)(?P<rest>.*)"
)


def retell(fact: str, name: str, *, me: str, to_them: bool) -> str:
    """As `Tongue.retell`: "Mika has a cat." as "you have a cat"."""
    said = fact.strip().removesuffix(".")
    if not said.casefold().startswith(name.casefold()) or said[len(name) :][:1] not in {" ", "'"}:
        return ""
    rest = said[len(name) :]
    if to_them and rest.startswith("'s "):
        rest = f"your{rest[2:]}"
    elif to_them:
        match = _SAYS_OF_THEM.match(rest)
        plain = of_many(match["verb"]) if match is not None else ""
        if match is None or not plain:
            return ""
        rest = f"you {match['often'] or ''}{plain}{match['rest']}"
    else:
        rest = name + rest
    if to_them:
        rest = re.sub(r"\btheir\b", "your", rest)
        rest = re.sub(r"\bthem\b", "you", rest)
        rest = re.sub(r"\bthemself\b", "yourself", rest)
    rest = re.sub(rf"\b{re.escape(me)}'s\b", "my", rest)
    return re.sub(rf"\b{re.escape(me)}\b", "me", rest)


def of_many(verb: str) -> str:
    """A verb of a third person as one says it to somebody, or of several: "has" is "have"; nothing where
    it is no verb."""
    irregular = {
        "is": "are",
        "has": "have",
        "does": "do",
        "goes": "go",
        "was": "were",
        "doesn't": "don't",
    }
    if verb in irregular:
        return irregular[verb]
    if verb.endswith("ed") or verb in load_book("en").words["irregular"] or verb in _ANY:
        return verb
    if re.search(r"(?:ss|sh|ch|x|z|o)es$", verb):
        return verb[:-2]
    if verb.endswith("ies"):
        return f"{verb[:-3]}y"
    return verb[:-1] if verb.endswith("s") and not verb.endswith("ss") else ""
