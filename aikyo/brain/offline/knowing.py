"""What one knows of those one talks with: told when asked, with from when and whom; asked after once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from ..moment import Known, Someone
from .book import Cue
from .draft import Draft
from .language import tongue_named
from .learning import english_times, japanese_times
from .learning.rules import Asked, load_asked, load_signs
from .scene import Scene
from .tongue import LATEST, Tongue, called

__all__ = ["ask_after", "asks_of_sender", "keep_in_mind", "known_name", "tell_known", "tell_of"]

_MOST_TOLD = 3
"""Facts that are told at once."""

_LONGEST_ASKED = 200
_PASSED, _NO_NEWS = 2 * 3600.0, 30 * 86_400.0
"""Seconds after which one may ask how it went, and after which one does not any more."""

_SOON = 2 * 86_400.0
_ASKS_AFTER = 0.7
"""How often one asks after what somebody had planned, where it fits."""

_OPEN = frozenset({"plan", "promise"})
_PET = frozenset({"pet", "animal", "ペット", "動物"})
_PETS = frozenset(
    {
        *("cat", "kitten", "dog", "puppy", "rabbit", "hamster", "bird", "parrot", "horse", "turtle"),
        *("猫", "犬", "うさぎ", "ウサギ", "ハムスター", "鳥", "インコ", "亀"),
    }
)
_OWN = re.compile(r"\b(?:I|I'm|my|we|our)\b|わたし|私|ぼく|僕|おれ|俺|あたし|うち")
_LEFT_OUT = re.compile(r"覚えて|知って[るい]|っけ|予定")
"""In a Japanese question that names nobody: that it is about who asks."""

_OF_ANOTHER = re.compile(r"あなた|きみ|君の|^の|(?<!何)(?<=[一-鿿ァ-ヺーA-Za-z])の")
_CALLED_ALIKE = {
    **dict.fromkeys(("mom", "mum"), "mother"),
    "dad": "father",
    **dict.fromkeys(("ママ", "お母さん", "母さん", "母親"), "母"),
    **dict.fromkeys(("パパ", "お父さん", "父さん", "父親"), "父"),
}
_OVER = re.compile(r"\bno longer\b|はもう")
_OF_RELATIVES = (
    (r"\bmy (?:\w+ )?{}(?:'s|s') (?=(?:job|work|birthday|age|profession|favou?rite)\b)", "my "),
    (r"\bdoes my (?:\w+ )?{}\b", "do I"),
    (r"\bdid my (?:\w+ )?{}\b", "did I"),
    (r"\bold (?:is|are) my (?:\w+ )?{}\b", "old am I"),
    (r"\b(?:is|are) my (?:\w+ )?{} (?=\w)", "am I "),
)
"""What is asked about them, as it is asked about oneself."""

_TIMED = frozenset({"plan", "promise", "event"})
"""Kinds of facts that are of one day."""
_NAME_IS = re.compile(r"name is (?P<en>[^.]+)\.|の名前は(?P<ja>[^。]+?)だ?。")


def tell_known(draft: Draft) -> bool:
    """Answer what the message asks about somebody's life, from what is known, or say that it is not;
    whether it asks that."""
    scene = draft.scene
    if not (scene.by_person and scene.reading.question) or scene.sender is None:
        return False
    for someone, question in _questions(scene):
        found = _asked(question, scene.tongue)
        if found is None:
            continue
        asked, what = found
        about = _relative_asked(question)
        known = sorted(_of(scene, someone), key=lambda fact: _OVER.search(fact.text) is not None)
        facts = [
            fact
            for fact in known
            if _answers(fact, asked, what, scene.tongue)
            and ("relation" in asked.kinds or _relative_told(fact, someone) == about)
            and _is_of_day(fact, asked, question, scene)
        ]
        if not facts and about and "relation" in asked.kinds:
            facts = [fact for fact in known if _relative_told(fact, someone) == about]
        draft.emotion = "happy" if facts else "sorry"
        if facts:
            return _tell(draft, facts[:1], someone)
        if someone is scene.sender:
            return False
        return draft.say("known_not_other", who=scene.name(someone))
    return False


def asks_of_sender(scene: Scene) -> bool:
    """Whether the message asks something of the sender's own life that facts could answer."""
    questions = list(_questions(scene))[:1] if scene.reading.question and scene.by_person else []
    return any(_asked(question, scene.tongue) for _, question in questions)


def tell_of(draft: Draft, someone: Someone, stems: frozenset[str] = frozenset()) -> bool:
    """Tell the little that is most worth telling of somebody, or what of it touches `stems`; whether
    anything is known."""
    tongue = draft.scene.tongue
    facts = [fact for fact in _of(draft.scene, someone) if not stems or stems & _stems(fact)]
    if not stems:
        facts.sort(key=lambda fact: (not tongue.fits(fact.text), -fact.importance))
    seen: dict[str, Known] = {}
    for fact in facts:
        if tongue.fits(fact.text):
            seen.setdefault(fact.text, fact)
    return bool(seen) and _tell(draft, list(seen.values())[: 1 if stems else _MOST_TOLD], someone)


def known_name(scene: Scene) -> str:
    """The name that the sender has given before, as far as that is known."""
    if scene.sender is None:
        return ""
    for fact in _of(scene, scene.sender):
        match = _NAME_IS.search(fact.text) if fact.kind == "identity" else None
        if match is not None and match.start() <= len(scene.sender.name) + 3:
            return match["en"] or match["ja"] or ""
    return ""


def keep_in_mind(draft: Draft, _: re.Match[str]) -> bool:
    """Say that what one is told to remember is kept, or that it cannot be now."""
    scene = draft.scene
    if not scene.by_person or scene.reading.question or Cue.REMEMBER in scene.reading.cues:
        return False
    why = scene.moment.forgetful.strip(" .。")
    draft.done, draft.emotion = True, "sorry" if why else "warm"
    return draft.say("keep_not", why=why) if why else draft.say("keep")


def ask_after(draft: Draft) -> bool:
    """Ask how something went that the sender had planned, or whether they are ready for it; once.
    Whether there was anything to ask after."""
    scene, sender = draft.scene, draft.scene.sender
    if sender is None or not scene.by_person or not draft.may_ask:
        return False
    now = scene.moment.now.timestamp()
    for fact in _of(scene, sender):
        if fact.kind not in _OPEN or fact.happened is None or fact.id in draft.habits.mentioned:
            continue
        said = _said(fact, sender, scene)
        over, ahead = now - fact.happened, fact.happened - now
        act = (
            "asked_after" if _PASSED < over < _NO_NEWS else "looked_forward" if 0 < ahead < _SOON else ""
        )
        if not (said and act) or not _told_by(fact, sender, scene) or now - fact.learned < _PASSED:
            continue
        if _has_said(scene, said) or draft.random.random() > _ASKS_AFTER:
            continue
        if draft.say(act, said=said, when=scene.tongue.on_day(fact.learned, scene.moment.now)):
            draft.note(fact.id)
            draft.asks, draft.target = True, sender
            return True
    return False


def _tell(draft: Draft, facts: Sequence[Known], someone: Someone) -> bool:
    """Tell facts, the first with from when and whom."""
    scene = draft.scene
    first, *others = facts
    said = _said(first, someone, scene)
    when = scene.tongue.on_day(first.learned, scene.moment.now)
    by_sender = scene.sender is not None and _told_by(first, scene.sender, scene)
    who = scene.you() if by_sender else scene.tongue.names(first.told_by) if first.told_by else ""
    act = "known_you" if by_sender else "known_other" if who else "known_plain"
    if not said:
        act, who = "known_quote", who or scene.tongue.word("somebody")
    quote = scene.tongue.quote(first.text)
    draft.emotion = "happy"
    told = draft.say(act, said=said, when=when, who=who, quote=quote)
    for fact in (first, *others):
        draft.note(fact.id)
    for fact in others:
        if more := _said(fact, someone, scene):
            draft.say("known_more", said=more)
    return told


def _of(scene: Scene, someone: Someone) -> list[Known]:
    """What is known of somebody, in the language that is spoken first."""
    names = [name for name in called(someone.name, someone.id) if name]
    known = [
        fact
        for fact in scene.known
        if fact.about == someone.id
        or (not fact.about and fact.text.casefold().startswith(tuple(name.casefold() for name in names)))
    ]
    return sorted(known, key=lambda fact: not scene.tongue.fits(fact.text))


def _questions(scene: Scene) -> list[tuple[Someone, str]]:
    """Whom the message may ask about, and the question as they would put it of themselves."""
    text = scene.reading.plain.replace("’", "'")[:_LONGEST_ASKED]
    asked = [one for one in scene.tongue.sentences(text) if scene.tongue.is_question(one)]
    text = scene.tongue.gap.join(asked) or text
    found: list[tuple[Someone, str]] = []
    for someone in scene.others:
        for name in filter(None, called(someone.name, someone.id)):
            turned = _as_asked_by(text, name)
            if turned != text:
                found.append((someone, turned))
    if not found and scene.sender is not None and (_OWN.search(text) or _is_left_out(text, scene)):
        found.append((scene.sender, text))
    return found


def _is_left_out(text: str, scene: Scene) -> bool:
    """Whether a Japanese question is about who asks, though it does not say so."""
    if scene.tongue.book.language != "ja":
        return False
    time = japanese_times.name_time(text, scene.moment.now.date())
    bare = f"{text[: time.start]}{text[time.end :]}" if time is not None else text
    rest = re.sub(rf"{_relatives('ja')}(?:さん|ちゃん)?の", "", bare)
    return _OF_ANOTHER.search(rest) is None and (rest != bare or _LEFT_OUT.search(text) is not None)


def _relatives(language: str) -> str:
    return f"(?:{load_signs(language)['relative']})"


def _relative_asked(question: str) -> str:
    """Which relative or animal of theirs a question is about; or nothing."""
    found = re.search(rf"\bmy (?:\w+ )?({_relatives('en')})\b", question, re.IGNORECASE) or re.search(
        rf"({_relatives('ja')})(?:さん|ちゃん)?(?:の|は|って|が)", question
    )
    return _alike(found[1]) if found is not None else ""


def _relative_told(fact: Known, someone: Someone) -> str:
    """Which relative or animal of somebody a fact is about, in place of them; or nothing."""
    names = "|".join(re.escape(name) for name in called(someone.name, someone.id) if name)
    found = re.match(rf"(?:{names})'s (?:\w+ )?({_relatives('en')})\b", fact.text, re.IGNORECASE)
    found = found or re.match(rf"(?:{names})の({_relatives('ja')})(?=[のは])", fact.text, re.IGNORECASE)
    return _alike(found[1]) if found is not None else ""


def _alike(relative: str) -> str:
    return _CALLED_ALIKE.get(relative.lower(), relative.lower())


def _is_of_day(fact: Known, asked: Asked, question: str, scene: Scene) -> bool:
    """Whether a fact is of the time that a question names, if it names one."""
    if _TIMED.isdisjoint(asked.kinds):
        return True
    is_japanese = scene.tongue.book.language == "ja"
    name_time = japanese_times.name_time if is_japanese else english_times.name_time
    named = name_time(question, scene.moment.now.date())
    if named is None:
        return True
    if fact.happened is None or not 0 < fact.happened < LATEST:
        return False
    spell = named.spell("past" if "event" in asked.kinds else "future")
    day = datetime.fromtimestamp(fact.happened, scene.moment.now.tzinfo).date()
    return spell.start <= day <= spell.end


def _as_asked_by(text: str, name: str) -> str:
    """「ソラはどこに…」 as 「私はどこに…」, "does Bob live" as "do I live"."""
    escaped = re.escape(name)
    for theirs, mine in (
        (rf"\bdoes {escaped}\b", "do I"),
        (rf"\bis {escaped}\b(?!')", "am I"),
        (rf"\bhas {escaped}\b", "have I"),
        (rf"\b(did|can|was|will) {escaped}\b", r"\1 I"),
        (rf"\b{escaped}'s\b", "my"),
        (rf"\b{escaped} (?=lives|works|is|likes|comes)", "I "),
        (rf"{escaped}(?:さん|ちゃん|くん|君)?の", "私の"),
        (rf"{escaped}(?:さん|ちゃん|くん|君)?(?:は|って)(?=.)", "私は"),
    ):
        text = re.sub(theirs, mine, text, flags=re.IGNORECASE)
    return text


def _asked(question: str, tongue: Tongue) -> tuple[Asked, frozenset[str]] | None:
    for theirs, mine in _OF_RELATIVES:
        question = re.sub(theirs.format(_relatives("en")), mine, question, flags=re.IGNORECASE)
    for asked in load_asked(tongue.book.language):
        for pattern in asked.says:
            if (match := pattern.search(question)) is not None:
                what = " ".join(word for word in match.groupdict().values() if word)
                return asked, tongue.stems(what)
    return None


def _answers(fact: Known, asked: Asked, what: frozenset[str], tongue: Tongue) -> bool:
    if fact.kind not in asked.kinds or not asked.holds.search(fact.text) or fact.level != "fact":
        return False
    if not what:
        return True
    stems = _stems(fact)
    if what <= stems or any(word in fact.text for word in what):
        return True
    return what <= _PET and not stems.isdisjoint(_PETS)


def _stems(fact: Known) -> frozenset[str]:
    spoken = tongue_named("ja" if tongue_named("ja").fits(fact.text) else "en")
    return spoken.stems(fact.text)


def _told_by(fact: Known, someone: Someone, scene: Scene) -> bool:
    return bool(
        {someone.name, scene.name(someone), *called(someone.name, someone.id)} & set(fact.told_by)
    )


def _said(fact: Known, someone: Someone, scene: Scene) -> str:
    """A fact as it is told to the sender ("you have a cat"); empty where it cannot be put so."""
    if not scene.tongue.fits(fact.text):
        return ""
    to_sender = scene.sender is not None and someone.id == scene.sender.id
    for name in filter(None, called(someone.name, someone.id)):
        told = scene.tongue.retell(fact.text, name, me=scene.moment.me.name, to_them=to_sender)
        if told:
            return told
    return ""


def _has_said(scene: Scene, said: str) -> bool:
    lines = (*scene.moment.earlier, *scene.moment.recent, *scene.moment.briefing.memories)
    return any(line.sender == scene.moment.me.id and said in line.text for line in lines)
