"""What people do to the memories of a real swarm: after it has forgotten, no file of the home tells."""

from __future__ import annotations

import json
import time
import uuid
from pathlib import Path

import trio

from aikyo.memory import MemoryFile
from aikyo.memory.storage.backups import back_up
from tests.support.processes import aikyo, swarm_up

SECRET = "xylophonequartz"
PAST = "My cat is called Xylophonequartz."


def telling(folder: Path, secret: str = SECRET) -> list[str]:
    """The files in which the secret stands."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return [
        str(path.relative_to(folder)) for path in files if secret.encode() in path.read_bytes().lower()
    ]


async def learned(home: Path) -> None:
    """Wait until everybody knows what was said, and has said what comes of it."""
    with trio.fail_after(60):
        for name in ("alice", "bob"):
            while True:
                with MemoryFile.read(home / "memories" / f"{name}.db") as memory:
                    facts = [fact.text for fact in memory.facts.all()]
                    if any(SECRET in text.lower() for text in facts) and not memory.facts.pending():
                        break
                await trio.sleep(0.2)


async def test_what_a_running_swarm_has_forgotten_stands_in_no_file_of_its_home(tmp_path: Path) -> None:
    home, mesh = tmp_path / "home", f"t{uuid.uuid4().hex[:12]}"
    args = ("--listen", "127.0.0.1", "--brain", "offline", "--topic", "")
    env = {"AIKYO_PACE": "0", "AIKYO_TURNS_PER_TALK": "2", "AIKYO_LEARN_AFTER": "1"}
    record = ("--record", str(tmp_path / "talk.jsonl"))
    async with swarm_up(home, *args, *record, mesh=mesh, companions=2, env=env) as up:
        at = ("--home", str(home))
        assert (await aikyo("say", "all", PAST, *at, "--from", "mika")).code == 0
        await up.until("talk-resting")
        await learned(home)
        back_up(home / "memories" / "alice.db", now=time.time())
        refused = await aikyo("memory", "forget", "alice", "--matching", SECRET, *at)
        assert refused.code == 2
        assert "memories/alice.db-wal" in telling(home) or "memories/alice.db" in telling(home)
        done = await aikyo(
            "memory", "forget", "alice", "--matching", SECRET, "--everywhere", "--yes", "--json", *at
        )
        assert done.code == 0, done.err
        alice, bob = done.json_lines()
        assert alice["companion"] == "alice"
        assert alice["rows"] >= 1
        assert alice["facts"] >= 1
        assert alice["session"]
        assert alice["backups"] == 1
        assert alice["recordings"] == 1
        assert (bob["companion"], bob["session"]) == ("bob", True)
        assert alice["unreached"] == bob["unreached"] == []
        assert telling(tmp_path) == []
        again = await aikyo("say", "alice", "Do you hear me?", *at, "--from", "mika")
        assert again.code == 0
        assert SECRET not in again.out.lower()
        left = await aikyo("memory", "search", "alice", SECRET, "--json", *at)
        assert SECRET not in left.out
        assert await up.end() == 0
    assert telling(tmp_path) == []
    with (tmp_path / "talk.jsonl").open() as lines:
        assert all(json.loads(line) for line in lines)


async def test_a_running_companion_is_corrected_and_takes_in_no_import(tmp_path: Path) -> None:
    home, mesh = tmp_path / "home", f"t{uuid.uuid4().hex[:12]}"
    args = ("--listen", "127.0.0.1", "--brain", "offline", "--topic", "")
    async with swarm_up(home, *args, mesh=mesh, companions=1) as up:
        at = ("--home", str(home))
        assert (await aikyo("say", "alice", PAST, *at, "--from", "mika")).code == 0
        (found, *_) = (await aikyo("memory", "dump", "alice", "--json", *at)).json_lines()
        edited = await aikyo("memory", "edit", "alice", found["id"], "I like tea.", "--json", *at)
        assert edited.code == 0, edited.err
        (done,) = edited.json_lines()
        assert (done["was"], done["text"], done["session"]) == (PAST, "I like tea.", True)
        file = str(tmp_path / "alice.jsonl.gz")
        assert (await aikyo("memory", "export", "alice", file, *at)).code == 0
        refused = await aikyo("memory", "import", "alice", file, *at)
        assert refused.code == 2
        assert "aikyo stop alice" in refused.err
        assert (await aikyo("stop", "alice", *at)).code == 0
        assert (await aikyo("memory", "import", "alice", file, *at)).code == 0
        # It is in the swarm, and does not run: its file is what is changed
        forgotten = await aikyo("memory", "forget", "alice", "j1", "--yes", "--json", *at)
        assert forgotten.json_lines()[0]["session"] is False
        assert await up.end() == 0
