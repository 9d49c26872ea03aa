"""The command line: one file a command. Parse, call, print, exit code; no logic."""

from .app import main

__all__ = ["main"]
