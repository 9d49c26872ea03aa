"""Whatever a server sends to a client: an event, an answer, or an error that says so."""

from __future__ import annotations

import json

import h11
import msgspec
import pytest
import trio
import trio.testing
from hypothesis import example, given
from hypothesis import strategies as st

from aikyo.client import Talk, Telling, render
from aikyo.client.control import Remote, _detail
from aikyo.client.errors import ClientError
from aikyo.client.http import HttpError, _receive
from aikyo.client.stream import Stream
from aikyo.dashboard import View
from aikyo.errors import AikyoError
from aikyo.wire import Envelope, MeshStatus, Message, SwarmFile, SwarmStatus
from tests.support.fuzz import json_texts, mutations

ANSWERS = [
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 13\r\n\r\n"
    + b'{"id": "0199"}'[:13],
    b"HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.0 200 OK\r\n\r\nuntil the end",
]


@given(
    st.lists(st.one_of(mutations(ANSWERS), st.sampled_from(ANSWERS), st.binary(max_size=60)), max_size=3)
)
@example([b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", ANSWERS[0]])
@example([b"HTTP/1.1 100 Continue\r\n\r\n" * 500, ANSWERS[0]])
@example([b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n"])
@example([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"f" * 30 + b"\r\n"])
@example([b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200_000])
@example([b"HTTP/1.1 200 OK\r\n\r\n" + b"z" * (5 << 20)])
def test_any_answer_is_one_or_an_error(parts: list[bytes]) -> None:
    async def ask() -> None:
        connection = h11.Connection(h11.CLIENT)
        connection.send(h11.Request(method="GET", target="/", headers=[("Host", "x")]))
        connection.send(h11.EndOfMessage())
        ours, theirs = trio.testing.memory_stream_pair()

        async def serve() -> None:
            for part in parts:
                await theirs.send_all(part)
            await theirs.aclose()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve)
            try:
                status, body = await _receive(ours, connection)  # type: ignore[arg-type]  # a stream too
            except (HttpError, h11.RemoteProtocolError):  # the caller turns both into one
                return
            assert 200 <= status < 1000
            assert len(body) <= 4 << 20

    trio.run(ask)


class Server:
    """A connection on which a server sends what it likes, and then goes."""

    def __init__(self, frames: list[str | bytes]) -> None:
        self._frames = iter(frames)

    async def get_message(self) -> str | bytes:
        await trio.lowlevel.checkpoint()
        frame = next(self._frames, None)
        if frame is None:
            await trio.sleep_forever()
        assert frame is not None
        return frame

    async def send_message(self, frame: str) -> None:
        await trio.lowlevel.checkpoint()


SENT = [
    b'{"epoch":"e","seq":41}',
    b'{"seq":42,"time":1.7e9,"topic":"messages","peer":"p","body":{"id":"1","from":"a","message":"hi"}}',
    b'{"seq":43,"time":1.7e9,"topic":"events","body":{"type":"activity","companion":"companion_a"}}',
    b'{"seq":44,"time":1,"topic":"states","body":{"from":"a","messageId":"1","state":"composing"}}',
    b'{"time":1,"topic":"deltas","body":{"id":"2","from":"companion_a","text":"Hel"}}',
    b'{"time":1,"topic":"deltas","body":{"id":"2","from":"companion_a","text":"lo","end":"interrupted"}}',
    b'{"ack":"m-1"}',
    b'{"error":{"code":"invalid","message":"no","detail":"why"}}',
    b'{"dropped":3}',
]
FRAMES = st.one_of(
    mutations(SENT), st.sampled_from(SENT), json_texts.map(str.encode), st.binary(max_size=40)
).flatmap(lambda raw: st.sampled_from([raw, raw.decode("utf-8", "replace")]))


@given(st.lists(FRAMES, max_size=5))
@example([b'{"topic":"\xff"}'])
@example(["{" * 5000])
@example([b'{"x":' + b"[" * 100_000])
@example(['{"topic":"messages","time":1e300,"body":{}}', '{"topic":"events","time":-1e300}'])
@example(['{"topic":"messages","seq":99999999999999999999999999999}', '{"dropped":-5}'])
@example(['{"error":{"code":"x","message":"\\u001b[2J\\nand more"}}'])
def test_any_frames_are_events_and_answers_or_an_error(frames: list[str | bytes]) -> None:
    async def watch() -> None:
        stream = Stream(Server(frames))  # type: ignore[arg-type]  # the two methods that it calls
        async with trio.open_nursery() as nursery:

            async def send() -> None:
                try:
                    await stream.send(Message(id="m-1", sender="user_mika", message="hello"))
                except AikyoError as error:
                    assert str(error).isprintable()

            nursery.start_soon(send)
            await trio.testing.wait_all_tasks_blocked()
            nursery.start_soon(stream._read)
            try:
                with trio.move_on_after(1):
                    async for envelope in stream:
                        shown = render(envelope)
                        assert shown.isprintable()
            except ClientError as error:
                assert str(error).isprintable()
            assert stream.dropped >= 0
            nursery.cancel_scope.cancel()

    trio.run(watch, clock=trio.testing.MockClock(autojump_threshold=0))


TOPICS = [
    "messages",
    "actions",
    "states",
    "queries",
    "query-results",
    "contexts",
    "presence",
    "events",
    "deltas",
    "x",
]


@given(
    st.sampled_from(TOPICS),
    st.floats() | st.integers(-(2**70), 2**70),
    st.binary(max_size=60) | mutations(SENT),
)
def test_any_envelope_is_shown_as_one_line(topic: str, time: float, body: bytes) -> None:
    envelope = Envelope(seq=1, time=time, topic=topic, body=msgspec.Raw(body))
    for color in (False, True):
        shown = render(envelope, color=color)
        assert "\n" not in shown
        assert len(shown) < 20_000
        shown.encode()


SEEN = [
    b'{"from":"a","messageId":"1","state":"composing"}',
    b'{"id":"2","from":"a","text":"e\\u0301 \\u001b[2J\\ud83d"}',
    b'{"id":"2","from":"a","text":"lo","end":"said"}',
    b'{"id":"2","from":"a","text":"","end":"interrupted"}',
    b'{"id":"2","from":"a","message":"Hello","replyTo":"1"}',
    b'{"type":"talk-ended","conversation":"1","reason":"closed"}',
]
"""Bodies, each of a topic of its own."""


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["states", "deltas", "messages", "events", "x"]),
            st.floats() | st.integers(0, 9),
            st.sampled_from(SEEN) | mutations(SEEN) | json_texts.map(str.encode),
        ),
        max_size=8,
    )
)
@example([("deltas", 0, b'{"id":"2","from":"a","text":"' + b"x" * 1_000_000 + b'"}')] * 3)
@example([("deltas", 0, b'{"id":"2","from":"\\u001b[2J","text":"x"}'), ("states", 0, SEEN[0])])
def test_any_drafts_are_shown_as_words_or_not_at_all(seen: list[tuple[str, float, bytes]]) -> None:
    telling = Telling(Talk(Message(id="1", sender="user_mika", message="hi")))
    view, shown = View(), ""
    for topic, time, body in [("states", 0.0, SEEN[0]), *seen]:
        envelope = Envelope(time=time, topic=topic, body=msgspec.Raw(body))
        shown += telling.hear(envelope)
        view.apply(envelope)
    shown += telling.end()
    assert all(line.isprintable() for line in shown.split("\n"))
    assert len(shown) < 100_000
    assert all(said.text.isprintable() and len(said.text) < 3000 for said in view.composed)


STATUS = [
    msgspec.json.encode(
        SwarmStatus(companions=(), started=1.0, pid=1, mesh="", firehose="ws://x", gateway="http://x")
    ),
    msgspec.json.encode(MeshStatus(addresses=("/ip4/192.0.2.1/tcp/1",), peers=())),
    b'{"id":"1","detail":"no such\x1b[2J"}',
]
REMOTE = Remote(SwarmFile(pid=1, started=0, firehose="ws://127.0.0.1:1", gateway="http://127.0.0.1:1"))


@given(st.one_of(mutations(STATUS), json_texts.map(str.encode), st.binary(max_size=60)))
@example(b'{"detail":"\xff"}')
@example(b"[" * 100_000)
@example(json.dumps({"detail": "x" * 1_000_000}).encode())
def test_any_body_is_a_status_or_an_error(body: bytes) -> None:
    for kind in (SwarmStatus, MeshStatus):
        try:
            assert isinstance(REMOTE._read(body, kind), kind)
        except ClientError as error:
            assert str(error).isprintable()
    detail = _detail(body)
    assert len(detail) <= 500
    assert not detail or detail.isprintable()


@pytest.mark.parametrize("time", [1e300, -1e300, float("nan"), float("inf"), 1e11, -1e12])
def test_a_time_that_no_calendar_has_is_shown_all_the_same(time: float) -> None:
    assert render(Envelope(seq=1, time=time, topic="messages")).isprintable()
