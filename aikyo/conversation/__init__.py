"""Who speaks next, and when a talk has had enough. Pure decisions: no I/O, no clock, no random."""

from .decisions import Decision, Leader, Outcome, Over, Speaker, Wait
from .hearing import (
    MAX_BIDDERS,
    Names,
    as_message,
    asks,
    audience,
    bidders,
    detect_language,
    hears,
    turns_to,
)
from .judging import judge, judge_all
from .latency import Patience
from .led_turn import LedTurn
from .quiet_words import QuietRequest, quiet_request
from .ranking import Spoken
from .repetition import Embed, similarity
from .talk import Talk
from .talks import Talks
from .turns import Turn
from .winding_down import WindingDown, speaking_time

__all__ = [
    "MAX_BIDDERS",
    "Decision",
    "Embed",
    "Leader",
    "LedTurn",
    "Names",
    "Outcome",
    "Over",
    "Patience",
    "QuietRequest",
    "Speaker",
    "Spoken",
    "Talk",
    "Talks",
    "Turn",
    "Wait",
    "WindingDown",
    "as_message",
    "asks",
    "audience",
    "bidders",
    "detect_language",
    "hears",
    "judge",
    "judge_all",
    "quiet_request",
    "similarity",
    "speaking_time",
    "turns_to",
]
