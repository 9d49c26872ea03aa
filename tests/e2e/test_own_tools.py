"""Tools of one's own in a real swarm, as docs/how-to/write-tools.md has them written."""

from __future__ import annotations

import re
import shlex
import signal
import uuid
from pathlib import Path

from tests.support.processes import aikyo, swarm_up

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "write-tools.md").read_text(encoding="utf-8")


def file_of_page(name: str) -> str:
    """A file as the page has it."""
    found = re.search(rf"`{re.escape(name)}`:\n\n```\w+\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found[1]


def said_on_page() -> list[str]:
    """What the page has said to Mika, in order."""
    return [shlex.split(line)[3] for line in re.findall(r"^aikyo say .*$", PAGE, re.MULTILINE)]


async def test_the_page_on_writing_tools_does_what_it_says(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "profiles").mkdir(parents=True)
    for name in ("garden.py", "mika.toml"):
        (home / "profiles" / name).write_text(file_of_page(name), encoding="utf-8")
    options = ("--profiles", "mika", "--brain", "offline", "--topic", "", "--listen", "127.0.0.1")
    mesh = f"t{uuid.uuid4().hex[:12]}"
    async with swarm_up(home, *options, mesh=mesh, companions=1) as up:
        at_home = ("--home", str(up.home))
        replies = [(await aikyo("say", "mika", text, *at_home)).out for text in said_on_page()]
        assert "Dry are: basil, fern." in replies[0]
        assert "Dry are: basil." in replies[2]
        memory = await aikyo("memory", "dump", "mika", *at_home)
        assert "(did) water fern" in memory.out


LOUD = """
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from aikyo.tools import knowledge

pool = ThreadPoolExecutor(1)


@knowledge
async def busy() -> str:
    \"\"\"Prints, and leaves threads behind.\"\"\"
    print("not JSON")
    threading.Thread(target=time.sleep, args=(600,)).start()
    pool.submit(time.sleep, 600)
    return "Threads are running."
"""

LOUD_PROFILE = """
[metadata]
name = "Mika"
knowledge = ["loud:busy"]

[[events.conditions]]
expression = "true"
execute = [{ tool = "busy", instruction = "Do it." }]
"""


async def test_what_a_tool_prints_is_no_event_and_what_it_leaves_running_holds_nobody(
    tmp_path: Path,
) -> None:
    home = tmp_path / "home"
    (home / "profiles").mkdir(parents=True)
    (home / "profiles" / "loud.py").write_text(LOUD, encoding="utf-8")
    (home / "profiles" / "mika.toml").write_text(LOUD_PROFILE, encoding="utf-8")
    options = ("--profiles", "mika", "--brain", "offline", "--topic", "", "--listen", "127.0.0.1")
    async with swarm_up(home, *options, mesh=f"t{uuid.uuid4().hex[:12]}", companions=1) as up:
        reply = await aikyo("say", "mika", "Mika, how are you?", "--home", str(up.home))
        assert "Threads are running." in reply.out
        assert await up.end(signal.SIGINT) == 130
