"""What is not worth knowing, refused by rule whatever brain has found it. Pure.

Each rule is about what a sentence is, never about what it is on: a fact that a person would want kept
must pass. The rules are in `junk.toml`, and `tests/unit/test_fact_junk.py` has sentences for them.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable
from difflib import SequenceMatcher
from functools import cache
from importlib.resources import files

from msgspec import Struct, convert

from ..recall.stopwords import STOP_WORDS
from .model import Level

__all__ = ["LONGEST", "junk", "quotes"]

LONGEST = 300
"""Characters of a fact."""

_SHORTEST = {True: 5, False: 8}  # characters, in scripts without spaces and in others
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]")
_WORD = re.compile(r"[^\W_]+")
_ALIKE = 0.85  # from which share a sentence quotes another

_CLAIMED = re.compile(r"\bclaim(?:s|ed)\b|主張")
_NO_SUBJECT = re.compile(
    r"^(?:i|i'm|i've|you|you're|he|she|we|they|it|me|my|your|his|her|our|their|this|that|these|those|someone"
    r"|somebody|everyone|everybody|nobody|yes|no|well|so|and|but|because|maybe|perhaps)\b"
    r"|^(?:私|僕|俺|わたし|あなた|君|彼女?|彼ら|それ|これ|あれ|そこ|ここ|誰か|みんな|うち)(?:は|が|の|も|に|を|って)",
    re.IGNORECASE,
)
_FILLERS = """
ok okay yes yeah yep no nope hm hmm hmmm ah oh uh um eh lol haha hahaha hehe wow cool nice great sure
right exactly indeed really well true good fine thanks please absolutely definitely maybe
"""
_FILLER = frozenset(_FILLERS.split())
_FILLER_UNSPACED = re.compile(
    r"^(?:うん|ううん|ええ|はい|いいえ|へえ|なるほど|そう(?:です|だ)?(?:ね|よね|か|なんだ)?|あはは|はは|ふふ|えっと|あの"
    r"|まあ|わあ|すごい|いいね|了解|たしかに|確かに|笑|ね|よ|です|だね|んー|うーん|[。、!！?？…〜ー~w\s])+$"
)


class _Rule(Struct, forbid_unknown_fields=True):
    reason: str
    patterns: tuple[str, ...]


class _Written(Struct, forbid_unknown_fields=True):
    greetings: str
    rules: tuple[_Rule, ...]


def junk(text: str, level: Level = "fact") -> str:
    """Why a sentence is none that is worth keeping, in a word or two; empty where it is."""
    text = unicodedata.normalize("NFKC", text).strip()
    unspaced = bool(_UNSPACED.search(text))
    if len(text) > LONGEST or "\n" in text:
        return "too long"
    if _is_filler(text, unspaced=unspaced):
        return "filler"
    if len(text) < _SHORTEST[unspaced]:
        return "too short"
    for reason, pattern in _rules():
        if pattern.search(text) and not (reason == "instruction" and _CLAIMED.search(text)):
            return reason
    # What a companion believes of itself may say "you".
    if level == "fact" and _NO_SUBJECT.search(text):
        return "no subject"
    return "" if unspaced or _telling(text) >= 2 else "no content"


def quotes(text: str, lines: Iterable[str]) -> bool:
    """Whether a sentence is (nearly) one of `lines`, or a part of one."""
    bare = _bare(text)
    if not bare:
        return False
    for line in map(_bare, lines):
        if bare in line:
            return True
        compared = SequenceMatcher(None, bare, line, autojunk=False)
        if line and compared.quick_ratio() >= _ALIKE and compared.ratio() >= _ALIKE:
            return True
    return False


@cache
def _rules() -> tuple[tuple[str, re.Pattern[str]], ...]:
    written = convert(
        tomllib.loads(files(__package__).joinpath("junk.toml").read_text("utf-8")), _Written
    )
    return tuple(
        (rule.reason, re.compile(pattern.replace("{HELLO}", written.greetings), re.IGNORECASE))
        for rule in written.rules
        for pattern in rule.patterns
    )


def _is_filler(text: str, *, unspaced: bool) -> bool:
    if unspaced:
        return bool(_FILLER_UNSPACED.match(text))
    words = [word.casefold() for word in _WORD.findall(text)]
    return all(word in _FILLER or len(set(word)) == 1 for word in words)


def _telling(text: str) -> int:
    """How many words tell something, a name among them."""
    return len({word for word in map(str.casefold, _WORD.findall(text)) if word not in STOP_WORDS})


def _bare(text: str) -> str:
    return " ".join(_WORD.findall(unicodedata.normalize("NFKC", text).casefold()))
