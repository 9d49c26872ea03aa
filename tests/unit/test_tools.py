from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from msgspec import Struct

from aikyo.companion.toolset import Toolset
from aikyo.tools import Here, Tool, ToolError, action, knowledge


class Water(Struct):
    """Water a plant."""

    plant: str
    litres: float = 1


class Garden(Struct):
    plants: list[Water] = []
    beside: Garden | None = None


@action
def water(what: Water) -> str:
    return what.plant


@knowledge(name="weather", timeout=3, answers=True)
async def look_out(here: Here) -> str:
    """What the sky is like.

    As seen from the window.
    """
    return here.companion


@action()
async def tend(garden: Garden, here: Here) -> None:
    """Tend a garden."""


def test_a_function_becomes_a_tool_that_can_still_be_called() -> None:
    assert (water.name, water.kind, water.input, water.timeout) == ("water", "action", Water, 10.0)
    assert water(Water("a fern")) == "a fern"
    assert (look_out.name, look_out.kind, look_out.timeout) == ("weather", "knowledge", 3)
    assert (look_out.answers, water.answers) == (True, False)


def test_a_brain_is_told_the_docstring_and_the_schema() -> None:
    assert water.spec.description == "Water a plant."
    assert water.spec.schema == {
        "type": "object",
        "properties": {"plant": {"type": "string"}, "litres": {"type": "number", "default": 1}},
        "required": ["plant"],
    }
    assert look_out.spec.description == "What the sky is like.\n\nAs seen from the window."
    assert look_out.spec.schema["properties"] == {}


def test_a_schema_that_refers_to_others_carries_them() -> None:
    schema = tend.spec.schema
    assert schema["type"] == "object"
    assert schema["$defs"].keys() == {"Garden", "Water"}


def test_a_toolset_tells_built_in_tools_and_own_ones_and_checks_their_input() -> None:
    toolset = Toolset(("speak", "water", "clock"), {"water": water})
    assert [spec.name for spec in toolset.specs] == ["speak", "water", "clock"]
    assert [spec.kind for spec in toolset.specs] == ["action", "action", "knowledge"]
    assert toolset.specs[0].schema["required"] == ["message"]
    assert toolset.parse("water", {"plant": "a fern"}) == Water("a fern")
    for name, params, what in (
        ("water", {}, "water: Object missing required field `plant`"),
        ("water", {"plant": 3}, "water: Expected `str`"),
        ("move", {"x": 1, "y": 2}, "there is no tool 'move'; there are: speak, water, clock"),
    ):
        with pytest.raises(ToolError, match=what):
            toolset.parse(name, params)


class Pair(Struct, array_like=True):
    """Two."""

    one: int


def untyped(what: Water):  # type: ignore[no-untyped-def]  # that is what is refused
    """Water a plant."""


def no_docstring(here: Here) -> str:
    return ""


def no_struct(plant: str) -> str:
    """Water a plant."""
    return plant


def too_much(what: Water, here: Here, more: int) -> str:
    """Water a plant."""
    return ""


def wrong_way_round(here: Here, what: Water) -> str:
    """Water a plant."""
    return ""


def by_name(*, here: Here) -> str:
    """Water a plant."""
    return ""


def an_array(what: Pair) -> str:
    """Two."""
    return ""


def no_json(what: Water) -> Callable[[], None]:
    """Water a plant."""
    raise NotImplementedError


def nowhere(what: Nowhere) -> str:  # type: ignore[name-defined]  # noqa: F821 - that is what is refused
    """Water a plant."""
    return ""


@pytest.mark.parametrize(
    ("function", "what"),
    [
        (untyped, "needs the type of what it returns"),
        (no_docstring, "needs a docstring"),
        (no_struct, "takes a msgspec Struct"),
        (too_much, "takes a Struct and a Here"),
        (wrong_way_round, "takes a Struct and a Here"),
        (by_name, "takes a Struct and a Here"),
        (an_array, "JSON object"),
        (no_json, "no JSON"),
        (Water, "goes on a function"),
    ],
)
def test_what_cannot_be_a_tool_is_refused_where_it_is_written(function: Any, what: str) -> None:
    with pytest.raises(TypeError, match=what):
        action(function)


def test_a_type_that_is_not_there_is_told_as_such() -> None:
    with pytest.raises(NameError, match="Nowhere"):
        action(nowhere)


@pytest.mark.parametrize("name", ["", "Water", "wa-ter", "9", "x" * 65, "水"])
def test_a_name_that_no_tool_may_have_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="cannot be called"):
        knowledge(name=name)(no_docstring)


@pytest.mark.parametrize("timeout", [0, -1, 121, float("nan"), float("inf")])
def test_a_time_out_beyond_reason_is_refused(timeout: float) -> None:
    with pytest.raises(ValueError, match="timeout"):
        action(timeout=timeout)(water.function)


async def test_a_tool_may_be_tried_without_a_swarm() -> None:
    here = Here(companion="companion_alice", caller="companion_alice")
    assert await look_out(here) == "companion_alice"
    assert here.room.places == {}
    with pytest.raises(ToolError, match="nobody can be asked"):
        await here.ask("vision")


def test_what_is_told_of_a_tool_is_json() -> None:
    tools: list[Tool] = [water, look_out, tend]
    assert [msgspec.json.encode(tool.spec.schema) for tool in tools]
