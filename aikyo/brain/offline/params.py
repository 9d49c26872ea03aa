"""Fills in what a profile's triggers want to know (JSON Schema), by rules. Pure, and always valid."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .book import Cue
from .language import tongues
from .scene import Scene

__all__ = ["fill_params"]

_DEEPEST = 6
_MOST_ITEMS = 32
_MOST_CHARACTERS = 4096
_WHAT_IT_ASKS: dict[str, Callable[[Scene], bool]] = {
    "first_meeting": lambda scene: any(not someone.met for someone in _asked_of(scene)),
    "greeting": lambda scene: Cue.GREETING in scene.reading.cues,
    "farewell": lambda scene: Cue.FAREWELL in scene.reading.cues,
    "thanks": lambda scene: Cue.THANKS in scene.reading.cues,
    "low": lambda scene: Cue.LOW in scene.reading.cues,
    "high": lambda scene: Cue.HIGH in scene.reading.cues,
    "addressed": lambda scene: scene.moment.addressed,
    "request": lambda scene: not {Cue.COME, Cue.GO, Cue.AWAY}.isdisjoint(scene.reading.cues),
    "person": lambda scene: scene.by_person,
    "question": lambda scene: scene.reading.question,
    "interest": lambda scene: any(i.stems & scene.reading.stems for i in scene.me.interests),
}


def fill_params(scene: Scene) -> dict[str, Any]:
    """Values for all properties of the moment's schema; {} where there is none."""
    schema = scene.moment.params
    if not isinstance(schema, Mapping):
        return {}
    return _object(schema, scene, 0)


def _object(schema: Mapping[str, Any], scene: Scene, depth: int) -> dict[str, Any]:
    properties = schema.get("properties")
    known = dict(properties) if isinstance(properties, Mapping) else {}
    required = schema.get("required")
    listed = required if isinstance(required, Sequence) else ()
    names = [name for name in listed if isinstance(name, str)]
    wanted: dict[str, object] = {name: known.get(name, {}) for name in (*names, *known)}
    if depth >= _DEEPEST:
        wanted = {name: wanted[name] for name in names}
    return {name: _value(name, property_, scene, depth + 1) for name, property_ in wanted.items()}


def _value(name: str, schema: object, scene: Scene, depth: int) -> Any:
    if not isinstance(schema, Mapping) or depth > 2 * _DEEPEST:
        return ""
    if "const" in schema:
        return schema["const"]
    choices = schema.get("enum")
    if isinstance(choices, Sequence) and not isinstance(choices, str) and choices:
        return _choose(choices, scene)
    for several in ("anyOf", "oneOf", "allOf"):
        found = schema.get(several)
        if isinstance(found, Sequence) and found:
            return _value(name, found[0], scene, depth + 1)
    kind = schema.get("type", "string")
    match kind[0] if isinstance(kind, Sequence) and not isinstance(kind, str) and kind else kind:
        case "boolean":
            return _holds(name, str(schema.get("description", "")), scene)
        case "integer":
            return int(_number(schema, step=1))
        case "number":
            return _number(schema, step=0)
        case "array":
            least = min(_MOST_ITEMS, int(_limit(schema, "minItems", 0)))
            return [_value(name, schema.get("items", {}), scene, depth + 1) for _ in range(least)]
        case "object":
            return _object(schema, scene, depth)
        case "null":
            return None
        case _:
            return "-" * min(_MOST_CHARACTERS, int(_limit(schema, "minLength", 0)))


def _holds(name: str, description: str, scene: Scene) -> bool:
    """Whether a statement is true of the moment, by what its name or else its description is about."""
    for text in (name.replace("_", " "), description):
        for tongue in tongues():
            for asks, patterns in tongue.book.params.items():
                if any(pattern.search(text) for pattern in patterns):
                    return _WHAT_IT_ASKS[asks](scene)
    return _is_about(f"{name.replace('_', ' ')} {description}", scene)


def _is_about(text: str, scene: Scene) -> bool:
    """Whether the message touches what `text` speaks of, in either language."""
    for tongue in tongues():
        stems = tongue.stems(text[:500]) - tongue.phrase_words()
        said = tongue.stems(scene.reading.plain)
        if stems & said or tongue.fields(stems) & tongue.fields(said):
            return True
    return False


def _choose(choices: Sequence[Any], scene: Scene) -> Any:
    """The choice that the message names or that fits its mood, else a calm one, else the first."""
    words = [(choice, str(choice).casefold()) for choice in choices]
    text = scene.reading.plain.casefold()
    for choice, word in words:
        if word and re.search(rf"(?<![a-z]){re.escape(word)}(?![a-z])", text):
            return choice
    cues = scene.reading.cues
    mood = "sad" if Cue.LOW in cues else "happy" if Cue.HIGH in cues else "calm"
    for tongue in tongues():
        for choice, word in words:
            if word in tongue.book.moods[mood]:
                return choice
    return choices[0]


def _number(schema: Mapping[str, Any], *, step: float) -> float:
    """The number nearest to 0 within the limits, a multiple where one is asked for."""
    low, high = _limit(schema, "minimum", -math.inf), _limit(schema, "maximum", math.inf)
    multiple = abs(_limit(schema, "multipleOf", step)) or step
    nudge = step or 1e-6
    low = max(low, _limit(schema, "exclusiveMinimum", -math.inf) + nudge)
    high = min(high, _limit(schema, "exclusiveMaximum", math.inf) - nudge)
    value = min(max(0.0, low), high)
    if multiple:
        value = multiple * (math.ceil if low > 0 else math.floor)(value / multiple)
    return value


def _limit(schema: Mapping[str, Any], key: str, otherwise: float) -> float:
    found = schema.get(key, otherwise)
    if isinstance(found, bool) or not isinstance(found, int | float) or not math.isfinite(found):
        return otherwise
    return float(found)


def _asked_of(scene: Scene) -> tuple[Any, ...]:
    """Whom "them" means: who has spoken, else everybody."""
    return (scene.sender,) if scene.sender is not None else scene.moment.present
