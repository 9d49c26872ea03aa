"""What servers that speak Chat Completions don't take, found out by asking. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

from ..models.shown import RefusedPictures

__all__ = ["Fitting"]

Part = Literal[
    "max_tokens", "response_format", "stream_options", "reasoning_effort", "tool_choice", "tools"
]

_WORDS: Mapping[Part, re.Pattern[str]] = {
    "max_tokens": re.compile("max_completion_tokens"),  # its successor, where the old name is refused
    "response_format": re.compile("response_format|json_schema|grammar|structured output"),
    "stream_options": re.compile("stream_options"),
    "reasoning_effort": re.compile("reasoning|thinking|effort"),
    "tool_choice": re.compile("tool[_ ]choice"),
    "tools": re.compile(r"\b(tools?|functions?)\b"),
}
"""How servers name what they refuse, in the order in which it is looked for."""

_NO_TOOLS = re.compile(
    r"not (currently |yet )?(support|enabled|available|allowed|permitted|implemented)|n't support"
    r"|unsupported|unrecogni[sz]ed|no (\w+ ){1,4}supports?\b|that support tool|requires? (the )?--"
)
"""How they say that they take no tools at all; of one tool, one call or its form much else is said."""

_NO_TOOLS_WITH_EFFORT = re.compile(r"tools? with reasoning_effort")
"""OpenAI's newer models say so; some of them take tools without any, which has to be asked for."""

_ONE_TOOL = re.compile(r"schema|propert|keyword|tool_call_id|failed|tools?\[|functions?\[")
"""What only such errors speak of."""

_PICTURES = ("image", "vision", "multimodal", "mmproj", "must be a string", "content type")

_OF_THE_REQUEST = frozenset({400, 404, 405, 415, 422})
_CANNOT = ("support", "require")
"""In errors of a server that says it failed (5xx): the request asked for what it does not have."""


class Fitting:
    """Makes requests fit: what a model's server has refused is left out from then on."""

    def __init__(self) -> None:
        self._refused: set[tuple[str, Part]] = set()
        self._no_effort_with_tools: set[str] = set()
        self._pictures = RefusedPictures()

    def fit(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The request as the server takes it."""
        model, fitted = str(request["model"]), self._pictures.without(request)
        for part in _WORDS:
            if part in fitted and (model, part) in self._refused:
                _leave_out(fitted, part)
        if "tools" in fitted and model in self._no_effort_with_tools:
            fitted["reasoning_effort"] = "none"
        return fitted

    def takes_tools(self, model: str) -> bool:
        """Whether tools have not been refused yet."""
        return (model, "tools") not in self._refused

    def learn(self, request: Mapping[str, Any], status: int, told: str) -> bool:
        """Whether something in the refused request can be left out, as it will be from now on.

        Args:
            request: as `fit` gave it.
            status: the HTTP status of the refusal.
            told: the words of the refusal.
        """
        model = str(request["model"])
        why = re.sub(rf"(?<!\w){re.escape(model.lower())}(?!\w)", "", told.lower())
        if status not in _OF_THE_REQUEST and not (
            status >= 500 and any(word in why for word in _CANNOT)
        ):
            return False
        if "tools" in request and model in self._no_effort_with_tools and "effort" in why:
            self._refused.add((model, "tools"))  # nor do they do without
            return True
        if "tools" in request and _NO_TOOLS_WITH_EFFORT.search(why):
            self._no_effort_with_tools.add(model)
            return True
        for part, words in _WORDS.items():
            if part in request and words.search(why) and (part != "tools" or _takes_none(why)):
                self._refused.add((model, part))
                return True
        return any(word in why for word in _PICTURES) and self._pictures.refuse(request)


def _takes_none(why: str) -> bool:
    """Whether a refusal that speaks of tools is one of all of them."""
    return _NO_TOOLS.search(why) is not None and _ONE_TOOL.search(why) is None


def _leave_out(request: dict[str, Any], part: Part) -> None:
    value = request.pop(part)
    if part == "max_tokens":
        request["max_completion_tokens"] = value
    elif part == "tool_choice":
        request.pop("tools", None)  # it was to keep them from being called
    elif part == "tools":
        request.pop("tool_choice", None)
