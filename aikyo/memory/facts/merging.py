"""Whether two facts say the same in other words. Pure; rather no than wrongly yes.

A sentence has a gist: its words in plain form, without what adds nothing, and with one word for those
that mean the same. Two sentences with one gist are one fact. Tenses, numbers, negations and the order of
the words stay as they are: who prefers tea to coffee does not prefer coffee to tea.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection

__all__ = ["gist", "same", "same_value"]

_LONGEST = 400
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]")
_TOKEN = re.compile(r"[^\W_]+")

# In order: what stands first is replaced first.
_PHRASES = tuple(
    (re.compile(rf"\b(?:{pattern})\b"), plain)
    for pattern, plain in (
        (r"(?<=\w)'s got", " has"),
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
        (r"a (few|little)", r"some \1"),
        (r"has got|has|owns?|possesses|have got|have", "have"),
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
        (r"is going to(?! have)|is planning to|plans to|intends to", "will"),
        (r"is (\w+) years old|is (\w+) years of age|is aged (\w+)", r"is \1\2\3"),
        (r"is from|comes from|hails from", "from"),
        (r"mother|mum|mom", "mother"),
        (r"father|dad", "father"),
        (r"kid", "child"),
        (r"kids", "children"),
        (r"movie", "film"),
        (r"movies", "films"),
        (r"(gave|gives|lent|lends|sent|sends|showed|shows) (.+?) to (\w+)(?=\W*$)", r"\1 \3 \2"),
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

# What somebody or something of one's own is called, in the many ways to put that.
_NAMED = tuple(
    (re.compile(pattern), plain)
    for pattern, plain in (
        (r"^the name of (.+?'s .+?) is (.+)$", r"\1 named \2"),
        (r"^(.+'s .+?)'s name is (.+)$", r"\1 named \2"),
        (r"^(.+'s .+?) is named (.+)$", r"\1 named \2"),
        (r"^(.+?) have an? (.+?) named (.+)$", r"\1's \2 named \3"),
    )
)
_NAMED_UNSPACED = tuple(
    (re.compile(pattern), plain)
    for pattern, plain in (
        (r"^(.+の.+?)の名前は(.+?)(?:という|といいます|と言います)?$", r"\1は\2という"),
        (r"^(.+の.+?)は(.+?)(?:という名前?|という|といいます|と言います)$", r"\1は\2という"),
        (r"^(.+?)に?は(.+?)という(.+?)(?:を飼っている|がいる)$", r"\1の\3は\2という"),
    )
)
_RUN = re.compile(r"[\u30a0-\u30ff]{2,}|[\u3400-\u4dbf\u4e00-\u9fff]{2,}|[0-9]+")
_NO_VALUES = """
名前 本名 名字 年齢 職業 仕事 出身 出身地 自宅 住所 誕生日 現在 会社 勤務 在住 家族 生活
a an the his her their its he she they it mr mrs ms dr in on at to of as for by since now currently
is has have lives live living resides moved home house flat apartment place city town
name called named full birthday birth born age aged year years old works work working job employed
married husband wife spouse
"""
_SAYING_NOTHING = frozenset(_NO_VALUES.split())
_NO_MORE = re.compile(
    r"な(?:い|かった|く)|ません|辞め|やめ|離れ|去っ|出た|別れ|以前|昔|(?<!地)元(?!気)|(?<!名)前[はに]"
    r"|だった|でした|いた$|いました$|た[いが]"
)


def same(one: str, other: str) -> bool:
    """Whether two sentences have the same gist."""
    return gist(one) == gist(other)


def gist(text: str) -> str:
    """What sentences have in common that say the same; nothing for people to read."""
    text = unicodedata.normalize("NFKC", text).strip().replace("’", "'")
    if len(text) > _LONGEST:
        return text  # no sentence that anybody puts in two ways
    return _japanese(text) if _UNSPACED.search(text) else _english(text)


def same_value(one: str, other: str, names: Collection[str]) -> bool:
    """Whether two facts of one slot give it the same value: "lives in Osaka" and "has a home in Osaka".

    What is no longer so, or was, or is wished for, gives it none; nor does it give the same with
    anything added: who drives for Toyota and who manages it have not the same work.

    Args:
        one: a sentence.
        other: another.
        names: of whom it is about, folded; these are no values.
    """
    values = _values(one, names)
    return bool(values) and values == _values(other, names)


def _english(text: str) -> str:
    plain = text.casefold()
    for pattern, replacement in (*_PHRASES, *_NAMED):
        plain = pattern.sub(replacement, plain)
    return " ".join(_NUMBERS.get(word, word) for word in _TOKEN.findall(plain) if word not in _EMPTY)


def _japanese(text: str) -> str:
    plain = "".join(_TOKEN.findall(text.casefold()))
    for pattern, replacement in (*_ENDINGS, *_NAMED_UNSPACED):
        plain = pattern.sub(replacement, plain)
    return plain


def _values(text: str, names: Collection[str]) -> frozenset[str]:
    text = unicodedata.normalize("NFKC", text).replace("'s", " ")
    if _UNSPACED.search(text):
        text = text.casefold()
        for name in names:
            text = text.replace(name, " ")
        if _NO_MORE.search(text.strip(" .。！!")):
            return frozenset()
        return frozenset(run for run in _RUN.findall(text) if run not in _SAYING_NOTHING)
    text = text.casefold().replace("was born", "born")
    words = {_NUMBERS.get(word, word) for word in _TOKEN.findall(text)}
    return frozenset(words - set(names) - _SAYING_NOTHING)
