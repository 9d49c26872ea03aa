"""What thinks: the brains, and how one is chosen. No model's SDK is loaded until a brain is opened."""

from .base import Assessment, Brain, BrainError, BrainFault, Toolbox, ToolError, ToolSpec, Usage
from .choose import Choice, check_provider, choose_brain, open_brain
from .moment import (
    Briefing,
    FindingKind,
    FindingLevel,
    Instruction,
    Known,
    Line,
    Moment,
    Past,
    Persona,
    Picture,
    Someone,
)
from .plugins import BrainRequest
from .study import Finding, Study

__all__ = [
    "Assessment",
    "Brain",
    "BrainError",
    "BrainFault",
    "BrainRequest",
    "Briefing",
    "Choice",
    "Finding",
    "FindingKind",
    "FindingLevel",
    "Instruction",
    "Known",
    "Line",
    "Moment",
    "Past",
    "Persona",
    "Picture",
    "Someone",
    "Study",
    "ToolError",
    "ToolSpec",
    "Toolbox",
    "Usage",
    "check_provider",
    "choose_brain",
    "open_brain",
]
