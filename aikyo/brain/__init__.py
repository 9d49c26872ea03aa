"""What thinks: the brains, and how one is chosen. No model's SDK is loaded until a brain is opened."""

from .base import Assessment, Brain, BrainError, BrainFault, Toolbox, ToolError, ToolSpec, Usage
from .choose import Choice, check_provider, choose_brain, open_brain
from .moment import Briefing, Instruction, Line, Moment, Past, Persona, Picture, Someone
from .plugins import BrainRequest

__all__ = [
    "Assessment",
    "Brain",
    "BrainError",
    "BrainFault",
    "BrainRequest",
    "Briefing",
    "Choice",
    "Instruction",
    "Line",
    "Moment",
    "Past",
    "Persona",
    "Picture",
    "Someone",
    "ToolError",
    "ToolSpec",
    "Toolbox",
    "Usage",
    "check_provider",
    "choose_brain",
    "open_brain",
]
