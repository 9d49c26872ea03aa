"""What a companion remembers: one SQLite file each, with a journal and full-text recall."""

from .base import Entry, Hit, Kind, MemoryFileError, Row, Summary
from .file import MemoryFile
from .threaded import Memory

__all__ = ["Entry", "Hit", "Kind", "Memory", "MemoryFile", "MemoryFileError", "Row", "Summary"]
