from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import msgspec
import pytest
import trio
import trio.testing
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, CloseConnection, Request

from aikyo.client import (
    ClientError,
    Remote,
    find_swarm,
    open_stream,
    wait_until_gone,
)
from aikyo.client import stream as stream_module
from aikyo.errors import NotRunningError, UsageError
from aikyo.mesh import MeshError
from aikyo.paths import Home
from aikyo.wire import Context, Delta, Event, Message, SwarmFile
from tests.support.servers import House, swarm

HELLO = Message(id="m-1", sender="user_mika", to=("companion_alice",), message="hi", conversation="c-1")
NOWHERE = SwarmFile(pid=1, started=0, firehose="ws://127.0.0.1:1", gateway="http://127.0.0.1:1")


async def test_what_is_sent_is_acknowledged_and_answered(tmp_path: Path) -> None:
    async with swarm(tmp_path) as (file, _, _), open_stream(file, topics=("messages",)) as stream:
        assert await stream.send(HELLO) == "m-1"
        async for envelope in stream:
            message = msgspec.json.decode(envelope.body, type=Message)
            if message.sender == "companion_alice":
                break
        assert (message.message, message.conversation) == ("You said: hi", "c-1")


async def test_the_filters_are_passed_on(tmp_path: Path) -> None:
    async with swarm(tmp_path) as (file, running, _):
        async with open_stream(file, topics=("events",), sender="alice") as stream:
            running.hub.emit(Event(type="notice"))
            running.hub.emit(Event(type="mood", companion="companion_bob", mood="sad"))
            running.hub.emit(Event(type="mood", companion="companion_alice", mood="glad"))
            envelope = await anext(stream)
            assert msgspec.json.decode(envelope.body, type=Event).mood == "glad"


async def test_what_is_refused_is_told_and_the_stream_goes_on(tmp_path: Path) -> None:
    async with swarm(tmp_path) as (file, _, _), open_stream(file, topics=("messages",)) as stream:
        with pytest.raises(UsageError, match="companion_alice"):
            await stream.send(msgspec.structs.replace(HELLO, sender="companion_alice"))
        assert await stream.send(HELLO) == "m-1"


async def test_each_of_several_senders_gets_its_own_answer(tmp_path: Path) -> None:
    async with swarm(tmp_path) as (file, _, _), open_stream(file, topics=("queries",)) as stream:
        answers: dict[str, str] = {}

        async def send(ident: str) -> None:
            sender = "companion_alice" if ident == "m-3" else "user_mika"
            try:
                answers[ident] = await stream.send(
                    msgspec.structs.replace(HELLO, id=ident, sender=sender)
                )
            except UsageError:
                answers[ident] = "refused"

        async with trio.open_nursery() as nursery:
            for number in range(6):
                nursery.start_soon(send, f"m-{number}")
        assert answers == {f"m-{n}": "refused" if n == 3 else f"m-{n}" for n in range(6)}


async def test_a_mesh_that_does_not_take_it_is_no_mistake_of_the_caller(tmp_path: Path) -> None:
    async def refuse(*_args: object, **_more: object) -> None:
        raise MeshError("this node has left the mesh")

    async with swarm(tmp_path) as (file, running, _), open_stream(file) as stream:
        running.node.publish = refuse  # type: ignore[method-assign]
        with pytest.raises(ClientError, match="has left the mesh"):
            await stream.send(HELLO)


async def test_an_acknowledgement_that_never_comes_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_module, "ACK_DEADLINE", 0.1)
    async with swarm(tmp_path) as (file, running, _), open_stream(file) as stream:
        never = trio.Event()
        running.node.publish = lambda *_args, **_more: never.wait()  # type: ignore[method-assign]
        with pytest.raises(ClientError, match="acknowledged"):
            await stream.send(HELLO)


async def test_events_that_were_missed_are_counted(tmp_path: Path) -> None:
    async with swarm(tmp_path) as (file, running, _), open_stream(file, topics=("events",)) as stream:
        for _ in range(2000):
            running.hub.emit(Event(type="notice"))
        first = await anext(stream)
        assert first.seq >= running.hub.seq - 1023
        assert stream.dropped >= 2000 - 1024


async def test_unread_events_do_not_stand_in_the_way_of_an_answer(tmp_path: Path) -> None:
    async with swarm(tmp_path) as (file, running, _):
        async with open_stream(file, topics=("events", "messages")) as stream:
            for _ in range(600):
                running.hub.emit(Event(type="notice"))
            with trio.fail_after(5):
                assert await stream.send(HELLO) == "m-1"
            assert stream.dropped >= 600 - 256
            assert (await anext(stream)).seq > 600 - 256


async def test_what_is_being_composed_pushes_out_no_event(tmp_path: Path) -> None:
    async with swarm(tmp_path) as (file, running, _):
        async with open_stream(file, topics=("events", "messages"), deltas=True) as stream:
            running.hub.emit(Event(type="notice"))
            first = running.hub.seq
            for number in range(300):
                running.hub.draft(Delta(id=f"m-{number}", sender="companion_alice", text="x"))
                await trio.lowlevel.checkpoint()
                if number % 20 == 0:  # fewer drafts wait at the server than it takes
                    await trio.testing.wait_all_tasks_blocked()
            assert await stream.send(HELLO) == "m-1"
            assert (await anext(stream)).seq == first
            assert (await anext(stream)).topic == "deltas"
            assert stream.dropped == 0


async def test_an_error_in_the_block_comes_out_as_it_is(tmp_path: Path) -> None:
    async with swarm(tmp_path) as (file, _, _):
        with pytest.raises(ZeroDivisionError):
            async with open_stream(file):
                raise ZeroDivisionError


async def ping_at_the_last_moment(stream: trio.SocketStream) -> None:
    """A server that answers a goodbye with a ping before its own."""
    server = WSConnection(ConnectionType.SERVER)
    async for data in stream:
        server.receive_data(bytes(data))
        for event in server.events():
            if isinstance(event, Request):
                await stream.send_all(server.send(AcceptConnection()))
            elif isinstance(event, CloseConnection):
                await stream.send_all(b"\x89\x00" + server.send(event.response()))
                return


async def test_a_ping_in_the_middle_of_the_goodbye_is_no_error() -> None:
    async with trio.open_nursery() as nursery:
        listen = partial(trio.serve_tcp, ping_at_the_last_moment, 0, host="127.0.0.1")
        (listener,) = await nursery.start(listen)
        port = listener.socket.getsockname()[1]
        async with open_stream(msgspec.structs.replace(NOWHERE, firehose=f"ws://127.0.0.1:{port}")):
            pass
        nursery.cancel_scope.cancel()


async def stopped_server(running: House, nursery: trio.Nursery) -> tuple[SwarmFile, trio.CancelScope]:
    scope = trio.CancelScope()

    async def serve(task_status: trio.TaskStatus[str]) -> None:
        with scope:
            await running.firehose.serve("127.0.0.1", 0, task_status=task_status)

    url = await nursery.start(serve)
    return SwarmFile(pid=os.getpid(), started=0, firehose=url, gateway=""), scope


async def test_a_swarm_that_stops_is_told_apart_from_a_lost_one(tmp_path: Path) -> None:
    async with swarm(tmp_path) as (_, running, _), trio.open_nursery() as nursery:
        file, scope = await stopped_server(running, nursery)
        async with open_stream(file) as stream:
            scope.cancel()
            with pytest.raises(ClientError, match="has stopped"):
                async for _ in stream:
                    pass
            with pytest.raises(ClientError, match="has stopped"):
                await stream.send(HELLO)


async def test_nobody_there_is_told_where() -> None:
    with pytest.raises(ClientError, match=r"does not answer at ws://127\.0\.0\.1:1"):
        async with open_stream(NOWHERE):
            pass
    with pytest.raises(ClientError, match=r"does not answer at http://127\.0\.0\.1:1"):
        await Remote(NOWHERE).status()


async def test_a_server_that_says_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_module, "CONNECT_DEADLINE", 0.1)
    async with trio.open_nursery() as nursery:
        listen = partial(trio.serve_tcp, lambda _stream: trio.sleep_forever(), 0, host="127.0.0.1")
        (listener,) = await nursery.start(listen)
        port = listener.socket.getsockname()[1]
        mute = SwarmFile(
            pid=1, started=0, firehose=f"ws://127.0.0.1:{port}", gateway=f"http://127.0.0.1:{port}"
        )
        with pytest.raises(ClientError, match="does not answer"):
            async with open_stream(mute):
                pass
        with pytest.raises(ClientError, match="does not answer"):
            await Remote(mute, timeout=0.1).status()
        nursery.cancel_scope.cancel()


FOREIGN = [
    b"SSH-2.0-OpenSSH\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
    b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 6\r\n\r\n<html>",
    b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n",
]


@pytest.mark.parametrize("answer", FOREIGN)
async def test_another_server_in_the_place_of_a_dead_swarm_is_told(answer: bytes) -> None:
    async def serve(stream: trio.SocketStream) -> None:
        await stream.receive_some()
        await stream.send_all(answer)
        async for _ in stream:
            pass

    async with trio.open_nursery() as nursery:
        (listener,) = await nursery.start(partial(trio.serve_tcp, serve, 0, host="127.0.0.1"))
        port = listener.socket.getsockname()[1]
        other = SwarmFile(
            pid=1, started=0, firehose=f"ws://127.0.0.1:{port}", gateway=f"http://127.0.0.1:{port}"
        )
        with pytest.raises(ClientError, match=r"is no swarm|does not answer"):
            async with open_stream(other):
                pass
        with pytest.raises(ClientError, match=r"is no swarm|does not answer"):
            await Remote(other, timeout=2).status()
        nursery.cancel_scope.cancel()


async def test_what_the_firehose_refuses_is_told(tmp_path: Path) -> None:
    async with swarm(tmp_path) as (file, _, _):
        with pytest.raises(UsageError, match="no topic 'mesages'; did you mean 'messages'"):
            async with open_stream(file, topics=("mesages",)):
                pass


async def test_the_swarm_is_controlled_from_outside(tmp_path: Path) -> None:
    async with swarm(tmp_path) as (file, _, steering):
        remote = Remote(file)
        assert await remote.status() == steering.status()
        await remote.stop("alice")
        await remote.restart("companion_alice")
        await remote.stop()
        await steering.stopping.wait()
        assert steering.asked == [("stop", "alice"), ("restart", "alice"), ("stop", None)]
        context = Context(sender="user_mika", type="text", context="雨")
        ident = await remote.perceive(context, "alice")
        assert steering.perceived[0] == msgspec.structs.replace(
            context, id=ident, to=("companion_alice",)
        )
        assert await remote.perceive(context) != ident
        assert steering.perceived[1].to == ()


async def test_companions_are_made_quiet_from_outside(tmp_path: Path) -> None:
    async with swarm(tmp_path) as (file, _, steering):
        remote = Remote(file)
        until = await remote.quiet("companion_alice", minutes=10)
        assert until == steering.status().companions[0].quiet_until > 0
        assert await remote.quiet(None, "mention-only") == 0
        assert await remote.quiet(mode="normal") == 0
        assert steering.quieted == [
            ("alice", "quiet", 600),
            (None, "mention-only", None),
            (None, "normal", None),
        ]
        with pytest.raises(UsageError, match="minutes"):
            await remote.quiet("alice", minutes=0)


async def test_what_the_gateway_refuses_is_told(tmp_path: Path) -> None:
    async with swarm(tmp_path) as (file, _, _):
        with pytest.raises(UsageError, match="did you mean 'alice'"):
            await Remote(file).restart("alcie")
        with pytest.raises(UsageError, match="bob is busy"):
            await Remote(file).restart("bob")
        with pytest.raises(UsageError, match="not found"):
            await Remote(file).restart("../stop")
        with pytest.raises(UsageError, match="no PNG"):
            await Remote(file).perceive(Context(type="image", context="aGVsbG8="))


def write(home: Home, file: SwarmFile) -> None:
    home.create()
    home.swarm.write_bytes(msgspec.json.encode(file))


def dead_process() -> int:
    process = subprocess.Popen([sys.executable, "-S", "-c", ""])
    process.wait()
    return process.pid


def test_a_running_swarm_is_found(tmp_path: Path) -> None:
    home, file = Home(tmp_path), msgspec.structs.replace(NOWHERE, pid=os.getpid())
    write(home, file)
    assert find_swarm(home) == file


def test_what_a_dead_swarm_left_counts_as_none(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with pytest.raises(NotRunningError, match='start one with "aikyo up"'):
        find_swarm(home)
    write(home, msgspec.structs.replace(NOWHERE, pid=dead_process()))
    with pytest.raises(NotRunningError):
        find_swarm(home)
    home.swarm.write_text("{")
    with pytest.raises(NotRunningError):
        find_swarm(home)


async def test_a_swarm_that_does_not_end_is_told(tmp_path: Path) -> None:
    home, file = Home(tmp_path), msgspec.structs.replace(NOWHERE, pid=os.getpid())
    write(home, file)
    with pytest.raises(ClientError, match=f"process {os.getpid()}.*has not ended"):
        await wait_until_gone(home, file, timeout=0.1)


async def test_a_swarm_that_has_died_is_gone(tmp_path: Path) -> None:
    home, file = Home(tmp_path), msgspec.structs.replace(NOWHERE, pid=dead_process())
    write(home, file)
    with trio.fail_after(1):
        await wait_until_gone(home, file, timeout=5)
