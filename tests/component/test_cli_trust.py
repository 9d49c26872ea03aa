"""Python tools of profiles that lie in the current folder: data, until the user trusts it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aikyo.cli import main
from aikyo.companion.profile import Trust
from aikyo.paths import Home
from aikyo.swarm import bring_up

TOOL = '''\
from aikyo.tools import action


@action
def fly() -> None:
    """Fly."""
'''
PROFILE = '[metadata]\nname = "Mika"\nactions = ["speak", "wings:fly"]\n'


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a profile that names a tool of its own; the home is beside it."""
    monkeypatch.setenv("AIKYO_HOME", str(tmp_path / "home"))
    (here := tmp_path / "here").mkdir()
    write(here / "profiles")
    monkeypatch.chdir(here)
    return here


def write(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "mika.toml").write_text(PROFILE)
    (folder / "wings.py").write_text(TOOL)


def aikyo(*args: object) -> int:
    with pytest.raises(SystemExit) as done:
        main([*map(str, args)])
    assert isinstance(done.value.code, int)
    return done.value.code


def test_a_check_tells_what_to_do_and_trust_is_remembered(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert aikyo("profile", "check", "profiles/mika.toml") == 2
    out = capsys.readouterr().out
    assert out.startswith("profiles/mika.toml:3:21: 'actions': 'wings:fly' is Python code, which counts")
    assert "--trust" in out
    assert aikyo("profile", "check", "--trust", "profiles/mika.toml") == 0
    assert aikyo("profile", "check", "profiles/mika.toml") == 0
    trusted = json.loads((here.parent / "home" / "trusted.json").read_text())
    assert trusted == {"folders": [str(here / "profiles")]}


def test_the_list_goes_on_and_shows_why_one_cannot_be_used(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert aikyo("profile", "list") == 0
    (mika,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("mika")]
    assert "cannot be used" in mika
    assert "--trust" in mika
    assert aikyo("profile", "show", "mika") == 2
    assert "--trust" in capsys.readouterr().err


def test_what_is_the_users_own_needs_no_trust(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert aikyo("profile", "show", "mika", "--profiles-dir", here / "profiles") == 0
    capsys.readouterr()
    write(here.parent / "home" / "profiles")
    assert aikyo("profile", "check", here.parent / "home" / "profiles" / "mika.toml") == 0
    (here / "profiles" / "mika.toml").unlink()
    assert aikyo("profile", "show", "mika") == 0
    assert "speak, wings:fly" in capsys.readouterr().out


def test_a_swarm_is_not_brought_up_with_untrusted_tools(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert aikyo("up", "--profiles", "mika", "--no-dashboard") == 2
    assert "mika.toml:3:21: 'actions': 'wings:fly' is Python code" in capsys.readouterr().err
    assert not (here.parent / "home" / "trusted.json").exists()


@pytest.mark.parametrize(
    ("settings", "flags", "environ", "trusted", "comes_up"),
    [
        ("", {}, {}, False, False),
        ("", {"profiles_dir": "elsewhere"}, {}, False, True),
        ("", {}, {"AIKYO_PROFILES_DIR": "elsewhere"}, False, True),
        ('profiles_dir = "elsewhere"', {}, {}, False, False),
        ('profiles_dir = "elsewhere"', {}, {}, True, True),
        ("", {}, {}, True, True),
    ],
)
async def test_a_folder_that_only_a_file_in_the_current_folder_names_is_not_the_users_own(
    here: Path,
    settings: str,
    flags: dict[str, object],
    environ: dict[str, str],
    trusted: bool,
    comes_up: bool,
) -> None:
    write(here / "elsewhere")
    (here / "aikyo.toml").write_text(settings)
    home = Home.locate()
    if trusted:
        Trust.remember(home, here)
    flags = {"profiles": ("mika",), "brain": "offline", "companions": 1, **flags}
    flags |= {"network_key": "not there"}  # what comes after the profiles, and fails
    with pytest.raises(Exception, match="not there" if comes_up else "--trust"):
        await bring_up(home, _no_view, flags=flags, environ=environ, cwd=here)


async def _no_view(*_: object) -> None:
    raise AssertionError
