"""The parameters of triggers: their JSON Schema, checked, and their types in CEL."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import nearest

if TYPE_CHECKING:
    from cel_expr_python import cel

__all__ = ["TriggerProblem", "cel_type", "schema_problems"]

MAX_PARAMS = 100


class TriggerProblem(NamedTuple):
    """What is wrong with triggers.

    Attributes:
        where: the path of it: ``("params", …)`` into the schema, or ``("conditions", index)``.
        line: line of the expression, from 1; 0 where it isn't about one.
        column: column in that line, in characters, from 1.
        what: what is wrong, and the way out.
    """

    where: tuple[str | int, ...]
    line: int
    column: int
    what: str


# What CEL keeps for other uses: a parameter of such a name could never be read.
_RESERVED = re.compile(
    "as|bool|break|bytes|const|continue|double|dyn|else|false|for|function|if|import|in|int|let|list|loop"
    "|map|namespace|null|null_type|package|return|string|true|type|uint|var|void|while"
)
_TYPES = ("array", "boolean", "integer", "null", "number", "object", "string")


def schema_problems(schema: Mapping[str, Any], taken: Collection[str]) -> Iterator[TriggerProblem]:
    """What keeps `schema` from being the schema of triggers' parameters.

    Args:
        schema: JSON Schema; it must be of an object.
        taken: names that mean something else in a condition.
    """
    if schema.get("type") != "object":
        yield _problem('params takes type = "object"', *(["type"] if "type" in schema else []))
    properties, required = schema.get("properties", {}), schema.get("required", [])
    if not isinstance(properties, Mapping):
        yield _problem("properties is a table, one entry a parameter", "properties")
        return
    if len(properties) > MAX_PARAMS:
        yield _problem(f"there are over {MAX_PARAMS} parameters", "properties")
    for name, one in properties.items():
        if what := _param_problem(name, one, taken):
            yield _problem(f"parameter '{name}' {what}", "properties", name)
    if not isinstance(required, list):
        yield _problem("required is a list of parameters", "required")
        return
    for index, name in enumerate(required):
        if not isinstance(name, str) or name not in properties:
            what = f"required: no parameter '{name}'{nearest(str(name), properties)}"
            yield _problem(what, "required", index)


def cel_type(schema: Mapping[str, Any]) -> cel.Type:
    """The type in CEL of a parameter with this JSON Schema; `DYN` where it can be several."""
    from cel_expr_python import cel

    scalars = {
        "boolean": cel.Type.BOOL,
        "integer": cel.Type.INT,
        "number": cel.Type.DOUBLE,
        "string": cel.Type.STRING,
    }
    match schema.get("type"):
        case "array":
            items = schema.get("items")
            inner = items.get("type") if isinstance(items, Mapping) else None
            return cel.Type.List(scalars.get(str(inner), cel.Type.DYN))
        case "object":
            return cel.Type.Map(cel.Type.STRING, cel.Type.DYN)
        case kind:
            return scalars.get(str(kind), cel.Type.DYN)


def _param_problem(name: str, schema: object, taken: Collection[str]) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        return "must be named with letters, digits and _ only, to stand in a condition"
    if _RESERVED.fullmatch(name) or name in taken:
        return "means something else in a condition; choose another name"
    if not isinstance(schema, Mapping):
        return "must be a table with its type"
    kinds = schema.get("type", [])
    for kind in kinds if isinstance(kinds, list) else [kinds]:
        if kind not in _TYPES:
            return f"has an unknown type '{kind}'{nearest(str(kind), _TYPES)}"
    return ""


def _problem(what: str, *path: str | int) -> TriggerProblem:
    return TriggerProblem(("params", *path), 0, 0, what)
