from __future__ import annotations

from datetime import UTC

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from aikyo.client import render
from aikyo.wire import (
    Action,
    Closing,
    Context,
    Delta,
    Envelope,
    Event,
    Message,
    Payload,
    Presence,
    Query,
    QueryResult,
    State,
)

ALICE = "companion_alice"


def envelope(body: Payload | Event | bytes, topic: str = "") -> Envelope:
    named = topic or ("events" if isinstance(body, Event) else getattr(body, "topic", "messages"))
    raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return Envelope(seq=1, time=45005.0, topic=named, body=Raw(raw))


def line(body: Payload | Event | bytes, topic: str = "") -> str:
    time, _, rest = render(envelope(body, topic), zone=UTC).partition(" ")
    assert time == "12:30:05"
    return rest


def act(name: str, **params: object) -> Action:
    return Action(id="a", sender=ALICE, name=name, params=params)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (Message(id="m", sender=ALICE, message="Hello!"), "alice: Hello!"),
        (
            Message(id="m", sender="user_mika", to=(ALICE, "12D3x"), message="a\nb"),
            "mika → alice, 12D3x: a b",
        ),
        (act("gesture", kind="wave", target="companion_bob"), "alice waves at bob"),
        (act("gesture", kind="cry"), "alice cries"),
        (act("gesture", kind="play"), "alice plays"),
        (act("gesture", kind="clench"), "alice clenches"),
        (act("gesture", kind="thumbs-up"), "alice gestures thumbs-up"),
        (act("gesture", kind=3), "alice gestures 3"),
        (act("look", target="user_mika"), "alice looks at mika"),
        (act("look", direction=90), "alice looks toward 90 degrees"),
        (act("move", x=10, y=20.5), "alice moves to (10, 20.5)"),
        (act("move", target="companion_bob"), "alice moves to bob"),
        (act("move", x="far"), "alice moves to (?, ?)"),
        (act("speak", message="Hi", target="companion_bob"), "alice says to bob: Hi"),
        (act("juggle", balls=3), 'alice does juggle {"balls":3}'),
        (
            State(sender=ALICE, message_id="m", state="speak", importance=7, selected=True),
            "alice wants to speak (7, selected)",
        ),
        (
            State(sender=ALICE, message_id="m", state="listen", closing=Closing.PRE_CLOSING),
            "alice would rather listen (0, pre-closing)",
        ),
        (State(sender=ALICE, message_id="m", state="composing"), "alice takes the turn"),
        (
            State(sender=ALICE, message_id="m", state="composing", rank=1),
            "alice takes the turn (as runner-up)",
        ),
        (
            Query(id="q-1", sender=ALICE, to=("user_mika",), type="vision", body={"prompt": "?"}),
            'alice asks mika for vision: {"prompt":"?"}',
        ),
        (QueryResult(id="q-1", success=True, body={"text": "cup"}), 'answer to q-1: {"text":"cup"}'),
        (QueryResult(id="q-1", success=False, error="no camera"), "no answer to q-1: no camera"),
        (
            Context(id="c", sender="user_mika", to=(ALICE,), type="text", context="rain"),
            "mika shows alice: rain",
        ),
        (
            Context(id="c", sender="user_mika", type="image", context="AAAA", media_type="image/png"),
            "mika shows: (image/png)",
        ),
        (Presence(id=ALICE), "alice is here"),
        (Presence(id=ALICE, gone=True), "alice has gone"),
        (Event(type="activity", companion=ALICE, activity="thinking"), "alice is thinking"),
        (Event(type="mood", companion=ALICE, mood="glad"), "alice feels glad"),
        (
            Event(type="talk-ended", conversation="c", reason="closed"),
            "the talk ends: it has come to its end",
        ),
        (
            Event(type="restart", companion=ALICE, reason="crashed"),
            "alice crashed and starts again: crashed",
        ),
    ],
)
def test_what_happens_is_a_sentence(body: Payload | Event, expected: str) -> None:
    assert line(body) == expected


def test_what_cannot_be_read_is_shown_as_it_is() -> None:
    assert line(b'{"new":1}', "weather") == 'weather {"new":1}'
    assert line(b'{"from":1}', "messages") == 'messages {"from":1}'
    assert len(line(b'"' + b"x" * 5000 + b'"', "weather")) < 250


def test_colour_is_there_only_when_asked_for() -> None:
    said = envelope(Message(id="m", sender=ALICE, message="Hello!"))
    assert "\x1b" not in render(said)
    assert "\x1b[1m" in render(said, color=True)
    assert render(said, color=True).endswith("Hello!")


@pytest.mark.parametrize("topic", ["messages", "actions", "states", "events", "presence", "other"])
@given(text=st.text(), data=st.binary())
def test_nothing_that_a_stranger_sends_reaches_the_terminal(topic: str, text: str, data: bytes) -> None:
    hostile = msgspec.json.encode(
        {"from": text, "message": text, "type": text, "id": text, "name": text}
    )
    for body in (hostile, data):
        rest = line(body, topic)
        assert not any(char in rest for char in "\x1b\x9b\n\r\u202e\u2028\x07")


@given(st.sampled_from(["move", "look", "gesture", "speak", "juggle"]), st.binary())
def test_no_line_is_without_an_end_or_fails(name: str, data: bytes) -> None:
    for number in (b"1" + b"0" * 400, b"-1" + b"0" * 5000, b"[" * 9999 + b"]" * 9999, data):
        params = b'{"x":%s,"direction":%s,"kind":%s,"message":%s}' % (number, number, number, number)
        body = b'{"id":"a","from":"companion_alice","name":"%s","params":%s}' % (name.encode(), params)
        assert len(line(body, "actions")) < 1000


def test_what_is_being_composed_is_a_line_a_delta() -> None:
    for text, end, shown in (("I was\n", None, "alice … I was"), (".", "said", "alice … . (said)")):
        delta = Delta(id="m", sender=ALICE, text=text, end=end)  # type: ignore[arg-type]  # one of them
        assert line(msgspec.json.encode(delta), "deltas") == shown
