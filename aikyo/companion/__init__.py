"""A companion: its profile, its tools, and the task tree in which it hears, thinks and speaks."""

from .allowance import Allowance
from .companion import Companion
from .profile import Profile, ProfileError, choose_profiles, profile_dirs
from .world import World

__all__ = [
    "Allowance",
    "Companion",
    "Profile",
    "ProfileError",
    "World",
    "choose_profiles",
    "profile_dirs",
]
