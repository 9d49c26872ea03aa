"""Japanese: content words by runs of script and the particles after them, no dictionary."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from ..moment import Persona, Someone
from .phrasing import capital
from .tongue import LATEST, Manner, Tongue, Topic

__all__ = ["Japanese", "count_japanese"]

_JAPANESE = re.compile(r"[\u3041-\u30ff\u3400-\u9fff々〆ｦ-ﾟ]")
_RUN = (
    r"(?P<kata>[ァ-ヺー]{2,})|(?P<latin>[A-Za-z]{2,})"
    r"|(?P<kanji>[\u3400-\u9fff々〆]+)(?P<after>[ぁ-ん]{0,8})"
)
_PARTICLE = re.compile(
    r"(?:[はがをもへやのにと]|で(?!て)|から|まで|より|って|など|しか|だけ|です|だ|じゃ|か|ね|よ|$)"
)
_AFTER_ONE = re.compile(r"(?:[はをへや]|[がも](?![らりるれっ])|の|に|と|で|から|まで|です|だ|$)")
_DOING = re.compile(r"(?:する|した|して|します|しま)")
_SELF_WORDS = ("わたし", "私", "ぼく", "僕", "おれ", "俺", "あたし")
_POLITE = re.compile(
    r"(?:です|ます|でした|ました|ません|でしょう|ください)(?:か|ね|よ|が|から|ので|し)*[。！？!?」]?$"
)
_QUESTION = re.compile(r"[?？]|(?:ですか|ますか|でしょうか|ませんか|ましたか|のか|かい)[。！!]?$")
_MARKS_WHAT = frozenset("をがは")
_ASKED = "何誰"
_NOUN_ENDINGS = tuple("りきみちびけげれえぎじ")
_NUMERALS = "一二三四五六七八九十百千万"
_DAYS = "月火水木金土日"
_LONGEST_COMPOUND = 8


@dataclass(frozen=True, slots=True)
class _Noun:
    text: str
    start: int
    end: int
    idle: bool  # says nothing by itself


class Japanese(Tongue):
    """Japanese."""

    gap = ""
    longest = 60

    def fits(self, text: str) -> bool:
        """Whether any of it is in Japanese script."""
        return bool(text) and _JAPANESE.search(text) is not None

    def topics(self, text: str, known: Sequence[str] = ()) -> tuple[Topic, ...]:
        """Nouns by the particles after them, and what is known."""
        best: dict[str, Topic] = {}
        for phrase in known:
            if phrase and phrase in text:
                best[phrase] = Topic(phrase, self.stems(phrase) or frozenset({phrase}), weight=2.0)
        for words, stems, after in self._compounds(text):
            if not any(words in phrase for phrase in best):
                weight = 0.6 + 0.8 * bool(self.fields(stems)) + 0.5 * ("の" in words)
                weight += 0.6 * (len(words) > 1) + 0.3 * (after in _MARKS_WHAT)
                best[words] = Topic(words, stems, weight=weight)
        return tuple(sorted(best.values(), key=lambda topic: -topic.weight))

    def stems(self, text: str) -> frozenset[str]:
        """The nouns."""
        return frozenset(noun.text for noun in self._nouns(text) if not noun.idle)

    def refer(self, topic: Topic, *, owner: str = "", to_me: bool = False) -> str:
        """Japanese needs no article."""
        return topic.words

    def is_question(self, text: str, *, marked: bool = False) -> bool:
        """A question mark, or an ending that asks."""
        return _QUESTION.search(text.strip()) is not None

    def call(self, name: str, sentence: str) -> str:
        """The name, then a comma."""
        return f"{name}、{sentence}"

    def name(self, who: Someone, manner: Manner) -> str:
        """With さん, but plainly among companions."""
        name = capital(who.name)
        return f"{name}さん" if manner.polite or who.kind == "person" else name

    def names(self, names: Sequence[str]) -> str:
        """Joined by と."""
        return "と".join(names)

    def clock(self, now: datetime) -> str:
        """E.g. 日曜日の20時5分."""
        return f"{_DAYS[now.weekday()]}曜日の{now.hour}時{now.minute}分"

    def manner(self, me: Persona) -> Manner:
        """Polite if most of its sentences end so; the pronoun that it uses most."""
        lines = self.sentences(f"{me.sample}\n{me.story}")
        own = [line for line in lines if self.fits(line)]
        polite = sum(_POLITE.search(line) is not None for line in own)
        counts = Counter({word: me.sample.count(word) + me.story.count(word) for word in _SELF_WORDS})
        word, count = max(counts.items(), key=lambda item: item[1])
        return Manner(2 * polite >= len(own), word if count else self.word("me_name"))

    def in_first_person(self, text: str) -> bool:
        """Whether it names itself."""
        return any(word in text for word in (*_SELF_WORDS, "うち"))

    def on_day(self, time: float, now: datetime) -> str:
        """E.g. 昨日, 火曜日に, 11月3日に."""
        then = datetime.fromtimestamp(time, now.tzinfo) if 0 < time < LATEST else None
        days = (now.date() - then.date()).days if then is not None else 0
        if then is None or days < 2:
            return self.when(time, now)
        if days < 7:
            return f"{_DAYS[then.weekday()]}曜日に"
        day = f"{then.month}月{then.day}日に"
        return day if then.year == now.year else f"{then.year}年{day}"

    def retell(self, fact: str, name: str, *, me: str, to_them: bool) -> str:
        """E.g. トーフという猫を飼っている; to somebody else with the name before it."""
        said = fact.strip().removesuffix("。")
        if not said.casefold().startswith(name.casefold()):
            return ""
        if not to_them:
            return said
        rest = re.sub(r"^(?:さん|ちゃん|くん|君)?(?:には、?|は、?|が|の|も)", "", said[len(name) :])
        return rest if rest != said[len(name) :] else ""

    def quotable(self, sentence: str) -> str:
        """Without a full stop."""
        return sentence.rstrip("。")

    def sentences(self, text: str) -> list[str]:
        """Split after full stops and line breaks, not before a closing bracket."""
        parts = re.split(r"(?<=[。！？!?\n])(?![」』）])", text)
        return [part.strip() for part in parts if part.strip()]

    def _compounds(self, text: str) -> Iterator[tuple[str, frozenset[str], str]]:
        """Nouns, those joined by の as one (海の音), with their stems and the character after them."""
        nouns = self._nouns(text)
        index = 0
        while index < len(nouns):
            noun = nouns[index]
            after = nouns[index + 1] if index + 1 < len(nouns) else None
            index += 1
            if noun.idle or noun.text in self.phrase_words():
                continue
            joined = after is not None and text[noun.end : after.start] == "の" and not after.idle
            joined = joined and after is not None and after.text not in self.phrase_words()
            if after is not None and joined and after.end - noun.start <= _LONGEST_COMPOUND:
                end = after.end
                yield text[noun.start : end], frozenset({noun.text, after.text}), text[end : end + 1]
                index += 1
            else:
                yield noun.text, frozenset({noun.text}), text[noun.end : noun.end + 1]

    def _nouns(self, text: str) -> list[_Noun]:
        stop, verbs = self.book.words["stop"], self.book.words["verbs"]
        found: list[_Noun] = []
        for match in self._pattern.finditer(text):
            word = match["known"] or match["kata"] or match["latin"] or match["kanji"].rstrip(_ASKED)
            if not word or word in verbs or word[0] in _NUMERALS:
                continue
            if (
                match["kanji"]
                and word == match["kanji"]
                and (ending := _noun_ending(word, match["after"]))
            ):
                word += ending  # 夜釣り
            elif match["kanji"] and not _is_noun(word, match["after"]):
                continue
            start = match.start()
            found.append(_Noun(word, start, start + len(word), word in stop))
        return found

    @cached_property
    def _worded(self) -> frozenset[str]:
        return frozenset(word for field in self.book.fields.values() for word in field.words)

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        words = sorted((word for word in self._worded if len(word) > 1), key=len, reverse=True)
        return re.compile(rf"(?P<known>{'|'.join(map(re.escape, words))})|{_RUN}")


def count_japanese(text: str) -> int:
    """How many characters of `text` are written in Japanese only."""
    return len(_JAPANESE.findall(text))


def _noun_ending(word: str, after: str) -> str:
    """The hiragana that a noun made of a verb ends in ("り" of 夜釣り), if `word` begins one."""
    is_one = len(word) > 1 and after[:1] in _NOUN_ENDINGS and _PARTICLE.match(after, 1) is not None
    return after[:1] if is_one else ""


def _is_noun(word: str, after: str) -> bool:
    """Whether a run of kanji is a noun, by the hiragana after it (else they are its ending)."""
    if len(word) == 1:
        return _AFTER_ONE.match(after) is not None
    return bool(_PARTICLE.match(after) or _DOING.match(after))
