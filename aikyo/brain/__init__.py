"""What thinks: the brains, and how one is chosen. No model's SDK is loaded until a brain is opened."""

from .base import (
    Assessment,
    Brain,
    BrainError,
    Instruction,
    Line,
    Moment,
    Persona,
    Picture,
    Someone,
    Toolbox,
    ToolError,
    ToolSpec,
    Usage,
)
from .choose import Choice, Provider, choose_brain, open_brain

__all__ = [
    "Assessment",
    "Brain",
    "BrainError",
    "Choice",
    "Instruction",
    "Line",
    "Moment",
    "Persona",
    "Picture",
    "Provider",
    "Someone",
    "ToolError",
    "ToolSpec",
    "Toolbox",
    "Usage",
    "choose_brain",
    "open_brain",
]
