"""A companion's profile: its TOML file, checked, and where such files are found."""

from .checking import check_profile
from .finding import choose_profiles, find_profile, list_profiles, load_again, profile_dirs
from .model import (
    BrainChoice,
    Condition,
    Events,
    Execute,
    Metadata,
    Profile,
    ProfileError,
    Voice,
    load_profile,
)
from .trust import Trust

__all__ = [
    "BrainChoice",
    "Condition",
    "Events",
    "Execute",
    "Metadata",
    "Profile",
    "ProfileError",
    "Trust",
    "Voice",
    "check_profile",
    "choose_profiles",
    "find_profile",
    "list_profiles",
    "load_again",
    "load_profile",
    "profile_dirs",
]
