"""Tools of one's own for companions: a function in Python, a decorator, a Struct for the input.

```python
from msgspec import Struct
from aikyo.tools import Here, action, knowledge

class Water(Struct):
    plant: str

@action
def water(what: Water) -> str:
    \"\"\"Water a plant.\"\"\"
    return f"The {what.plant} looks better."

@knowledge
async def eyes(here: Here) -> str:
    \"\"\"What is on the desk, as somebody's camera sees it.\"\"\"
    return (await here.ask("vision", {"prompt": "What is on the desk?"}))["text"]
```
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, get_type_hints, overload

import msgspec
import trio
from msgspec import Struct

from .brain import ToolError, ToolSpec
from .room import Layout

__all__ = ["MAX_TIMEOUT", "Ask", "Here", "Tool", "ToolError", "action", "input_schema", "knowledge"]

DEFAULT_TIMEOUT = 10.0
MAX_TIMEOUT = 120.0
MAX_THREADS = 4
"""Threads that one tool may hold at once, those included that were given up and have not ended yet."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_ONE_LINE = 1024
_BY_PLACE = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)

Kind = Literal["action", "knowledge"]


class Ask(Protocol):
    """Puts a question to clients or companions; see `Here.ask`."""

    def __call__(
        self, kind: str, body: Mapping[str, Any], *, to: tuple[str, ...], timeout: float
    ) -> Awaitable[dict[str, Any]]:
        """The body of the first answer."""
        ...


@dataclass(frozen=True, slots=True)
class Here:
    """Where a tool is called.

    Attributes:
        companion: id of the companion whose tool it is.
        caller: id of who wants it: the companion itself, or who sent it a Query.
        conversation: id of the conversation; empty where a Query is answered.
        audience: ids of the others in it.
        room: who stands where, as it is now.
    """

    companion: str
    caller: str
    conversation: str = ""
    audience: tuple[str, ...] = ()
    room: Layout = field(default_factory=Layout)
    asking: Ask | None = None

    async def ask(
        self,
        kind: str,
        body: Mapping[str, Any] | None = None,
        *,
        to: tuple[str, ...] | list[str] | str = (),
        timeout: float = 30.0,
    ) -> dict[str, Any]:
        """Ask clients or companions something, and wait for the first answer.

        Args:
            kind: what is asked for, the Query's `type`: ``vision``, ``speak``, or a tool's name.
            body: what to tell them.
            to: ids or names of whom to ask; empty: everybody.
            timeout: seconds to wait at the most, up to 120. If that is longer than the tool has left, it
                is given as long, but not over 120 in all.

        Returns:
            The answer's `body`.

        Raises:
            ToolError: nobody answered in time, or the answer was that it failed.
        """
        if self.asking is None:
            raise ToolError(f"nobody can be asked for {kind!r} here")
        whom = (to,) if isinstance(to, str) else tuple(to)
        return await self.asking(kind, body or {}, to=whom, timeout=timeout)


@dataclass(frozen=True, slots=True, eq=False)
class Tool:
    """A tool: what `action` and `knowledge` make of a function. Calling it calls the function.

    Attributes:
        name: what it is called.
        kind: whether it does something or only reads.
        description: what a brain is told of it.
        input: what it takes.
        returns: the type of what it gives.
        timeout: seconds that a call may take.
        answers: whether others may ask for it by a Query of its name.
        is_async: whether it runs under trio; else in a thread.
        threads: those that may run it at once.
    """

    function: Callable[..., Any]
    name: str
    kind: Kind
    description: str
    input: type[Struct]
    returns: Any
    timeout: float
    answers: bool
    wants_input: bool
    wants_here: bool
    is_async: bool
    threads: trio.CapacityLimiter = field(default_factory=lambda: trio.CapacityLimiter(MAX_THREADS))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """What the function gives, unchecked."""
        return self.function(*args, **kwargs)

    @property
    def spec(self) -> ToolSpec:
        """The same as a brain is told of it."""
        schema = {key: value for key, value in input_schema(self.input).items() if key != "description"}
        return ToolSpec(self.name, self.description, schema, self.kind)


class _Nothing(Struct, frozen=True, forbid_unknown_fields=True):
    """The input of a tool that takes none."""


@overload
def action(function: Callable[..., Any], /) -> Tool: ...


@overload
def action(
    *, name: str | None = None, timeout: float = DEFAULT_TIMEOUT
) -> Callable[[Callable[..., Any]], Tool]: ...


def action(
    function: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    timeout: float = DEFAULT_TIMEOUT,
) -> Tool | Callable[[Callable[..., Any]], Tool]:
    """Make a tool of a function that does something. Once it has returned, an Action of its name is
    published with its input, and written to the companion's memory.

    The function takes a Struct, or a Struct and a `Here`, or one of them, or nothing. An `async` one
    runs under trio, in the same thread as everything else; a plain one in a thread of its own. What a
    brain is told of it is its docstring, or else the Struct's.

    Args:
        function: where the decorator is used without parentheses.
        name: what it is called, if not as the function: ``[a-z][a-z0-9_]{0,63}``.
        timeout: seconds that a call may take, up to 120.

    Raises:
        TypeError: the function is none that can be a tool.
        ValueError: the name or the time-out is not possible.
    """
    if function is not None:
        return _tool(function, "action", name, timeout, answers=False)
    return lambda function: _tool(function, "action", name, timeout, answers=False)


@overload
def knowledge(function: Callable[..., Any], /) -> Tool: ...


@overload
def knowledge(
    *, name: str | None = None, timeout: float = DEFAULT_TIMEOUT, answers: bool = False
) -> Callable[[Callable[..., Any]], Tool]: ...


def knowledge(
    function: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    timeout: float = DEFAULT_TIMEOUT,
    answers: bool = False,
) -> Tool | Callable[[Callable[..., Any]], Tool]:
    """Make a tool of a function that only reads; nothing is published. See `action`.

    Args:
        function: where the decorator is used without parentheses.
        name: as for `action`.
        timeout: as for `action`.
        answers: also answer others' Queries whose `type` is the tool's name, with `body` as the input.
    """
    if function is not None:
        return _tool(function, "knowledge", name, timeout, answers=answers)
    return lambda function: _tool(function, "knowledge", name, timeout, answers=answers)


def input_schema(model: type[Struct]) -> dict[str, Any]:
    """The JSON Schema of a Struct: an object, with what it refers to under ``$defs``."""
    schema = msgspec.json.schema(model)
    others: dict[str, Any] = schema["$defs"]
    own = schema["$ref"].rpartition("/")[2]
    described = {key: value for key, value in others[own].items() if key != "title"}
    if f'"{schema["$ref"]}"'.encode() not in msgspec.json.encode([described, others]):
        del others[own]
    return {**described, "$defs": others} if others else described


def _tool(
    function: Callable[..., Any], kind: Kind, name: str | None, timeout: float, *, answers: bool
) -> Tool:
    if not inspect.isfunction(function):
        raise TypeError(f"@{kind} goes on a function, not on {function!r}"[:_ONE_LINE])
    name = function.__name__ if name is None else name
    if not _NAME.fullmatch(name):
        raise ValueError(f"a tool cannot be called {name!r}: it takes a-z, 0-9 and _, a letter first")
    if not 0 < timeout <= MAX_TIMEOUT:
        raise ValueError(f"{name}: `timeout` is over 0 and at most {MAX_TIMEOUT:g} seconds")
    model, wants_here, returns = _signature(function, name)
    description = inspect.getdoc(function) or (model and inspect.getdoc(model)) or ""
    if not description.strip():
        raise TypeError(f"{name} needs a docstring: it tells the brain what the tool is for")
    return Tool(
        function=function,
        name=name,
        kind=kind,
        description=description,
        input=model or _Nothing,
        returns=returns,
        timeout=timeout,
        answers=answers,
        wants_input=model is not None,
        wants_here=wants_here,
        is_async=inspect.iscoroutinefunction(function),
    )


def _signature(function: Callable[..., Any], name: str) -> tuple[type[Struct] | None, bool, Any]:
    """The Struct that the function takes, whether it takes a `Here`, and what it returns."""
    hints = get_type_hints(function, include_extras=True)
    parameters = inspect.signature(function).parameters
    if "return" not in hints:
        raise TypeError(f"{name} needs the type of what it returns: def {name}(…) -> str")
    taken = [hints.get(parameter) for parameter in parameters]
    model = taken[0] if taken and taken[0] is not Here else None
    rest = taken if model is None else taken[1:]
    by_place = all(parameter.kind in _BY_PLACE for parameter in parameters.values())
    if rest not in ([], [Here]) or (model is None and len(taken) != len(rest)) or not by_place:
        raise TypeError(f"{name} takes a Struct and a Here, or one of them, or nothing; say their types")
    if model is not None and not (isinstance(model, type) and issubclass(model, Struct)):
        raise TypeError(f"{name} takes a msgspec Struct, not {model!r}"[:_ONE_LINE])
    returns = hints["return"]
    if model is not None and input_schema(model).get("type") != "object":
        raise TypeError(f"{name} takes a Struct that is a JSON object, not an array")
    try:
        msgspec.json.schema(type(None) if returns is None else returns)
    except (TypeError, RuntimeError):
        raise TypeError(f"{name} returns what has no JSON: {returns!r}"[:_ONE_LINE]) from None
    return model, bool(rest), returns
