"""The brain that needs no key and no network: rules, a good memory, and a phrase book."""

from .brain import OfflineBrain

__all__ = ["OfflineBrain"]
