"""The commands that talk to a running swarm, as they are called, against real servers."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec
import pytest
import trio
import trio.testing
from msgspec.structs import replace

from aikyo.cli import main
from aikyo.cli.terminal import colored
from aikyo.client import find
from aikyo.memory import MemoryFile
from aikyo.memory.care import Wish
from aikyo.paths import Home
from aikyo.wire import CompanionStatus, Delta, Event, MeshStatus, Message
from tests.support.memories import remember
from tests.support.servers import House, Steering, swarm


@dataclass(frozen=True, slots=True)
class Result:
    code: int
    out: str
    err: str


@dataclass(slots=True)
class Running:
    """A swarm in a home, and the command line beside it."""

    home: Home
    house: House
    steering: Steering
    capture: pytest.CaptureFixture[str]

    async def aikyo(self, *args: str) -> Result:
        """Call a command as a process would be called, in a thread of its own."""

        def call() -> int:
            with pytest.raises(SystemExit) as ended:
                main([*args, "--home", str(self.home.root)])
            return int(ended.value.code or 0)

        code = await trio.to_thread.run_sync(call)
        out, err = self.capture.readouterr()
        return Result(code, out, err)


@asynccontextmanager
async def up(folder: Path, capture: pytest.CaptureFixture[str]) -> AsyncGenerator[Running, None]:
    home = Home(folder / "home")
    home.create()
    async with swarm(folder) as (file, house, steering):
        home.swarm.write_bytes(msgspec.json.encode(file))
        yield Running(home, house, steering, capture)


async def test_say_prints_the_reply_and_ends_when_the_talk_rests(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with up(tmp_path, capsys) as running:
        result = await running.aikyo("say", "alice", "bob", "こんにちは", "--from", "mika")
    assert (result.code, result.out) == (0, "alice: You said: こんにちは\n")
    assert "offline brain" in result.err


async def test_a_memory_that_a_swarm_has_open_is_changed_by_the_swarm(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with up(tmp_path, capsys) as running:
        for name in ("alice", "zoe"):
            remember(running.home.memory(name), "We walked to the lighthouse.", "It was fun.")
        forgot = await running.aikyo("memory", "forget", "alice", "j1", "--yes")
        edited = await running.aikyo("memory", "edit", "alice", "j2", "It rained.")
        refused = await running.aikyo("memory", "import", "alice", str(tmp_path / "file"))
        alone = await running.aikyo("memory", "forget", "zoe", "j1", "--yes")
        meant = running.steering.meant
    assert meant == [("alice", Wish(ids=("j1",))), ("alice", ("j2", "It rained."))]
    lines = forgot.out.splitlines()
    assert lines[0] == "alice has forgotten 2 turns"
    assert lines[1] == "it talks on without them, in a new session"
    assert lines[2] == "bob still remembers 2 turns of them: aikyo memory forget bob 1 2"
    assert edited.out.splitlines()[:2] == ["j2 said: before", "j2 says: It rained."]
    assert (refused.code, refused.out) == (2, "")
    assert "aikyo stop alice" in refused.err
    # It is no companion of that swarm: nobody else has it open
    assert alone.out.startswith("zoe has forgotten 1 turn\n")
    with MemoryFile.read(running.home.memory("alice")) as memory:
        assert memory.count() == 2


async def test_what_the_terminal_cannot_show_is_replaced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sys.stdout.reconfigure(encoding="ascii")  # type: ignore[union-attr]  # capsys's is a TextIOWrapper
    async with up(tmp_path, capsys) as running:
        said = await running.aikyo("say", "alice", "猫")
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def _happen() -> None:
                while True:  # until tail is there
                    running.house.hub.emit(Event(type="notice", reason="猫"))
                    await trio.sleep(0.01)

            told = await running.aikyo("tail", "events", "-n", "1")
            nursery.cancel_scope.cancel()
    assert (said.code, said.out) == (0, "alice: You said: ?\n")
    assert (told.code, told.out.split()[1:]) == (0, ["?"])


async def test_say_as_json_prints_envelopes_and_nothing_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with up(tmp_path, capsys) as running:
        result = await running.aikyo("say", "all", "hi", "--json")
    (line,) = result.out.splitlines()
    assert json.loads(line)["body"]["message"] == "You said: hi"
    assert result.err == ""


async def _compose(running: Running, *, end: str = "said") -> None:
    """What alice's companion does with what a person says to it: compose, say it."""
    alice, hub, ident = "companion_alice", running.house.hub, running.house.new_id()
    with hub.subscribe(topics=("messages",)) as heard:
        said = msgspec.json.decode((await anext(heard)).body, type=Message)
        delta = Delta(id=ident, sender=alice, conversation=said.conversation or "", text="")
        for text in ("It is", " late"):
            hub.draft(replace(delta, text=text))
            await trio.testing.wait_all_tasks_blocked()  # what waits together is sent as one
        hub.draft(replace(delta, text="." if end == "said" else "", end=end))
        if end == "said":
            answer = Message(
                id=ident, sender=alice, message="It is late.", conversation=said.conversation
            )
            await running.house.alice.publish(answer)
            await anext(heard)
    hub.emit(Event(type="talk-resting", conversation=said.conversation, reason="closed"))


@pytest.mark.parametrize(
    ("end", "shown"),
    [("said", "alice: It is late.\n"), ("interrupted", "alice: It is late (interrupted)\n")],
)
async def test_on_a_terminal_say_shows_what_is_composed_once(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    end: str,
    shown: str,
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    async with up(tmp_path, capsys) as running, trio.open_nursery() as nursery:
        nursery.start_soon(partial(_compose, running, end=end))
        await trio.testing.wait_all_tasks_blocked()
        result = await running.aikyo("say", "alice", "mutely")
    assert (result.code, result.out) == (0 if end == "said" else 1, shown)


@pytest.mark.parametrize("form", [(), ("--json",)])
async def test_in_a_pipe_say_prints_whole_messages_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], form: tuple[str, ...]
) -> None:
    async with up(tmp_path, capsys) as running, trio.open_nursery() as nursery:
        nursery.start_soon(_compose, running)
        await trio.testing.wait_all_tasks_blocked()
        result = await running.aikyo("say", "alice", "mutely", *form)
    if form:
        (line,) = result.out.splitlines()
        assert json.loads(line)["topic"] == "messages"
    else:
        assert result.out == "alice: It is late.\n"


@pytest.mark.parametrize("topics", [("deltas",), ("deltas", "messages")])
async def test_tail_shows_what_is_composed_if_it_is_asked_to(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], topics: tuple[str, ...]
) -> None:
    async with up(tmp_path, capsys) as running, trio.open_nursery() as nursery:

        @nursery.start_soon
        async def _draft() -> None:
            while not running.house.firehose.counters["clients"]:
                await trio.sleep(0.01)
            for _ in range(500):
                running.house.hub.draft(Delta(id="m-9", sender="companion_alice", text="word "))
                await trio.sleep(0.01)

        result = await running.aikyo("tail", *topics, "-n", "1")
        nursery.cancel_scope.cancel()
    assert result.out.rstrip().endswith("alice … word")


async def test_say_without_waiting_says_it_and_is_gone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with up(tmp_path, capsys) as running:
        with running.house.hub.subscribe(topics=("messages",)) as heard:
            result = await running.aikyo("say", "carol", "hi", "--no-wait", "--json")
            said = msgspec.json.decode((await anext(heard)).body, type=Message)
    assert json.loads(result.out) == {"id": said.id, "conversation": said.conversation}
    assert said.to == ("companion_carol",)


async def test_say_without_a_reply_fails_and_tells_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with up(tmp_path, capsys) as running:
        result = await running.aikyo("say", "alice", "answer quietly")
    assert (result.code, result.out) == (1, "")
    assert "no reply: it has come to its end (closed); say it again" in result.err


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("quiet", "asked to be quiet (quiet); to end that: aikyo quiet alice --mode normal"),
        ("limit", "turns_per_talk and turns_per_hour in aikyo.toml"),
        ("brain-failed", "`aikyo ps` shows what is wrong"),
        ("spent", "for now (spent); `aikyo usage` shows what was spent, and the caps"),
        ("no-quorum", "`aikyo ps` shows who is there"),
        ("nobody-wanted", "nobody has more to say (nobody-wanted)"),
        ("interrupted", "say it again"),
        ("new-here", "no reply: new-here (new-here); `aikyo ps`"),
    ],
)
async def test_every_silence_is_told_with_the_way_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], reason: str, words: str
) -> None:
    async with up(tmp_path, capsys) as running, trio.open_nursery() as nursery:

        @nursery.start_soon
        async def _rest() -> None:
            with running.house.hub.subscribe(topics=("messages",)) as heard:
                said = msgspec.json.decode((await anext(heard)).body, type=Message)
            event = Event(type="talk-resting", conversation=said.conversation, reason=reason)
            running.house.hub.emit(event)

        await trio.testing.wait_all_tasks_blocked()
        result = await running.aikyo("say", "alice", "answer mutely")
    assert (result.code, result.out) == (1, "")
    assert words in result.err


@pytest.mark.parametrize(
    ("reason", "way_out"),
    [("brain-failed", ""), ("spent", "; `aikyo usage` shows what was spent, and the caps")],
)
async def test_what_all_rest_for_is_told_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], reason: str, way_out: str
) -> None:
    async with up(tmp_path, capsys) as running, trio.open_nursery() as nursery:

        @nursery.start_soon
        async def _rest() -> None:
            with running.house.hub.subscribe(topics=("messages",)) as heard:
                said = msgspec.json.decode((await anext(heard)).body, type=Message)
            whys = {
                "alice": "all is spent",
                "bob": "all is spent",
                "carol": "no key",
                "dan": "all is spent",
            }
            running.steering.companions = tuple(
                CompanionStatus(name=name, id=f"companion_{name}", activity="resting", reason=why)
                for name, why in whys.items()
            )
            resting = Event(type="talk-resting", conversation=said.conversation, reason=reason)
            running.house.hub.emit(resting)

        await trio.testing.wait_all_tasks_blocked()
        result = await running.aikyo("say", "all", "answer mutely")
    told = f"no reply: alice, bob and dan rest: all is spent; carol rests: no key{way_out}\n"
    assert result.err.endswith(told)


async def test_who_speaks_only_when_called_is_to_be_called(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with up(tmp_path, capsys) as running, trio.open_nursery() as nursery:

        @nursery.start_soon
        async def _rest() -> None:
            with running.house.hub.subscribe(topics=("messages",)) as heard:
                said = msgspec.json.decode((await anext(heard)).body, type=Message)
            resting = Event(type="talk-resting", conversation=said.conversation, reason="quiet")
            running.house.hub.emit(resting)

        await trio.testing.wait_all_tasks_blocked()
        await running.aikyo("quiet", "bob", "--mode", "mention-only")
        result = await running.aikyo("say", "all", "answer mutely")
    assert "call bob by name; to end that: aikyo quiet all --mode normal" in result.err


async def test_who_becomes_quiet_when_told_to_needs_no_reply(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with up(tmp_path, capsys) as running, trio.open_nursery() as nursery:

        @nursery.start_soon
        async def _obey() -> None:
            with running.house.hub.subscribe(topics=("messages",)) as heard:
                said = msgspec.json.decode((await anext(heard)).body, type=Message)
            for who in ("companion_alice", "companion_bob"):
                until = time.time() + 600
                running.house.hub.emit(Event(type="quiet", companion=who, mode="quiet", until=until))
            resting = Event(type="talk-resting", conversation=said.conversation, reason="quiet")
            running.house.hub.emit(resting)

        await trio.testing.wait_all_tasks_blocked()
        result = await running.aikyo("say", "alice", "mutely, for ten minutes")
    assert (result.code, result.out) == (0, "")
    assert "alice is quiet for 10 min; to end it: aikyo quiet alice --mode normal" in result.err
    assert "bob" not in result.err.replace("(offline brain: rule-based, no model)", "")


async def test_say_reads_stdin(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    piped = tmp_path / "piped"
    piped.write_text("from a file\n")
    with piped.open() as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        async with up(tmp_path, capsys) as running:
            result = await running.aikyo("say", "alice", "-")
    assert result.out == "alice: You said: from a file\n"


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("say", "alcie", "hi"), "did you mean 'alice'?"),
        (("say", "hello"), "say to whom"),
        (("say", "alice", " "), "text is empty"),
        (("say", "alice", "x" * 20_000), "16384"),
        (("say", "alice", "hi", "--from", "Mika K"), "cannot be a name"),
        (("tail", "mesages"), "did you mean 'messages'"),
        (("context", "alice"), "either a TEXT or an --image"),
        (("context", "alice", "rain", "--image", "x.png"), "either a TEXT or an --image"),
        (("context", "alice", "--image", "/no/such.png"), "cannot read /no/such.png"),
        (("context", "alcie", "rain"), "did you mean 'alice'?"),
        (("restart", "alcie"), "did you mean 'alice'?"),
        (("stop", "alcie"), "did you mean 'alice'?"),
        (("quiet", "alcie"), "did you mean 'alice'?"),
        (("quiet", "alice", "0"), "at most 1440"),
        (("quiet", "alice", "1441"), "at most 1440"),
        (("quiet", "alice", "nan"), "at most 1440"),
        (("quiet", "alice", "ten"), "a number"),
        (("quiet", "alice", "5", "--mode", "normal"), "normal has no end"),
        (("quiet", "alice", "--mode", "loud"), "mention-only"),
        (("peers", "block", "alcie"), "nobody here is called 'alcie'"),
        (("peers", "block", "eve", "--mesh", "other"), "runs on another mesh"),
        (("peers", "unblock", ""), "who"),
        (("set", "alice", "modle=x"), "nothing is called 'modle'; did you mean 'model'"),
        (("set", "alice", "zzz=x"), "'zzz'; known: model, provider, small_model\n"),
        (("set", "alice", "small-modl=x"), "did you mean 'small_model'"),
        (("set", "all", "model=x"), "is for one companion; type aikyo set NAME model=x\n"),
        (("set", "alice", "model"), "'model' lacks a value: model=VALUE"),
        (("set", "alice", "brain=offline", "provider=openai"), "'provider' is set twice"),
        (("set", "alice", "model=" + "x" * 300), "256"),
        (("set", "alice", "brain=nothing"), "unknown brain 'nothing'"),
        (("set", "alcie", "model=x"), "did you mean 'alice'?"),
        (("companion", "set", "alcie", "model=x"), "did you mean 'alice'?"),
        (("renew", "alcie"), "did you mean 'alice'?"),
    ],
)
async def test_a_wrong_call_is_one_line_and_exit_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], args: tuple[str, ...], words: str
) -> None:
    async with up(tmp_path, capsys) as running:
        result = await running.aikyo(*args)
    assert (result.code, result.out) == (2, "")
    assert words in result.err
    assert result.err.count("\n") == 1


@pytest.mark.parametrize(
    "args",
    [
        ("say", "alice", "hi"),
        ("tail",),
        ("ps",),
        ("peers",),
        ("stop",),
        ("restart", "a"),
        ("context", "a", "b"),
        ("quiet", "a"),
        ("set", "a", "model=b"),
        ("renew", "a"),
        ("renew", "all"),
    ],
)
def test_without_a_swarm_the_exit_code_is_3(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], args: tuple[str, ...]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*args, "--home", str(tmp_path)])
    assert ended.value.code == 3
    assert f'no swarm is running in {tmp_path}; start one with "aikyo up"' in capsys.readouterr().err


async def test_tail_prints_what_happens(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with up(tmp_path, capsys) as running, trio.open_nursery() as nursery:
        lines: list[str] = []

        @nursery.start_soon
        async def _tail() -> None:
            result = await running.aikyo("tail", "events", "--from", "alice", "-n", "2")
            lines.extend(result.out.splitlines())
            nursery.cancel_scope.cancel()

        number = 0
        while True:  # until it has seen enough: it may begin to watch at any time
            number += 1
            running.house.hub.emit(Event(type="mood", companion="companion_bob", mood="sad"))
            running.house.hub.emit(Event(type="mood", companion="companion_alice", mood=f"{number}"))
            await trio.sleep(0.01)
    assert len(lines) == 2
    assert all("alice feels" in line for line in lines)


async def test_ps_shows_a_table_that_stands_straight(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with up(tmp_path, capsys) as running:
        result = await running.aikyo("ps")
        as_json = await running.aikyo("ps", "--json")
    heading, alice, bob, *elsewhere = result.out.splitlines()
    assert heading.split()[:3] == ["NAME", "STATE", "SINCE"]
    assert alice.index("offline") == heading.index("BRAIN")
    assert bob.index("嬉しい") == heading.index("MOOD")
    assert bob.endswith("嬉しい  -")
    assert all(line.startswith("elsewhere on the mesh: ") for line in elsewhere)
    assert [one["name"] for one in json.loads(as_json.out)["companions"]] == ["alice", "bob"]


async def test_peers_are_shown_whole_in_a_pipe(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with up(tmp_path, capsys) as running:
        shown = await running.aikyo("peers")
        as_json = await running.aikyo("peers", "--json")
        heading, eve = shown.out.splitlines()[-2:]
        assert heading.split()[:2] == ["WHO", "STATE"]
        assert eve.split()[:2] == ["eve", "connected"]
        assert "12D3KooWEve" in eve
        assert msgspec.json.decode(as_json.out, type=MeshStatus) == running.steering.peers.known


async def test_a_running_swarm_shuts_peers_out_when_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with up(tmp_path, capsys) as running:
        blocked = await running.aikyo("peers", "block", "eve", "--note", "floods")
        assert (blocked.code, blocked.out) == (0, "12D3KooWEve is blocked\n")
        unblocked = await running.aikyo("peers", "unblock", "eve", "--json")
        assert json.loads(unblocked.out) == {"unblocked": "12D3KooWEve"}
        forgotten = await running.aikyo("peers", "forget", "carol")
        assert forgotten.out == "companion_carol is forgotten\n"
        asked = [("block", "eve", "floods"), ("unblock", "eve"), ("forget", "carol")]
        assert running.steering.peers.asked == asked
        assert not running.home.roster.exists()


async def test_stop_waits_until_the_swarm_is_gone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(find, "_LAST_MOMENT", 0)  # our own process does not end
    async with up(tmp_path, capsys) as running, trio.open_nursery() as nursery:

        @nursery.start_soon
        async def _end() -> None:
            await running.steering.stopping.wait()
            running.home.swarm.unlink()

        result = await running.aikyo("stop")
        assert (result.code, result.out) == (0, "the swarm has stopped\n")
    assert running.steering.asked == [("stop", None)]


async def test_one_companion_is_stopped_restarted_and_shown_things(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "cup.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0" * 32)
    async with up(tmp_path, capsys) as running:
        assert (await running.aikyo("stop", "alice")).out == "alice has stopped\n"
        assert (await running.aikyo("restart", "alice")).out == "alice was restarted\n"
        shown = await running.aikyo("context", "all", "rain", "--from", "mika")
        assert shown.out == "every companion perceives it\n"
        given = await running.aikyo("context", "alice", "--image", str(picture), "--json")
    text, image = running.steering.perceived
    assert (text.context, text.sender, text.to) == ("rain", "user_mika", ())
    assert (image.media_type, image.to) == ("image/png", ("companion_alice",))
    assert json.loads(given.out) == {"id": image.id}


async def test_a_restart_with_a_broken_profile_tells_what_is_wrong_on_the_side(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with up(tmp_path, capsys) as running:
        running.steering.problem = "alice.toml:3:9: no colour"
        result = await running.aikyo("restart", "alice")
    assert (result.code, result.out) == (0, "alice was restarted\n")
    assert result.err == "alice.toml:3:9: no colour\n"


@pytest.mark.parametrize("command", [("set",), ("companion", "set")])
async def test_what_is_set_is_told_as_it_is_now(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: tuple[str, ...]
) -> None:
    async with up(tmp_path, capsys) as running:
        done = await running.aikyo(*command, "alice", "model=a=b", "brain=openai")
        assert (done.code, done.err) == (0, "")
        assert done.out == "alice thinks with openai a=b now (session 1), until the swarm ends\n"
        back = await running.aikyo(*command, "alice", "model=", "small-model=", "--json")
        assert json.loads(back.out)["brain"] == "offline"
        plain = await running.aikyo(*command, "alice", "model=")
        assert plain.out == "alice thinks with offline now (session 3)\n"
    assert running.steering.wished[:2] == [
        ("alice", {"model": "a=b", "provider": "openai"}),
        ("alice", {"model": "", "small_model": ""}),
    ]


async def test_what_could_not_be_set_is_a_failure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with up(tmp_path, capsys) as running:
        result = await running.aikyo("set", "bob", "model=x")
    assert (result.code, result.out) == (1, "")
    assert result.err == "aikyo: no model of that name; bob keeps offline\n"


async def test_sessions_are_renewed_one_or_all_and_failures_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with up(tmp_path, capsys) as running:
        nobody = await running.aikyo("renew", "all")
        assert (nobody.code, nobody.err) == (1, "aikyo: no companion runs; aikyo ps shows why\n")
        one = await running.aikyo("renew", "alice")
        assert (one.code, one.out) == (0, "alice has a new session (1)\n")
        alice, bob = running.steering.companions
        running.steering.companions = (alice, msgspec.structs.replace(bob, session=4))
        both = await running.aikyo("renew", "all", "--json")
    assert both.code == 1
    assert [json.loads(line)["session"] for line in both.out.splitlines()] == [2]
    assert both.err == "aikyo: bob is too busy; bob keeps offline\n"


async def test_companions_are_told_to_be_quiet_and_how_that_ends(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with up(tmp_path, capsys) as running:
        timed = await running.aikyo("quiet", "alice", "10")
        status = running.steering.status().companions[0]
        clock = time.strftime("%H:%M", time.localtime(status.quiet_until))
        assert timed.out == (
            f"alice is quiet until {clock} (10 min); to end it: aikyo quiet alice --mode normal\n"
        )
        forever = await running.aikyo("quiet", "all", "--mode", "mention-only")
        assert forever.out == (
            "everybody speaks only when turned to until told otherwise;"
            " to end it: aikyo quiet all --mode normal\n"
        )
        ended = await running.aikyo("quiet", "companion_alice", "--mode", "normal")
        assert ended.out == "companion_alice speaks as usual again\n"
        as_json = json.loads((await running.aikyo("quiet", "bob", "0.5", "--json")).out)
        assert as_json["until"] == running.steering.status().companions[1].quiet_until
        assert (as_json["companion"], as_json["mode"]) == ("bob", "quiet")
    assert running.steering.quieted == [
        ("alice", "quiet", 600),
        (None, "mention-only", None),
        ("alice", "normal", None),
        ("bob", "quiet", 30),
    ]


async def test_ps_shows_who_is_quiet_and_for_how_long(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with up(tmp_path, capsys) as running:
        assert "QUIET" not in (await running.aikyo("ps")).out
        await running.aikyo("quiet", "alice", "8")
        heading, alice, bob, *_ = (await running.aikyo("ps")).out.splitlines()
        column = heading.index("QUIET")
        assert alice[column:].startswith("quiet 8m ")
        assert bob[column:].startswith("-  ")
        await running.aikyo("quiet", "all", "90", "--mode", "mention-only")
        assert "mention-only 90m" in (await running.aikyo("ps")).out
        await running.aikyo("quiet", "all")
        assert all(" quiet  " in line for line in (await running.aikyo("ps")).out.splitlines()[1:3])


async def test_a_picture_that_is_too_large_is_not_sent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "huge.png"
    picture.write_bytes(b"\0" * (701 << 10))
    async with up(tmp_path, capsys) as running:
        result = await running.aikyo("context", "alice", "--image", str(picture))
    assert result.code == 2
    assert "over the limit of 700 KiB" in result.err


@asynccontextmanager
async def tailing(running: Running) -> AsyncGenerator[trio.Process, None]:
    """`aikyo tail` as a process that has begun to print."""
    command = [sys.executable, "-m", "aikyo", "tail", "--home", str(running.home.root)]
    async with trio.open_nursery() as nursery:
        open_process = partial(
            trio.run_process, command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False
        )
        process = await nursery.start(open_process)
        ticking = trio.CancelScope()

        @nursery.start_soon
        async def _tick() -> None:
            with ticking:
                while True:
                    running.house.hub.emit(Event(type="notice", reason="tick"))
                    await trio.sleep(0.01)

        assert b"tick" in await process.stdout.receive_some()
        yield process
        await process.wait()
        ticking.cancel()


async def test_a_broken_pipe_ends_tail_quietly(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with up(tmp_path, capsys) as running:
        async with tailing(running) as process:
            await process.stdout.aclose()
        assert process.returncode == 0


async def test_an_interrupt_ends_tail_with_130(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with up(tmp_path, capsys) as running:
        async with tailing(running) as process:
            process.send_signal(signal.SIGINT)
            async for _ in process.stdout:
                pass
            assert await process.stderr.receive_some() == b""
        assert process.returncode == 130


def test_colour_is_for_terminals_that_want_it(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal:
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert colored(Terminal())  # type: ignore[arg-type]
    assert not colored(sys.stdout)
    monkeypatch.setenv("NO_COLOR", "1")
    assert not colored(Terminal())  # type: ignore[arg-type]
