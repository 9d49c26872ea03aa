"""Finds the tools of one's own that a profile names: ``module:name``, or that of an installed one."""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
import traceback
from hashlib import sha256
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Literal

from ...errors import nearest, text_of
from ...stdout import printing_to_stderr
from ...tools import Tool

__all__ = ["GROUP", "OwnToolError", "find_tool", "installed_tools"]

GROUP = "aikyo.tools"
"""The group of entry points by which a package brings tools."""

_REFERENCE = re.compile(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*):([A-Za-z_]\w*)")
_MAX_ERROR = 300


class OwnToolError(ValueError):
    """There is no such tool, or it cannot be used; `str(error)` says what and where, in one line."""


def installed_tools() -> tuple[str, ...]:
    """The names of the tools that installed packages bring; none is loaded."""
    return tuple(sorted({entry.name for entry in entry_points(group=GROUP)}))


def find_tool(named: str, kind: Literal["action", "knowledge"], folder: Path, *, trusted: bool) -> Tool:
    """The tool that a profile names.

    Args:
        named: ``module:name``, where the module is a file beside the profile or on Python's path; or
            the name of an installed tool.
        kind: as what it is listed.
        folder: where the profile is.
        trusted: whether code that the profile names by module may be run.

    Raises:
        OwnToolError: there is no such tool, it is of the other kind, or its module fails.
    """
    if ":" not in named:
        tool = _installed(named)
    elif found := _REFERENCE.fullmatch(named):
        if not trusted:
            raise OwnToolError(
                f"'{named}' is Python code, which counts only in folders you trust; if this is one,"
                " say so once with --trust"
            )
        tool = _in_module(found[1], found[2], folder)
    else:
        raise OwnToolError(f"'{named[:80]}' names no tool; write module:name")
    if tool.kind != kind:
        is_, place = ("an action", "actions") if tool.kind == "action" else ("knowledge", "knowledge")
        raise OwnToolError(f"'{named}' is {is_}; list it under '{place}'")
    return tool


def _installed(name: str) -> Tool:
    entries = [entry for entry in entry_points(group=GROUP) if entry.name == name]
    if not entries:
        raise OwnToolError(f"unknown tool '{name[:80]}'")
    try:
        with printing_to_stderr():
            tool = entries[0].load()
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise OwnToolError(f"'{name}' ({entries[0].value}): {_broken(error)}") from error
    if not isinstance(tool, Tool) or tool.name != name:
        raise OwnToolError(f"'{name}': {entries[0].value} is no tool of that name")
    return tool


def _in_module(module: str, name: str, folder: Path) -> Tool:
    there = vars(_import(module, folder))
    found = there.get(name)
    if isinstance(found, Tool):
        return found
    if found is not None:
        raise OwnToolError(f"'{module}:{name}' is no tool; put @action or @knowledge on it")
    known = [key for key, value in there.items() if isinstance(value, Tool)]
    raise OwnToolError(f"'{module}:{name}': there is no {name} in {module}{nearest(name, known)}")


def _import(module: str, folder: Path) -> ModuleType:
    file = folder / f"{module}.py"
    try:
        with printing_to_stderr():  # stdout is for what was asked for
            if "." not in module and file.is_file():
                return _import_file(module, file.resolve())
            return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is not None and (module == error.name or module.startswith(f"{error.name}.")):
            beside = "" if "." in module else f"no {module}.py beside the profile, and "
            raise OwnToolError(f"{beside}no module {module} on Python's path") from None
        raise OwnToolError(f"{module}: {_broken(error, file)}") from error
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # whatever stands in the file may be raised
        raise OwnToolError(f"{module}: {_broken(error, file)}") from error


def _import_file(module: str, file: Path) -> ModuleType:
    """The module of a file that is not on Python's path, under a name that is nobody else's."""
    name = f"_aikyo_own_{module}_{sha256(str(file).encode()).hexdigest()[:8]}"
    if (there := sys.modules.get(name)) is not None:
        return there
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} is no module")
    loaded = importlib.util.module_from_spec(spec)
    sys.modules[name] = loaded  # types that are written as text are looked up there
    try:
        spec.loader.exec_module(loaded)
    except BaseException:
        del sys.modules[name]
        raise
    return loaded


def _broken(error: BaseException, file: Path | None = None) -> str:
    """What broke, and where in the user's file, in one line."""
    what = f"{type(error).__name__}: {error.msg if isinstance(error, SyntaxError) else text_of(error)}"
    what = " ".join(what.split())[:_MAX_ERROR]
    if isinstance(error, SyntaxError) and error.filename:
        return f"{Path(error.filename).name}, line {error.lineno}: {what}"
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if file is not None and Path(frame.filename).name == file.name]
    place = f"{Path(own[-1].filename).name}, line {own[-1].lineno}: " if own else ""
    return f"{place}{what}"
