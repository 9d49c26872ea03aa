"""What is blanked in recordings when it is forgotten."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aikyo.errors import UsageError
from aikyo.memory.care.recordings import (
    blanked,
    blanker,
    note_recording,
    recordings_of,
    unfinished_of,
)
from aikyo.paths import Home

TEXT = "My address is 5 Quay Street."

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda each: st.lists(each, max_size=3) | st.dictionaries(st.text(), each, max_size=3),
    max_leaves=8,
)


@given(json_values)
def test_a_line_without_what_is_forgotten_stays_byte_for_byte(value: object) -> None:
    line = json.dumps(value).encode()
    assert blanker({TEXT}, {"turn"})(line) == line


@pytest.mark.parametrize(
    "said",
    [TEXT, f"She said: {TEXT} So there.", "My  address is\n5 Quay Street.", [{"deep": [TEXT]}]],
)
def test_whatever_holds_it_is_blanked(said: object) -> None:
    line = blanker({TEXT}, set())(json.dumps({"a": 1, "b": said}).encode())
    assert b"Quay" not in line
    assert json.loads(line)["a"] == 1


def test_what_was_asked_about_a_message_is_blanked_however_it_stands_there() -> None:
    line = json.dumps({"asked": {"message": "turn", "text": "otherwise", "sender": "user_mika"}})
    made = json.loads(blanker(set(), {"turn"})(line.encode()))
    assert made == {"asked": {"message": "turn", "text": "[forgotten]", "sender": "user_mika"}}


@pytest.mark.parametrize("line", [b"", b"\xff", b'{"cut', b"[" * 100_000])
def test_a_line_that_is_none_stays(line: bytes) -> None:
    assert blanker({TEXT}, set())(line) == line


def test_a_file_without_it_is_not_written(tmp_path: Path) -> None:
    file = tmp_path / "talk.jsonl"
    file.write_text('{"a":1}\n')
    before = file.stat().st_ino
    assert blanked(file, blanker({TEXT}, set())) == 0
    assert file.stat().st_ino == before


def test_a_home_knows_its_recordings_and_which_are_being_made(tmp_path: Path) -> None:
    home, done, gone = Home(tmp_path), tmp_path / "done.jsonl", tmp_path / "gone.jsonl"
    for file in (done, gone):
        file.write_text("{}\n")
        with note_recording(home, file):
            assert file not in recordings_of(home)
    gone.unlink()
    assert recordings_of(home) == (done,)
    others = [{"file": str(done), "process": os.getppid()}, {"file": str(gone), "process": os.getppid()}]
    home.recordings.write_text(json.dumps(others))
    assert (recordings_of(home), unfinished_of(home)) == ((), (done,))
    with note_recording(home, None):
        pass


@pytest.mark.parametrize("there", [b"", b"{", b'[{"file": 1}]', b"\xff"])
def test_a_list_of_recordings_that_is_damaged_counts_as_none(tmp_path: Path, there: bytes) -> None:
    home = Home(tmp_path)
    home.recordings.write_bytes(there)
    assert recordings_of(home) == ()


def test_a_home_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with (
        pytest.raises(UsageError, match="cannot note"),
        note_recording(Home(tmp_path / "none"), tmp_path / "talk.jsonl"),
    ):
        pass
