"""What is blanked in recordings when it is forgotten."""

from __future__ import annotations

import json
import os
from collections.abc import Collection
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aikyo.errors import UsageError
from aikyo.memory.care.needles import Needles
from aikyo.memory.care.recordings import (
    blanked,
    blanker,
    note_recording,
    recordings_of,
    unfinished_of,
)
from aikyo.paths import Home


def blank(
    line: bytes, texts: Collection[str] = (), uids: Collection[str] = (), matching: str = ""
) -> bytes:
    (made,) = blanker(texts, uids, matching)([line])
    return made


TEXT = "My address is 5 Quay Street."

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda each: st.lists(each, max_size=3) | st.dictionaries(st.text(), each, max_size=3),
    max_leaves=8,
)


@given(json_values)
def test_a_line_without_what_is_forgotten_stays_byte_for_byte(value: object) -> None:
    line = json.dumps(value).encode()
    assert blank(line, {TEXT}, {"turn"}) == line


@pytest.mark.parametrize(
    "said",
    [TEXT, f"She said: {TEXT} So there.", "My  address is\n5 Quay Street.", [{"deep": [TEXT]}]],
)
def test_whatever_holds_it_is_blanked(said: object) -> None:
    line = blank(json.dumps({"a": 1, "b": said}).encode(), {TEXT})
    assert b"Quay" not in line
    assert json.loads(line)["a"] == 1


def test_what_was_asked_about_a_message_is_blanked_however_it_stands_there() -> None:
    line = json.dumps({"asked": {"message": "turn", "text": "otherwise", "sender": "user_mika"}})
    made = json.loads(blank(line.encode(), (), {"turn"}))
    assert made == {"asked": {"message": "turn", "text": "[forgotten]", "sender": "user_mika"}}


@pytest.mark.parametrize("line", [b"", b"\xff", b'{"cut', b"[" * 100_000])
def test_a_line_that_is_none_stays(line: bytes) -> None:
    assert blank(line, {TEXT}) == line


def test_words_that_are_forgotten_leave_what_the_format_is_made_of() -> None:
    call = {
        "companion": "companion_alice",
        "task": "learn",
        "asked": {"message": "en", "language": "en", "opening": "silence", "recent": ["learn"]},
        "tools": [{"tool": "speak", "kind": "action", "params": {"message": "action"}}],
    }
    words = {"learn", "en", "silence", "speak", "action", "companion_alice"}
    made = json.loads(blank(json.dumps(call).encode(), words))
    call["tools"] = [{"tool": "speak", "kind": "action", "params": {"message": "[forgotten]"}}]
    assert made == call


@pytest.mark.parametrize("text", ["pin 4711", "a pin: 4711"])
def test_a_short_text_is_blanked_where_it_is_quoted(text: str) -> None:
    told = f"2026-11-20, user_ken said: hi\n2026-11-20, user_mika said: {text}"
    assert b"4711" not in blank(
        json.dumps({"tools": [{"tool": "recall", "result": told}]}).encode(), {text}
    )
    other = json.dumps({"tools": [{"tool": "recall", "result": f"{told}0"}]}).encode()
    assert blank(other, {text}) == other


def test_what_matches_is_blanked_in_whatever_it_stands() -> None:
    line = json.dumps({"summary": "Mika has a ＲＯＳＥbud.", "companion": "companion_rosebud"})
    made = json.loads(blank(line.encode(), matching="Rosebud"))
    assert made == {"summary": "[forgotten]", "companion": "companion_rosebud"}


def test_what_was_found_in_it_and_what_was_made_of_it_since_is_blanked() -> None:
    found = {"text": "Mika likes rosebuds.", "sources": ["turn", "another"]}
    other = {"text": "Ken likes tea.", "sources": ["another"]}

    def call(task: str, who: str = "companion_alice", **more: object) -> dict[str, object]:
        return {"companion": who, "task": task, **more}

    before = [
        call("summarize", summary="Nothing much.", asked={"recent": ["another"]}),
        call("reflect", findings=[other], asked={"known": ["f1"]}),
        call("learn", findings=[found, other], asked={"recent": ["another", "turn"]}),
        call("summarize", summary="Mika likes a flower.", asked={"recent": ["another"]}),
        call("reflect", findings=[{"text": "Mika is fond of plants.", "sources": ["f2"]}]),
        call("summarize", "companion_bob", summary="Nothing of it.", asked={"recent": ["another"]}),
    ]
    after = json.loads(json.dumps(before))
    after[2]["findings"] = [other]
    after[3]["summary"] = "[forgotten]"
    del after[4]["findings"]  # as if that had been left to rules
    lines = blanker((), {"turn"})([json.dumps(line).encode() for line in before])
    assert [json.loads(line) for line in lines] == after


@given(
    st.sets(st.text("ab", min_size=12, max_size=15), min_size=1, max_size=60), st.text("ab", max_size=60)
)
def test_many_texts_are_found_like_few(texts: set[str], data: str) -> None:
    found = {(at, at + len(t)) for t in texts for at in range(len(data)) if data.startswith(t, at)}
    assert set(Needles(texts).spans(data)) == found


def test_a_file_without_it_is_not_written(tmp_path: Path) -> None:
    file = tmp_path / "talk.jsonl"
    file.write_text('{"a":1}\n')
    before = file.stat().st_ino
    assert blanked(file, blanker({TEXT}, ())) == 0
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
