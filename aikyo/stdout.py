"""Keeps stdout for what was asked for, where code of the user's own runs that may print something."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout

__all__ = ["printing_to_stderr"]

_printing = threading.RLock()  # there is one stdout, and who puts it back must be the last who took it


@contextmanager
def printing_to_stderr() -> Iterator[None]:
    """What is printed within goes to stderr. Threads come in one after the other."""
    with _printing, redirect_stdout(sys.stderr):
        yield
