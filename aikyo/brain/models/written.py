"""What models write as text that was wanted in another form: JSON with words around it, tool calls,
thoughts. Small models and servers without a parser for them do. Pure; never raises."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

__all__ = ["find_all", "find_object", "plain_words", "without_thoughts", "written_calls"]

Written = tuple[str, Mapping[str, Any]]

_THOUGHTS = re.compile(r"<(think|thinking|thought)>.*?(</\1>|\Z)", re.DOTALL)
_THOUGHTS_BEGUN_BEFORE = re.compile(r"\A.*?</(think|thinking|thought)>", re.DOTALL)

_FENCE = re.compile(
    r"```\w*|</?tool_calls?>|</?function_calls?>|\[/?TOOL_CALLS\]|<\|(?:python_tag|tool_call)\|>"
)
_TAGGED = re.compile(r"<function=(\w+)>(.*?)</function>", re.DOTALL)
_PARAMETER = re.compile(r"<parameter=(\w+)>\s?(.*?)\s?</parameter>", re.DOTALL)
_LIKE_PYTHON = re.compile(r"\s*(\w+)\((.*)\)\s*", re.DOTALL)

_NO_WORDS = re.compile(r"[{\[<`]")
"""What JSON, tags and fences begin with."""

_MAX_TEXT = 16 << 10
"""Characters that are looked through: more than an answer has, few enough not to hold anybody up."""

_MAX_TRIES = 64
"""Places where JSON may begin."""


def without_thoughts(text: str) -> str:
    """The text without what the model thought aloud before it."""
    if "</think" in text or "<think" in text or "thought>" in text:
        text = _THOUGHTS_BEGUN_BEFORE.sub("", _THOUGHTS.sub("", text))
    return text.strip()


def plain_words(text: str, name: str, tools: Sequence[str]) -> str:
    """The beginning of an answer that will be said as it is, as far as that is sure.

    Args:
        text: what the model has written so far.
        name: the companion's, which models write before what they say.
        tools: the tools there are, which it may be calling in words.
    """
    words = _NO_WORDS.split(text, maxsplit=1)[0].lstrip()
    before = f"{name}:"
    if before.startswith(words) or any(
        words.startswith(f"{tool}(") or tool.startswith(words) for tool in tools
    ):
        return ""
    return words.removeprefix(before).strip()


def find_object(text: str) -> dict[str, Any] | None:
    """The first JSON object in the text, whatever is around it; None if there is none."""
    return next((value for value, _, _ in _values(text) if isinstance(value, dict)), None)


def find_all(text: str) -> list[Any]:
    """All JSON objects and arrays in the text, whatever is around them; of one that is cut off, those
    that are whole in it."""
    return [value for value, _, _ in _values(text)]


def written_calls(text: str, names: Sequence[str]) -> tuple[list[Written], str]:
    """The tool calls that are written in the text, and the text without them.

    Args:
        text: what the model wrote.
        names: the tools there are; nothing else counts as a call.
    """
    if len(text) > _MAX_TEXT:
        return [], text.strip()
    found: list[Written] = []
    rest, end = "", 0
    for value, start, stop in _values(text):
        calls = list(_unwrap(value, names))
        if calls:
            rest, end = rest + text[end:start], stop
            found += calls
    rest += text[end:]
    for tagged in _TAGGED.finditer(rest):
        if tagged[1] in names:
            found.append((tagged[1], dict(_PARAMETER.findall(tagged[2]))))
    if found:
        return found, _FENCE.sub("", _TAGGED.sub("", rest)).strip()
    called = _like_python(text, names)
    return ([called], "") if called else ([], text.strip())


def _values(text: str) -> Iterator[tuple[Any, int, int]]:
    """The JSON objects and arrays in the text, with where each begins and ends."""
    decoder = json.JSONDecoder(parse_constant=_no_number)
    text, at = text[:_MAX_TEXT], 0
    for _ in range(_MAX_TRIES):
        starts = [place for place in (text.find("{", at), text.find("[", at)) if place >= 0]
        if not starts:
            return
        start = min(starts)
        try:
            value, end = decoder.raw_decode(text, start)
            value = _plain(value)
        except (ValueError, RecursionError):
            at = start + 1
        else:
            at = end
            yield value, start, at


def _plain(value: Any) -> Any:
    """As it would have come as JSON, where texts are Unicode, keys texts and numbers finite.

    Raises:
        ValueError, RecursionError: it could not have.
    """
    try:
        return msgspec.json.decode(msgspec.json.encode(value))
    except (msgspec.MsgspecError, TypeError) as error:
        raise ValueError(str(error)) from None


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _unwrap(value: Any, names: Sequence[str]) -> Iterator[Written]:
    match value:
        case list():
            for each in value:
                yield from _unwrap(each, names)
        case {"tool_calls": list(calls)}:
            yield from _unwrap(calls, names)
        case {"function": dict(inner)}:
            yield from _unwrap(inner, names)
        case (
            {"name": str(name), **more}
            | {"function": str(name), **more}
            | {"tool": str(name), **more}
            | {"tool_name": str(name), **more}
        ) if name in names:
            yield name, _params(more)
        case {"message": str()} if "speak" in names:
            yield "speak", value
        case dict() if len(value) == 1:
            ((name, params),) = value.items()
            if name in names and isinstance(params, dict):
                yield name, params


def _params(more: Mapping[Any, Any]) -> Mapping[str, Any]:
    for key in ("arguments", "parameters", "params", "input", "args"):
        match more.get(key):
            case dict(params):
                return params
            case str(text):
                return find_object(text) or {}
    return {key: value for key, value in more.items() if key not in {"id", "type"}}


def _like_python(text: str, names: Sequence[str]) -> Written | None:
    """``speak("Hello")`` or ``gesture(kind="wave")``, alone."""
    stripped = _FENCE.sub("", text)
    match = _LIKE_PYTHON.fullmatch(stripped)
    if match is None or match[1] not in names:
        return None
    try:
        call = ast.parse(stripped.strip(), mode="eval").body
        if not isinstance(call, ast.Call):
            return None
        params = {each.arg: ast.literal_eval(each.value) for each in call.keywords if each.arg}
        params, given = _plain([params, [ast.literal_eval(each) for each in call.args]])
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        return None
    if given:
        first = given[0]
        params = (
            {"message": first, **params} if isinstance(first, str) and match[1] == "speak" else params
        )
        params = {**first, **params} if isinstance(first, dict) else params
    return match[1], params
