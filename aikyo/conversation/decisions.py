"""What a turn comes to: who is to do what until when, or why it is over. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Decision", "Leader", "Outcome", "Over", "Speaker", "Wait", "why_silent"]


class Outcome(StrEnum):
    """Why a turn is over: its message was answered, or something newer is talked about; else why the
    talk rests: it is closed, nobody wanted to speak, a limit was reached, a person interrupted, those
    who were to speak were not heard of, all are to be quiet, or a brain failed or has spent
    what it may."""

    ANSWERED = "answered"
    SUPERSEDED = "superseded"
    CLOSED = "closed"
    NOBODY_WANTED = "nobody-wanted"
    LIMIT = "limit"
    INTERRUPTED = "interrupted"
    NO_QUORUM = "no-quorum"
    QUIET = "quiet"
    BRAIN_FAILED = "brain-failed"
    SPENT = "spent"


_ANYBODYS = (
    Outcome.BRAIN_FAILED,
    Outcome.SPENT,
    Outcome.INTERRUPTED,
    Outcome.LIMIT,
    Outcome.CLOSED,
)
"""Reasons that tell why a talk rests if anybody gives them, the first of these first."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do before `until` (same clock as `now`), unless something new is heard."""

    until: float


@dataclass(frozen=True, slots=True)
class Leader:
    """`who` is to judge for all (`LedTurn` alone); until `until`, others wait for it."""

    who: str
    until: float


@dataclass(frozen=True, slots=True)
class Speaker:
    """`who` has the turn, as the `rank`-th choice; it should claim it if it has not.

    `until` is when the turn passes on if nothing is heard.
    """

    who: str
    rank: int
    claimed: bool
    until: float


@dataclass(frozen=True, slots=True)
class Over:
    """The turn is over."""

    outcome: Outcome


Decision = Wait | Leader | Speaker | Over


def why_silent(reasons: Iterable[str]) -> Outcome:
    """Why nobody speaks, of those who said that they only listen, by the reasons that they gave; reasons
    that are not known count as none."""
    given = set(reasons)
    if found := next((reason for reason in _ANYBODYS if reason in given), None):
        return found
    return Outcome.QUIET if given == {Outcome.QUIET} else Outcome.NOBODY_WANTED
