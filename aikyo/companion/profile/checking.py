"""Checks a profile's file, and finds every problem with line and column."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, time
from itertools import islice
from pathlib import Path as FilePath
from typing import Any

import msgspec

from ...brain import check_provider
from ...conversation.triggers import TriggerError, Triggers, compile_triggers
from ...errors import UsageError, nearest
from ...toml import Document, Path, Problem, TomlError, check_table, read_toml
from ...wire import NAME, bare_name, companion_id
from ...wire.limits import text_problem
from ..toolset import Toolset
from .shape import BrainChoice, Metadata, Tables
from .tool_checking import find_tools
from .trust import NOBODY, Trust

__all__ = ["COLORS", "check_profile", "read_profile"]

COLORS = tuple(
    prefix + hue
    for prefix in ("", "bright_")
    for hue in ("red", "green", "yellow", "blue", "magenta", "cyan", "white")
)
"""The colours that every terminal has; beside them, ``#rrggbb``."""

_ALSO_ON_TOP = ("role", "actions", "knowledge")
"""Keys of `[metadata]` that may as well stand above it, as they do in the original's cards."""

MAX_NAME = 256
MAX_ITEMS = 64
MAX_ITEM = 1024
MAX_PROBLEMS = 20


def check_profile(file: FilePath, trust: Trust = NOBODY) -> list[Problem]:
    """The problems of a profile's file, top to bottom, 20 at the most; none means that it loads. Where
    `trust` allows it, its own tools are loaded; see `read_profile`."""
    found = read_profile(file, trust)
    return found if isinstance(found, list) else []


def read_profile(
    file: FilePath, trust: Trust = NOBODY
) -> tuple[Tables, Triggers, Toolset] | list[Problem]:
    """The tables of a profile's file with its id filled in, its triggers and its tools; or all its
    problems.

    Args:
        file: which.
        trust: which folders' profiles may name Python code, which is run to load it.
    """
    try:
        document = read_toml(file)
    except TomlError as error:
        return [error.problem]
    document, twice = _gathered(document)
    problems = twice or list(islice(check_table(document, Tables), MAX_PROBLEMS))
    if problems:  # only what has the right shape can be looked into
        return sorted(problems)
    tables = msgspec.convert(document.data, Tables)
    ident = tables.metadata.id or companion_id(file.stem)
    tables = msgspec.structs.replace(tables, metadata=msgspec.structs.replace(tables.metadata, id=ident))
    problems += _metadata_problems(document, tables.metadata, file)
    problems += _brain_problems(document, tables.brain)
    toolset, wrong = find_tools(document, tables, file.parent, trusted=trust.covers(file))
    problems += wrong
    compiled = _compile(document, tables)
    if isinstance(compiled, list) or problems:
        return sorted(problems + (compiled if isinstance(compiled, list) else []))[:MAX_PROBLEMS]
    return tables, compiled, toolset


def _gathered(document: Document) -> tuple[Document, list[Problem]]:
    """The document with `[metadata]` complete; and what stands twice."""
    problems: list[Problem] = []
    for key in _ALSO_ON_TOP:
        who = document.data.get("metadata")
        if key not in document.data or not isinstance(who, dict):
            continue
        if key in who:
            problems.append(
                document.at_key(("metadata", key), f"'{key}' stands above [metadata] already")
            )
        else:
            document = document.moved((key,), ("metadata", key))
    return document, problems


def _metadata_problems(document: Document, who: Metadata, file: FilePath) -> Iterator[Problem]:
    table: Path = ("metadata",)
    for key, misfit in _METADATA_RULES.items():
        if what := misfit(getattr(who, key)):
            yield document.at_value((*table, key), f"'{key}' {what}")
    if not NAME.fullmatch(bare_name(who.id)) or not who.id.startswith("companion_"):
        if "id" in document.data["metadata"]:
            what = "takes companion_ and a name of a-z, 0-9, _ and -, a letter first, at most 64"
            yield document.at_value((*table, "id"), f"'id' {what}")
        else:
            what = (
                f"the file name '{file.stem}' makes no id; rename it (a-z, 0-9, _ and -) or give an 'id'"
            )
            yield document.at_key(table, what)
    for key in ("interests", "phrases"):
        items: tuple[str, ...] = getattr(who, key)
        if len(items) > MAX_ITEMS:
            yield document.at_value((*table, key), f"'{key}' has over {MAX_ITEMS} entries")
        for index, item in enumerate(items):
            if what := text_problem(item, MAX_ITEM) or ("" if item.strip() else "is empty"):
                yield document.at_value((*table, key, index), f"'{key}': '{item[:40]}' {what}")
    if who.icon is not None and (what := _icon_problem(who.icon, file)):
        yield document.at_value((*table, "icon"), f"'icon' {what}")


def _brain_problems(document: Document, wanted: BrainChoice) -> Iterator[Problem]:
    if wanted.provider is not None:
        try:
            check_provider(wanted.provider)
        except UsageError as error:
            yield document.at_value(("brain", "provider"), str(error))


def _text_problem(text: str) -> str:
    return text_problem(text) or ""


def _name_problem(name: str) -> str:
    if not name.strip():
        return "is empty"
    if not name.isprintable():
        return "is one line without control characters"
    if len(name) > MAX_NAME:
        return f"is {len(name)} characters, over the limit of {MAX_NAME}"
    return _text_problem(name)


def _language_problem(tag: str) -> str:
    if re.fullmatch(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*", tag):
        return ""
    return f"is a tag like en, ja or pt-BR, not '{tag[:40]}'"


def _color_problem(color: str) -> str:
    if color in COLORS or re.fullmatch(r"#[0-9A-Fa-f]{6}", color):
        return ""
    hint = nearest(color, COLORS)
    return f"is no '{color[:40]}'{hint or '; take one of ' + ', '.join(COLORS[:7]) + ' or #rrggbb'}"


_METADATA_RULES: Mapping[str, Callable[[str], str]] = {
    "name": _name_problem,
    "personality": _text_problem,
    "story": _text_problem,
    "sample": _text_problem,
    "role": _text_problem,
    "language": _language_problem,
    "color": _color_problem,
}


def _icon_problem(icon: str, file: FilePath) -> str:
    if icon in {"", ".", ".."} or re.search(r"[/\\:\0]", icon):
        return "is the plain name of a file beside this one, no path and no URL"
    try:
        there = file.with_name(icon).is_file()
    except OSError:  # no name that a file could have
        there = False
    return "" if there else f"'{icon[:80]}' is not there, beside this file"


def _compile(document: Document, tables: Tables) -> Triggers | list[Problem]:
    params = tables.events.params
    if params is not None and (problems := list(_not_json(document, ("events", "params"), params))):
        return problems
    conditions = [
        (condition.expression, [(each.tool, each.instruction) for each in condition.execute])
        for condition in tables.events.conditions
    ]
    try:
        return compile_triggers(params, conditions)
    except TriggerError as error:
        found = []
        for where, line, column, what in error.problems:
            path: Path = ("events", *where)
            if line:
                number = int(where[-1]) + 1
                place = f"condition {number}, column {column}" + (f" of line {line}" if line > 1 else "")
                problem = document.inside((*path, "expression"), line, column, f"{place}: {what}")
            else:
                problem = document.at_value(path, what)
            found.append(problem)
        return found


def _not_json(document: Document, path: Path, value: Any) -> Iterator[Problem]:
    """What TOML has and JSON has not."""
    match value:
        case dict():
            for key, one in value.items():
                yield from _not_json(document, (*path, key), one)
        case list():
            for index, one in enumerate(value):
                yield from _not_json(document, (*path, index), one)
        case datetime() | date() | time():
            yield document.at_value(path, "a date is not JSON; write it as text")
        case float() if not math.isfinite(value):
            yield document.at_value(path, f"{value} is not JSON")
        case str() | int() | float():
            return
