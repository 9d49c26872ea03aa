"""Whether two facts say the same in other words. Pure; rather no than wrongly yes.

A sentence has a gist: its words in plain form, without what adds nothing, in an order that does not
depend on how it is put, and with one word for those that mean the same. Two sentences with one gist are
one fact. Tenses, numbers and negations stay as they are.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection

__all__ = ["gist", "same", "same_value"]

_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]")
_TOKEN = re.compile(r"[^\W_]+")

# In order: what stands first is replaced first.
_PHRASES = tuple(
    (re.compile(rf"\b(?:{pattern})\b"), plain)
    for pattern, plain in (
        (r"can't|cannot", "can not"),
        (r"won't", "will not"),
        (r"(could|did|do|does|is|are|was|were|has|have|had|would)n't", r"\1 not"),
        (r"is allergic to|has an allergy to", "allergic"),
        (r"would like to|wants? to|wishes to", "want to"),
        (r"no longer|not any ?more|not any longer", "nolonger"),
        (r"(?:do|does) not (?:like|enjoy|care for)", "dislike"),
        (r"can not (?:stand|bear)|not (?:stand|bear)|hates?|detests?|loathes?|dislikes?", "dislike"),
        (r"is (?:very |really |so )?(?:fond of|keen on|crazy about|mad about|into)", "like"),
        (r"is a (?:big |great |huge )?fan of|has a (?:soft spot|liking) for", "like"),
        (r"likes?|loves?|enjoys?|adores?", "like"),
        (r"has got|'s got|has|owns?|possesses|have got|have", "have"),
        (r"would like to|wants? to|wishes to", "want to"),
        (
            r"is (?:currently |now )?living in|lives in|resides in|has (?:a|her|his|their) home in",
            "live in",
        ),
        (
            r"is (?:currently |now )?working as|works as|is employed as|earns (?:a|her|his) living as",
            "is",
        ),
        (
            r"is (?:currently |now )?working (?:at|for|in)|works (?:at|for|in)|is employed (?:at|by)",
            "work at",
        ),
        (r"is studying|studies", "study"),
        (r"called|named|(?:by|of) the name of|whose name is|(?:that|which|who) is called", "named"),
        (r"is going to|is planning to|plans to|intends to", "will"),
        (r"is (\w+) years old|is (\w+) years of age|is aged (\w+)", r"is \1\2\3"),
        (r"is from|comes from|hails from", "from"),
        (r"mother|mum|mom", "mother"),
        (r"father|dad", "father"),
        (r"kids?\b(?! of)", "child"),
        (r"movies?", "film"),
        (r"films", "film"),
        (r"large", "big"),
        (r"favorite", "favourite"),
    )
)
_ADDING_NOTHING = """
a an the really very much lot lots so also still quite truly absolutely just currently now too of to
that which
"""
_EMPTY = frozenset(_ADDING_NOTHING.split())
_COUNTED = "zero one two three four five six seven eight nine ten eleven twelve"
_NUMBERS = {word: str(number) for number, word in enumerate(_COUNTED.split())}

_ENDINGS = tuple(
    (re.compile(pattern), plain)
    for pattern, plain in (
        (r"という名前の|という名の|と呼ばれる|と呼ばれている|っていう名前の|っていう", "という"),
        (r"(?:とても|すごく|本当に|かなり|大変|ものすごく|いつも|今は|現在は?|最近は?|実は)", ""),
        (r"(?:が|を)?大好き", "が好き"),
        (r"のことが好き", "が好き"),
        (r"(?:が|を)?大嫌い", "が嫌い"),
        (r"(?<=[てで])います(?=$)", "いる"),
        (r"(?<=[てで])る(?=$)", "いる"),
        (r"(?<=[てで])ます(?=$)", "いる"),
        (r"(?<=[てで])いました(?=$)", "いた"),
        (r"ではありません|じゃありません|じゃない|ではないです", "ではない"),
        (r"があります(?=$)", "がある"),
        (r"がいます(?=$)", "がいる"),
        (r"(?:なの)?(?:です|である|だ)(?:よ|ね|よね)?(?=$)", ""),
        (r"で(?:暮ら|生活)して(?=い)", "に住んで"),
        (r"で働いて(?=い)", "に勤めて"),
        (r"父親|お父さん", "父"),
        (r"母親|お母さん", "母"),
        (r"子供|こども", "子ども"),
        (r"ネコ|ねこ", "猫"),
        (r"イヌ|いぬ(?=を|が|と)", "犬"),
        (r"ひとり", "一人"),
    )
)
_RUN = re.compile(r"[\u30a0-\u30ff]{2,}|[\u3400-\u4dbf\u4e00-\u9fff]{2,}|[0-9]+")
_NO_VALUES = """
名前 本名 名字 年齢 職業 仕事 出身 出身地 自宅 住所 誕生日 現在 会社 勤務 在住 家族 生活
the a an his her their its in on at he she they it mr mrs ms dr
"""
_SAYING_NOTHING = frozenset(_NO_VALUES.split())


def same(one: str, other: str) -> bool:
    """Whether two sentences have the same gist."""
    return gist(one) == gist(other)


def gist(text: str) -> str:
    """What sentences have in common that say the same; nothing for people to read."""
    text = unicodedata.normalize("NFKC", text).strip().replace("’", "'")
    return _japanese(text) if _UNSPACED.search(text) else _english(text)


def same_value(one: str, other: str, names: Collection[str]) -> bool:
    """Whether two facts of one slot give it the same value: "lives in Osaka" and "has a home in Osaka".

    Args:
        one: a sentence.
        other: another.
        names: of whom it is about, folded; these are no values.
    """
    values = _values(one, names)
    return bool(values) and values == _values(other, names)


def _english(text: str) -> str:
    plain = text.replace("'s ", " 's ").casefold()
    for pattern, replacement in _PHRASES:
        plain = pattern.sub(replacement, plain)
    words = [_NUMBERS.get(word, word) for word in _TOKEN.findall(plain) if word not in _EMPTY]
    # Who does it to whom is told by the order of the names; all else may stand anywhere.
    names = [word.casefold() for word in _TOKEN.findall(text) if word[:1].isupper()]
    return " ".join(sorted(words)) + " | " + " ".join([*words[:1], *names])


def _japanese(text: str) -> str:
    plain = "".join(_TOKEN.findall(text.casefold()))
    for pattern, replacement in _ENDINGS:
        plain = pattern.sub(replacement, plain)
    return plain


def _values(text: str, names: Collection[str]) -> frozenset[str]:
    text = unicodedata.normalize("NFKC", text).replace("'s", " ")
    if _UNSPACED.search(text):
        for name in names:
            text = text.casefold().replace(name, " ")
        return frozenset(run for run in _RUN.findall(text) if run not in _SAYING_NOTHING)
    words = [_NUMBERS.get(word.casefold(), word) for word in _TOKEN.findall(text)]
    telling = {word.casefold() for word in words if word[:1].isupper() or word.isdecimal()}
    return frozenset(telling - set(names) - _SAYING_NOTHING)
