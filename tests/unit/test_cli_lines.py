"""The swarm as lines: what strangers put into their payloads is shown, never acted upon."""

from __future__ import annotations

import json

import msgspec
import pytest
from msgspec import Raw

from aikyo.cli.lines import print_lines
from aikyo.wire import CompanionStatus, Envelope, SwarmStatus

STATUS = SwarmStatus(
    companions=(
        CompanionStatus(name="alice", id="companion_alice", activity="listening"),
        CompanionStatus(name="bob", id="companion_bob", activity="failed"),
    ),
    started=0,
    pid=1,
    mesh="",
    firehose="ws://127.0.0.1:8080",
    gateway="http://127.0.0.1:3000",
)


async def lines(
    *happened: tuple[str, object], as_json: bool, capsys: pytest.CaptureFixture[str]
) -> list[str]:
    async def envelopes():  # type: ignore[no-untyped-def]
        for seq, (topic, body) in enumerate(happened):
            raw = Raw(body.encode() if isinstance(body, str) else msgspec.json.encode(body))
            yield Envelope(seq=seq, time=0.0, topic=topic, body=raw)

    await print_lines(envelopes(), lambda: STATUS, as_json=as_json)
    return capsys.readouterr().out.splitlines()


async def test_ready_names_whoever_is_up_and_both_servers(capsys: pytest.CaptureFixture[str]) -> None:
    ready = ("events", {"type": "ready"})
    (line,) = await lines(ready, as_json=False, capsys=capsys)
    assert line == "ready: alice; firehose ws://127.0.0.1:8080, gateway http://127.0.0.1:3000"
    (line,) = await lines(ready, as_json=True, capsys=capsys)
    assert json.loads(line) == {
        "event": "ready",
        "time": 0.0,
        "companions": ["alice"],
        "firehose": "ws://127.0.0.1:8080",
        "gateway": "http://127.0.0.1:3000",
    }


@pytest.mark.parametrize("as_json", [False, True])
async def test_odd_fields_of_a_message_are_just_shown(
    as_json: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    message = '{"id":"1","from":"user_mika","message":"hi","name":"speak","params":null,"type":"ready"'
    shown = await lines(
        ("messages", message + ',"n":' + "9" * 5000 + "}"),
        ("messages", message + "}"),
        as_json=as_json,
        capsys=capsys,
    )
    assert len(shown) == 2
    assert not any(line.startswith("ready") or '"event":"ready"' in line for line in shown)


async def test_what_is_shown_elsewhere_is_not_shown_twice(capsys: pytest.CaptureFixture[str]) -> None:
    shown = await lines(
        ("actions", {"id": "1", "from": "companion_a", "name": "speak", "params": {"messageId": "2"}}),
        ("actions", {"id": "3", "from": "companion_a", "name": "gesture", "params": {"kind": "wave"}}),
        ("events", {"type": "activity", "companion": "companion_a", "activity": "thinking"}),
        ("states", {"from": "companion_a", "messageId": "2", "state": "speak"}),
        as_json=False,
        capsys=capsys,
    )
    assert len(shown) == 1
    assert shown[0].endswith("a waves")


async def test_a_session_is_told_unless_it_is_routine(capsys: pytest.CaptureFixture[str]) -> None:
    session = {"type": "session", "companion": "companion_a", "reason": "session 2 (as asked): offline"}
    events = ("events", session), ("events", session | {"routine": True})
    (line,) = await lines(*events, as_json=False, capsys=capsys)
    assert line.endswith("a has session 2 (as asked): offline")
    told, routine = await lines(*events, as_json=True, capsys=capsys)
    assert ("routine" in told, json.loads(routine)["routine"]) == (False, True)
