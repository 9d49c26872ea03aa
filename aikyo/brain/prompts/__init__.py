"""What a model is told, as texts that a person can read: who it is, what goes on, what is asked."""

from .library import Prompts
from .render import assess_prompt, compose_prompt, looked_up, pictures, refused, system_prompt

__all__ = [
    "Prompts",
    "assess_prompt",
    "compose_prompt",
    "looked_up",
    "pictures",
    "refused",
    "system_prompt",
]
