"""A turn in the making: sentences from the phrase book, tales, and what they will have used up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from ..moment import Line, Someone
from .character import Tale
from .habits import Habits
from .phrasing import core_of, fill, slots_of
from .scene import Scene
from .tongue import Topic

__all__ = ["Deed", "Draft"]

_MOST_PARTS = 4
_TRIES = 12
_JUST_NOW = 2
_SHORTEST = 2
_RECALLS = ("recall_you", "recall_other", "recall_self")
_TURNS_BETWEEN_QUESTIONS = 2
_KNOWS_NOTHING = frozenset({"seen_nothing", "remember_none", "catchup_none", "experience_no"})


@dataclass(frozen=True, slots=True)
class Deed:
    """A call of an action tool."""

    tool: str
    params: Mapping[str, str | float]


@dataclass(slots=True)
class Draft:
    """What one is about to say and do. Nothing in `habits` changes before `keep`, but for the
    bags that phrases are drawn from.

    Attributes:
        parts: the sentences.
        deeds: what is done before speaking.
        target: whom one turns to.
        focus: what the turn has come to be about, in words.
        emotion: how one feels, one word.
        way: how the turn is built.
        done: whether the turn needs no ending.
        asks: whether somebody is asked to go on, with a question mark or without.
        slots: what is known to be filled into phrases.
    """

    scene: Scene
    habits: Habits
    random: Random
    parts: list[str] = field(default_factory=list)
    deeds: list[Deed] = field(default_factory=list)
    target: Someone | None = None
    focus: str = ""
    emotion: str = "calm"
    way: str = ""
    done: bool = False
    asks: bool = False
    slots: dict[str, str] = field(default_factory=dict)
    _announced: tuple[int, str, Sequence[str], Mapping[str, str]] | None = None
    _told: list[str] = field(default_factory=list)
    _mentioned: list[str] = field(default_factory=list)
    _turned_to: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        scene = self.scene
        self.slots |= {"me": scene.my_name, "i": scene.me.manner.self_word}
        self.slots["you"] = scene.you()
        self.slots["hello"] = self._fill(scene.tongue.hello(scene.moment.now))
        self.slots["goodbye"] = self._fill(scene.tongue.goodbye(scene.moment.now))
        if scene.tongue.is_late(scene.moment.now):
            self.slots["late"] = self._fill(scene.tongue.word("late"))
        if scene.sender is not None and scene.by_person:
            self.slots["name"] = scene.name(scene.sender)

    @property
    def text(self) -> str:
        """All that is said."""
        return self.scene.tongue.gap.join(self.parts)

    @property
    def may_ask(self) -> bool:
        """Whether a question is in order, the last one long enough ago, and none in this turn yet."""
        return (
            self.scene.moment.may_ask
            and self.habits.unasked >= _TURNS_BETWEEN_QUESTIONS
            and not _asks(self.text)
        )

    @property
    def full(self) -> bool:
        """Whether enough is said for one turn."""
        return len(self.parts) >= self._most_parts

    @property
    def _most_parts(self) -> int:
        return 1 if "brief" in self.scene.orders else 1 if self.scene.joins else _MOST_PARTS

    def say(self, *acts: str, **slots: str) -> bool:
        """Say a phrase for the first of `acts` for which all is known that it needs.

        Returns:
            Whether there was one, or none was needed.
        """
        if self.scene.found and not _KNOWS_NOTHING.isdisjoint(acts):
            return True  # a tool has just said it
        known = self.slots | slots
        for act in acts:
            phrases = self.scene.tongue.book.phrases[act]
            fitting = [phrase for phrase in phrases if slots_of(phrase) <= known.keys()]
            if not self.may_ask:
                silent = [phrase for phrase in fitting if not _asks(phrase)]
                fitting = silent or (fitting if self.scene.moment.may_ask else [])
            if fitting:
                announcing = self.scene.tongue.book.announcing
                phrase, text = self._fresh(act, fitting, known)
                self.parts.append(text)
                if phrase in announcing:
                    plain = [each for each in fitting if each not in announcing]
                    self._announced = (len(self.parts), act, plain, known)
                return True
        return False

    def settle(self) -> None:
        """Where something was announced and nothing has come, say something else instead."""
        if self._announced is None or self._announced[0] != len(self.parts):
            return
        _, act, plain, known = self._announced
        self.parts.pop()
        if plain:
            self.parts.append(self._fresh(act, plain, known)[1])
        elif not self.parts:
            self.say("agree")

    def was_recalled(self) -> bool:
        """Whether somebody has just brought up something from memory."""
        phrases = (phrase for act in _RECALLS for phrase in self.scene.tongue.book.phrases[act])
        cores = {core_of(phrase, polite=polite) for phrase in phrases for polite in (True, False)}
        last = self.scene.moment.recent[-_JUST_NOW:]
        return any(core in line.text for core in cores if len(core) > _SHORTEST for line in last)

    def _fresh(self, act: str, phrases: Sequence[str], known: Mapping[str, str]) -> tuple[str, str]:
        """One of `phrases` that does not sound like what was said, else of those whose last time is
        longest ago; and the same, filled."""
        text, phrase = "", phrases[0]
        last = {each: self._last_heard(each) for each in phrases}
        fresh = [each for each in phrases if not last[each]]
        fresh = fresh or sorted(phrases, key=lambda each: last[each])[: len(phrases) // 3 + 1]
        for _ in range(_TRIES):
            phrase = self.habits.pick(act, fresh, self.random)
            text = self._fill(phrase, known)
            if not any(map(self._heard, self.scene.tongue.sentences(text))):
                break
        return phrase, text

    def _last_heard(self, phrase: str) -> int:
        """When `phrase` was last said by anybody, in any register: the higher, the later; 0 is never."""
        cores = {core_of(phrase, polite=polite) for polite in (True, False)}
        return max(map(self._heard, cores))

    def _heard(self, text: str) -> int:
        """When `text` was last said where one was there, counted in what was said; 0 is never. A word
        or two does not count, but just now."""
        heard = self.habits.heard
        if self.scene.is_long(text):
            known = len(heard)
            return next((known - age for age, one in enumerate(reversed(heard)) if text in one), 0)
        last = self.scene.moment.recent[-_JUST_NOW:]
        return len(heard) * (len(text) > _SHORTEST and any(text in line.text for line in last))

    def remark(self, fields: Iterable[str]) -> bool:
        """Say something general about one of `fields` that was not said before."""
        says = [
            line
            for field_name in sorted(fields)
            for line in self.scene.tongue.book.fields[field_name].says
            if line not in self.habits.told
        ]
        self.random.shuffle(says)
        for line in says:
            if not self._last_heard(line):
                self.parts.append(self._fill(line))
                self._told.append(line)
                return True
        return False

    def tell(self, tale: Tale, *, plainly: bool = False) -> None:
        """Tell a tale, now and then with a word before it, but not `plainly`."""
        phrases = () if plainly else self.scene.me.phrases
        first = phrases and not any(
            phrase in line.text for line in self.scene.mine for phrase in phrases
        )
        if first or (not plainly and self.random.random() < 0.35):
            if phrases:
                self.parts.append(self.habits.pick("phrases", phrases, self.random))
            else:
                self.say("lead")
        self._add(tale)

    def tell_aside(self, tale: Tale) -> None:
        """Tell a tale that has nothing to do with the matter, and say so."""
        self.say("aside")
        self._add(tale)

    def _add(self, tale: Tale) -> None:
        self.parts.append(tale.text)
        self._told.append(tale.text)

    @property
    def has_told(self) -> bool:
        """Whether this turn tells a tale."""
        return any(tale.text in self._told for tale in self.scene.me.tales)

    def untold(self) -> list[Tale]:
        """The tales that are left."""
        told, scene = set(self.habits.told) | set(self._told), self.scene
        left = (tale for tale in scene.me.tales if tale.text not in told)
        return [tale for tale in left if not scene.heard_lately(tale.text)]

    def leave_out_questions(self) -> None:
        """Ask nothing, in nobody's words; say something else where that was all."""
        tongue, before = self.scene.tongue, self.parts
        self.asks, self.parts = False, []
        for part in before:
            sentences = tongue.sentences(part)
            told = [one for one in sentences if not tongue.is_question(one, marked=True)]
            if told:
                self.parts.append(part if len(told) == len(sentences) else tongue.gap.join(told))
        if before and not self.parts:
            self.say("agree")

    def turn_to(self, interest: Tale, *, second: Tale | None = None) -> None:
        """Make `interest` what the turn is about."""
        self.slots["interest"] = interest.text
        if second is not None:
            self.slots["interest2"] = second.text
        self._turned_to.append(interest.text)

    def speak_of(self, topic: Topic) -> None:
        """Make what was brought up the slot `topic`, and what the turn is about."""
        scene, sender = self.scene, self.scene.sender
        other = sender is not None and not scene.by_person
        owner = scene.name(sender) if sender is not None and other and scene.reading.named else ""
        self.slots["topic"] = scene.tongue.refer(topic, owner=owner, to_me=scene.moment.addressed)
        self.focus = self.slots["topic"]

    def mention(self, line: Line) -> None:
        """Count a line as brought up from memory."""
        self.note(line.id)

    def note(self, ident: str) -> None:
        """Count what has this id, a line or a fact, as brought up."""
        self._mentioned.append(ident)

    def do(self, tool: str, **params: str | float) -> None:
        """Do something before speaking, if there is a tool for it and nothing else is done with it."""
        if tool in self.scene.tools and all(deed.tool != tool for deed in self.deeds):
            self.deeds.append(Deed(tool, params))

    def pick(self, choices: Sequence[tuple[str, float]]) -> str:
        """One of `choices` by weight, at least one; what was just done weighs little."""
        weights = [weight * (0.2 if name in self.habits.ways else 1) for name, weight in choices]
        return self.random.choices([name for name, _ in choices], weights)[0]

    def keep(self) -> None:
        """What is said is said: remember it."""
        habits = self.habits
        habits.hear([self.text])
        habits.told.extend(self._told)
        habits.mentioned.extend(self._mentioned)
        habits.turned_to.extend(self._turned_to)
        habits.ways.append(self.way)
        habits.unasked = 0 if self.asks or _asks(self.text) else habits.unasked + 1
        habits.gestures.extend(str(deed.params["kind"]) for deed in self.deeds if deed.tool == "gesture")

    def _fill(self, template: str, slots: Mapping[str, str] | None = None) -> str:
        polite = self.scene.me.manner.polite
        return fill(template, self.slots if slots is None else slots, self.random, polite=polite)


def _asks(text: str) -> bool:
    return "?" in text or "？" in text
