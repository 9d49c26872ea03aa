"""Checks a table against the Struct it is to become, and finds every problem, not only the first."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec
from msgspec import Struct

from ..errors import nearest
from .document import Document, Path, Problem

__all__ = ["check_table", "expectation"]

_WORDS = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "a table",
    "null": "nothing",
    "datetime": "a date",
    "date": "a date",
    "time": "a time",
}


def check_table(
    document: Document, kind: type[Struct], path: Path = (), *, noun: str = "key"
) -> Iterator[Problem]:
    """What keeps the table at `path` from becoming a `kind`, down through its tables.

    Args:
        document: the file.
        kind: the Struct, whose fields are the keys there may be.
        path: where the table is.
        noun: what the file's keys are called, e.g. ``setting``.
    """
    table = document.get(path)
    if not isinstance(table, dict):
        yield document.at_value(path, f"'{path[-1]}' is a table: [{'.'.join(map(str, path))}]")
        return
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    for key, value in table.items():
        here = (*path, key)
        if key not in fields:
            yield document.at_key(here, f"unknown {noun} {key[:80]!r}{nearest(key, fields)}")
            continue
        wanted = fields[key].type
        inner = _struct_in(wanted)
        if inner and get_origin(wanted) not in {tuple, dict}:
            yield from check_table(document, inner, here, noun=noun)
        elif inner and get_origin(wanted) is dict and isinstance(value, dict):
            for name in value:
                yield from check_table(document, inner, (*here, name))
        elif inner and isinstance(value, list):
            for index in range(len(value)):
                yield from check_table(document, inner, (*here, index), noun=noun)
        elif (problem := expectation(value, wanted)) is not None:
            at, what = problem
            yield document.at_value((*here, *at), f"'{key}': {what}")
    unknown = [key for key in table if key not in fields][:20]
    for name, field in fields.items():
        mistyped = any(_did_you_mean(key, (name,)) for key in unknown)  # which was told already
        if field.required and name not in table and not mistyped:
            where = f" in [{'.'.join(str(part) for part in path if isinstance(part, str))}]"
            yield document.at_key(path, f"'{name}' is missing{where if path else ''}")


def expectation(value: object, wanted: Any, *, strict: bool = True) -> tuple[Path, str] | None:
    """How `value` fails to be a `wanted` (a type as msgspec knows it), or None.

    Returns:
        Where inside the value, and what was expected there, in words.
    """
    choices = _choices(wanted)
    if choices and (besides := _besides(wanted)):
        problem = None if value in choices else expectation(value, besides, strict=strict)
        words = " or ".join(map(repr, choices))
        return problem and (problem[0], f"{problem[1]}; it may also be {words}")
    if choices and isinstance(value, str) and value not in choices:
        return (), f"{value[:80]!r} is none of {', '.join(choices)}{_did_you_mean(value, choices)}"
    try:
        msgspec.convert(value, wanted, strict=strict)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at `$")
        at = tuple(int(index) for index in re.findall(r"\[(\d+)\]", where))
        return at, _in_words(what)
    return None


def _in_words(error: str) -> str:
    said = re.sub(r"`(\w+(?: \| \w+)*)`", lambda found: _types(found[1]), error)
    return said[:1].lower() + said[1:]


def _types(names: str) -> str:
    return " or ".join(_WORDS.get(name, name) for name in names.split(" | ") if name != "null")


def _did_you_mean(value: str, choices: Iterable[str]) -> str:
    hint = nearest(value, choices)
    return hint if "did you mean" in hint else ""


def _choices(wanted: Any) -> tuple[str, ...]:
    """The words of a `Literal`, through `| None`."""
    if get_origin(wanted) is Literal:
        return get_args(wanted)
    if get_origin(wanted) in {Union, UnionType}:
        return next((found for arg in get_args(wanted) if (found := _choices(arg))), ())
    return ()


def _besides(wanted: Any) -> Any:
    """What a field takes besides the words of a `Literal`; None for nothing."""
    if get_origin(wanted) not in {Union, UnionType}:
        return None
    return next((arg for arg in get_args(wanted) if arg is not NoneType and not _choices(arg)), None)


def _struct_in(wanted: Any) -> type[Struct] | None:
    """The Struct that a field holds, once, as a tuple or by name, through `| None` and `Annotated`."""
    if isinstance(wanted, type) and issubclass(wanted, Struct):
        return wanted
    if get_origin(wanted) in {Union, UnionType, tuple, dict, Annotated}:
        inner = (_struct_in(arg) for arg in get_args(wanted) if arg not in {NoneType, Ellipsis})
        return next((found for found in inner if found), None)
    return None
