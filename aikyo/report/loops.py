"""Finds two companions who only answer each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..wire import TurnRecord
from .model import Loop

__all__ = ["longest_loop"]

_SHORTEST = 3
"""A, B and A again."""


def longest_loop(talks: Mapping[str, Sequence[TurnRecord]], *, crowded: bool = False) -> Loop:
    """The longest run of A, B, A, B … in one talk; a person who speaks ends it.

    Args:
        talks: the turns of each conversation, in order.
        crowded: only where at every message of the run a third wanted to speak.
    """
    longest = Loop()
    for conversation, turns in talks.items():
        run: list[TurnRecord] = []
        for turn in turns:
            run = _go_on(run, turn)
            if crowded and len(run) > 1 and not _third_wanted(run):
                run = run[-1:]
            if len(run) > longest.messages and len(run) >= _SHORTEST:
                pair = (run[0].sender, run[1].sender)
                longest = Loop(messages=len(run), who=pair, conversation=conversation)
    return longest


def _go_on(run: list[TurnRecord], turn: TurnRecord) -> list[TurnRecord]:
    """The run of two that `turn` is the latest of."""
    if turn.by_person:
        return []
    if len(run) >= 2 and run[-2].sender == turn.sender and run[-1].sender != turn.sender:
        return [*run, turn]
    if run and run[-1].sender != turn.sender:
        return [run[-1], turn]
    return [turn]


def _third_wanted(run: list[TurnRecord]) -> bool:
    """Whether somebody else wanted to answer what the latest of the run answers."""
    pair = {run[-1].sender, run[-2].sender}
    return any(offer.state == "speak" and offer.who not in pair for offer in run[-2].offers)
