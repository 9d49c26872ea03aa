"""`aikyo peers` in a home in which no swarm runs."""

from __future__ import annotations

import json
import stat
import time
from pathlib import Path

import pytest

from aikyo.cli import main
from aikyo.mesh.identity import load_identity
from aikyo.mesh.members.roster_file import RosterFile
from aikyo.mesh.network_key import read_network_key
from aikyo.paths import Home
from aikyo.swarm import hold_home

EVE = "12D3KooWGatU9DLhqRyHALw8V3MMVxcRc4xVWxR9ZdW3fQnZdYxu"


class Shell:
    """The command line on one home."""

    def __init__(self, home: Home, capture: pytest.CaptureFixture[str]) -> None:
        self.home = home
        self._capture = capture

    def peers(self, *args: str) -> tuple[int, str]:
        """The exit code, and all that was printed."""
        with pytest.raises(SystemExit) as ended:
            main(["peers", *args, "--home", str(self.home.root)])
        out, err = self._capture.readouterr()
        return int(ended.value.code or 0), out + err

    def kept(self, mesh: str = "") -> tuple[dict[str, str], dict[str, str]]:
        """Pins and blocks as they stand in the file: peers by id, notes by peer."""
        pins = RosterFile(self.home.roster, mesh).load(time.time)
        return (
            {ident: pin.peer for ident, pin in pins.pinned().items()},
            {peer: block.note for peer, block in pins.blocked().items()},
        )


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.chdir(tmp_path)
    home = Home(tmp_path / "home")
    home.create()
    return Shell(home, capsys)


def pin(shell: Shell, ident: str, peer: str) -> None:
    file = RosterFile(shell.home.roster)
    pins = file.load(time.time)
    pins.pin(ident, peer)
    file.save(pins)


def test_a_peer_is_blocked_and_let_in_again(shell: Shell) -> None:
    assert shell.peers("block", EVE, "--note", "floods") == (0, f"{EVE} is blocked\n")
    assert shell.kept() == ({}, {EVE: "floods"})
    assert stat.S_IMODE(shell.home.roster.stat().st_mode) == 0o600
    code, said = shell.peers("unblock", f"…{EVE[-8:]}", "--json")
    assert (code, json.loads(said)) == (0, {"unblocked": EVE})
    assert shell.kept() == ({}, {})
    code, said = shell.peers("unblock", EVE)
    assert (code, said.count("\n")) == (2, 1)
    assert "is not blocked" in said


def test_a_companion_that_is_away_can_be_named_also_once_it_is_blocked_or_forgotten(
    shell: Shell,
) -> None:
    pin(shell, "companion_eve", EVE)
    assert shell.peers("forget", "eve") == (0, "companion_eve is forgotten\n")
    assert shell.kept() == ({}, {})
    code, said = shell.peers("forget", "eve")
    assert (code, said.count("\n")) == (2, 1)
    pin(shell, "companion_eve", EVE)
    assert shell.peers("block", "eve")[0] == 0
    assert shell.kept() == ({}, {EVE: "eve"})
    assert shell.peers("unblock", "eve") == (0, f"{EVE} is unblocked\n")
    assert shell.kept() == ({}, {})


def test_the_mesh_is_that_of_the_settings_or_the_flag(shell: Shell) -> None:
    shell.home.settings.write_text('mesh = "attic"')
    shell.peers("block", EVE)
    shell.peers("block", EVE, "--mesh", "cellar")
    assert [bool(shell.kept(mesh)[1]) for mesh in ("", "attic", "cellar")] == [False, True, True]


def test_ones_own_is_not_blocked(shell: Shell) -> None:
    alice = load_identity(shell.home.key("alice")).peer
    code, said = shell.peers("block", alice)
    assert (code, said.count("\n")) == (2, 1)
    assert "this home's own" in said
    assert not shell.home.roster.exists()


def test_who_is_not_known_is_not_blocked(shell: Shell) -> None:
    code, said = shell.peers("block", "eve")
    assert (code, said.count("\n")) == (2, 1)
    assert "nobody here is called 'eve'" in said


def test_a_home_that_is_held_is_left_alone(shell: Shell) -> None:
    with hold_home(shell.home):
        code, said = shell.peers("block", EVE)
    assert code == 2
    assert "is held by another swarm" in said
    assert not shell.home.roster.exists()


def test_options_for_a_command_come_after_it(shell: Shell, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["peers", "--home", str(shell.home.root), "block", EVE])
    assert ended.value.code == 2
    assert "--home goes after the command" in capsys.readouterr().err
    assert not shell.home.roster.exists()


def test_a_network_key_is_made_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for code in (0, 2):
        with pytest.raises(SystemExit) as ended:
            main(["peers", "key", "~/mesh.key"])
        assert int(ended.value.code or 0) == code
    out, err = capsys.readouterr()
    assert f"--network-key {tmp_path}/mesh.key" in out
    assert "is there already" in err
    assert len(read_network_key(tmp_path / "mesh.key")) == 32
