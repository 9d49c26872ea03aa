from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio
from trio_websocket import (
    ConnectionClosed,
    WebSocketConnection,
)

from aikyo.firehose import Firehose, Hub, client
from aikyo.mesh import MeshError
from aikyo.mesh.memory import MemoryLan, MemoryMesh
from aikyo.wire import Action, Delta, Event, State
from tests.support.servers import PAGE, House, house, websocket


def rich(running: House, query: str = "") -> AbstractAsyncContextManager[WebSocketConnection]:
    return websocket(f"{running.url}/v1/stream{query}")


async def read(connection: WebSocketConnection) -> dict[str, Any]:
    frame: dict[str, Any] = json.loads(await connection.get_message())
    return frame


def message(sender: str = "user_mika", text: str = "hi") -> str:
    body = {"id": "m-1", "from": sender, "to": ["companion_alice"], "message": text, "mood": "kept"}
    return json.dumps({"topic": "messages", "body": body}, ensure_ascii=False)


@asynccontextmanager
async def shaking_hands(
    running: House, target: str = "/v1/stream", *headers: bytes, host: bytes = b"localhost"
) -> AsyncGenerator[tuple[trio.SocketStream, bytes], None]:
    """A raw client after its handshake, and what it was answered; from then on it does nothing."""
    address, port = running.url.removeprefix("ws://").split(":")
    lines = (
        b"GET " + target.encode() + b" HTTP/1.1",
        b"Host: " + host,
        b"Upgrade: websocket",
        b"Connection: Upgrade",
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        b"Sec-WebSocket-Version: 13",
        *headers,
    )
    async with await trio.open_tcp_stream(address, int(port)) as stream:
        await stream.send_all(b"\r\n".join(lines) + b"\r\n\r\n")
        yield stream, bytes(await stream.receive_some())


async def comes_in(running: House) -> None:
    """Try until there is room."""
    answer = b""
    while b" 101 " not in answer:
        async with shaking_hands(running) as (_, answer):
            pass


async def test_the_stream_begins_where_it_is_and_has_no_gap(tmp_path: Path) -> None:
    async with house(tmp_path) as running, rich(running) as stream:
        greeting = await read(stream)
        assert greeting["epoch"] == "epoch-1"
        said = await running.alice_says("Hello!")
        running.hub.emit(Event(type="notice", reason="a word"))
        await running.alice.publish(
            State(sender="companion_alice", message_id="m-1", state="speak", importance=7)
        )
        seen = [await read(stream) for _ in range(3)]
        seen = [frame for frame in seen if frame["topic"] != "presence"]
        assert [frame["seq"] for frame in seen] == sorted(frame["seq"] for frame in seen)
        first = next(frame for frame in seen if frame["topic"] == "messages")
        assert first["peer"] == running.alice.peer
        assert first["body"]["id"] == said.id


async def test_the_original_form_is_bare_payloads_of_what_is_said_and_done(tmp_path: Path) -> None:
    async with house(tmp_path) as running, websocket(f"{running.url}/") as stream:
        await running.alice.publish(State(sender="companion_alice", message_id="m-1", state="speak"))
        running.hub.emit(Event(type="notice"))
        await running.alice_says("Hello!")
        await running.alice.publish(Action(id="a-1", sender="companion_alice", name="move"))
        assert (await read(stream))["message"] == "Hello!"
        assert await read(stream) == {"id": "a-1", "from": "companion_alice", "name": "move"}


async def test_what_a_client_says_reaches_the_mesh_whole_and_is_acknowledged(tmp_path: Path) -> None:
    async with house(tmp_path) as running, rich(running, "?topics=messages") as stream:
        await read(stream)
        await stream.send_message(message())
        answers = [await read(stream), await read(stream)]
        assert {"ack": "m-1"} in answers
        async for received in running.alice.received:
            if received.topic == "messages":
                break
        assert received.peer == running.node.peer
        assert json.loads(bytes(received.body))["mood"] == "kept"


async def test_the_original_form_acknowledges_nothing(tmp_path: Path) -> None:
    async with house(tmp_path) as running, websocket(f"{running.url}/") as stream:
        await stream.send_message(message())
        assert (await read(stream))["message"] == "hi"
        await running.alice_says("after")
        assert (await read(stream))["message"] == "after"


async def test_a_bad_frame_is_answered_and_the_client_stays(tmp_path: Path) -> None:
    async with house(tmp_path) as running, rich(running, "?topics=messages") as stream:
        await read(stream)
        codes = []
        for bad in (
            "garbage",
            b"\x00binary",
            message("companion_alice"),
            '{"topic":"events","body":{}}',
        ):
            await stream.send_message(bad)
            codes.append((await read(stream))["error"]["code"])
        assert codes == ["not-json", "not-json", "forbidden", "unknown-topic"]
        await stream.send_message(message())
        assert {"ack": "m-1"} in [await read(stream), await read(stream)]
        assert running.firehose.counters["frame-forbidden"] == 1


@pytest.mark.parametrize("text", ["x" * (2 << 20), "猫" * (400 << 10)], ids=["characters", "bytes"])
async def test_a_frame_over_the_limit_closes_with_1009_and_disturbs_nobody(
    tmp_path: Path, text: str
) -> None:
    async with house(tmp_path) as running, rich(running, "?topics=messages") as other:
        await read(other)
        async with rich(running, "?topics=messages") as stream:
            await read(stream)
            with pytest.raises(ConnectionClosed) as closed:
                await stream.send_message(message(text=text))
                await read(stream)
            assert closed.value.reason is not None
            assert closed.value.reason.code == 1009
        await running.alice_says("still here")
        assert (await read(other))["body"]["message"] == "still here"


async def test_who_sends_far_too_much_may_finish_and_still_hears_why(tmp_path: Path) -> None:
    size = 8 << 20
    async with house(tmp_path) as running, shaking_hands(running, "/") as (stream, _):
        await stream.send_all(b"\x81\xff" + size.to_bytes(8, "big") + bytes(4) + b"0" * size)
        close = await stream.receive_some()
        assert (close[0], int.from_bytes(close[2:4], "big")) == (0x88, 1009)


@pytest.mark.parametrize(
    ("target", "header", "status"),
    [
        ("/", b"Origin: http://evil.example", b"403"),
        ("/", b"Origin: null", b"403"),
        ("/v1/stream", b"Origin: http://localhost:8080", b"403"),
        ("/v2", b"Accept: */*", b"404"),
        ("/v1/stream?topics=nonsense", b"Accept: */*", b"400"),
        ("/v1/stream?deltas=yes", b"Accept: */*", b"400"),
    ],
)
async def test_a_handshake_that_may_not_be_is_turned_away(
    tmp_path: Path, target: str, header: bytes, status: bytes
) -> None:
    async with house(tmp_path) as running, shaking_hands(running, target, header) as (stream, answer):
        with trio.fail_after(2):  # it is not kept waiting for the end
            rest = b"".join([bytes(data) async for data in stream])
        head, _, body = (answer + rest).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 " + status)
        assert body.endswith(b"\n")
        assert running.firehose.counters[f"refused-{status.decode()}"] == 1


async def test_our_own_page_may_connect(tmp_path: Path) -> None:
    origin = b"Origin: " + PAGE.encode()
    async with house(tmp_path) as running, shaking_hands(running, "/", origin) as (_, answer):
        assert answer.startswith(b"HTTP/1.1 101")


@pytest.mark.parametrize("host", [b"evil.example", b"127.0.0.1.evil.example:80"])
async def test_a_name_that_is_not_ours_is_refused(tmp_path: Path, host: bytes) -> None:
    async with house(tmp_path) as running, shaking_hands(running, host=host) as (_, answer):
        assert answer.startswith(b"HTTP/1.1 403")


async def test_a_handshake_that_breaks_the_library_breaks_no_one_else(tmp_path: Path) -> None:
    async with house(tmp_path) as running, rich(running) as other:
        await read(other)
        async with shaking_hands(running, host=b"xn--a") as (_, answer):
            assert answer == b""
        assert running.firehose.counters["broken"] == 1
        running.hub.emit(Event(type="notice"))
        assert "seq" in await read(other)


@pytest.mark.parametrize("query", ["?deltas=1&topics=messages", "?topics=messages,deltas"])
async def test_who_asks_for_deltas_sees_a_reply_grow(tmp_path: Path, query: str) -> None:
    async with house(tmp_path) as running, rich(running, query) as stream:
        await read(stream)
        for text, end in (("Hel", None), ("lo!", "said")):
            running.hub.draft(Delta(id="m-9", sender="companion_alice", text=text, end=end))  # type: ignore[arg-type]  # one of them
            frame = await read(stream)
            body = {"id": "m-9", "from": "companion_alice", "text": text}
            assert frame.pop("time") > 0
            assert frame == {"topic": "deltas", "body": body | ({"end": end} if end else {})}
        await running.alice_says("Hello!")
        assert (await read(stream))["topic"] == "messages"


@pytest.mark.parametrize("query", ["", "?deltas=0", "?deltas=1&from=bob", "?topics=messages"])
async def test_who_does_not_ask_for_deltas_has_none(tmp_path: Path, query: str) -> None:
    async with house(tmp_path) as running, rich(running, query) as stream:
        await read(stream)
        running.hub.draft(Delta(id="m-9", sender="companion_alice", text="Hel"))
        running.hub.emit(Event(type="notice", companion="companion_bob", reason="then"))
        await running.alice_says("Hello!")
        assert (await read(stream))["topic"] in {"events", "messages"}


async def test_topics_may_be_deltas_alone(tmp_path: Path) -> None:
    async with house(tmp_path) as running, rich(running, "?topics=deltas") as stream:
        await read(stream)
        running.hub.emit(Event(type="notice", reason="not this"))
        running.hub.draft(Delta(id="m-9", sender="companion_alice", text="Hel"))
        assert (await read(stream))["topic"] == "deltas"


async def test_the_original_form_has_no_deltas(tmp_path: Path) -> None:
    async with house(tmp_path) as running, websocket(f"{running.url}/?deltas=1") as stream:
        running.hub.draft(Delta(id="m-9", sender="companion_alice", text="Hel"))
        await running.alice_says("Hello!")
        assert (await read(stream))["message"] == "Hello!"


async def test_what_cannot_be_replayed_is_told(tmp_path: Path) -> None:
    async with house(tmp_path) as running:
        for _ in range(5):
            running.hub.emit(Event(type="notice"))
        last = running.hub.seq
        async with rich(running, f"?since={last - 2}") as stream:
            assert (await read(stream))["seq"] == last
            assert await read(stream) == {"gap": [last - 1, last]}
        async with rich(running, f"?since={last}&topics=messages") as stream:
            await read(stream)
            await running.alice_says("live")
            assert (await read(stream))["topic"] == "messages"


async def test_a_client_too_many_is_told_and_fits_when_another_leaves(tmp_path: Path) -> None:
    async with house(tmp_path, max_clients=1) as running:
        async with rich(running) as only:
            await read(only)
            async with shaking_hands(running) as (_, answer):
                assert answer.startswith(b"HTTP/1.1 503")
        await comes_in(running)


async def test_who_was_too_slow_is_told_how_much_was_missed(tmp_path: Path) -> None:
    async with house(tmp_path) as running, rich(running, "?topics=events") as slow:
        await read(slow)
        for _ in range(1500):  # without a pause, so that nothing can be sent meanwhile
            running.hub.emit(Event(type="notice"))
        assert await read(slow) == {"dropped": 1500 - 1024}
        assert (await read(slow))["seq"] == running.hub.seq - 1023


async def test_a_client_that_does_not_read_is_dropped_and_holds_nobody_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "WRITE_DEADLINE", 0.2)
    async with (
        house(tmp_path) as running,
        shaking_hands(running),
        rich(running, "?topics=events") as other,
    ):
        await read(other)
        while not running.firehose.counters["lost"]:
            running.hub.emit(Event(type="notice", reason="x" * 50_000))
            assert (await read(other))["topic"] == "events"
        assert running.firehose.counters == {"clients": 2, "lost": 1}


async def test_who_answers_no_ping_is_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "PING_EVERY", 0.1)
    async with house(tmp_path) as running, rich(running) as alive, shaking_hands(running) as (dead, _):
        assert b"".join([bytes(data) async for data in dead])  # the stream has an end
        while not running.firehose.counters["lost"]:
            await trio.lowlevel.checkpoint()
        await running.alice_says("still here")
        while (await read(alive)).get("topic") != "messages":
            pass


async def test_at_the_end_everyone_is_told_and_nobody_is_waited_for(tmp_path: Path) -> None:
    async with house(tmp_path) as running, trio.open_nursery() as nursery:
        scope, ended = trio.CancelScope(), trio.Event()

        async def serve(task_status: trio.TaskStatus[str]) -> None:
            with scope:
                await running.firehose.serve("127.0.0.1", 0, task_status=task_status)
            ended.set()

        running.url = await nursery.start(serve)
        async with rich(running) as polite, shaking_hands(running) as (_deaf, _):
            await read(polite)
            for _ in range(100):
                running.hub.emit(Event(type="notice", reason="x" * 100_000))
                await read(polite)
            scope.cancel()
            with trio.fail_after(2):
                await ended.wait()
            with pytest.raises(ConnectionClosed) as closed:
                await read(polite)
            assert closed.value.reason is not None
            assert closed.value.reason.code == 1001


async def test_a_vanished_client_leaves_its_place_to_another(tmp_path: Path) -> None:
    async with house(tmp_path, max_clients=1) as running:
        async with shaking_hands(running):
            pass
        await comes_in(running)


async def test_without_its_node_the_firehose_ends_and_says_why(tmp_path: Path) -> None:
    async with MemoryMesh(MemoryLan()) as mesh:
        async with mesh.join(tmp_path / "firehose.key", None) as node:
            pass
        firehose = Firehose(node, Hub(lambda: 0.0, "epoch"), new_id=lambda: "id")
        with pytest.RaisesGroup(MeshError, flatten_subgroups=True):
            await firehose.serve("127.0.0.1", 0)


async def test_the_mesh_being_gone_is_an_error_to_the_client_not_to_us(tmp_path: Path) -> None:
    class Mute:
        """A node that takes nothing."""

        peer = "peer"
        _sender, received = trio.open_memory_channel[Any](0)

        async def publish(self, *_args: object, **_more: object) -> None:
            raise MeshError("this node has left the mesh")

    async with house(tmp_path) as running:
        running.firehose._node = Mute()  # type: ignore[assignment]
        async with rich(running) as stream:
            await read(stream)
            await stream.send_message(message())
            assert (await read(stream))["error"]["code"] == "unavailable"
