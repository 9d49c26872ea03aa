"""A brain of one's own in a real swarm, as docs/how-to/write-a-brain.md has it written."""

from __future__ import annotations

import re
import uuid
from pathlib import Path

from tests.support.own_brains import install
from tests.support.processes import aikyo, swarm_up

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "write-a-brain.md").read_text(encoding="utf-8")


def installed(folder: Path) -> dict[str, str]:
    """What makes processes find the page's first brain, under the name that the page gives it."""
    source = re.search(r"`clockwork.py`:\n\n```python\n(.*?)```", PAGE, re.DOTALL)
    entry = re.search(
        r'^\[project\.entry-points\."aikyo\.brains"\]\n(\w+) = "(.*)"$', PAGE, re.MULTILINE
    )
    assert source is not None
    assert entry is not None
    folder.mkdir()
    install(folder, "clockwork", source[1], {entry[1]: entry[2]})
    return {"PYTHONPATH": str(folder)}


async def test_the_page_on_writing_brains_does_what_it_says(tmp_path: Path) -> None:
    env = installed(tmp_path / "packages")
    options = ("--brain", "clockwork", "--topic", "", "--listen", "127.0.0.1")
    mesh, home = f"t{uuid.uuid4().hex[:12]}", tmp_path / "home"
    async with swarm_up(home, *options, mesh=mesh, companions=1, env=env) as up:
        said = await aikyo("say", "alice", "What time is it?", "--home", str(home))
        assert re.fullmatch(r"alice: It is \d\d:\d\d\.\n", said.out)
        assert (await up.until("notice"))["reason"] == "brain clockwork, as asked"


async def test_a_name_that_is_none_is_told_with_the_nearest(tmp_path: Path) -> None:
    env = installed(tmp_path / "packages")
    done = await aikyo("up", "--brain", "clockwrk", "--home", str(tmp_path / "home"), env=env)
    assert (done.code, done.out) == (2, "")
    assert "--brain: unknown brain 'clockwrk'; did you mean 'clockwork'?" in done.err
    profile = tmp_path / "mika.toml"
    profile.write_text('[metadata]\nname = "Mika"\n[brain]\nprovider = "clockwrk"\n')
    done = await aikyo("profile", "check", str(profile), env=env)
    assert done.code != 0
    assert ":4:12: unknown brain 'clockwrk'; did you mean 'clockwork'?" in done.out + done.err
    profile.write_text('[metadata]\nname = "Mika"\n[brain]\nprovider = "clockwork"\n')
    assert (await aikyo("profile", "check", str(profile), env=env)).code == 0
