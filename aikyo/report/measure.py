"""Counts what the records of turns come to."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from math import ceil, fsum

from ..conversation.latency import BID_DEADLINE
from ..conversation.repetition import REPETITION
from ..conversation.turns import CLAIM_DEADLINE, COMPOSE_DEADLINE
from ..wire import TurnRecord
from .loops import longest_loop
from .model import GAP_BOUNDS, Gaps, Lengths, Repetition, Report, Share, Spoke

__all__ = ["bound", "is_stall", "make_report"]

_MARGIN = 1.0  # seconds, for what is under way
_GOES_ON = {"answered", "superseded"}
_UNEXPLAINED = {"nobody-wanted", "no-quorum"}
_NAMED = 20
_TIMELINE = 600


def make_report(records: Iterable[TurnRecord], *, threshold: float = REPETITION) -> Report:
    """What the records come to, in whichever order they are given.

    Args:
        records: of turns, each message once; of a message that comes twice, the last counts.
        threshold: from which similarity on a message repeats another.
    """
    by_id = {record.message_id: record for record in records}
    turns = sorted(by_id.values(), key=lambda record: (record.time, record.message_id))
    if not turns:
        return Report()
    talks: dict[str, list[TurnRecord]] = {}
    for turn in turns:
        talks.setdefault(turn.conversation, []).append(turn)
    overlaps = sum(map(_overlaps, turns))
    stalls = [turn for turn in turns if is_stall(turn)]
    waits = [turn for turn in turns if turn.seconds > bound(turn)]
    stalled = {turn.message_id for turn in (*stalls, *waits)}
    shares, evenness = _shares(turns)
    return Report(
        turns=len(turns),
        talks=len(talks),
        begun=turns[0].time,
        ended=turns[-1].time,
        answered=sum(turn.outcome == "answered" for turn in turns),
        superseded=sum(turn.outcome == "superseded" for turn in turns),
        overlaps=overlaps,
        overlap_share=overlaps / len(turns),
        late=sum(len(turn.answers) for turn in turns if turn.outcome != "answered"),
        conflicts=sum(claim.contested for turn in turns for claim in turn.claims),
        stalls=len(stalls),
        waits=len(waits),
        unheard=sum(map(_is_unheard, turns)),
        interruptions=sum(map(_was_interrupted, turns)),
        gaps=_gaps([max(0.0, t.seconds - t.pause) for t in turns if t.outcome == "answered"]),
        shares=shares,
        evenness=evenness,
        loop=longest_loop(talks),
        crowded_loop=longest_loop(talks, crowded=True),
        repetition=_repetition(turns, threshold),
        endings=dict(Counter(t.outcome for t in turns if t.outcome not in _GOES_ON).most_common()),
        lengths=_lengths([len(talk) for talk in talks.values()]),
        stalled=tuple(turn.message_id for turn in turns if turn.message_id in stalled)[-_NAMED:],
        overlapped=tuple(turn.message_id for turn in turns if _overlaps(turn))[-_NAMED:],
        timeline=_timeline(turns, stalled),
    )


def is_stall(turn: TurnRecord) -> bool:
    """Whether somebody who stayed wanted to speak to the end, nobody did, and nothing explains it."""
    wanted = any(o.score is not None and not o.gave_up and o.who not in turn.left for o in turn.offers)
    return wanted and not turn.answers and turn.outcome in _UNEXPLAINED


def bound(turn: TurnRecord) -> float:
    """Seconds that a turn may take at the most, by the deadlines of turn-taking: for the States, for
    each who may claim it, and for each who did."""
    for_claims = CLAIM_DEADLINE * max(len(turn.offers), len(turn.invited))
    for_answers = COMPOSE_DEADLINE * max(1, len(turn.claims))
    return BID_DEADLINE + for_claims + for_answers + _MARGIN


def _overlaps(turn: TurnRecord) -> int:
    return max(0, len(turn.answers) - 1)


def _is_unheard(turn: TurnRecord) -> bool:
    stayed = set(turn.invited) - set(turn.left)
    return turn.outcome == "no-quorum" and bool(stayed) and not turn.offers and not turn.answers


def _was_interrupted(turn: TurnRecord) -> bool:
    gave_up = [offer.reason for offer in turn.offers if offer.gave_up]
    return "interrupted" in (turn.outcome, *gave_up, *(note.reason for note in turn.notes))


def _gaps(seconds: Sequence[float]) -> Gaps:
    if not seconds:
        return Gaps(counts=(0,) * (len(GAP_BOUNDS) + 1))
    ordered = sorted(seconds)
    bins = Counter(bisect_left(GAP_BOUNDS, gap) for gap in ordered)
    return Gaps(
        answers=len(ordered),
        median=_quantile(ordered, 0.5),
        p95=_quantile(ordered, 0.95),
        longest=ordered[-1],
        counts=tuple(bins[number] for number in range(len(GAP_BOUNDS) + 1)),
    )


def _quantile(ordered: Sequence[float], part: float) -> float:
    """By nearest rank: always one that occurred."""
    return ordered[max(0, ceil(part * len(ordered)) - 1)]


def _shares(turns: Sequence[TurnRecord]) -> tuple[tuple[Share, ...], float]:
    """Of everybody who spoke or was asked, most first; and how even they are."""
    said = Counter(turn.sender for turn in turns if not turn.by_person)
    wanted = Counter(o.who for turn in turns for o in turn.offers if o.state == "speak")
    there = {who for turn in turns for who in turn.invited} | said.keys()
    total = sum(said.values())
    shares = [
        Share(who=who, said=said[who], share=said[who] / total if total else 0.0, wanted=wanted[who])
        for who in sorted(there, key=lambda who: (-said[who], who))
    ]
    squares = sum(one.said**2 for one in shares)
    return tuple(shares), total**2 / (len(shares) * squares) if squares else 1.0


def _repetition(turns: Sequence[TurnRecord], threshold: float) -> Repetition:
    alike = [turn.repeats for turn in turns]
    return Repetition(
        mean=fsum(alike) / len(alike),
        most=max(alike),
        over=sum(one >= threshold for one in alike) / len(alike),
        threshold=threshold,
    )


def _lengths(lengths: Sequence[int]) -> Lengths:
    ordered = sorted(lengths)
    return Lengths(mean=sum(ordered) / len(ordered), median=_quantile(ordered, 0.5), longest=ordered[-1])


def _timeline(turns: Sequence[TurnRecord], stalled: set[str]) -> tuple[Spoke, ...]:
    extra = {answer for turn in turns for answer in turn.answers[1:]}
    numbers: dict[str, int] = {}
    return tuple(
        Spoke(
            who=turn.sender,
            talk=numbers.setdefault(turn.conversation, len(numbers)),
            person=turn.by_person,
            overlap=turn.message_id in extra,
            stall=turn.message_id in stalled,
        )
        for turn in turns[-_TIMELINE:]
    )
