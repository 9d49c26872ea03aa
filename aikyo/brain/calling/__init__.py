"""Calling a model: what goes wrong with one is handled here, for all brains alike."""

from .breaker import Breakers
from .budget import RetryBudget
from .caller import Answered, Caller, Purpose
from .fault import CONNECT_SECONDS, FIRST_SECONDS, NEXT_SECONDS, CallFault
from .switch import refuse_remote
from .words import one_line, seconds_to_wait

__all__ = [
    "CONNECT_SECONDS",
    "FIRST_SECONDS",
    "NEXT_SECONDS",
    "Answered",
    "Breakers",
    "CallFault",
    "Caller",
    "Purpose",
    "RetryBudget",
    "one_line",
    "refuse_remote",
    "seconds_to_wait",
]
