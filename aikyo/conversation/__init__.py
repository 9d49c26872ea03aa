"""Who speaks next, and when a talk has had enough. Pure decisions: no I/O, no clock, no random."""

from .hearing import as_message, audience, bidders, detect_language, hears, turns_to
from .judging import judge, judge_all
from .led_turn import LedTurn
from .talks import Talk, Talks
from .turns import Decision, Leader, Outcome, Over, Speaker, Turn, Wait
from .winding_down import WindingDown, similarity, speaking_time

__all__ = [
    "Decision",
    "Leader",
    "LedTurn",
    "Outcome",
    "Over",
    "Speaker",
    "Talk",
    "Talks",
    "Turn",
    "Wait",
    "WindingDown",
    "as_message",
    "audience",
    "bidders",
    "detect_language",
    "hears",
    "judge",
    "judge_all",
    "similarity",
    "speaking_time",
    "turns_to",
]
