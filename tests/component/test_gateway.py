from __future__ import annotations

import base64
import json
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx
import pytest
import trio

from aikyo.errors import UsageError
from aikyo.gateway import app, serve_gateway, server
from aikyo.memory.care import Wish
from aikyo.wire import CompanionStatus, Context
from tests.support.servers import Steering

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 32


@dataclass(slots=True)
class Served:
    url: str
    steering: Steering
    http: httpx.AsyncClient
    scope: trio.CancelScope
    ended: trio.Event

    async def post(self, path: str, body: object, **headers: str) -> httpx.Response:
        return await self.http.post(path, content=json.dumps(body), headers=JSON | headers)


JSON = {"content-type": "application/json"}


@asynccontextmanager
async def gateway(steering: Steering | None = None) -> AsyncGenerator[Served, None]:
    steering = steering or Steering()
    scope, ended = trio.CancelScope(), trio.Event()

    async def serve(task_status: trio.TaskStatus[str]) -> None:
        with scope:
            await serve_gateway(steering, new_id=lambda: "made-here", port=0, task_status=task_status)
        ended.set()

    async with trio.open_nursery() as nursery:
        url = await nursery.start(serve)
        with trio.fail_after(10):
            async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
                yield Served(url, steering, http, scope, ended)
        nursery.cancel_scope.cancel()


async def connect(served: Served) -> trio.SocketStream:
    host, port = served.url.removeprefix("http://").split(":")
    return await trio.open_tcp_stream(host, int(port))


async def is_quiet(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait until nothing of earlier connections is left: a new one fits a limit of one."""
    with monkeypatch.context() as patch:
        patch.setattr(server, "MAX_CONNECTIONS", 1)
        while True:
            with suppress(httpx.TransportError):
                assert (await served.http.get("/healthz")).status_code == 200
                return


def problem(response: httpx.Response, status: int) -> str:
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert body["status"] == status
    assert body["title"]
    detail: str = body["detail"]
    return detail


async def test_it_says_that_it_is_well_and_what_runs() -> None:
    async with gateway() as served:
        assert (await served.http.get("/healthz")).json() == {"status": "ok"}
        response = await served.http.get("/companions")
        assert [one["name"] for one in response.json()["companions"]] == ["alice", "bob"]
        assert response.headers["cache-control"] == "no-store"
        assert "access-control-allow-origin" not in response.headers


async def test_it_shows_who_is_on_the_mesh_and_shuts_peers_out() -> None:
    async with gateway() as served:
        status = (await served.http.get("/peers")).json()
        assert [one["companion"] for one in status["peers"]] == ["companion_eve"]
        assert status["addresses"] == ["/ip4/192.0.2.7/tcp/4001/p2p/12D3KooWFirehose"]
        done = await served.post("/peers/block", {"who": "eve", "note": "floods"})
        assert (done.status_code, done.json()) == (200, {"peer": "12D3KooWEve"})
        assert (await served.post("/peers/unblock", {"who": "eve"})).json() == {"peer": "12D3KooWEve"}
        done = await served.post("/peers/forget", {"who": "carol"})
        assert done.json() == {"companion": "companion_carol"}
        asked = [("block", "eve", "floods"), ("unblock", "eve"), ("forget", "carol")]
        assert served.steering.peers.asked == asked


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ({"who": "nobody"}, 409, "nobody here is called 'nobody'"),
        ({}, 422, "`who`"),
        ({"who": ""}, 422, "who"),
        ({"who": "eve", "note": "x" * 257}, 422, "note"),
        ({"who": "eve", "nonsense": 1}, 422, "nonsense"),
        ("eve", 422, "object"),
    ],
)
async def test_whom_to_block_is_told_clearly(body: object, status: int, says: str) -> None:
    async with gateway() as served:
        assert says in problem(await served.post("/peers/block", body), status)


async def test_what_is_no_json_names_nobody() -> None:
    async with gateway() as served:
        for garbage in (b"{", b"\xff", b"[" * 10_000):
            response = await served.http.post("/peers/block", content=garbage, headers=JSON)
            assert response.status_code in {400, 422}
            problem(response, response.status_code)
        assert served.steering.peers.asked == []


async def test_a_context_for_everyone_is_published_with_an_id() -> None:
    async with gateway() as served:
        response = await served.post(
            "/context", {"type": "text", "context": "雨だ", "to": ["companion_x"]}
        )
        assert (response.status_code, response.json()) == (202, {"id": "made-here"})
        assert served.steering.perceived == [
            Context(id="made-here", sender="user_gateway", type="text", context="雨だ")
        ]


@pytest.mark.parametrize("name", ["bob", "companion_bob-2", "bob-2"])
async def test_a_context_for_one_is_to_its_id(name: str) -> None:
    async with gateway() as served:
        body = {"from": "user_mika", "type": "text", "context": "rain", "id": "mine"}
        assert (await served.post(f"/companions/{name}/context", body)).json() == {"id": "mine"}
        (context,) = served.steering.perceived
        assert (context.to, context.sender) == (("companion_bob-2",), "user_mika")


async def test_unknown_fields_of_a_context_are_passed_on() -> None:
    async with gateway() as served:
        body = {"type": "text", "context": "rain", "to": ["companion_x"], "extra": {"x": [1]}, "to2": 1}
        assert (await served.post("/companions/bob/context", body)).status_code == 202
        (passed,) = served.steering.bodies
        assert passed is not None
        given = {"id": "made-here", "from": "user_gateway", "to": ["companion_bob-2"]}
        assert json.loads(bytes(passed)) == body | given


@pytest.mark.parametrize(
    ("picture", "kind"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0" + b"\0" * 40, "image/jpeg"),
        (b"GIF89a" + b"\0" * 40, "image/gif"),
        (b"RIFF\0\0\0\0WEBPVP8 " + b"\0" * 40, "image/webp"),
    ],
)
async def test_a_picture_is_known_by_how_it_begins(picture: bytes, kind: str) -> None:
    async with gateway() as served:
        body = {"type": "image", "context": base64.b64encode(picture).decode()}
        assert (await served.post("/context", body)).status_code == 202
        assert served.steering.perceived[0].media_type == kind


async def test_companions_are_stopped_and_restarted_by_name() -> None:
    async with gateway() as served:
        assert (await served.http.post("/companions/alice/stop")).json() == {"companion": "alice"}
        assert (await served.http.post("/companions/companion_alice/restart")).status_code == 200
        assert served.steering.asked == [("stop", "alice"), ("restart", "alice")]
        assert problem(await served.http.post("/companions/bob/restart"), 409) == "bob is busy"


async def test_a_restart_tells_what_is_wrong_with_the_profile() -> None:
    async with gateway(Steering(problem="alice.toml:3:9: no colour")) as served:
        done = await served.http.post("/companions/alice/restart")
        assert done.json() == {"companion": "alice", "problem": "alice.toml:3:9: no colour"}


async def test_what_a_companion_thinks_with_is_set_and_taken_back() -> None:
    async with gateway() as served:
        done = await served.post("/companions/alice/settings", {"model": " qwen3 ", "provider": None})
        assert done.status_code == 200
        assert done.json()["name"] == "alice"
        assert done.json()["session"] == 1
        assert done.json()["overrides"] == {"model": "qwen3"}
        assert served.steering.wished == [("alice", {"model": "qwen3", "provider": ""})]


@pytest.mark.parametrize(
    ("name", "body", "status", "says"),
    [
        ("alice", {"modle": "x"}, 422, "nothing is called 'modle'; did you mean 'model'?"),
        ("alice", {"model": 7}, 422, "str"),
        ("alice", {"model": "x" * 257}, 422, "256"),
        ("alice", {"model": "two\nlines"}, 422, "one line"),
        ("alice", {}, 422, "provider, model, small_model"),
        ("alice", ["model"], 422, "object"),
        ("alice", {"provider": "nothing"}, 409, "unknown brain"),
        ("bob", {"model": "x"}, 503, "bob keeps offline"),
        ("alcie", {"model": "x"}, 404, "did you mean 'alice'?"),
    ],
)
async def test_what_cannot_be_set_is_told_clearly(
    name: str, body: object, status: int, says: str
) -> None:
    async with gateway() as served:
        assert says in problem(await served.post(f"/companions/{name}/settings", body), status)


async def test_a_companion_forgets_and_is_corrected() -> None:
    async with gateway() as served:
        wish = {"about": "mika", "before": 12.5}
        response = await served.post("/companions/companion_alice/memory/forget", wish)
        assert response.status_code == 200
        report = response.json()
        assert (report["rows"], report["others"]) == (2, {"bob": ["1", "2"]})
        response = await served.post("/companions/alice/memory/edit", {"id": "f3", "text": "猫"})
        assert (response.status_code, response.json()["text"]) == (200, "猫")
        assert served.steering.meant == [
            ("alice", Wish(about="mika", before=12.5)),
            ("alice", ("f3", "猫")),
        ]
        missing = await served.post("/companions/alice/memory/forget", {"ids": ["j99"]})
        assert problem(missing, 409) == "alice has no 'j99'"


@pytest.mark.parametrize(
    ("what", "body", "status", "told"),
    [
        ("forget", {"ids": "j1"}, 422, "array"),
        ("forget", {"ids": ["j1"] * 1001}, 422, "1000"),
        ("forget", {"matching": "x" * 1001}, 422, "1000"),
        ("forget", {"everything": True}, 422, "everything"),
        ("edit", {"id": "", "text": "x"}, 422, "id"),
        ("edit", {"id": "f3"}, 422, "text"),
    ],
)
async def test_what_cannot_be_forgotten_or_corrected_is_told(
    what: str, body: object, status: int, told: str
) -> None:
    async with gateway() as served:
        response = await served.post(f"/companions/alice/memory/{what}", body)
        assert told in problem(response, status)
        assert served.steering.meant == []


async def test_a_companion_is_given_a_new_session() -> None:
    async with gateway() as served:
        done = await served.http.post("/companions/companion_alice/session")
        assert (done.status_code, done.json()["session"]) == (200, 1)
        assert served.steering.asked == [("renew", "alice")]
        assert "too busy" in problem(await served.http.post("/companions/bob/session"), 503)


async def test_companions_are_made_quiet_one_or_all() -> None:
    async with gateway() as served:
        one = await served.post("/companions/companion_alice/quiet", {"mode": "quiet", "minutes": 10})
        alice, bob = served.steering.companions
        told = {"companion": "alice", "mode": "quiet", "until": alice.quiet_until}
        assert (one.status_code, one.json()) == (200, told)
        assert (bob.quiet, alice.quiet_until > 0) == ("normal", True)
        every = await served.post("/quiet", {"mode": "mention-only"})
        assert (every.status_code, every.json()) == (200, {"mode": "mention-only", "until": 0})
        assert (await served.post("/quiet", {"mode": "normal"})).json() == {"mode": "normal", "until": 0}
        assert served.steering.quieted == [
            ("alice", "quiet", 600),
            (None, "mention-only", None),
            (None, "normal", None),
        ]


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ({}, 422, "mode"),
        ({"mode": "loud"}, 422, "loud"),
        ({"mode": "quiet", "minutes": 0}, 422, "minutes"),
        ({"mode": "quiet", "minutes": -1}, 422, "minutes"),
        ({"mode": "quiet", "minutes": 1441}, 422, "1440"),
        ({"mode": "quiet", "minutes": "ten"}, 422, "minutes"),
        ({"mode": "quiet", "hours": 1}, 422, "hours"),
        ({"mode": "normal", "minutes": 1}, 422, "normal has no end"),
        ("quiet", 422, "object"),
    ],
)
async def test_a_wrong_wish_for_quiet_is_told_clearly(body: object, status: int, says: str) -> None:
    async with gateway() as served:
        for path in ("/quiet", "/companions/alice/quiet"):
            assert says in problem(await served.post(path, body), status)
        assert "did you mean 'alice'?" in problem(
            await served.post("/companions/alcie/quiet", {"mode": "quiet"}), 404
        )
        assert served.steering.quieted == []


async def test_a_name_goes_before_an_id_that_came_out_like_it() -> None:
    steering = Steering()
    steering.companions = (
        CompanionStatus(name="alice", id="companion_alice-2", activity="listening"),
        CompanionStatus(name="alice-2", id="companion_alice-3", activity="listening"),
    )
    async with gateway(steering) as served:
        for name in ("alice-2", "companion_alice-2", "alice-3"):
            await served.http.post(f"/companions/{name}/stop")
        assert steering.asked == [("stop", "alice-2"), ("stop", "alice"), ("stop", "alice-2")]


async def test_stopping_the_swarm_is_answered_before_it_ends() -> None:
    async with gateway() as served:
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def _end() -> None:
                await served.steering.stopping.wait()
                served.scope.cancel()

            assert (await served.http.post("/stop")).status_code == 202
            await served.ended.wait()


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"garbage", 400, "not JSON"),
        (b"\xff", 400, "not JSON"),
        (b"[]", 422, "object"),
        (b'{"type":"text"}', 422, "context"),
        (b'{"type":"smell","context":"rain"}', 422, "type"),
        (b'{"type":"text","context":"rain","from":"companion_alice"}', 422, "user_"),
        (b'{"type":"text","context":"rain","from":"user_"}', 422, "user_"),
        (b'{"type":"image","context":"!"}', 422, "base64"),
        (b'{"type":"image","context":"aGVsbG8="}', 422, "no PNG"),
        (b'{"type":"text","context":"' + b"x" * 20_000 + b'"}', 422, "16384"),
        (b'{"type":"text","context":"' + b"x" * (2 << 20) + b'"}', 413, "1048576"),
        (
            b'{"type":"image","mediaType":"image/gif","context":"' + base64.b64encode(PNG) + b'"}',
            422,
            "image/png, but `mediaType` says image/gif",
        ),
    ],
)
async def test_a_wrong_body_is_told_what_is_wrong(body: bytes, status: int, words: str) -> None:
    async with gateway() as served:
        response = await served.http.post("/context", content=body, headers=JSON)
        assert words in problem(response, status)
        assert served.steering.perceived == []


async def test_an_endless_body_is_answered_and_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "BODY_DEADLINE", 0.2)
    monkeypatch.setattr(server, "REQUEST_DEADLINE", 0.5)
    async with gateway() as served, await connect(served) as stream:
        await stream.send_all(
            b"POST /context HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        )
        with pytest.raises(trio.BrokenResourceError):
            while True:
                await stream.send_all(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
        assert b"HTTP/1.1 413" in await stream.receive_some()
        await is_quiet(served, monkeypatch)


async def test_a_large_body_that_nobody_reads_holds_nothing_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "REQUEST_DEADLINE", 0.3)
    full = trio.Event()

    class Slow(Steering):
        async def restart(self, name: str) -> str:
            await full.wait()
            return ""

    async with gateway(Slow()) as served, await connect(served) as stream:
        await stream.send_all(
            b"POST /companions/alice/restart HTTP/1.1\r\nHost: localhost\r\n"
            b"Content-Length: 99999999\r\n\r\n"
        )
        with trio.move_on_after(0.1):
            while True:
                await stream.send_all(b"x" * 0x10000)
        full.set()
        assert b"HTTP/1.1 200" in await stream.receive_some()
        await is_quiet(served, monkeypatch)


async def test_a_body_that_never_comes_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "BODY_DEADLINE", 0.1)
    async with gateway() as served:
        async with await connect(served) as stream:
            await stream.send_all(
                b"POST /context HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                b"Content-Length: 100\r\n\r\n{"
            )
            assert b"408" in await stream.receive_some()


async def test_only_json_is_taken() -> None:
    async with gateway() as served:
        for headers in ({}, {"content-type": "text/plain"}):
            response = await served.http.post("/context", content=b"{}", headers=headers)
            assert "application/json" in problem(response, 415)


async def test_an_unknown_companion_is_told_with_the_nearest() -> None:
    async with gateway() as served:
        for what in ("stop", "restart"):
            detail = problem(await served.http.post(f"/companions/alcie/{what}"), 404)
            assert "did you mean 'alice'?" in detail
        body = {"type": "text", "context": "rain"}
        assert "alice" in problem(await served.post("/companions/alcie/context", body), 404)


async def test_an_unknown_path_or_method_is_a_problem_too() -> None:
    async with gateway() as served:
        assert "/nowhere" in problem(await served.http.get("/nowhere"), 404)
        response = await served.http.get("/context")
        assert "GET /context" in problem(response, 405)
        assert response.headers["allow"] == "POST"


@pytest.mark.parametrize(
    "headers", [{"host": "evil.example"}, {"origin": "null"}, {"origin": "http://evil.example"}]
)
async def test_foreign_pages_and_names_are_turned_away(headers: dict[str, str]) -> None:
    async with gateway() as served:
        assert problem(await served.http.get("/companions", headers=headers), 403)
        assert problem(await served.http.post("/stop", headers=headers), 403)
        assert served.steering.asked == []
        own = {"origin": served.url.replace("127.0.0.1", "localhost")}
        assert (await served.http.post("/companions/alice/stop", headers=own)).status_code == 200


async def test_a_bug_is_answered_and_the_server_lives(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Steering):
        def status(self) -> Any:
            raise ZeroDivisionError("a bug")

    async with gateway(Broken()) as served:
        assert "log" in problem(await served.http.get("/companions"), 500)
        assert (await served.http.get("/healthz")).status_code == 200
    assert "ZeroDivisionError" in caplog.text


async def test_a_taken_port_is_told_with_the_way_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        serve = partial(serve_gateway, Steering(), new_id=lambda: "id", port=port)
        with pytest.raises(UsageError, match=r"in use.*--gateway-port"):
            await serve()


async def test_open_connections_do_not_hold_up_the_end() -> None:
    async with gateway() as served:
        await served.http.get("/healthz")  # kept alive
        served.scope.cancel()
        with trio.fail_after(2):
            await served.ended.wait()


@asynccontextmanager
async def stalled(served: Served) -> AsyncGenerator[None, None]:
    """A client that asks for far more than the sockets hold, and reads nothing of it."""
    async with await connect(served) as stream:
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        asked = b"GET /companions HTTP/1.1\r\nHost: localhost\r\n\r\n"
        with trio.move_on_after(0.3), suppress(trio.BrokenResourceError):
            while True:
                await stream.send_all(asked * 100)
        yield


def crowded() -> Steering:
    steering = Steering()
    steering.companions *= 2000
    return steering


async def test_a_client_that_does_not_read_does_not_hold_up_the_end() -> None:
    async with gateway(crowded()) as served, stalled(served):
        served.scope.cancel()
        with trio.fail_after(2):
            await served.ended.wait()


async def test_a_client_that_does_not_read_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "SEND_DEADLINE", 0.1)
    async with gateway(crowded()) as served, stalled(served):
        await is_quiet(served, monkeypatch)


async def test_too_many_connections_are_closed_and_the_others_served(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(server, "MAX_CONNECTIONS", 1)
    async with gateway() as served:
        await served.http.get("/healthz")
        with pytest.raises(httpx.TransportError):
            async with httpx.AsyncClient(base_url=served.url, trust_env=False) as other:
                await other.get("/healthz")
        assert (await served.http.get("/healthz")).status_code == 200


PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"


@pytest.mark.parametrize("first", [b"", b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"])
async def test_a_connection_that_brings_no_request_is_closed(
    first: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "IDLE_DEADLINE", 0.2)
    async with gateway() as served, await connect(served) as stream:
        if first:
            await stream.send_all(first)
            assert b"200" in await stream.receive_some()
        await stream.send_all(PREFACE)
        with trio.fail_after(4), suppress(trio.BrokenResourceError):  # hypercorn's own takes 5 s
            while await stream.receive_some():
                pass
        await is_quiet(served, monkeypatch)


async def test_a_long_request_is_not_taken_for_an_idle_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(server, "IDLE_DEADLINE", 0.05)

    class Slow(Steering):
        async def restart(self, name: str) -> str:
            await trio.sleep(0.2)
            return ""

    async with gateway(Slow()) as served:
        assert (await served.http.post("/companions/alice/restart")).status_code == 200


async def test_garbage_breaks_only_its_own_connection() -> None:
    async with gateway() as served:
        for garbage in (b"\x16\x03\x01\x00\x00" * 9, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 64):
            async with await connect(served) as stream:
                await stream.send_all(garbage)
                await stream.send_eof()
                async for _ in stream:
                    pass
        assert (await served.http.get("/healthz")).status_code == 200
