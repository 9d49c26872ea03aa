"""What holds a companion back: quiet, people who come first, and what it may spend."""

from __future__ import annotations

import trio

from ..conversation import Talk, Turn
from .allowance import Allowance, Spending
from .moments import Moments
from .session import Sessions
from .voice import Voice
from .world import World

__all__ = ["Restraint"]


class Restraint:
    """What holds one companion back.

    Args:
        world: all that it is handed.
        moments: tells what turns to it.
        voice: what it is interrupted in.
        sessions: tell whether its brain costs money.
    """

    def __init__(self, world: World, moments: Moments, voice: Voice, sessions: Sessions) -> None:
        self._world = world
        self._sessions = sessions
        self._moments = moments
        self._voice = voice
        self._for_people: list[Turn] = []  # open turns of people's messages, the newest last
        self._interrupted_at = float("-inf")

    @property
    def is_awaited_by_people(self) -> bool:
        """Whether a person has had no answer yet, of us or of others."""
        return any(not turn.is_over for turn in self._for_people)

    def owe(self, turn: Turn) -> None:
        """A person waits for the answer in `turn`, from now on until our part in it is over."""
        self._for_people.append(turn)

    def settle(self, turn: Turn) -> None:
        """Our part in `turn` is over."""
        if turn in self._for_people:
            self._for_people.remove(turn)

    def waiting_since(self, turn: Turn) -> tuple[Turn, ...]:
        """The turns of people who have spoken after `turn` began."""
        return tuple(other for other in self._for_people if other.heard_at > turn.heard_at)

    def interrupt(self) -> None:
        """A person has spoken to us: whatever we were about to say to others is dropped."""
        self._interrupted_at = trio.current_time()
        self._voice.interrupt()

    def was_interrupted_since(self, moment: float) -> bool:
        """Whether a person has spoken to us since then."""
        return self._interrupted_at >= moment

    def stands_back(self, turn: Turn) -> bool:
        """Whether a person has spoken to us since a companion said what this turn is about."""
        if self._world.is_person(turn.message.sender):
            return False
        return self.was_interrupted_since(turn.heard_at)

    def is_quiet(self, talk: Talk, turn: Turn) -> bool:
        """Whether we were asked not to speak in this turn."""
        match self._world.quiet.mode:
            case "quiet":
                return True
            case "mention-only":
                return not self._moments.addressed(turn.message, talk)
            case _:
                return False

    def hindrance(self, talk: Talk, turn: Turn) -> str:
        """What keeps us from speaking just now, as a State says it; nothing if nothing does."""
        if self.is_quiet(talk, turn):
            return "quiet"
        if not self._world.is_person(turn.message.sender) and (
            self.stands_back(turn) or self.is_awaited_by_people
        ):
            return "interrupted"
        if why := self._world.taken.why_none(talk.id, trio.current_time()):
            self._voice.rest(why)
            return "limit"
        return self._voice.failing if self._voice.is_speechless else ""

    def has_spent_all(self, talk: Talk) -> bool:
        """Whether the brain may not be asked in `talk` any more."""
        allowance = self._allowance
        return allowance is not None and allowance.is_used_up(talk.id, trio.current_time())

    def may_spend(self, spending: Spending, talk: Talk) -> bool:
        """Whether the brain may be asked in `talk`; if not, say why, but not every time."""
        allowance, now = self._allowance, trio.current_time()
        if allowance is None or allowance.spend(spending, talk.id, now):
            return True
        if reason := allowance.why_not(talk.id, now):
            self._voice.rest(reason)
        return False

    @property
    def _allowance(self) -> Allowance | None:
        """What strangers may have of a brain that costs money; None: everything."""
        return self._world.allowance if self._sessions.current.brain.paid else None
