"""Whether to speak, as a model is asked and answers it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from ...wire import Closing, is_companion
from ..base import Assessment
from ..moment import Moment
from .asking import Ask, UnreadableError, ask_twice
from .written import find_object, without_thoughts

__all__ = [
    "ASSESS_SECONDS",
    "clear_case",
    "decide",
    "decision_schema",
    "importance_for_a_person",
]

ASSESS_SECONDS = 5.0
"""How long a decision may take; the others wait for it hardly longer."""


_LEFT_OUT = 6
"""Messages of companions in a row, none of them one's own, after which one may come in on a talk that
others have among themselves: two that call each other by name would otherwise never be joined."""

_CALLED_BY_A_COMPANION = 8.0
"""How much an answer to a companion matters that turns to this one: less than to a person."""


async def decide(model: str, moment: Moment, ask: Ask) -> Assessment:
    """Ask a model whether to speak. An answer that cannot be read is asked for once more.

    Args:
        model: its name.
        moment: what is decided about.
        ask: gets the model's answer.

    Raises:
        BrainError: there was no answer; or of the kind ``malformed``, none of use.
    """
    decision = await ask_twice(ask, lambda text: _read(text, moment), f"{model} decides nothing")
    return decision.assessment(moment)


class Decision(Struct, frozen=True):
    """A model's answer."""

    speak: bool
    importance: float
    circles: bool = False
    params: dict[str, Any] = {}

    def assessment(self, moment: Moment) -> Assessment:
        """What the companion makes of it: a person who expects an answer gets one."""
        params = self.params if moment.params else {}
        expected = importance_for_a_person(moment)
        if expected:
            return Assessment(True, expected, params, self.circles)
        importance = min(max(0.0, self.importance), 10.0)  # in this order, NaN is 0
        return Assessment(self.speak, importance, params, self.circles)


def clear_case(moment: Moment) -> Assessment | None:
    """What is clear without thinking; None where nothing is.

    Whoever is turned to speaks, unless the talk is winding down among companions; whoever is not, while
    somebody else is, listens, unless companions have talked past it for some time; and so does who has
    spoken last. Where the profile wants parameters for a turn, only listening is clear.
    """
    message = moment.message
    if message is None:
        return None
    if message.sender == moment.me.id:
        return Assessment(speak=False)
    if moment.elsewhere and not moment.addressed:
        return None if _is_left_out(moment) else Assessment(speak=False)
    if not moment.addressed or moment.params:
        return None
    if expected := importance_for_a_person(moment):
        return Assessment(speak=True, importance=expected)
    by_companion = is_companion(message.sender) and moment.closing is Closing.NONE
    return Assessment(speak=True, importance=_CALLED_BY_A_COMPANION) if by_companion else None


def _is_left_out(moment: Moment) -> bool:
    """Whether the latest messages are all companions' among themselves."""
    latest = [line.sender for line in moment.recent[-_LEFT_OUT:]]
    others = {who for who in latest if is_companion(who) and who != moment.me.id}
    return len(latest) == _LEFT_OUT and others.issuperset(latest)


def importance_for_a_person(moment: Moment) -> float:
    """How much the answer matters that a person expects of this companion; 0 if none does."""
    message = moment.message
    if message is None or not moment.addressed:
        return 0
    sender = next((each for each in moment.present if each.id == message.sender), None)
    person = sender.kind == "person" if sender else not is_companion(message.sender)
    if not person:
        return 0
    return 10 if message.to == (moment.me.id,) else 9


def decision_schema(params: Mapping[str, Any] | None) -> dict[str, Any]:
    """The form of a `Decision` as JSON Schema, `params` being the form of what the profile asks for."""
    properties: dict[str, Any] = {
        "speak": {"type": "boolean"},
        "importance": {"type": "number"},
        "circles": {"type": "boolean"},
    }
    if params:
        properties["params"] = params
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _read(text: str, moment: Moment) -> Decision:
    found = find_object(without_thoughts(text))
    if found is None:
        raise UnreadableError("there is no JSON object in it")
    try:
        # Not strict: "true" and "7" are as good as true and 7
        decision = msgspec.convert(found, Decision, strict=False)
    except (msgspec.ValidationError, RecursionError) as error:
        raise UnreadableError(str(error)) from None
    required = (moment.params or {}).get("required", ())
    for name in required:
        if name not in decision.params:
            raise UnreadableError(f"it left out the parameter {name}")
    return decision
