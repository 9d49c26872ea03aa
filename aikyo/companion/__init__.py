"""A companion: its profile, its tools, and the task tree in which it hears, thinks and speaks."""

from .allowance import Allowance
from .companion import Companion
from .limits import Limits, TurnsTaken
from .profile import Profile, ProfileError, Trust, choose_profiles, profile_dirs
from .quiet import Quiet
from .world import World

__all__ = [
    "Allowance",
    "Companion",
    "Limits",
    "Profile",
    "ProfileError",
    "Quiet",
    "Trust",
    "TurnsTaken",
    "World",
    "choose_profiles",
    "profile_dirs",
]
