"""Where prompts come from: the files beside this module, and those of a home in their place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec

from ...errors import UsageError, nearest
from ...toml import Document, Problem, TomlError, check_table, parse_toml, read_toml
from ...wire import Closing
from .template import FILLED, OPENINGS, PLACEHOLDERS, Template, Words

__all__ = ["Prompts"]

MAX_FILE = 64 << 10
"""Bytes of a prompt file of one's own: it goes with every request."""

_FALLBACK = "en"
_NAME = re.compile(rf"({'|'.join(PLACEHOLDERS)})\.([a-z]{{2,3}})\.md|(words)\.([a-z]{{2,3}})\.toml")


class Prompts:
    """The prompts of all languages.

    A file in `folder` is taken in place of the one of that name that comes with the program; of
    ``words.<language>.toml`` it may hold a part. Languages that the program has no prompts for can be
    brought along; what is not there in a language is taken in English.

    Args:
        folder: one's own files, read now and checked; it need not be there. None: there are none.

    Attributes:
        own: the names of the files that were found in `folder`.

    Raises:
        UsageError: something is wrong in one of them; says the file and the line.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._templates: dict[tuple[str, str], Template] = {}
        self._words: dict[str, Words] = {}
        found = {} if folder is None else dict(_own_files(folder))
        self.own = tuple(file.name for file in found.values())
        for (name, language), file in found.items():
            if name == "words":
                self._words[language] = _own_words(file, language)
            else:
                text = _read(file)
                self._templates[name, language] = Template(text, PLACEHOLDERS[name], str(file))

    def template(self, name: str, language: str) -> Template:
        """The prompt `name` in `language` (a tag like ``ja`` or ``ja-JP``), or in English if there is
        none."""
        for tag in _tags(language):
            found = self._templates.get((name, tag)) or _packaged_template(name, tag)
            if found is not None:
                return found
        raise LookupError(name)

    def words(self, language: str) -> Words:
        """The words of `language`, or the English ones."""
        for tag in _tags(language):
            if tag in self._words:
                return self._words[tag]
            if (found := _packaged_words(tag)) is not None:
                return found
        raise LookupError(language)


def _tags(language: str) -> tuple[str, str]:
    return language.partition("-")[0].lower(), _FALLBACK


def _own_files(folder: Path) -> Iterator[tuple[tuple[str, str], Path]]:
    try:
        there = sorted(folder.iterdir()) if folder.exists() else []
    except OSError as error:
        raise UsageError(f"{folder}: cannot be read: {(error.strerror or str(error)).lower()}") from None
    for file in there:
        if file.name.startswith((".", "README")) or file.suffix not in {".md", ".toml"}:
            continue
        fits = _NAME.fullmatch(file.name)
        if fits is None:
            known = [path for path in _packaged() if _NAME.fullmatch(path)]
            raise UsageError(f"{file}: there is no prompt of this name{nearest(file.name, known)}")
        yield (fits[1] or fits[3], fits[2] or fits[4]), file


def _read(file: Path) -> str:
    try:
        if not file.is_file():  # a pipe would wait for ever
            raise UsageError(f"{file}:1: is not a file")
        with file.open("rb") as source:
            raw = source.read(MAX_FILE + 1)
    except OSError as error:
        raise UsageError(f"{file}:1: cannot be read: {(error.strerror or str(error)).lower()}") from None
    if len(raw) > MAX_FILE:
        raise UsageError(f"{file}:1: is over the limit of {MAX_FILE >> 10} KiB")
    try:
        return raw.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{file}:{line}: is not UTF-8; save it as UTF-8") from None


def _own_words(file: Path, language: str) -> Words:
    """The words of a file that may leave out what it does not change."""
    try:
        document = read_toml(file)
    except TomlError as error:
        raise _at(file, error.problem) from None
    usual = _packaged_data(language) or _packaged_data(_FALLBACK) or {}
    whole = replace(document, data=_merged(usual, document.data))
    problems = [*_unknown_keys(document)] or [*check_table(whole, Words)] or [*_braces(document)]
    if problems:
        raise _at(file, min(problems))
    return msgspec.convert(whole.data, Words)


def _merged(usual: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """`own` over `usual`, table by table."""
    merged = dict(usual)
    for key, value in own.items():
        there: Any = merged.get(key)
        both = isinstance(there, dict) and isinstance(value, dict)
        merged[key] = there | value if both else value
    return merged


def _unknown_keys(document: Document) -> Iterator[Problem]:
    for table, known in (("begin", OPENINGS), ("closing", tuple(map(str, Closing)))):
        given = document.data.get(table)
        for key in given if isinstance(given, dict) else ():
            if key not in known:
                what = f"unknown key {key[:80]!r}{nearest(key, known)}"
                yield document.at_key((table, key), what)


def _braces(document: Document) -> Iterator[Problem]:
    """What is wrong with the texts that are filled: in them, braces stand for nothing else."""
    for key, name in FILLED.items():
        text = document.data.get(key)
        if text is None:
            continue
        if (rest := text.replace(f"{{{name}}}", "")) == text:
            yield document.at_key((key,), f"{key!r} has to hold {{{name}}}")
        elif "{" in rest or "}" in rest:
            yield document.at_key((key,), f"{key!r} may hold no braces but {{{name}}}")


def _at(file: Path, problem: Problem) -> UsageError:
    return UsageError(f"{file}:{problem.line}:{problem.column}: {problem.what}")


@lru_cache(maxsize=1)
def _packaged() -> dict[str, str]:
    """The files that come with the program, by name."""
    return {
        file.name: file.read_text(encoding="utf-8")
        for file in files(__package__).iterdir()
        if _NAME.fullmatch(file.name)
    }


@lru_cache(maxsize=64)
def _packaged_template(name: str, language: str) -> Template | None:
    where = f"{name}.{language}.md"
    text = _packaged().get(where)
    return None if text is None else Template(text, PLACEHOLDERS[name], where)


@lru_cache(maxsize=16)
def _packaged_data(language: str) -> dict[str, Any] | None:
    text = _packaged().get(f"words.{language}.toml")
    return None if text is None else parse_toml(text).data


@lru_cache(maxsize=16)
def _packaged_words(language: str) -> Words | None:
    data = _packaged_data(language)
    return None if data is None else msgspec.convert(data, Words)
