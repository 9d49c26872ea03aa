"""English: noun phrases by their neighbours, no dictionary but a few short lists."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cached_property, lru_cache

from ..moment import Persona, Someone
from .phrasing import capital
from .retelling import retell
from .tongue import LATEST, Manner, Tongue, Topic, Whose, called

__all__ = ["English"]

_TOKEN = re.compile(r"[A-Za-z]+(?:['-][A-Za-z]+)*|\d+|[^\sA-Za-z\d]")
_QUOTED = re.compile(r"[\"“][^\"”]*[\"”]")
_FIRST_PERSON = re.compile(r"\b(?:I|I'[a-z]+|[Mm]y|me|[Oo]ur|[Ww]e|us)\b")
_QUESTION = re.compile(
    r"\?|^(?:what|who|whose|where|when|why|how|which|do|does|did|are|is|can|could|would|will|have|has)\b",
    re.IGNORECASE,
)
_DETERMINERS = {"mine": Whose.MINE, "yours": Whose.YOURS, "some": Whose.ONE, "definite": Whose.KNOWN}
_STANDS_FOR_A_NOUN = frozenset({"one", "ones"})
_LONGEST_PHRASE = 3
_PARTS_OF_THE_DAY = (
    (5, "at night"),
    (12, "in the morning"),
    (18, "in the afternoon"),
    (22, "in the evening"),
    (24, "at night"),
)


class English(Tongue):
    """English."""

    gap = " "
    longest = 110

    def fits(self, text: str) -> bool:
        """Whether nearly all of it is ASCII."""
        return bool(text) and sum(c.isascii() for c in text) >= 0.8 * len(text)

    def topics(self, text: str, known: Sequence[str] = ()) -> tuple[Topic, ...]:
        """Noun phrases, and what is known."""
        plain = text.replace("’", "'")
        unquoted = _QUOTED.sub(" . ", plain)
        found = [*self._known(plain, known), *self._phrases(unquoted)]
        best: dict[frozenset[str], Topic] = {}
        for topic in found:
            if topic.stems not in best or best[topic.stems].weight < topic.weight:
                best[topic.stems] = topic
        return tuple(sorted(best.values(), key=lambda topic: -topic.weight))

    def stems(self, text: str) -> frozenset[str]:
        """Words that say something, in the singular."""
        tokens = (token.lower() for token in _TOKEN.findall(text.replace("’", "'")))
        unheard = self._unheard
        return frozenset(_stem(t) for t in tokens if t[0].isalpha() and len(t) > 1 and t not in unheard)

    def refer(self, topic: Topic, *, owner: str = "", to_me: bool = False) -> str:
        """E.g. "the lighthouse", "that map", "your boat", "tide pools"."""
        match topic.whose:
            case Whose.MINE if owner:
                return f"their {topic.words}" if owner == "*" else f"{owner}'s {topic.words}"
            case Whose.MINE:
                return f"your {topic.words}"
            case Whose.YOURS if to_me:
                return f"my {topic.words}"
            case Whose.KNOWN:
                return f"the {topic.words}"
            case Whose.ONE | Whose.YOURS:
                return f"that {topic.words}"
            case _:
                return topic.words

    def is_question(self, text: str, *, marked: bool = False) -> bool:
        """A question mark, or, unmarked, a word that asks at the beginning."""
        return "?" in text if marked else _QUESTION.search(text) is not None

    def call(self, name: str, sentence: str) -> str:
        """E.g. "Bob, what …"."""
        return f"{name}, {_uncapital(sentence)}"

    def name(self, who: Someone, manner: Manner) -> str:
        """As it is written, with a capital."""
        name = self.written(who.name, who.id)
        return capital(name) if name.islower() else name

    def written(self, name: str, ident: str) -> str:
        """A name in another script is read as its id is: "Hina"."""
        return name if self.fits(name) else called(name, ident)[-1] if name else ident

    def names(self, names: Sequence[str]) -> str:
        """E.g. "Bob, Carol and Mika"."""
        return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"

    def clock(self, now: datetime) -> str:
        """E.g. "8:05 in the evening, Sunday"."""
        part = next(name for ends, name in _PARTS_OF_THE_DAY if now.hour < ends)
        return f"{now.hour % 12 or 12}:{now.minute:02} {part}, {now:%A}"

    def manner(self, me: Persona) -> Manner:
        """English has one."""
        return Manner(self_word="I")

    def in_first_person(self, text: str) -> bool:
        """Whether it says I, my or we."""
        return _FIRST_PERSON.search(text) is not None

    def on_day(self, time: float, now: datetime) -> str:
        """E.g. "yesterday", "on Tuesday", "on 3 November"."""
        then = datetime.fromtimestamp(time, now.tzinfo) if 0 < time < LATEST else None
        days = (now.date() - then.date()).days if then is not None else 0
        if then is None or days < 2:
            return self.when(time, now)
        if days < 7:
            return f"on {then:%A}"
        return f"on {then.day} {then:%B}" + (f" {then.year}" if then.year != now.year else "")

    def retell(self, fact: str, name: str, *, me: str, to_them: bool) -> str:
        """E.g. "you have a cat called Tofu", "your sister lives in Nara"."""
        return retell(fact, name, me=me, to_them=to_them)

    def quotable(self, sentence: str) -> str:
        """With a full stop where there is no mark."""
        return sentence if sentence.endswith((".", "!", "?", "…")) else f"{sentence}."

    def sentences(self, text: str) -> list[str]:
        """Split after full stops, question and exclamation marks."""
        return [part for part in re.split(r"(?<=[.!?])[\"”']?\s+", text.strip()) if part]

    @cached_property
    def _unheard(self) -> frozenset[str]:
        words = self.book.words
        determiners = (words[use] for use in _DETERMINERS)
        return words["irregular"].union(words["stop"], words["weak"], *determiners)

    @cached_property
    def _verbs(self) -> frozenset[str]:
        words = self.book.words
        return words["irregular"] | frozenset(form for verb in words["verbs"] for form in _forms(verb))

    def _known(self, text: str, known: Sequence[str]) -> Iterator[Topic]:
        stems = self.stems(text)
        for phrase in known:
            own = self.stems(phrase)
            if own and own <= stems:
                yield Topic(phrase, own, weight=2.0)

    def _phrases(self, text: str) -> Iterator[Topic]:
        run: list[str] = []
        whose = Whose.NOBODYS
        after, ahead = ".", ""  # the words before this one, and before the run
        for token in [*_TOKEN.findall(text), "."]:
            low = token.lower()
            determiner = self._determiner(low)
            if _joins(low, determiner, run):
                run.append(low)
            elif determiner is None and self._belongs(low, run, whose, after):
                if _stem(low) not in self.book.words["weak"] and low[0].isalpha():
                    run.append(token if after != "." else _uncapital(token))
            else:
                if low not in _STANDS_FOR_A_NOUN:  # what stood before it was a quality: "a polite one"
                    yield from self._topic(run, whose, ahead)
                run, whose = [], determiner or Whose.NOBODYS
                ahead = after if determiner else low
            after = low if low[0].isalnum() else "."
        yield from self._topic(run, whose, ahead)

    def _belongs(self, low: str, run: list[str], whose: Whose, after: str) -> bool:
        """Whether a word goes on with, or begins, the name of a thing."""
        words = self.book.words
        opened = whose is not Whose.NOBODYS and not run
        if low.isdigit() or not {low, _stem(low)}.isdisjoint(words["weak"]):
            return not run
        if not low[0].isalpha() or not {low, _stem(low)}.isdisjoint(words["stop"]):
            return False
        if low.endswith("ly") and low not in words["not_adverbs"]:
            return False
        if opened:
            return after not in {"this", "that"} or low not in self._verbs
        if after in words["doers"]:
            return False
        if after in words["being"]:
            return bool(self.fields({_stem(low)}))
        if run and low in words["verbs"]:  # "clock repair"; a verb would say "repairs" here
            return not run[-1].endswith("s")
        return not (low in self._verbs or (low.endswith("ed") and len(low) > 4))

    def _determiner(self, low: str) -> Whose | None:
        words = self.book.words
        return next((whose for use, whose in _DETERMINERS.items() if low in words[use]), None)

    def _topic(self, run: list[str], whose: Whose, ahead: str) -> Iterator[Topic]:
        words = run if "of" in run[:_LONGEST_PHRASE] else run[-_LONGEST_PHRASE:]
        while words and (words[-1].endswith("'s") or words[-1] in {"of", "the"}):
            words.pop()
        stems = frozenset(_stem(word.lower()) for word in words if word not in {"of", "the"})
        at_home = bool(self.fields(stems))
        if not words or len(words[-1]) < 3 or stems & self.phrase_words():
            return
        last = (words[words.index("of") - 1] if "of" in words else words[-1]).lower()
        many = last.endswith("s") and not last.endswith(("ss", "us", "is"))
        named = words[-1][0].isupper()
        if many and whose is Whose.ONE:
            whose = Whose.NOBODYS
        weight = 0.4 + 1.2 * (whose is not Whose.NOBODYS) + 0.8 * many + 0.7 * at_home + 0.6 * named
        weight -= 0.6 * (whose is Whose.YOURS) + 0.5 * (ahead in self.book.words["places"])
        yield Topic(" ".join(words), stems, whose, weight)


def _joins(low: str, determiner: Whose | None, run: list[str]) -> bool:
    """Whether a word joins two things to one: "of" in "the smell of the harbour", and its article."""
    if low == "of":
        return bool(run) and "of" not in run
    return determiner is Whose.KNOWN and bool(run) and run[-1] == "of"


@lru_cache(maxsize=4096)
def _stem(word: str) -> str:
    word = word.removesuffix("'s").removesuffix("'")
    for ending, instead in (("ies", "y"), ("sses", "ss"), ("shes", "sh"), ("ches", "ch"), ("xes", "x")):
        if word.endswith(ending) and len(word) > len(ending) + 1:
            return word[: -len(ending)] + instead
    return word[:-1] if word.endswith("s") and len(word) > 3 and word[-2] not in "sui" else word


def _forms(verb: str) -> tuple[str, ...]:
    stem = verb.removesuffix("e")
    third = verb + ("es" if verb.endswith(("s", "sh", "ch", "x", "o")) else "s")
    forms = (verb, third, verb + "ing", verb + "ed", stem + "ing", stem + "ed", verb + verb[-1] + "ing")
    if verb.endswith("y"):
        return (*forms, verb[:-1] + "ies", verb[:-1] + "ied")
    return (*forms, verb + verb[-1] + "ed")


def _uncapital(token: str) -> str:
    """`token` as it would stand within a sentence; what is all capitals, or I, stays."""
    if re.match(r"[A-Z](?:[A-Z]|\b)", token):
        return token
    return token[0].lower() + token[1:]
