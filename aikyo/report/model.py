"""What a report says, as plain data."""

from __future__ import annotations

from msgspec import Struct

__all__ = ["GAP_BOUNDS", "Gaps", "Lengths", "Loop", "Repetition", "Report", "Share", "Spoke"]

GAP_BOUNDS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
"""Seconds up to which the counts of `Gaps` go, each; one more holds what is longer."""


class Gaps(Struct, frozen=True, kw_only=True):
    """Seconds from the end of a message to its answer: the pause that is left for reading it is not in
    them. `counts` has one more than `GAP_BOUNDS`. All 0 where nothing was answered."""

    answers: int = 0
    median: float = 0
    p95: float = 0
    longest: float = 0
    counts: tuple[int, ...] = ()


class Share(Struct, frozen=True, kw_only=True):
    """How much one companion said: `said` messages, which is `share` of all that companions said. At
    `wanted` messages of others it wanted to speak."""

    who: str
    said: int
    share: float
    wanted: int


class Loop(Struct, frozen=True, kw_only=True):
    """Two companions who only answered each other, for so many messages; 0 and nobody where none did."""

    messages: int = 0
    who: tuple[str, ...] = ()
    conversation: str = ""


class Repetition(Struct, frozen=True, kw_only=True):
    """How much messages repeated earlier ones of their talk, 0 to 1; the share over the threshold."""

    mean: float = 0
    most: float = 0
    over: float = 0
    threshold: float = 0


class Lengths(Struct, frozen=True, kw_only=True):
    """Messages in a talk."""

    mean: float = 0
    median: float = 0
    longest: int = 0


class Spoke(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One message of the timeline: who, in which talk (counted from 0), and whether it was one too many
    (`overlap`) or nobody answered it (`stall`)."""

    who: str
    talk: int
    person: bool = False
    overlap: bool = False
    stall: bool = False


class Report(Struct, frozen=True, kw_only=True):
    """How talks went.

    Attributes:
        turns: how many messages opened a turn.
        talks: how many conversations they belong to.
        begun: when the first was heard, seconds since the epoch; 0 where there is none.
        ended: when the last was heard.
        answered: turns that a companion answered.
        superseded: turns that nobody answered because somebody else went on with the talk.
        overlaps: Messages of companions too many, for a message that had its answer.
        overlap_share: the same, of all turns.
        late: answers that came after somebody else had gone on with the talk.
        conflicts: claims of a turn that somebody else had.
        stalls: turns in which somebody who was there wanted to speak and did not, without a reason.
        waits: turns that took longer than all their deadlines together.
        unheard: turns in which not one State came from those who were asked and stayed.
        interruptions: turns that were given up because a person spoke.
        gaps: from messages to answers.
        shares: of each companion, most first.
        evenness: of the shares, from 1/n (one says all) to 1 (all say as much); Jain's index.
        loop: the longest of two companions.
        crowded_loop: the same, while at every message of it a third wanted to speak.
        repetition: how much was said again.
        endings: how often talks rested or ended, by reason.
        lengths: of the talks.
        stalled: ids of messages of stalls and long waits, for `aikyo why`; the newest ones.
        overlapped: ids of messages that were answered more than once; the newest ones.
        timeline: who spoke, in order; the newest ones.
    """

    turns: int = 0
    talks: int = 0
    begun: float = 0
    ended: float = 0
    answered: int = 0
    superseded: int = 0
    overlaps: int = 0
    overlap_share: float = 0
    late: int = 0
    conflicts: int = 0
    stalls: int = 0
    waits: int = 0
    unheard: int = 0
    interruptions: int = 0
    gaps: Gaps = Gaps()
    shares: tuple[Share, ...] = ()
    evenness: float = 1
    loop: Loop = Loop()
    crowded_loop: Loop = Loop()
    repetition: Repetition = Repetition()
    endings: dict[str, int] = {}
    lengths: Lengths = Lengths()
    stalled: tuple[str, ...] = ()
    overlapped: tuple[str, ...] = ()
    timeline: tuple[Spoke, ...] = ()
