"""Japanese sentences as clauses in the first person and the plain form. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

from .japanese_times import name_time, say_day, say_spell
from .plain import plain
from .rules import Clause, Rule, Setting, load_rules, load_signs
from .spells import Named, Spell

__all__ = ["clauses", "denied", "fill", "rules", "say_time", "serious"]

_SIGNS = load_signs("ja")
_I = r"(?:私|わたし|わたくし|僕|ぼく|俺|おれ|あたし|うち|自分|我が家)(?:たち|ら)?"
_HONORED = r"(?:さん|ちゃん|くん|君)?"
_ME = re.compile(rf"^{_I}(?:は、?|も|って、?|が(?!好き)|、)")
_MY = re.compile(rf"^{_I}(?:ん家|の家)?の(?=\S)")
_MY_HOME = re.compile(r"^(?:うち|我が家|家|私の家)(?:に|で)?は、?(?=\S)")
_LIVES_THERE = re.compile(r"いる$|います$|いるよ|いるの|いるんだ|いて$")
_ASIDE = re.compile(rf"^(?:(?:{_SIGNS['aside']})[、。！!…\s]+)+")
_ASIDE_JOINED = re.compile(rf"^(?:{_SIGNS['aside_joined']})(?=\S)")
_SPLIT = re.compile(
    r"(?<=[てでしが])、|(?<=けど)、?|(?<=けれど)、?|(?<=から)、|(?<=ので)、?|(?<=のに)、?|(?<=たら)、"
    r"|(?<=るし)、?|(?<=るから)、?|[；;]"
    # Where somebody lives, and what they are
    r"|(?:(?<=住んでいる)|(?<=住んでる)|(?<=暮らしている)|(?<=暮らしてる))"
    r"(?=(?:[一-鿿]{0,3}[学]生|[一-鿿ァ-ヺー]{1,6}[師員士家者]|主婦|主夫|エンジニア|デザイナー)(?:です|だ))"
)
_ASKS = re.compile(_SIGNS["asks"])
_UNSURE = re.compile(rf"「[^」]{{11,}}」|[<>{{}}\[\]|\\]|https?:|{_SIGNS['unsure']}")
_KEEP = re.compile(
    r"(?:という)?(?:こと|の|って|と)?(?:を)?(?:ちゃんと)?(?:覚えて(?:おいて|て)|忘れないで)"
    r"(?:(?:くだ|下)さい|ね|よ|くれ|ほしい(?:です)?)?[。！!]*$"
)
_JOKE = re.compile(_SIGNS["joke"])
_NOT_ME = re.compile(rf"^(?:{_SIGNS['others']})")
_SOMEBODY = re.compile(r"^[^\s、。がはもの]{1,10}(?:さん|ちゃん|くん|君|様|さま|先生)(?:は|が|も|の)")
_RELATIVE = re.compile(
    rf"^(?:上の|下の|一番[上下]の)?(?P<sort>{_SIGNS['relative']})"
    rf"(?:の(?P<name>[^\s、。がはもの]{{1,8}}?){_HONORED})?(?:は、?|が|も)(?P<rest>.+)$"
)
_OBJECT = re.compile(rf"^(?:{_SIGNS['object']})")
_NOT_OF_THEM = re.compile(
    rf"^(?:もう|ちょっと|少し|とても|すごく|本当に|あまり)?(?:{_SIGNS['object']})|思(?:う|い|って)"
)
_MEETS = re.compile(
    r"^(?:はじめ|初め)まして[、。！!\s]*(?!エンジニア|デザイナー|プログラマー|フリーター|ライター)"
    r"(?=(?:[ァ-ヺー]{2,10}|[A-Z][a-z]+)(?:です|だよ|だ|といいます|と申します)[。！!]*$)"
)
_IN_PLACE_OF = re.compile(r"(?<=[はが])([^はがを、。]{1,14})(?:じゃ|では?)なくて?、?(?=[^\s、。！!])")
_IS_CALLED = re.compile(r"^[^\s、。がはを]{1,10}(?:という|っていう|って名前|という名前)")
_ANIMAL_IS = re.compile(r"^(?:猫|ねこ|犬|うさぎ)(?:は、?|が)[ァ-ヺー]{2,8}(?:です|だよ|だ)[。！!]*$")
_QUOTED_NAME = re.compile(r"[「『“\"]([^」』”\"、。\s]{1,10})[」』”\"]")
_JOINS = re.compile(r"(?:(?<=[一-鿿ァ-ヺー])|(?<=好き)|(?<=嫌い))で$")
_LONGEST = 60
_IDLE = re.compile(rf"^(?:{_SIGNS['idle']})$")
_YOU = re.compile(r"あなた|きみ|お前|おまえ|君(?!島|津|塚)")
_VAGUE = re.compile(_SIGNS["vague"])
_NOT = re.compile(r"ない(?!う)|なかった|なく(?![しす])")


@cache
def rules() -> tuple[Rule, ...]:
    """The rules for Japanese."""
    return load_rules("ja", "", "")


def serious(text: str) -> bool:
    """Whether a whole message is meant as it is said: no joke, no game."""
    return _JOKE.search(text) is None


def denied(sentence: str) -> str:
    """What a sentence says is not so, beside what is (「健太じゃなくて健司」); or nothing."""
    match = _IN_PLACE_OF.search(_QUOTED_NAME.sub(r"\1", sentence))
    return match[1] if match is not None else ""


def say_time(spell: Spell, yearly: bool) -> str:
    """E.g. 2026年11月21日に, `yearly` 11月21日."""
    return say_day(spell.start, years=False) if yearly else say_spell(spell)


def clauses(sentence: str, setting: Setting) -> Iterator[Clause]:
    """The clauses of a sentence that tell something, in the first person. Whom one is about, those after
    it are about too, until somebody else is named."""
    text = _QUOTED_NAME.sub(r"\1", sentence.strip())
    for name in setting.called:
        text = re.sub(rf"^(?:ねえ、?)?{re.escape(name)}{_HONORED}[、！!]\s*", "", text)
    text = _MEETS.sub("名前は", _IN_PLACE_OF.sub("", text))
    text = _KEEP.sub("", _ASIDE.sub("", text))
    if _ASKS.search(text) or _UNSURE.search(text):
        return
    speaker = Clause("", setting.speaker, setting.ident, setting.today, you=setting.you)
    about = speaker
    parts = [part for part in _SPLIT.split(text) if part and part.strip()]
    for number, part in enumerate(parts):
        clause = _clause(part.strip(), speaker, about, setting)
        if clause is None:
            return
        about = replace(clause, time=None)
        said = clause.text if number == len(parts) - 1 else _JOINS.sub("だ", clause.text.rstrip("、"))
        said = re.sub(r"、|ずつ", "", plain(said))
        if said and len(said) <= _LONGEST:
            yield replace(clause, text=said)


def _clause(piece: str, speaker: Clause, about: Clause, setting: Setting) -> Clause | None:
    """A piece of a sentence with whom it is about and when; None where it is about somebody unknown."""
    piece = _ASIDE_JOINED.sub("", _ASIDE.sub("", piece))
    own = _ME.sub("", piece)
    if own != piece:
        about = speaker
    piece, time = _without_time(own, setting)
    piece = _MY.sub("", _ME.sub("", piece))
    if _NOT_ME.search(piece):
        return None
    other = _of_others(piece, speaker, setting)
    if other is not None:
        about = other
        piece = other.text
        if time is None:
            piece, time = _without_time(piece, setting)
    elif _SOMEBODY.search(piece) and not re.search(rf"は{_I}の", piece):
        return None
    if _LIVES_THERE.search(piece):
        piece = _MY_HOME.sub("うちに", piece)
    if time is not None and name_time(piece, setting.today) is not None:
        return replace(about, text="", time=None)  # two times: which is meant?
    return replace(about, text=piece, time=time)


def _without_time(piece: str, setting: Setting) -> tuple[str, Named | None]:
    time = name_time(piece, setting.today)
    return (f"{piece[: time.start]}{piece[time.end :]}".strip("、 ") if time else piece), time


def _of_others(piece: str, speaker: Clause, setting: Setting) -> Clause | None:
    """Whom a piece is about, if it names somebody else, with what it says of them."""
    match = _RELATIVE.match(piece)
    if match is not None and match["name"] != "名前":
        rest = match["rest"]
        if _NOT_OF_THEM.search(rest) or _IS_CALLED.match(rest) or _ANIMAL_IS.match(piece):
            return None
        part = f"{match['sort']}の{match['name']}" if match["name"] else match["sort"]
        return replace(speaker, who=f"{speaker.who}の{part}", part=part, text=rest)
    for name, ident in setting.names.items():
        found = re.match(rf"^{re.escape(name)}{_HONORED}(?:は、?|が|も)(?P<rest>.+)$", piece)
        if found is None or ident == speaker.about or re.match(rf"^{_I}の", found["rest"]):
            continue
        if not _OBJECT.match(found["rest"]):
            return replace(speaker, who=name, about=ident, text=found["rest"])
    return None


def fill(group: str, held: str, clause: Clause) -> str | None:
    """What a group of a rule's pattern becomes in a fact; None where it cannot be told so."""
    held = held.strip("、 ")
    match group:
        case "what" | "sort" | "place":
            vague = _IDLE.match(held) or _YOU.search(held) or _VAGUE.search(held)
            return None if vague else _theirs(held)
        case "fact":
            turned = _NOT.search(clause.text) is not None and _NOT.search(held) is None
            return None if turned else held
        case "name":
            return None if _IDLE.match(held) or _VAGUE.match(held) else held
        case "act" | "opinion":
            if _VAGUE.search(held):
                return None
            if _YOU.search(held):
                return _YOU.sub(clause.you, held) if clause.you else None
            return _theirs(held)
        case _:
            return held


def _theirs(held: str) -> str:
    return re.sub(rf"{_I}(?=の|と|に|を)", "自分", held)
