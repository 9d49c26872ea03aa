"""English sentences as clauses in the first person. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

from .english_person import base, fill, whose
from .english_times import name_time, say_day, say_spell
from .rules import Clause, Rule, Setting, load_rules, load_signs
from .spells import Spell

__all__ = ["clauses", "denied", "fill", "rules", "say_time", "serious"]

_SIGNS = load_signs("en")
_CAPITAL = r"(?!I\b)[A-Z][\w'-]*(?: (?!I\b|And\b)[A-Z][\w'-]*){0,2}"
_LOOSE = r"[a-z][a-z'-]+(?: [a-z][a-z'-]+)?"
_LONGEST = 160
_SPELT_OUT = (
    (re.compile(r"[‘’]"), "'"),
    (re.compile(r"\bi(?='|\b(?![.'\w]))"), "I"),
    (re.compile(r"\bcannot\b|\bcan't\b"), "can not"),
    (re.compile(r"\bcan not (?:stand|bear)\b(?! up\b)"), "hate"),
    (re.compile(r"\bwon't\b"), "will not"),
    (re.compile(r"\bain't\b"), "am not"),
    (re.compile(r"\b(\w+)n't\b"), r"\1 not"),
    (re.compile(r"\bI'm\b|\bI am\b"), "I am"),
    (re.compile(r"\b(I|we|We)'ve\b"), r"\1 have"),
    (re.compile(r"\b(I|we|We)'ll\b"), r"\1 will"),
    (re.compile(r"\b(I|we|We)'d\b"), r"\1 would"),
    (re.compile(r"\b[Ww]e're\b"), "we are"),
    (
        re.compile(
            r"\b([Mm]y \w+|[A-Z]\w+|name|it)'s (?=(?:an?|my|from|in|at|called|named|not|\d+|[a-z]+ing) )"
        ),
        r"\1 is ",
    ),
    (re.compile(r"\b([Ii]t)'s (?=my)"), r"\1 is "),
    (re.compile(r"\b(name)'s (?=[A-Z])"), r"\1 is "),
    (re.compile(r"\bgonna\b"), "going to"),
    (re.compile(r"\bwanna\b"), "want to"),
    (re.compile(r"\bgotta\b"), "have to"),
    (re.compile(r"\bfavorite\b"), "favourite"),
    (re.compile(r"\s+"), " "),
    # What it is, in place of what it is not
    (re.compile(r"\b(is|am) not [^,;.]{1,40}?(?:, but|[,;] (?:it|I)(?:'s| is| am)) (?=\w)"), r"\1 "),
    (re.compile(r",? and not [^,;.]{1,40}(?=[.!]*$)|, not [^,;.]{1,40}(?=[.!]*$)"), ""),
    (
        re.compile(r"^((?:Last|Next|This|Yesterday|Today|Tomorrow|On|In)\b[^,]{0,30}), (?=I|my|we|our)"),
        r"\1 ",
    ),
)
_ASIDE = re.compile(rf"^(?:(?:{_SIGNS['aside']})\b[,:.!]*\s*)+", re.IGNORECASE)
_OTHER_SUBJECT = r"(?:I|my|we|our|it|he|she|they|you|there|this|that)\b"
_SPLIT = re.compile(
    r"\s*(?:;|:(?=\s)|\s[–—-]\s|—|\.\.\.|…|,? \(|\)|, so\b"
    r"|,? (?:but|because|although|though|which|so that|while|since (?=I\b)|when|so (?=I\b|we\b|my\b))\b"
    rf"|,(?: and| or)? (?={_OTHER_SUBJECT}|My\b|We\b|Our\b)| and (?={_OTHER_SUBJECT}))\s*"
)
_ONWARD = re.compile(rf",? and (?=(?:{_SIGNS['finite']}) )")
_SUBJECT = re.compile(
    rf"^(?:I|[Ww]e|[Mm]y (?:[\w'-]+ ){{1,3}}?|[A-Z]\w+)(?=\s*(?:{_SIGNS['finite']})\b)"
)
_CALLED = re.compile(r",? and (?=an? (?:\w+ ){1,3}?(?:called|named) )")
_HAVE = re.compile(r"^I (?:have(?: got)?|own|got|adopted|keep) ")
_ADVERB = re.compile(
    r"^((?:I|my [\w ]+?) (?:(?:am|have|do not|do|was|will|can|can not|is|has|are)\s+)?)"
    rf"(?:(?:{_SIGNS['adverb']})\s+)+"
)
_ONLY_THINKS = re.compile(r"^I (?:just|only|even|almost) (?:want|think|say|mean|wonder)")
_OFTEN_FIRST = re.compile(r"^([Ee]very (?:other )?[A-Za-z]+|[Oo]n [A-Z][a-z]+days),? (I .+)$")
_DENIED = re.compile(
    r"(?:\bnot|n['’]t) (?:called |named )?(\w[^,;.!]{0,40}?)(?=, (?:but|it|I)\b|; |[.!]*$)"
)
_TAIL = re.compile(rf"(?:,?\s+(?:{_SIGNS['tail']})|[\s,.!:;~*)^<3-]+|\s+[:;]-?[)D(P]+)+$", re.IGNORECASE)
_UNSURE = re.compile(
    rf"[\"“”<>{{}}\[\]`|\\]|https?:|\bwww\.|\b(?:{_SIGNS['unsure']})\b|/s\b", re.IGNORECASE
)
_JOKE = re.compile(rf"\b(?:{_SIGNS['joke']})\b|/s\b", re.IGNORECASE)
_ASKS = re.compile(rf"\?|^(?:{_SIGNS['asks']})\b", re.IGNORECASE)
_QUOTED_NAME = re.compile(r"[\"“']([A-Z]\w*(?: \w+){0,2})[\"”']")
_WE = re.compile(r"^[Ww]e (?=(?:have|live|own|are|got|adopted|moved|went|will|want|plan|bought)\b)")
_SORTS = "older|elder|younger|little|big|twin|best|eldest|oldest|youngest|ex-?|new|late|old|other"
_MY = re.compile(
    rf"^my (?P<sort>(?:(?:{_SORTS}) )*(?:{_SIGNS['relative']})),? "
    r"(?:(?P<name>(?!I\b)[A-Z]\w+),? )?(?P<rest>[a-z].*)$"
)
_NAMED = re.compile(r"^(?P<name>[A-Z][\w-]*(?: [A-Z][\w-]*)?),? (?P<rest>[a-z].*)$")


@cache
def rules() -> tuple[Rule, ...]:
    """The rules for English."""
    return load_rules("en", _LOOSE, _CAPITAL)


def serious(text: str) -> bool:
    """Whether a whole message is meant as it is said: no joke, no game."""
    return _JOKE.search(text) is None


def denied(sentence: str) -> str:
    """What a sentence says is not so, beside what is ("Pat, not Sean"); or nothing."""
    match = _DENIED.search(sentence)
    return match[1].strip() if match is not None else ""


def say_time(spell: Spell, yearly: bool) -> str:
    """E.g. "on 21 November 2026", `yearly` "on 21 November"."""
    return f"on {say_day(spell.start, years=False)}" if yearly else say_spell(spell)


def clauses(sentence: str, setting: Setting) -> Iterator[Clause]:
    """The clauses of a sentence that tell something, in the first person."""
    text = _QUOTED_NAME.sub(r"\1", sentence)
    loose = text == text.lower()
    for pattern, instead in _SPELT_OUT:
        text = pattern.sub(instead, text)
    text = _without_called(text.strip(), setting)
    meant = _ASIDE.sub("", text)
    if _ASKS.search(meant) or _UNSURE.search(meant):
        return
    for part in _SPLIT.split(text):
        for piece in _onward(_ASIDE.sub("", part.strip())):
            yield from _clauses_of(piece, setting, loose=loose)


def _without_called(text: str, setting: Setting) -> str:
    for name in setting.called:
        escaped = re.escape(name)
        begins = rf"^(?:(?:hi|hello|hey|dear|oh|well),? )?{escaped}[,:!.]+ "
        text = re.sub(begins, "", text, flags=re.IGNORECASE)
        text = re.sub(rf", {escaped}(?=[.!]*$)", "", text)
    return text


def _onward(piece: str) -> Iterator[str]:
    """A piece, and what goes on from it with the same subject ("… and work as a nurse")."""
    have = _HAVE.match(piece)
    if have is not None and len(several := _CALLED.split(piece)) > 1:
        yield several[0]
        yield from (have[0] + other for other in several[1:])
        return
    subject = _SUBJECT.match(piece)
    if subject is None:
        yield piece
        return
    first, *others = _ONWARD.split(piece)
    yield first
    yield from (f"{subject[0].strip()} {other}" for other in others)


def _clauses_of(piece: str, setting: Setting, *, loose: bool) -> Iterator[Clause]:
    """A piece as its speaker says it; and, where it is about others, as they would."""
    piece = re.sub(r"\bour\b", "my", re.sub(r"^Our\b", "my", _WE.sub("I ", piece)))
    piece = _OFTEN_FIRST.sub(lambda said: f"{said[2].rstrip('.! ')} {_small(said[1])}", piece)
    time = name_time(piece, setting.today)
    if time is not None:
        piece = " ".join(f"{piece[: time.start]} {piece[time.end :]}".split()).strip(" ,")
        if name_time(piece, setting.today) is not None:
            return  # two times: which is meant?
        piece = _WE.sub("I ", piece)
    piece = re.sub(r"^I are\b", "I am", piece)
    if piece.startswith(("My ", "Call ", "People ", "Friends ", "In my ")):
        piece = _small(piece)
    piece = _TAIL.sub("", piece).strip(" ,.!")
    if not piece or len(piece) > _LONGEST or _ONLY_THINKS.search(piece):
        return
    piece = _ADVERB.sub(r"\1", piece)
    clause = Clause(
        piece, setting.speaker, setting.ident, setting.today, time=time, you=setting.you, loose=loose
    )
    yield clause
    other = _of_others(piece, clause, setting)
    if other is not None:
        yield other


def _of_others(piece: str, clause: Clause, setting: Setting) -> Clause | None:
    """The same as said by whom it is about, if that is not its speaker."""
    if (match := _MY.match(piece)) is not None:
        part = f"{match['sort']} {match['name'] or ''}".strip()
        other = replace(clause, who=f"{whose(clause.who)} {part}", part=part.lower(), instead=True)
    elif (match := _NAMED.match(piece)) is not None and match["name"] in setting.names:
        ident = setting.names[match["name"]]
        if ident == clause.about:
            return None
        other = replace(clause, who=match["name"], about=ident, instead=True)
    else:
        return None
    told = base(match["rest"])
    return replace(other, text=_ADVERB.sub(r"\1", f"I {told}")) if told else None


def _small(text: str) -> str:
    return text[:1].lower() + text[1:]
