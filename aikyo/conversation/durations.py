"""How long people say that something is to last, in English and Japanese: ``an hour and a half``,
「一時間半」. Pure."""

from __future__ import annotations

import re

__all__ = ["take_duration"]

_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86_400.0

_ONES = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_TEENS = (
    *("ten", "eleven", "twelve", "thirteen", "fourteen"),
    *("fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_WORDS = {word: float(n) for n, word in enumerate((*_ONES, *_TEENS), 1)}
_WORDS |= {word: 10.0 * n for n, word in enumerate(_TENS, 2)}
_WORDS |= {ten + one: _WORDS[ten] + _WORDS[one] for ten in _TENS for one in _ONES}
_WORDS |= {"a": 1.0, "an": 1.0, "the next": 1.0, "the coming": 1.0, "another": 1.0}
_WORDS |= {"a couple of": 2.0, "a couple": 2.0, "half a": 0.5, "half an": 0.5}
_WORDS |= {"a few": 5.0, "several": 5.0, "a quarter of an": 0.25, "three quarters of an": 0.75}
_FEW_HOURS = 3.0

_UNITS = {"s": 1.0, "m": _MINUTE, "h": _HOUR, "d": _DAY, "w": 7 * _DAY}
_NUMBER = (
    r"\d{1,6}(?:\.\d{1,2})?|(?:the next|the coming|another|a couple of|a couple|a few|several"
    r"|a quarter of an|three quarters of an|half an?|an?"
    rf"|(?:{'|'.join(_TENS)})(?:[- ](?:{'|'.join(_ONES)}))?|{'|'.join((*_TEENS, *_ONES))})\b"
)
_UNIT = (
    r"(?P<unit>s(?:ec(?:ond)?s?)?|m(?:in(?:ute)?s?)?|h(?:(?:ou)?rs?)?|d(?:ays?)?|w(?:eeks?))(?![a-z])"
)
_PART = re.compile(
    rf"(?P<number>{_NUMBER})(?P<inner> and (?:a half|a quarter))?[- ]?(?:more |whole |full )?{_UNIT}"
    r"(?P<outer> and a (?:half|quarter)(?! (?:an )?hour))?"
)
_LEAD = re.compile(
    r"(?:(?:just|only|about|around|at least|maybe|like"
    r"|(?:the next|the coming|another)(?! (?:min|hour|day))) )*"
)
_AND = re.compile(r"(?: and |, ?| )?(?=\d|[a-z])")
_MOMENT = re.compile(r"a (?:little )?(?:second|sec|moment|mo)\b")
_VAGUE = (
    (re.compile(r"a (?:little|short) while\b|a (?:little )?bit\b|a little\b"), 5 * _MINUTE),
    (re.compile(r"(?:a while|some time|a time)\b"), 10 * _MINUTE),
    (re.compile(r"(?:the rest of )?(?:the|this) (?:day|morning|afternoon|evening|night)\b"), _DAY),
    (re.compile(r"(?:the rest of )?(?:today|tonight)\b"), _DAY),
)

_DIGITS = {digit: n for n, digit in enumerate("〇一二三四五六七八九")}
_JA_NUMBER = r"(?:\d{1,6}(?:\.\d{1,2})?|[一二三四五六七八九十百]{1,5}|数)"
_JA_PART = re.compile(
    rf"(?:(?:{_JA_NUMBER}[、,~〜-])?(?P<number>{_JA_NUMBER})(?P<unit>秒|分|時間|日)(?P<half>半)?"
    r"|半(?P<halved>時間|日))"
)
_JA_UNITS = {"秒": 1.0, "分": _MINUTE, "時間": _HOUR, "日": _DAY}
_JA_VAGUE = (
    (re.compile(r"しばらく|暫く"), 10 * _MINUTE),
    (re.compile(r"(?:ちょっと|少し|すこし)(?=の?間|のあいだ|だけ)"), 5 * _MINUTE),
    (re.compile(r"今日|今夜|今晩|一日中|一晩"), _DAY),
)
_JA_LEAD = re.compile(r"(?:あと|後|これから|今から|せめて|約|だいたい|最低でも?|もう)*")
_JA_TAIL = re.compile(
    r"(?:の?間|のあいだ|だけ|のみ|ほど|くらい|ぐらい|ばかり|程度|でいい(?:から|ので)|一日|は|中)*"
)


def take_duration(text: str) -> tuple[float, str] | None:
    """The duration at the beginning of `text` in seconds, and what follows it; None if there is none.

    Args:
        text: in small letters, with single spaces, ASCII digits. Linear in its length.
    """
    return _take_english(text) or _take_japanese(text)


def _take_english(text: str) -> tuple[float, str] | None:
    at = _end(_LEAD, text, 0)
    if moment := _MOMENT.match(text, at):  # which nobody means to the second
        return _MINUTE, text[moment.end() :].lstrip()
    total = 0.0
    while (part := _PART.match(text, at)) is not None:
        total += _seconds(part)
        at = part.end()
        if (more := _AND.match(text, at)) is None or _PART.match(text, more.end()) is None:
            return (total, text[at:].lstrip()) if total else None
        at = more.end()
    for pattern, seconds in _VAGUE:
        if vague := pattern.match(text, at):
            return seconds, text[vague.end() :].lstrip()
    return None


def _seconds(part: re.Match[str]) -> float:
    spoken = part["number"]
    unit = _UNITS[part["unit"][0]]
    if spoken[0].isdigit():
        number = float(spoken)
    elif spoken == "a few" and unit >= _HOUR:
        number = _FEW_HOURS
    else:
        number = _WORDS.get(spoken) or _WORDS[re.sub("[- ]", "", spoken)]
    for half in (part["inner"], part["outer"]):
        if half:
            number += 0.5 if half.endswith("half") else 0.25
    return number * unit


def _take_japanese(text: str) -> tuple[float, str] | None:
    at = _end(_JA_LEAD, text, 0)
    total = 0.0
    while (part := _JA_PART.match(text, at)) is not None:
        if part["halved"]:
            total += _JA_UNITS[part["halved"]] / 2
        else:
            unit = _JA_UNITS[part["unit"]]
            total += (_japanese_number(part["number"], unit) + (0.5 if part["half"] else 0)) * unit
        at = part.end()
    if total:
        return total, text[_end(_JA_TAIL, text, at) :].lstrip()
    for pattern, seconds in _JA_VAGUE:
        if vague := pattern.match(text, at):
            return seconds, text[_end(_JA_TAIL, text, vague.end()) :].lstrip()
    return None


def _japanese_number(number: str, unit: float) -> float:
    if number[0].isdigit():
        return float(number)
    if number == "数":
        return _FEW_HOURS if unit >= _HOUR else 5.0
    total = rest = 0
    for char in number:
        if char in "十百":
            total += (rest or 1) * (10 if char == "十" else 100)
            rest = 0
        else:
            rest = 10 * rest + _DIGITS[char]
    return float(total + rest)


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found else at
