"""Checks the tools that a profile names, and finds those of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path as FilePath
from typing import Literal

from ...errors import nearest
from ...toml import Document, Path, Problem
from ...tools import Tool
from ...wire.limits import text_problem
from ..tools import ACTIONS, KNOWLEDGE
from ..toolset import Toolset
from .own_tools import OwnToolError, find_tool, installed_tools
from .shape import Tables

__all__ = ["find_tools"]

MAX_TOOLS = 64
"""Of one list."""

Listed = Literal["actions", "knowledge"]

_BUILT_IN = {"actions": ACTIONS, "knowledge": KNOWLEDGE}
_KIND: dict[Listed, Literal["action", "knowledge"]] = {"actions": "action", "knowledge": "knowledge"}


def find_tools(
    document: Document, tables: Tables, folder: FilePath, *, trusted: bool
) -> tuple[Toolset, list[Problem]]:
    """The tools of a profile, and what is wrong with how it names them.

    Args:
        document: the file.
        tables: the same.
        folder: where it is.
        trusted: whether Python code that it names may be run.
    """
    finding = _Finding(document, folder, trusted)
    actions = finding.listed("actions", tables.metadata.actions)
    knowledge = finding.listed("knowledge", tables.metadata.knowledge)
    own = [name for name in knowledge if name not in KNOWLEDGE]
    _check_events(document, tables, [*actions, *own], finding.problems)
    return Toolset((*actions, *knowledge), finding.own), finding.problems


class _Finding:
    def __init__(self, document: Document, folder: FilePath, trusted: bool) -> None:
        self._document = document
        self._folder = folder
        self._trusted = trusted
        self.own: dict[str, Tool] = {}
        self.problems: list[Problem] = []

    def listed(self, key: Listed, names: Sequence[str]) -> list[str]:
        """What the tools of one list are called; of those that cannot be had, what they would be."""
        called: list[str] = []
        if len(names) > MAX_TOOLS:
            what = f"'{key}' has over {MAX_TOOLS} entries"
            self.problems.append(self._document.at_value(("metadata", key), what))
        for index, named in enumerate(names[:MAX_TOOLS]):
            name, what = self._find(key, named)
            if not what and name in called:
                what = f"'{key}': '{name}' stands there twice"
            if what:
                self.problems.append(self._document.at_value(("metadata", key, index), what))
            called.append(name)
        return called

    def _find(self, key: Listed, named: str) -> tuple[str, str]:
        """What a tool is called, and what is wrong with it, or nothing."""
        if named in _BUILT_IN[key]:
            return named, ""
        if ":" not in named and named not in (installed := installed_tools()):
            known = (*_BUILT_IN[key], *installed)
            return named, f"'{key}': unknown tool '{named[:80]}'{nearest(named, known)}"
        try:
            tool = find_tool(named, _KIND[key], self._folder, trusted=self._trusted)
        except OwnToolError as error:
            return named.rpartition(":")[2], f"'{key}': {error}"
        if tool.name in ACTIONS or tool.name in KNOWLEDGE:
            return tool.name, f"'{key}': '{named}' is called '{tool.name}' as one that is built in"
        if self.own.setdefault(tool.name, tool) is not tool:
            return tool.name, f"'{key}': '{named}' is called '{tool.name}' as another one"
        return tool.name, ""


def _check_events(
    document: Document, tables: Tables, tools: Sequence[str], problems: list[Problem]
) -> None:
    """Conditions may have actions done, and knowledge of one's own asked."""
    for index, condition in enumerate(tables.events.conditions):
        path: Path = ("events", "conditions", index, "execute")
        if not condition.execute:
            problems.append(document.at_value(path, f"condition {index + 1} has nothing in 'execute'"))
        seen: set[str] = set()
        for item, execute in enumerate(condition.execute):
            here = (*path, item, "tool")
            if execute.tool not in tools:
                hint = nearest(execute.tool, tools)
                what = f"'{execute.tool[:80]}' is not among the actions{hint}"
                problems.append(document.at_value(here, what))
            elif execute.tool in seen:
                what = f"'{execute.tool}' is told twice by one condition"
                problems.append(document.at_value(here, what))
            seen.add(execute.tool)
            if fault := text_problem(execute.instruction):
                where = (*path, item, "instruction")
                problems.append(document.at_value(where, f"'instruction' {fault}"))
