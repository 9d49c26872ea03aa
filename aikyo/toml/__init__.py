"""TOML files that people write: read, and checked with line and column. Pure but for the reading."""

from .check import check_table, expectation
from .document import Document, Path, Problem, TomlError, parse_toml, read_toml

__all__ = [
    "Document",
    "Path",
    "Problem",
    "TomlError",
    "check_table",
    "expectation",
    "parse_toml",
    "read_toml",
]
