"""What a home keeps of others, in its file."""

from __future__ import annotations

import json
import stat
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aikyo.mesh.members.pins import Block, Pin
from aikyo.mesh.members.roster_file import RosterFile

NOW = 1.7e9
ALICE = "companion_alice"


def clock() -> float:
    return NOW


def test_pins_and_blocks_come_back_for_their_own_mesh_only(tmp_path: Path) -> None:
    path = tmp_path / "new" / "roster.json"
    here, there = RosterFile(path, "here"), RosterFile(path, "there")
    pins = here.load(clock)
    pins.pin(ALICE, "p1", own=True)
    pins.block("p2", "noisy")
    here.save(pins)
    others = there.load(clock)
    assert dict(others.pinned()) == dict(others.blocked()) == {}
    others.pin(ALICE, "p3")
    there.save(others)

    again = RosterFile(path, "here").load(clock)
    assert dict(again.pinned()) == {ALICE: Pin("p1", NOW, own=True)}
    assert dict(again.blocked()) == {"p2": Block("noisy", NOW)}
    assert RosterFile(path, "there").load(clock).owner(ALICE) == Pin("p3", NOW)


def test_a_note_of_any_bytes_of_a_command_line_can_be_kept(tmp_path: Path) -> None:
    file = RosterFile(tmp_path / "roster.json")
    pins = file.load(clock)
    pins.block("p", "loud \udc80")
    file.save(pins)
    assert RosterFile(tmp_path / "roster.json").load(clock).blocked()["p"].note == "loud ?"


def test_only_its_owner_can_read_it_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "roster.json"
    file = RosterFile(path)
    for _ in range(2):
        pins = file.load(clock)
        pins.block("p")
        file.save(pins)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["roster.json"]


def test_without_a_file_nothing_is_kept() -> None:
    file = RosterFile(None)
    pins = file.load(clock)
    pins.block("p")
    file.save(pins)
    assert file.trouble == ""


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe",
        b'{"version": 2}',
        b'{"meshes": {"": {"pins": {"companion_alice": {"peer": "", "seen": 1}}}}}',
        b'{"meshes": {"": {"pins": {"companion_alice": {"peer": "p", "seen": -1}}}}}',
        b'{"meshes": {"": {"pins": {"companion_alice": {"peer": "p", "seen": 1e999}}}}}',
        b'{"meshes": {"": {"else": 1}}}',
        b'{"a":' * 100_000,
    ],
)
def test_a_damaged_file_is_set_aside_and_told(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "roster.json"
    for number in ("", "-2"):
        path.write_bytes(content)
        file = RosterFile(path)
        pins = file.load(clock)
        assert dict(pins.pinned()) == {}
        assert (tmp_path / f"roster.json.damaged{number}").read_bytes() == content
        assert "damaged" in file.trouble
        assert file.trouble in caplog.text
        pins.block("p")
        file.save(pins)
        assert RosterFile(path).load(clock).is_blocked("p")


def test_what_cannot_be_read_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "roster.json"
    path.mkdir()
    file = RosterFile(path)
    pins = file.load(clock)
    assert "cannot be read" in file.trouble
    with pytest.raises(OSError):
        file.save(pins)


def test_a_tenth_damaged_file_replaces_none(tmp_path: Path) -> None:
    path = tmp_path / "roster.json"
    for n in range(10):
        path.write_text(f"broken {n}")
        file = RosterFile(path)
        pins = file.load(clock)
    assert path.read_text() == "broken 9"
    assert (tmp_path / "roster.json.damaged").read_text() == "broken 0"
    with pytest.raises(OSError, match="damaged"):
        file.save(pins)


def test_the_meshes_in_one_file_are_bounded(tmp_path: Path) -> None:
    path = tmp_path / "roster.json"
    for n in range(40):
        file = RosterFile(path, f"mesh {n}")
        pins = file.load(clock)
        pins.block("p")
        file.save(pins)
    kept = json.loads(path.read_text())["meshes"]
    assert len(kept) == 32
    assert {"mesh 8", "mesh 39"} <= set(kept)


json_like = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=8) | st.integers(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["version", "meshes", "", "pins", "blocks", "peer", "seen", "own", "note"]),
            inner,
        )
    ),
    max_leaves=12,
)


@given(st.binary(max_size=200) | json_like.map(lambda value: json.dumps(value).encode()))
def test_no_bytes_crash_or_are_lost(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "roster.json")
        path.write_bytes(content)
        file = RosterFile(path)
        pins = file.load(clock)
        if file.trouble:
            assert Path(folder, "roster.json.damaged").read_bytes() == content
        pins.block("p")
        file.save(pins)
        assert RosterFile(path).load(clock).is_blocked("p")
