"""What is known already of the same: said again, no longer so, or settled anew. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from ...moment import Known
from ..tongue import Tongue
from .rules import Claim, Rule

__all__ = ["corrected", "replaced", "said_again"]

_DAY = re.compile(
    r" (?:on|in) (?:the \w+ of )?(?:\d{1,2} )?(?:[A-Z][a-z]+ )?\d{4}(?=\.)"
    r"|[0-9]{4}年(?:[0-9]{1,2}月)?(?:[0-9]{1,2}日)?(?:の(?:週末?|[春夏秋冬]))?に"
)
_ALIKE = (
    (re.compile(r"\b(?:loves|enjoys|adores|is into)\b"), "likes"),
    (re.compile(r"\b(?:hates|dislikes)\b"), "does not like"),
    (re.compile(r"\b(?:named)\b"), "called"),
    (re.compile(r"大好き"), "好き"),
    (re.compile(r"大?嫌い|苦手"), "好きではない"),
)
_NOT = re.compile(
    r"\b(?:not|no longer|never|no|cannot|hates)\b|ない|なくな|もう|嫌い|苦手|やめ|辞め|退職"
)
_ANY_WORK = frozenset({"job", "work", "仕事", "会社"})
_ENDED_BY = {"liking": "preference", "disliking": "preference"}


def said_again(claim: Claim, known: Iterable[Known]) -> str:
    """Id of what is known and says the same, the day it was said apart; or nothing."""
    same = _bare(claim.text)
    dated = claim.spell is not None
    for one in known:
        if one.about == claim.about and (
            _bare(one.text) == same or (not dated and _bare(one.text) == _bare(claim.same))
        ):
            return one.id
    return ""


def corrected(claim: Claim, known: Iterable[Known], denied: str) -> str:
    """Id of what is known and says `denied` where `claim` says something else ("Pat, not Sean"); or
    nothing."""
    said = _bare(claim.text)
    for one in known:
        before, found, after = _bare(one.text).partition(_fold(denied)) if denied else ("", "", "")
        differs = found and said != _bare(one.text) and len(before) + len(after) < len(said)
        if one.about == claim.about and differs and said.startswith(before) and said.endswith(after):
            return one.id
    return ""


def replaced(
    claim: Claim, known: Sequence[Known], rules: Sequence[Rule], who: str, tongue: Tongue
) -> str:
    """Id of what is known and holds no more by `claim`: another value of what there is only one of, or
    what it says is over; or nothing."""
    others = [one for one in known if one.about == claim.about and one.level == "fact"]
    if claim.slot:
        alike = [rule for rule in rules if rule.slot == claim.rule.slot and _says_enough(rule)]
        frames = [_frame(rule, claim.slot, who) for rule in alike]
        for one in others:
            bare = _bare(one.text)
            framed = any(frame.fullmatch(bare) for frame in frames)
            if framed and one.kind == claim.rule.kind and bare != _bare(claim.text):
                return one.id
    if claim.rule.ends:
        kind = _ENDED_BY.get(claim.rule.ends, claim.rule.ends)
        negative = claim.rule.ends == "disliking"
        stems = tongue.stems(claim.value) - _ANY_WORK
        for one in others:
            speaks_of_it = stems <= tongue.stems(one.text) if stems else claim.value in one.text
            over = kind == "work" and not stems & tongue.stems(one.text)
            if one.kind == kind and bool(_NOT.search(one.text)) is negative and (speaks_of_it or over):
                return one.id
    return ""


def _says_enough(rule: Rule) -> bool:
    """Whether the words of a rule alone tell what it is about."""
    return len(re.sub(r"\{\w+\}|[\s.。]", "", rule.text)) > 1


def _frame(rule: Rule, slot: str, who: str) -> re.Pattern[str]:
    """A pattern of what `rule` says of `who`, whatever the value."""
    owner = f"{who}'" if who.endswith("s") and " " in who else f"{who}'s"
    sort = slot.partition(" ")[2] if "{sort}" in rule.slot else ""
    known = {"who": re.escape(_bare(who)), "whose": re.escape(_bare(owner)), "sort": re.escape(sort)}
    known["where"] = r"(?:in|on|at|near|by|outside|next to|above|between|as|for) .+?"
    pieces = re.split(r"\{(\w+)\}", rule.text)
    built = ""
    for number, piece in enumerate(pieces):
        if number % 2:
            built += known.get(piece) or (r".*?" if piece == "when" else r".+?")
        else:
            built += re.escape(_fold(piece))
    return re.compile(
        re.sub(r"(?:\\ )+(?=\.\*\?)", "", built).removesuffix(r"\.").removesuffix("。").strip()
    )


def _bare(text: str) -> str:
    """`text` for comparing: without its day, its mark, its capitals."""
    text = _DAY.sub("", text)
    for pattern, instead in _ALIKE:
        text = pattern.sub(instead, text)
    return _fold(text).strip(" .。")


def _fold(text: str) -> str:
    return text.casefold()
