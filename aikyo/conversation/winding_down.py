"""When a talk has had enough: budgets, repetition, and the stages of closing in their order. Pure.

A talk that companions began of their own accord winds down after a number of messages, or sooner
when it goes in circles and a change of topic has not helped: pre-closing, a farewell from each, the
end. Where a person speaks, companions answer, each once, and then rest without farewells until a person
speaks again.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence

from ..wire import Closing
from .repetition import LINGERING, REPETITION, WIDE, Embed, Repetition

__all__ = ["WindingDown", "speaking_time"]

_AGAIN = 12  # messages after a change of topic within which one more circle ends the talk
_MEAN = 5  # messages whose mean tells whether the talk lingers over the same
_PAIR = 8  # messages of two alone, while others take part, that count as a circle
_LONGEST = 40  # messages before a talk of any size winds down
_FAREWELLS = 8  # in a crowd, not everybody says goodbye
_SPEAKERS = 256  # that are remembered to have had their say
_SAID = 300  # characters that a pause is made for
_STAGES = tuple(Closing)


class WindingDown:
    """How far one talk has wound down, from what is heard of it. Takes the same little time and room
    for each message, however long the talk is.

    Args:
        embed: gives a text's sense, which tells paraphrases; None compares letters alone.

    Attributes:
        repeats: how much the latest message says again what was said before it, 0 to 1.
        has_circled: whether the talk has gone on in circles after a change of topic.
    """

    def __init__(self, embed: Embed | None = None) -> None:
        self.repeats = 0.0
        self.has_circled = False
        self._repetition = Repetition(embed)
        self._length = 0
        self._companions = 0
        self._stage = Closing.NONE
        self._has_caught_up = False  # by one stage, at the latest message
        self._farewells = 0
        self._have_said_farewell: set[str] = set()
        self._circled_at: int | None = None
        self._needs_topic = False
        self._senders: deque[str] = deque(maxlen=_PAIR)  # since a person spoke or it circled
        self._repeats: deque[float] = deque(maxlen=_MEAN)  # since then, too
        self._person_spoke = False
        self._said_since_person = 0
        self._since_person = Counter[str]()  # what each has said since a person spoke

    def hear(self, sender: str, text: str, *, by_person: bool, companions: int) -> None:
        """Take in the talk's next message, of a talk in which so many companions take part."""
        self._length += 1
        self._companions = companions
        self._has_caught_up = False
        self.repeats = self._repetition.hear(text)
        if by_person:
            self._begin_anew()
            return
        self._said_since_person += 1
        if len(self._since_person) < _SPEAKERS or sender in self._since_person:
            self._since_person[sender] += 1
        self._senders.append(sender)
        self._repeats.append(self.repeats)
        if self._circles():
            self._turn_to_another_topic()
        else:
            self._needs_topic = False
        if not self._person_spoke:
            self._go_on(sender)

    def hear_stages(self, stages: Sequence[Closing]) -> None:
        """Take in the stages that the States for the latest message name. One who missed messages goes a
        stage further, if most name a later one; not because one alone does.
        """
        ours = _STAGES.index(self.stage)
        later = sum(_STAGES.index(stage) > ours for stage in stages)
        if self._person_spoke or self._has_caught_up or later < 2 or 2 * later <= len(stages):
            return
        self._has_caught_up = True
        self._stage = _STAGES[ours + 1]

    @property
    def stage(self) -> Closing:
        """The stage of the next message. It never goes back, unless a person speaks."""
        return self._stage

    @property
    def change_topic(self) -> bool:
        """Whether the next message should bring up something else, because the latest circles."""
        return self._needs_topic and self._stage is Closing.NONE

    def refusal(self, me: str, *, chosen: bool = False, asked: bool = False) -> str:
        """Why the companion `me` may not speak now: it may once after each word of a person, and once as
        a farewell when a talk ends.

        Args:
            me: who.
            chosen: another's leader gave it the turn: then it may speak more often after a person's
                word, within the budget of a talk and not in circles.
            asked: somebody has put a question to it: then it may once more after a person's word, for no
                question to be left hanging.

        Returns:
            `had-say`, `closed`, or nothing when it may.
        """
        if self._person_spoke and chosen:
            had_enough = self.has_circled or self._said_since_person >= _budget(self._companions)
            return "had-say" if had_enough else ""
        if self._person_spoke:
            return "had-say" if self._since_person[me] > asked else ""
        is_over = self._stage is Closing.TERMINAL
        return "closed" if is_over or me in self._have_said_farewell else ""

    def _begin_anew(self) -> None:
        """A person has spoken: nothing is over, and the topic is theirs."""
        self._person_spoke = True
        self._said_since_person = 0
        self._since_person.clear()
        self._stage = Closing.NONE
        self._circled_at, self.has_circled, self._needs_topic = None, False, False
        self._senders.clear()
        self._repeats.clear()

    def _circles(self) -> bool:
        """Whether the latest messages say something again, once each has had a word (before that, they
        greet each other); or two have long been talking past the others.
        """
        lingers = len(self._repeats) == _MEAN and sum(self._repeats) / _MEAN >= LINGERING
        if (lingers or self.repeats >= REPETITION) and self._length > self._companions:
            return True
        return self._companions > 2 and len(self._senders) == _PAIR and len(set(self._senders)) <= 2

    def _turn_to_another_topic(self) -> None:
        if self._circled_at is not None and self._length - self._circled_at <= _AGAIN:
            self.has_circled = True
        self._circled_at = self._length
        self._needs_topic = True
        self._senders.clear()
        self._repeats.clear()

    def _go_on(self, sender: str) -> None:
        """Enter the next stage, if the latest message was what it took."""
        match self._stage:
            case Closing.NONE:
                if self.has_circled or self._length >= _budget(self._companions):
                    self._stage = Closing.PRE_CLOSING
            case Closing.PRE_CLOSING:
                self._stage = Closing.CLOSING
            case Closing.CLOSING:
                self._farewells += 1
                self._have_said_farewell.add(sender)
                if self._farewells >= min(self._companions, _FAREWELLS):
                    self._stage = Closing.TERMINAL
            case Closing.TERMINAL:
                pass


def speaking_time(text: str) -> float:
    """Seconds in which a text is said or read: 1 to 6; what the next speaker leaves it."""
    weight = sum(1 / 7 if ord(character) >= WIDE else 1 / 18 for character in text[:_SAID])
    return min(6.0, 1.0 + weight)


def _budget(companions: int) -> int:
    """After how many messages a talk of so many companions starts to close."""
    return min(5 + 5 * companions, _LONGEST)
