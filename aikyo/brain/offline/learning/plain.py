"""The plain form of Japanese sentences: 「飼ってるんです」 is 「飼っている」. Pure."""

from __future__ import annotations

import re

__all__ = ["plain"]

_ENDS = re.compile(r"(?:[\s。．.！!、,〜～♪…ー]|\(?笑\)?|（笑）|[wｗ]+$|[☀-➿\U0001f300-\U0001faff])+$")
_PARTICLES = re.compile(
    r"(?:けれども|けれど|けど|ので|のに|(?<=[るたいだうくすつぬむぶぐすん])から|よね|よ|ね|なあ|なぁ|わ|ぞ|ぜ"
    r"|(?<=[だいたるす])(?:な|し|が|さ|もの|もん|の|って))+$"
)
_EXPLAINS = re.compile(r"(?:なのです|なんです|なのだ|なんだ|なの)$")
_EXPLAINS_VERB = re.compile(r"(?<=[るたいうくすつぬむぶぐだ])(?:のです|んです|のだ|んだ|の)$")
_WAS = re.compile(r"(?:でした|だったです|だったんだ)$")
_NO_COPULA = re.compile(r"(?<![嫌らきれ])(?<!らい)い$|(?:かった|ない|たい)$")
_RULES_OUT = re.compile(r"(?:嫌い|きらい|きれい|綺麗い)$")
_NEGATIVE_NOUN = re.compile(r"(?:じゃ|では)(?:ありません|ないです|ない)$|(?:じゃ|では)なくなった$")
_GOING_ON = re.compile(
    r"(?<![捨育立建当慌隔果企])(?P<te>[てで])(?=(?:る|た|ます|ました|ません|ない|て)$)"
)
_I_ROW = dict(zip("きぎしちにびみりい", "くぐすつぬぶむるう", strict=True))
_A_ROW = dict(zip("きぎしちにびみりい", "かがさたなばまらわ", strict=True))
_TA = {
    **dict.fromkeys("ちりい", "った"),
    **dict.fromkeys("びみに", "んだ"),
    "き": "いた",
    "ぎ": "いだ",
    "し": "した",
}
_E_ROW = frozenset("えけげせてねべめれぜでへぺ")
_ONE_STEP = re.compile(
    r"(?:起き|でき|出来|生き|飽き|借り|降り|足り|浴び|過ぎ|落ち|信じ|感じ|始め|[てでがにもは匹人頭羽]い|^い)$"
)
_ONE_KANJI_SU = re.compile(
    r"(?:(?:^|[^一-鿿])[話申出探返貸押消直渡隠試残増通移回干倒]|引っ越|暮ら|過ご|起こ|なく|失く|落と|壊|指)し$"
)


def plain(text: str) -> str:
    """`text`, a single clause, with its end in the plain form and without the particles of its end."""
    before = ""
    while before != text:
        before = text
        text = _PARTICLES.sub("", _ENDS.sub("", text))
        text = _EXPLAINS_VERB.sub("", _EXPLAINS.sub("だ", text))
    text = _going_on(text)
    text = _NEGATIVE_NOUN.sub("ではない", text)
    if text.endswith("ませんでした"):
        return _past_negative(text.removesuffix("ませんでした"))
    if text.endswith("です"):
        text = text.removesuffix("です")
        return text if _NO_COPULA.search(text) and not _RULES_OUT.search(text) else f"{text}だ"
    if _WAS.search(text):
        return _WAS.sub("だった", text)
    for ending, turn in (
        ("ました", _past),
        ("まして", _past),
        ("ません", _negative),
        ("ます", _present),
    ):
        if text.endswith(ending):
            return turn(text.removesuffix(ending))
    return f"{text[:-1]}る" if re.search(r"[てで]いて$", text) else text


def _going_on(text: str) -> str:
    """「飼ってる」 as 「飼っている」."""
    found = _GOING_ON.search(text)
    if found is None or text[found.end() :] == "て":
        return text
    return f"{text[: found.end()]}い{text[found.end() :]}"


def _present(stem: str) -> str:
    if stem.endswith(("来", "き")) and stem.endswith(("て来", "てき", "に来", "へ来")):
        return f"{stem[:-1]}{'来る' if stem.endswith('来') else 'くる'}"
    if _is_one_step(stem):
        return f"{stem}る"
    if stem.endswith("し"):
        return f"{stem[:-1]}す" if _ONE_KANJI_SU.search(stem) else f"{stem[:-1]}する"
    return stem[:-1] + _I_ROW.get(stem[-1:], stem[-1:])


def _past(stem: str) -> str:
    if _is_one_step(stem) or stem.endswith(("来", "てき")):
        return f"{stem}た"
    if stem.endswith(("行き", "いき")):
        return f"{stem[:-1]}った"
    return stem[:-1] + _TA.get(stem[-1:], f"{stem[-1:]}た")


def _negative(stem: str) -> str:
    if stem.endswith("あり"):
        return f"{stem[:-2]}ない"
    if _is_one_step(stem):
        return f"{stem}ない"
    if stem.endswith("し"):
        return f"{stem[:-1]}さない" if _ONE_KANJI_SU.search(stem) else f"{stem}ない"
    return f"{stem[:-1]}{_A_ROW.get(stem[-1:], stem[-1:])}ない"


def _past_negative(stem: str) -> str:
    return f"{_negative(stem)[:-1]}かった"


def _is_one_step(stem: str) -> bool:
    """Whether it is a verb that only takes る: its stem ends in え, in a kanji, or is a known one."""
    last = stem[-1:]
    return last in _E_ROW or _ONE_STEP.search(stem) is not None or "一" <= last <= "鿿"
