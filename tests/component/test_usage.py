"""`aikyo usage` and `GET /usage`, with and without a running swarm; and caps on a real client."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
import trio

from aikyo.brain import BrainError, Usage, choose_brain, open_brain
from aikyo.brain.calling import Caller
from aikyo.brain.cost import Ledger, ModelCall
from aikyo.brain.thrift import ThriftyBrain
from aikyo.cli import main
from aikyo.config import Price, Settings
from aikyo.paths import Home
from aikyo.wire import Message, UsageReport
from tests.component.test_cli_client import up
from tests.component.test_gateway import gateway, problem
from tests.support.messages_api import MessagesApi, messages_api, speaks, state
from tests.support.minds import BOB, Hands, moment
from tests.support.servers import Steering
from tests.support.swarms import QUIET, Watched, swarm_of

CHEAP = {"cheap": Price(input=1, output=1)}


def call(companion: str = "alice", tokens: int = 1000, **fields: Any) -> ModelCall:
    known: dict[str, Any] = {"time": time.time(), "provider": "anthropic", "model": "cheap"}
    known |= {"companion": f"companion_{companion}", "usage": Usage(calls=1, input=tokens)}
    return ModelCall(**known | {"purpose": "compose", "seconds": 1.5} | fields)


def spent(file: Path | None = None) -> Ledger:
    ledger = Ledger.of(file, Settings(prices=CHEAP))
    ledger.add(call("alice", 60_000))
    ledger.add(call("bob", 500_000, purpose="assess"))
    ledger.flush()
    return ledger


def aikyo(capture: pytest.CaptureFixture[str], *args: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(list(args))
    out, err = capture.readouterr()
    return int(ended.value.code or 0), out, err


async def test_the_gateway_answers_what_was_spent() -> None:
    async with gateway(Steering(ledger=spent())) as served:
        whole = (await served.http.get("/usage")).json()
        assert [row["name"] for row in whole["rows"]] == ["companion_bob", "companion_alice"]
        assert (whole["total"]["calls"], whole["total"]["money"]) == (2, 0.56)
        assert {cap["setting"] for cap in whole["caps"]} >= {"money_per_hour", "tokens_per_day"}
        asked = {"since": "30m", "by": "purpose", "companion": "bob"}
        (row,) = (await served.http.get("/usage", params=asked)).json()["rows"]
        assert row["name"] == "assess"


@pytest.mark.parametrize(
    ("query", "status", "says"),
    [
        ("by=compnion", 422, "did you mean 'companion'?"),
        ("since=yesterday", 422, "'yesterday'"),
        ("since=%F0%9D%9F%99h", 422, "such as 1h"),  # a digit, but none of ours
        ("companion=alcie", 404, "did you mean 'alice'?"),
    ],
)
async def test_the_gateway_tells_what_is_wrong_with_a_question(
    query: str, status: int, says: str
) -> None:
    async with gateway(Steering(ledger=spent())) as served:
        assert says in problem(await served.http.get(f"/usage?{query}"), status)


async def test_a_running_swarm_is_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with up(tmp_path, capsys) as running:
        empty = await running.aikyo("usage", "alice")
        assert (empty.code, empty.out.count("\n")) == (0, 1)
        assert "Nothing was spent on thinking in the last 24h." in empty.out
        running.steering.ledger = spent()
        table = (await running.aikyo("usage")).out.splitlines()
        assert table[1].split()[:3] == ["bob", "1", "500k"]
        assert any(line.startswith("money_per_hour") and "56 %" in line for line in table)
        found = await running.aikyo("usage", "alice", "--since", "1h", "--by", "model", "--json")
        assert json.loads(found.out)["rows"][0]["name"] == "cheap"
        wrong = await running.aikyo("usage", "alcie")
        assert (wrong.code, wrong.out) == (2, "")
        assert "did you mean 'alice'?" in wrong.err


async def test_ps_shows_what_the_last_hour_has_cost_where_it_was_anything(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with up(tmp_path, capsys) as running:
        assert "COST" not in (await running.aikyo("ps")).out
        alice, bob = running.steering.companions
        bob = msgspec.structs.replace(bob, tokens_hour=12_300, money_hour=None)
        running.steering.companions = (alice, bob)
        heading, *rows = (await running.aikyo("ps")).out.splitlines()
        column = heading.index("TOKENS/H")
        assert [row[column:].split()[:2] for row in rows[:2]] == [["-", "-"], ["12.3k", "?"]]
        free = msgspec.structs.replace(bob, money_hour=0.0)
        running.steering.companions = (free,)
        assert " 12.3k     free " in (await running.aikyo("ps")).out


def test_without_a_swarm_the_file_is_read_and_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    home = Home(tmp_path / "home")
    home.create()
    home.settings.write_text("money_per_hour = 0.6\n")
    spent(home.usage)
    with home.usage.open("ab") as file:
        file.write(b'{"torn')
    before = home.usage.read_bytes()
    code, out, _ = aikyo(capsys, "usage", "--home", str(home.root))
    assert code == 0
    assert "money_per_hour   $0.56 of $0.60  93 %  near" in out
    assert "1 line of usage.jsonl could not be read" in out
    assert home.usage.read_bytes() == before
    code, out, _ = aikyo(capsys, "usage", "bob", "--home", str(home.root), "--json")
    assert msgspec.json.decode(out, type=UsageReport).total.calls == 1
    assert aikyo(capsys, "usage", "carol", "--home", str(home.root))[0] == 2
    home.memory("carol").touch()
    assert aikyo(capsys, "usage", "carol", "--home", str(home.root))[0] == 0


@pytest.mark.parametrize(
    ("args", "says"),
    [(["--since", "x"], "such as 1h"), (["--by", "day"], "day"), (["--home", "nowhere"], "no home")],
)
def test_a_wrong_call_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], args: list[str], says: str
) -> None:
    code, out, err = aikyo(capsys, "usage", "--home", str(tmp_path), *args)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert says in err


class Clock:
    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def thrifty(api: MessagesApi, ledger: Ledger, clock: Callable[[], float]) -> ThriftyBrain:
    """A brain as a swarm opens it, that takes the local server for one that charges."""
    environ = {"ANTHROPIC_API_KEY": "sk-ant-none", "ANTHROPIC_BASE_URL": api.url}
    purse = ledger.purse("companion_alice")
    caller = Caller(companion="companion_alice", provider="anthropic", purse=purse, clock=clock)
    choice = choose_brain("anthropic", environ=environ)
    brain = open_brain(choice, environ=environ, random=Random(1), caller=caller)
    caller.paid = brain.paid = True
    local = open_brain(choose_brain("offline", environ={}), environ={}, random=Random(1))
    return ThriftyBrain(brain, local=local, purse=purse)


async def test_near_the_cap_small_decisions_cost_nothing_and_at_the_cap_nothing_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aikyo.brain.anthropic.brain.ASSESS_SECONDS", 60.0)  # on a busy machine, too
    monkeypatch.setattr("aikyo.brain.thrift._PATIENCE", 60.0)
    clock = Clock()
    settings = Settings(companion_money_per_hour=0.01, prices={"claude-sonnet-5-5": CHEAP["cheap"]})
    ledger = Ledger.of(tmp_path / "usage.jsonl", settings, clock)

    def script(asked: Any) -> Any:
        usage = {"input_tokens": 4_500, "output_tokens": 0}
        return state() if asked.schema else replace(speaks("Hm."), usage=usage)

    with trio.fail_after(60):
        async with messages_api(script) as api:
            brain = thrifty(api, ledger, clock)
            try:
                question = moment("Shall we go?", sender=BOB)
                await brain.assess(question)
                await brain.compose(question, Hands())
                assert len(api.asked) == 2
                await brain.compose(question, Hands())  # nine tenths are spent
                await brain.assess(question)
                assert len(api.asked) == 3
                await brain.compose(question, Hands())
                with pytest.raises(BrainError) as caught:
                    await brain.compose(question, Hands())
                assert len(api.asked) == 4
                assert caught.value.kind == "limit"
                assert "companion_money_per_hour" in str(caught.value)
                ledger.flush()
                again = Ledger.of(tmp_path / "usage.jsonl", settings, clock)
                again.load()
                with pytest.raises(BrainError, match="companion_money_per_hour"):
                    again.purse("companion_alice").check()
                assert caught.value.retry_in is not None
                clock.now += caught.value.retry_in
                await brain.compose(question, Hands())
                assert len(api.asked) == 5
            finally:
                await brain.aclose()
    report = ledger.report(by="purpose")
    assert [(row.name, row.calls) for row in report.rows] == [("compose", 4), ("assess", 1)]


async def test_a_swarm_at_its_cap_rests_says_why_and_goes_on_resting_when_it_is_brought_up_again(
    tmp_path: Path,
) -> None:
    home = Home(tmp_path)
    settings = msgspec.structs.replace(QUIET, money_per_hour=0.001)
    async with messages_api(lambda _: speaks("Hm.")) as api:
        ledger = Ledger.of(home.usage, settings)
        brain = thrifty(api, ledger, time.time)
        async with swarm_of(tmp_path, {"alice": brain}, settings=settings, ledger=ledger) as room:
            await says(room, "1", "hello")
            await room.until(lambda: any(one.reply_to == "1" for one in room.messages))
            await says(room, "2", "and again")
            await room.until(lambda: resting(room))
            asked = len(api.asked)
            (reason,) = resting(room)
            assert "the swarm has spent $0.0010 (money_per_hour in aikyo.toml) and rests from" in reason
            (alice,) = room.swarm.status().companions
            assert (alice.activity, alice.reason) == ("resting", reason)
            assert alice.tokens_hour > 0
            assert alice.money_hour
            report = await room.swarm.usage(seconds=3600)
            assert report.total.money == pytest.approx(alice.money_hour)
            assert report.caps[0].companion == ""
        assert asked == 1
        ledger = Ledger.of(home.usage, settings)
        ledger.load()
        brain = thrifty(api, ledger, time.time)
        async with swarm_of(tmp_path, {"alice": brain}, settings=settings, ledger=ledger) as room:
            await says(room, "3", "are you there?")
            await room.until(lambda: resting(room))
        assert len(api.asked) == asked


async def says(room: Watched, ident: str, text: str) -> None:
    assert room.swarm._voice is not None
    said = Message(id=ident, sender="user_mika", to=("companion_alice",), message=text)
    await room.swarm._voice.publish(said)


def resting(room: Watched) -> list[str]:
    return [one.reason or "" for one in room.events if one.activity == "resting"]
