"""What a model is told, as texts that a person can read: who it is, what goes on, what is asked."""

from .learning import to_learn, to_reflect
from .library import Prompts
from .records import pictures
from .render import Prompt, looked_up, refused, to_assess, to_compose, to_summarize

__all__ = [
    "Prompt",
    "Prompts",
    "looked_up",
    "pictures",
    "refused",
    "to_assess",
    "to_compose",
    "to_learn",
    "to_reflect",
    "to_summarize",
]
