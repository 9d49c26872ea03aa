"""Reading what models write as text that was wanted in another form."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aikyo.brain.models.written import find_object, without_thoughts, written_calls

TOOLS = ("speak", "gesture", "recall")


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("<think>Hm.</think>\nHi.", "Hi."),
        ("Hm, the user …</think> Hi.", "Hi."),
        ("<thinking>a</thinking>Hi.<think>b", "Hi."),
        ("<think>never ends", ""),
        ("I think so.", "I think so."),
        ("1 < 2 and <b>bold</b>", "1 < 2 and <b>bold</b>"),
    ],
)
def test_thoughts_are_left_out(text: str, left: str) -> None:
    assert without_thoughts(text) == left


@pytest.mark.parametrize(
    ("text", "calls", "rest"),
    [
        (
            'I wave. <tool_call>{"name": "gesture", "arguments": {"kind": "wave"}}</tool_call> Hello!',
            [("gesture", {"kind": "wave"})],
            "I wave.  Hello!",
        ),
        (
            '{"name": "gesture", "arguments": {"kind": "nod"}}\n{"speak": {"message": "Yes."}}',
            [("gesture", {"kind": "nod"}), ("speak", {"message": "Yes."})],
            "",
        ),
        (
            '{"tool_calls": [{"function": {"name": "speak", "arguments": {"message": "a"}}}]}',
            [("speak", {"message": "a"})],
            "",
        ),
        (
            '{"tool": "speak", "message": "flat", "id": "7"}',
            [("speak", {"message": "flat"})],
            "",
        ),
        ('{"message": "bare"}', [("speak", {"message": "bare"})], ""),
        (
            'speak(message="a (b)", emotion="happy")',
            [("speak", {"message": "a (b)", "emotion": "happy"})],
            "",
        ),
        ("gesture({'kind': 'nod'})", [("gesture", {"kind": "nod"})], ""),
        # These are words, or no tools of ours.
        ("A crab.", [], "A crab."),
        ('{"name": "dance", "arguments": {}}', [], '{"name": "dance", "arguments": {}}'),
        ("I speak (softly).", [], "I speak (softly)."),
        ('speak(open("/etc/passwd"))', [], 'speak(open("/etc/passwd"))'),
        ("a set {1, 2} and a list [1, 2]", [], "a set {1, 2} and a list [1, 2]"),
    ],
)
def test_calls_are_found_among_words(text: str, calls: list[Any], rest: str) -> None:
    assert written_calls(text, TOOLS) == (calls, rest)


def test_the_first_object_is_taken_whatever_is_around_it() -> None:
    assert find_object('so [1] it is: ```json\n{"a": {"b": 2}}\n``` and {"c": 3}') == {"a": {"b": 2}}
    assert find_object("{not json} and nothing else") is None


@given(st.dictionaries(st.text(), st.text()), st.text("abc \n`<>"), st.text("abc \n`<>{}"))
def test_an_object_is_found_between_any_words(value: dict[str, str], before: str, after: str) -> None:
    assert find_object(before + json.dumps(value) + after) == value


@given(st.text())
@example("[" * 200_000)
@example('{"a":' * 20_000)
@example('{"name":"speak","arguments":' * 1_000)
@example("{" * 200_000 + "1" * 5_000)
@example("[" + "9" * 5_000 + "]")
@example("speak(" + "(" * 5_000 + ")" * 5_000 + ")")
@example("speak(" + "-" * 50_000 + "1)")
@example("speak('\x00')")
@example("speak(**{'a': 1})")
@example("<think>" * 20_000)
def test_nothing_that_a_model_writes_raises(text: str) -> None:
    without_thoughts(text)
    find_object(text)
    calls, _ = written_calls(text, TOOLS)
    assert all(name in TOOLS and isinstance(params, dict) for name, params in calls)


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "speak", "arguments": {"message": "\\ud800"}}',
        'speak("\\ud800")',
        "speak({(1, 2): 3})",
        "speak(message=1j)",
    ],
)
def test_what_could_not_have_come_as_json_is_no_call(text: str) -> None:
    assert written_calls(text, TOOLS) == ([], text)
    assert find_object(text) is None


def test_what_is_written_like_python_becomes_json() -> None:
    assert written_calls("gesture(kind=(1, 2), size=1e999)", TOOLS)[0] == [
        ("gesture", {"kind": [1, 2], "size": None})
    ]
