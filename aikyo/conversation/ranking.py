"""Who of those who want to speak goes first: by importance, by whom the message turns to, by who has
just spoken and who has waited. Pure.

Everything here is a function of what all listeners have heard, so that all come to the same order.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from ..wire import Message, State

__all__ = ["RECENT", "Spoken", "claim_order", "cooldown", "fairness", "score_all", "tie"]

SELECTED_BONUS = 4.0
"""What being turned to is worth, in points of importance: strong, not absolute."""

COOLDOWN, FADES, MOST_COOLDOWN = 0.7, 0.75, 4.0
"""Points off for each second that one has just spoken; what is left of them with each message heard
since; and the most that is taken off."""

FAIRNESS = 0.25
"""Points by the square of how many messages one has waited beyond those in which everybody who wants to
could have spoken. Little at first, so that whom a speaker turns to answers; against the largest lead
that others can claim, 10 + 4 points, eight are enough."""

UNASKED = 7.0
"""Importance from which others may comment on the answer that a person got from whom they asked."""

RECENT = 32
"""Messages of a talk that are looked back on."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """That somebody spoke: `seconds` is how long it takes to say, see `speaking_time`."""

    sender: str
    seconds: float
    by_person: bool = False


def score_all(
    message: Message, bids: Iterable[State], recent: Sequence[Spoken], *, settled_pair: bool = False
) -> dict[str, float]:
    """The scores of those who want to answer `message`, best first.

    Args:
        message: what was said.
        bids: the States for it, at most one of each sender.
        recent: the talk's latest messages, oldest first, this one last.
        settled_pair: a person asked somebody in particular, and this is the answer: then an unselected
            bid under `UNASKED` does not count, unless its sender is overdue.
    """
    wanting = [bid for bid in bids if bid.state == "speak"]
    scores: dict[str, float] = {}
    for bid in wanting:
        due = fairness(bid.sender, recent, len(wanting))
        if settled_pair and not bid.selected and bid.importance + due < UNASKED:
            continue
        score = bid.importance + SELECTED_BONUS * bid.selected + due - cooldown(bid.sender, recent)
        scores[bid.sender] = round(score, 3)
    order = sorted(scores, key=lambda who: (-scores[who], tie(message, who)))
    return {who: scores[who] for who in order}


def cooldown(who: str, recent: Sequence[Spoken]) -> float:
    """Points off for how much `who` has just said."""
    said = sum(
        spoken.seconds * FADES**age
        for age, spoken in enumerate(reversed(recent))
        if spoken.sender == who
    )
    return min(MOST_COOLDOWN, COOLDOWN * said)


def fairness(who: str, recent: Sequence[Spoken], wanting: int) -> float:
    """Points for having waited longer than if all those `wanting` had spoken in turn. What a person says
    ends the waiting: it is for them to say whom they talk to.

    Of n companions, one that wants to speak every time has a turn within 2n + 6 messages, whatever the
    others claim: nine past its share, and once for each of the others who is overdue with it.
    """
    waited = 0
    for spoken in reversed(recent):
        if spoken.by_person or spoken.sender == who:
            break
        waited += 1
    return FAIRNESS * max(0, waited - wanting) ** 2


def tie(message: Message, who: str) -> bytes:
    """Orders companions anew for each message, the same everywhere."""
    # Of a UUIDv7, the random half alone: with a seed, ties are broken in the same way every time
    return sha256(f"{message.id[-17:]}\0{who}".encode()).digest()


def claim_order(claim: State, message: Message) -> tuple[int, bytes]:
    """Of two claims the lower rank stands, then the lower hash."""
    return claim.rank, tie(message, claim.sender)
