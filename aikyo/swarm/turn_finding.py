"""Finds the turn that a person means. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import UsageError, nearest
from ..text import inert
from ..wire import TurnRecord

__all__ = ["find_turn"]

SHORTEST = 6
"""Characters of an id that a person has to give."""

_NAMED = 5
_COMPARED = 300


def find_turn(turns: Sequence[TurnRecord], message: str | None, *, after: bool = False) -> TurnRecord:
    """The turn that led to a message: in which it was said, or else the one that it opened.

    Args:
        turns: oldest first.
        message: its id, or a part of it, at least `SHORTEST` characters of either end; None: the latest
            turn, but for those of answers that no companion heard, of which there is nothing to tell.
        after: the turn that the message opened, also where it was an answer itself.

    Raises:
        UsageError: there is none, or it is not told by so little.
    """
    if message is None:
        if not turns:
            raise UsageError("nothing has been said yet; aikyo say alice 'hello' begins a talk")
        return next((turn for turn in reversed(turns) if turn.by_person or turn.invited), turns[-1])
    opened = {turn.message_id: turn for turn in turns}
    answered = {answer: turn for turn in turns for answer in turn.answers}
    ident = _meant(message.strip().strip("…"), [*opened, *answered])
    found = (opened if after else answered).get(ident) or opened.get(ident)
    if found is None:
        raise UsageError(f"the turn that {inert(ident)} opened is not known; leave out --after")
    return found


def _meant(part: str, known: Sequence[str]) -> str:
    """The one id that a person may have meant by `part`."""
    everybody = dict.fromkeys(known)
    if part in everybody:
        return part
    shown = repr(part[:80])
    if len(part) < SHORTEST:
        raise UsageError(f"{shown} is too short: give {SHORTEST} or more characters of a message's id")
    found = [ident for ident in everybody if ident.startswith(part) or ident.endswith(part)]
    if len(found) == 1:
        return found[0]
    if found:
        named = "…, " * (len(found) > _NAMED) + ", ".join(map(inert, found[-_NAMED:]))
        raise UsageError(f"{shown} may be any of {len(found)} messages; give more of it: {named}")
    hint = nearest(part, map(inert, list(everybody)[-_COMPARED:])) if everybody else ""
    hint = hint if "did you mean" in hint else "; aikyo why -n 10 lists the latest"
    raise UsageError(f"no turn of a message {shown} is known{hint}")
