"""What a companion remembers: one SQLite file each, with a journal, facts, digests and recall."""

from .base import Entry, Hit, Kind, MemoryFileError, Row, Summary
from .digests import Digest
from .facts import Fact, FactHit, FactKind, Level, NewFact
from .file import MemoryFile
from .threaded import Memory

__all__ = [
    "Digest",
    "Entry",
    "Fact",
    "FactHit",
    "FactKind",
    "Hit",
    "Kind",
    "Level",
    "Memory",
    "MemoryFile",
    "MemoryFileError",
    "NewFact",
    "Row",
    "Summary",
]
