"""What one companion can call: built-in tools, and those of its profile's own."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

import msgspec
from msgspec import Struct

from ..brain import ToolError, ToolSpec
from ..tools import Tool, input_schema
from .tools import ACTIONS, KNOWLEDGE

__all__ = ["Toolset", "checked"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Toolset:
    """The tools of one profile.

    Attributes:
        names: what they are called: the actions, then the knowledge.
        own: those of them that are not built in, by name.
    """

    names: tuple[str, ...] = (*ACTIONS, *KNOWLEDGE)
    own: Mapping[str, Tool] = field(default_factory=dict)

    @property
    def specs(self) -> tuple[ToolSpec, ...]:
        """The tools, as a brain is told of them."""
        return tuple(self.own[name].spec if name in self.own else _spec(name) for name in self.names)

    def parse(self, name: str, params: Mapping[str, Any]) -> Struct:
        """The checked input of the tool `name`.

        Raises:
            ToolError: there is no such tool, or the input does not fit; says what would.
        """
        if name not in self.names:
            raise ToolError(f"there is no tool {name!r}; there are: {', '.join(self.names)}")
        model = self.own[name].input if name in self.own else ACTIONS.get(name) or KNOWLEDGE[name]
        return checked(name, params, model)


def checked(name: str, params: Mapping[str, Any], model: type[Struct]) -> Struct:
    """`params` as the input that the tool `name` takes.

    Raises:
        ToolError: it does not fit; says what would.
    """
    try:
        return msgspec.convert(params, model)
    except msgspec.ValidationError as error:
        raise ToolError(f"{name}: {error}") from None
    except (Exception, SystemExit) as error:  # of a Struct that checks itself, and has a bug
        log.warning("the tool %s could not read its input", name, exc_info=True)
        raise ToolError(f"{name} could not read its input: {type(error).__name__}") from None


@cache
def _spec(name: str) -> ToolSpec:
    kind: Literal["action", "knowledge"] = "action" if name in ACTIONS else "knowledge"
    schema = input_schema(ACTIONS.get(name) or KNOWLEDGE[name])
    return ToolSpec(name, schema.pop("description"), schema, kind)
