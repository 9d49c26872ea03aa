"""Triggers: a profile's conditions, in CEL, decide what its tools are told for a turn.

In a condition stand the profile's parameters (filled in by the brain, typed by their JSON Schema) and
the facts of the message. Compiled and type-checked once. Evaluation cannot fail: what goes wrong, a
value of the wrong type above all, makes that one condition not hold, and is reported.

A profile may come from a stranger, so conditions are bounded. CEL itself bounds nesting and the number
of iterations, but not what one iteration costs, hence `_refuse_bombs`; and it follows values
down the C stack, so what a brain fills in is bounded too, by `_tame`.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import nearest
from ..wire import Fired
from .trigger_schema import TriggerProblem, cel_type, schema_problems

if TYPE_CHECKING:
    from cel_expr_python import cel

__all__ = ["Condition", "Facts", "TriggerError", "TriggerProblem", "Triggers", "compile_triggers"]

MAX_CONDITIONS = 100
MAX_EXPRESSION = 1000
"""Characters of one condition."""

_MAX_ITEMS = 100  # of one value; a loop over it that compares lists takes their square
_MAX_DEPTH = 8
_MAX_VALUE_TEXT = 2 << 10
_MAX_PATTERNS = 16  # `matches` in one profile; each reads at most 2 KiB
_MAX_LOOPS = 16

_log = logging.getLogger(__name__)

Condition = tuple[str, Sequence[tuple[str, str]]]
"""An expression, and what tools are told when it holds: (tool, instruction)."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of the message that a turn answers.

    Attributes:
        message: what was said.
        sender: the id of who said it; `from` in a condition.
        to: the ids it was to; empty means everybody.
        language: its language, e.g. ``en``.
        hour: the local hour, 0 to 23.
        known: whether the companion has met the sender before.
        context: ``text``, ``image`` or nothing: what has come in to be perceived.
    """

    message: str = ""
    sender: str = ""
    to: tuple[str, ...] = ()
    language: str = ""
    hour: int = 0
    known: bool = False
    context: str = ""

    def variables(self) -> dict[str, str | int | bool | list[str]]:
        """The same under the names that conditions know."""
        return {
            "message": self.message[:_MAX_VALUE_TEXT],
            "from": self.sender,
            "to": list(self.to[:_MAX_ITEMS]),
            "language": self.language,
            "hour": self.hour,
            "known": self.known,
            "context": self.context,
        }


class TriggerError(ValueError):
    """Triggers that do not compile; `problems` are all of them."""

    def __init__(self, problems: Iterable[TriggerProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(problem.what for problem in self.problems))


def _warn(what: str) -> None:
    _log.warning("%s", what)


class _Compiled(NamedTuple):
    text: str
    expression: cel.Expression
    execute: tuple[tuple[str, str], ...]
    of_context: bool  # whether it refers to `context`


@dataclass(frozen=True, slots=True)
class Triggers:
    """Compiled triggers; made by `compile_triggers`. Empty ones never say anything.

    Attributes:
        params: JSON Schema of what the brain is to fill in before each turn, or None.
    """

    params: Mapping[str, Any] | None = None
    _conditions: tuple[_Compiled, ...] = ()

    def evaluate(
        self, params: Mapping[str, Any], facts: Facts, *, report: Callable[[str], None] = _warn
    ) -> tuple[Fired, ...]:
        """What fired: what the tools are told for this turn, at most one instruction for each tool.

        The conditions are tried top to bottom, and for each tool the first that holds wins.

        Args:
            params: the parameters as the brain filled them in; what was not asked for is ignored.
            facts: what is known of the message.
            report: is told of every condition that could not be evaluated; such a one doesn't hold.
        """
        asked_for = (self.params or {}).get("properties", {})
        filled = {key: params[key] for key in asked_for if key in params and _tame(params[key])}
        data = filled | facts.variables()
        found: dict[str, Fired] = {}
        for number, condition in enumerate(self._conditions, 1):
            if all(tool in found for tool, _ in condition.execute):
                continue
            holds, problem = _holds(condition.expression, data)
            if problem:
                report(f"condition {number} could not be evaluated: {problem}")
            if holds:
                for tool, instruction in condition.execute:
                    fired = Fired(
                        number=number, expression=condition.text, tool=tool, instruction=instruction
                    )
                    found.setdefault(tool, fired)
        return tuple(found.values())

    def starts_on(self, facts: Facts) -> tuple[Fired, ...]:
        """What fires for a context that has just come in, if that starts a turn: if what `speak` is told
        comes from a condition that refers to `context`; else nothing. No brain is asked, so that a
        condition that needs a parameter doesn't hold.

        Args:
            facts: of the context, with no message: its kind, whose it is, the hour.
        """
        if not any(condition.of_context for condition in self._conditions):
            return ()
        fired = self.evaluate({}, facts, report=lambda _: None)
        starts = any(f.tool == "speak" and self._conditions[f.number - 1].of_context for f in fired)
        return fired if starts else ()


def compile_triggers(params: Mapping[str, Any] | None, conditions: Sequence[Condition]) -> Triggers:
    """Compile and type-check.

    Args:
        params: JSON Schema of an object, or None when there are no parameters.
        conditions: top to bottom.

    Raises:
        TriggerError: with every problem of the schema, or else of the conditions.
    """
    bare = [_bare(expression) for expression, _ in conditions]
    problems = [] if params is None else list(schema_problems(params, Facts().variables()))
    if len(conditions) > MAX_CONDITIONS:
        what = f"there are over {MAX_CONDITIONS} conditions"
        problems.append(TriggerProblem(("conditions",), 0, 0, what))
    for use, pattern, most in (("`matches`", _PATTERN, _MAX_PATTERNS), ("loops", _LOOP, _MAX_LOOPS)):
        if sum(len(pattern.findall(text)) for text in bare) > most:
            what = f"the conditions use {use} over {most} times, which could run too long"
            problems.append(TriggerProblem(("conditions",), 0, 0, what))
    if problems:
        raise TriggerError(problems)
    if not conditions:
        return Triggers(params)
    variables = _variable_types(params or {})
    compiled = []
    for index, (expression, execute) in enumerate(conditions):
        try:
            ready = _compile(expression, variables)
            of_context = _refers_to("context", expression, variables)
            compiled.append(_Compiled(expression, ready, tuple(execute), of_context))
        except _ConditionError as error:
            where = ("conditions", index)
            problems.append(TriggerProblem(where, error.line, error.column, str(error)))
    if problems:
        raise TriggerError(problems)
    return Triggers(params, tuple(compiled))


class _ConditionError(Exception):
    def __init__(self, what: str, line: int = 1, column: int = 1) -> None:
        super().__init__(what)
        self.line = line
        self.column = column


def _variable_types(params: Mapping[str, Any]) -> dict[str, cel.Type]:
    from cel_expr_python import cel

    types = {name: cel_type(schema) for name, schema in params.get("properties", {}).items()}
    for name, value in Facts().variables().items():
        match value:
            case bool():
                types[name] = cel.Type.BOOL
            case int():
                types[name] = cel.Type.INT
            case str():
                types[name] = cel.Type.STRING
            case list():
                types[name] = cel.Type.List(cel.Type.STRING)
    return types


def _compile(expression: str, variables: Mapping[str, cel.Type]) -> cel.Expression:
    from cel_expr_python import cel

    if not expression.strip():
        raise _ConditionError('is empty; "true" always holds')
    _refuse_bombs(expression)
    try:
        compiled = cel.NewEnv(variables=variables).compile(expression)
    except RuntimeError as error:  # the one exception there is, for whatever is wrong
        raise _in_words(str(error), variables) from None
    made = compiled.return_type()
    if made not in (cel.Type.BOOL, cel.Type.DYN):
        raise _ConditionError(f"is {made.name().lower()}, not true or false")
    return compiled


def _refers_to(name: str, expression: str, variables: Mapping[str, cel.Type]) -> bool:
    """Whether an expression that compiles needs `name`: CEL itself tells a reference from a text, a
    field or a loop's variable of that name."""
    if name not in expression:
        return False
    others = {other: kind for other, kind in variables.items() if other != name}
    try:
        _compile(expression, others)
    except _ConditionError:
        return True
    return False


_LOOP = re.compile(r"\.\s*(?:all|exists|exists_one|existsOne|map|filter)\s*\(")
_PATTERN = re.compile(r"\bmatches\s*\(")
_COSTLY = re.compile(rf"{_LOOP.pattern}|{_PATTERN.pattern}|\+")
_STRING_OR_COMMENT = re.compile(
    r"[rR](?:'''.*?'''|\"\"\".*?\"\"\"|'[^'\n]*'|\"[^\"\n]*\")"
    r"|'''(?:[^\\]|\\.)*?'''|\"\"\"(?:[^\\]|\\.)*?\"\"\""
    r"|'(?:[^'\\\n]|\\.)*'|\"(?:[^\"\\\n]|\\.)*\""
    r"|//[^\n]*",
    re.DOTALL,
)


def _refuse_bombs(expression: str) -> None:
    """A loop, a pattern or the joining of lists inside a loop can take a minute, and would hold up the
    whole swarm."""
    if len(expression) > MAX_EXPRESSION:
        raise _ConditionError(f"is {len(expression)} characters, over the limit of {MAX_EXPRESSION}")
    bare = _bare(expression)
    for loop in _LOOP.finditer(bare):
        inner = _COSTLY.search(bare, loop.end(), _closing(bare, loop.end()))
        if inner:
            before = bare[: inner.start()]
            line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
            raise _ConditionError(
                "a loop, `matches` or `+` inside a loop could run too long", line, column
            )


def _bare(expression: str) -> str:
    """The expression with strings blacked out and comments gone, each sign where it was."""

    def hide(found: re.Match[str]) -> str:
        return re.sub(r"[^\n]", " " if found[0].startswith("//") else "_", found[0])

    return _STRING_OR_COMMENT.sub(hide, expression)


def _closing(text: str, start: int) -> int:
    """Where the parenthesis that is open at `start` closes."""
    depth = 1
    for at in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        if depth == 0:
            return at
    return len(text)


def _in_words(error: str, variables: Iterable[str]) -> _ConditionError:
    """CEL's first error in a form that fits a line, with the way out where there is one."""
    text = error.removeprefix("INVALID_ARGUMENT: ").split("\n")[0]
    text = re.sub(r" \[[A-Z_]+\]$", "", text)
    place = re.match(r"ERROR: <input>:(-?\d+):(-?\d+): (.*)", text)
    line, column, what = (int(place[1]), int(place[2]), place[3]) if place else (1, 1, text)
    what = re.sub(r" expecting \{.*", "", what).removeprefix("Syntax error: ")
    what = re.sub(r" \(in container '.*?'\)", "", what).replace("'<EOF>'", "the end")
    if unknown := re.fullmatch(r"undeclared reference to '(.+)'", what):
        what = f"unknown name '{unknown[1]}'{nearest(unknown[1], variables)}"
    elif mixed := re.fullmatch(r"found no matching overload for '_?(.+?)_?' applied to '(.+)'", what):
        what = f"'{mixed[1]}' does not take {mixed[2]}"
        if {"int", "double"} <= set(re.findall(r"\w+", mixed[2])):
            what += "; a number is written 1.0, an integer 1"
    return _ConditionError(what, max(line, 1), max(column, 1))


def _holds(expression: cel.Expression, data: Mapping[str, Any]) -> tuple[bool, str]:
    """Whether it holds, and what went wrong."""
    from cel_expr_python import cel

    try:
        found = expression.eval(data=data)
    except RuntimeError as error:  # half a surrogate pair, too many iterations
        return False, str(error)
    if found.type() == cel.Type.BOOL:
        return bool(found.value()), ""
    if found.type() == cel.Type.ERROR:  # whose value is a string, and true
        return False, str(found.value())
    return False, f"it is {found.type().name().lower()}, not true or false"


def _tame(value: object) -> bool:
    """Whether a value is small and flat enough to hand to C++."""
    left = [(value, 0)]
    for _ in range(_MAX_ITEMS):
        if not left:
            return True
        one, depth = left.pop()
        if isinstance(one, str) and len(one) > _MAX_VALUE_TEXT:
            return False
        if isinstance(one, (Mapping, list, tuple)):
            if depth >= _MAX_DEPTH or len(one) > _MAX_ITEMS:
                return False
            inner = one.values() if isinstance(one, Mapping) else one
            left += [(each, depth + 1) for each in inner]
    return not left
