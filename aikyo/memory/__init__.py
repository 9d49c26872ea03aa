"""What a companion remembers: one SQLite file each, with a journal, facts, digests and recall."""

from .base import Durability, Entry, Hit, Kind, MemoryDamagedError, MemoryFileError, Row
from .digests import Digest, DigestLevel
from .facts import Fact, FactHit, FactKind, Level, NewFact
from .file import MemoryFile
from .mending import Mended, mend
from .threaded import Memory

__all__ = [
    "Digest",
    "DigestLevel",
    "Durability",
    "Entry",
    "Fact",
    "FactHit",
    "FactKind",
    "Hit",
    "Kind",
    "Level",
    "Memory",
    "MemoryDamagedError",
    "MemoryFile",
    "MemoryFileError",
    "Mended",
    "NewFact",
    "Row",
    "mend",
]
