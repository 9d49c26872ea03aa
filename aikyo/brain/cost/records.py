"""A call of a model as it is kept."""

from __future__ import annotations

from msgspec import Struct

from ..base import BrainFault, Usage

__all__ = ["ModelCall"]


class ModelCall(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One request to a model, answered or not; or, as they are kept in the end, the sum of an hour's.

    Attributes:
        time: when it ended, seconds since the epoch; of a sum, when its hour began.
        companion: id of whom it was for.
        provider: ``anthropic``, ``openai`` or one's own.
        model: which model.
        purpose: what for (`calling.Purpose`).
        usage: what it cost in tokens.
        seconds: how long it took.
        fault: what went wrong, if anything.
        paid: whether it cost money.
        money: how much, in US dollars, as the ledger knew it then; None where it did not.
    """

    time: float
    companion: str
    provider: str
    model: str
    purpose: str
    usage: Usage
    seconds: float = 0
    fault: BrainFault | None = None
    paid: bool = True
    money: float | None = None
