"""The journal summed up by conversation, day and month."""

from .model import Digest, DigestLevel
from .table import Digests

__all__ = ["Digest", "DigestLevel", "Digests"]
