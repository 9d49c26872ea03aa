"""Records of turns: kept, joined with what companions note of them, found again."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from aikyo.errors import UsageError
from aikyo.paths import Home
from aikyo.swarm import turn_journal
from aikyo.swarm.turn_finding import find_turn
from aikyo.swarm.turn_journal import KEPT, TurnLog, read_turns
from aikyo.wire import Event, TurnNote, TurnRecord


def record(number: int, **fields: object) -> TurnRecord:
    known = {"message_id": f"message-{number:04}", "conversation": "c", "sender": "user_mika"}
    return TurnRecord(**(known | {"time": float(number)} | fields))  # type: ignore[arg-type] # as the test says


def note(number: int, companion: str = "companion_alice", **fields: object) -> TurnNote:
    known = {"companion": companion, "message_id": f"message-{number:04}"}
    return TurnNote(**(known | fields))  # type: ignore[arg-type] # as the test says


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path)
    home.create()
    return home


def written(home: Home, *records: TurnRecord) -> TurnLog:
    log = TurnLog(home.turns)
    for one in records:
        log.add(one)
    log.flush()
    return log


@pytest.mark.parametrize("note_first", [True, False])
def test_a_note_is_joined_to_its_turn_whichever_comes_first(home: Home, note_first: bool) -> None:
    log = TurnLog(home.turns)
    takes = [lambda: log.note(note(1, said="x")), lambda: log.add(record(1))]
    for take in takes if note_first else reversed(takes):
        take()
        log.flush()
    (kept,) = log.records()
    assert [one.said for one in kept.notes] == ["x"]
    assert read_turns(home) == [kept]


def test_what_began_a_talk_is_noted_with_what_was_said() -> None:
    log = TurnLog(None)
    log.add(record(1))
    log.note(TurnNote(companion="companion_alice", said="message-0001", opening="silence"))
    log.note(TurnNote(companion="companion_alice", opening="silence"))
    assert [one.opening for one in log.records()[0].notes] == ["silence"]


def test_turns_that_go_on_are_told_with_the_others(home: Home) -> None:
    log = written(home, record(2))
    log.note(note(1))
    going = log.records([record(1), record(2, outcome="answered")])
    assert [(one.message_id, one.outcome, len(one.notes)) for one in going] == [
        ("message-0001", "", 1),
        ("message-0002", "answered", 0),
    ]
    assert len(log.records()) == 1


def test_words_in_parameters_are_not_kept(home: Home) -> None:
    log = TurnLog(home.turns)
    log.note(note(1, params={"quote": "our secret", "list": ["our secret"], "likes": 0.5, "warm": True}))
    log.add(record(1))
    log.flush()
    assert b"secret" not in home.turns.read_bytes()
    assert read_turns(home)[0].notes[0].params == {"likes": 0.5, "warm": True}


def test_the_newest_are_kept_and_notes_are_bounded(home: Home) -> None:
    log = TurnLog(home.turns)
    for number in range(KEPT + 5):
        log.note(note(number))
        log.add(record(number))
    for _ in range(100):
        log.note(note(KEPT))
    assert len(log.records()) == KEPT
    assert log.records()[0].message_id == "message-0005"
    assert max(len(one.notes) for one in log.records()) < 20
    assert log.counters["turns-unwritten"] == 5


def test_the_file_is_the_owners_alone(home: Home) -> None:
    old = os.umask(0)
    try:
        written(home, record(1))
    finally:
        os.umask(old)
    assert stat.S_IMODE(home.turns.stat().st_mode) == 0o600


def test_of_a_turn_that_was_written_twice_the_later_counts(home: Home) -> None:
    written(home, record(1, outcome="no-quorum"))
    written(home, record(2), record(1, outcome="answered"))
    assert [(one.message_id, one.outcome) for one in read_turns(home)] == [
        ("message-0001", "answered"),
        ("message-0002", ""),
    ]


def test_what_a_brain_said_of_its_failure_is_made_fit_to_be_written(home: Home) -> None:
    log = TurnLog(home.turns)
    log.note(note(1, reason="bad \ud800\x1b[31m word" + "!" * 9999, params={"\udfff": 1}))
    log.add(record(1))
    log.flush()
    (kept,) = read_turns(home)[0].notes
    assert kept.reason.startswith("bad \ufffd word!")
    assert len(kept.reason) < 1000


def test_nothing_is_missed_when_the_file_moves_aside_while_it_is_read(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(home, record(1))
    read = turn_journal._read

    def read_and_move(path: Path) -> list[TurnRecord]:
        found = list(read(path))
        if home.turns.exists():
            home.turns.replace(home.turns.with_suffix(".1.jsonl"))
            written(home, record(2))
        return found

    monkeypatch.setattr(turn_journal, "_read", read_and_move)
    assert record(1) in read_turns(home)


@given(st.integers(1, 400))
def test_a_line_that_was_cut_off_is_passed_over_and_harms_no_other(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    home = Home(tmp_path_factory.mktemp("home"))
    written(home, record(1), record(2))
    whole = home.turns.read_bytes()
    home.turns.write_bytes(whole[: max(len(whole) - cut, 0)])
    left = [one for one in read_turns(home) if one.message_id != "message-0002"]
    written(home, record(3))
    assert [one for one in read_turns(home) if one.message_id != "message-0002"] == [*left, record(3)]


@given(st.binary(max_size=300))
def test_whatever_is_in_the_file_is_survived(
    tmp_path_factory: pytest.TempPathFactory, found: bytes
) -> None:
    home = Home(tmp_path_factory.mktemp("home"))
    home.turns.write_bytes(found + b"\n" + b"[" * 5000 + b"\n")
    written(home, record(1))
    assert record(1) in read_turns(home)


def test_a_full_file_moves_aside_and_only_one_of_these_is_kept(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turn_journal, "MAX_BYTES", 1000)
    for number in range(100):
        written(home, record(number))
    files = sorted(file.name for file in home.root.glob("turns*"))
    assert files == ["turns.1.jsonl", "turns.jsonl"]
    assert all((home.root / name).stat().st_size <= 1000 for name in files)
    kept = read_turns(home)
    assert kept[-1] == record(99)
    assert [one.time for one in kept] == sorted(one.time for one in kept)
    assert len(kept) > 10


def test_there_are_none_where_nothing_was_written(home: Home) -> None:
    assert read_turns(home) == []


def test_a_full_disk_is_counted_told_once_and_costs_nothing_else(home: Home) -> None:
    home.turns.symlink_to("/dev/full")
    told: list[Event] = []
    log = TurnLog(home.turns, told.append)
    for number in range(3):
        log.add(record(number))
        log.flush()
    assert log.counters["turns-unwritten"] == 3
    assert [(one.type, "no space left" in (one.reason or "")) for one in told] == [("notice", True)]
    assert len(log.records()) == 3
    home.turns.unlink()
    log.add(record(4))
    log.flush()
    assert read_turns(home) == [record(4)]


async def test_what_comes_in_is_written_soon(home: Home) -> None:
    log = TurnLog(home.turns)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(log.keep)
        for number in range(2):
            log.add(record(number))
            with trio.fail_after(10):
                while len(read_turns(home)) <= number:
                    await trio.sleep(0.01)
        nursery.cancel_scope.cancel()


TURNS = (
    record(1, answers=("answer-aaaa-1", "answer-bbbb-1"), outcome="answered"),
    TurnRecord(message_id="answer-aaaa-1", conversation="c", sender="companion_alice", time=2.0),
    record(3),
)


@pytest.mark.parametrize(
    ("message", "after", "found"),
    [
        (None, False, "message-0003"),
        ("message-0001", False, "message-0001"),
        ("answer-aaaa-1", False, "message-0001"),
        ("answer-aaaa-1", True, "answer-aaaa-1"),
        ("answer-bbbb-1", False, "message-0001"),
        ("…e-0003", False, "message-0003"),
        ("answer-b", False, "message-0001"),
    ],
)
def test_the_turn_that_is_meant_is_found(message: str | None, after: bool, found: str) -> None:
    assert find_turn(TURNS, message, after=after).message_id == found


@pytest.mark.parametrize(
    ("message", "after", "says"),
    [
        ("aaaa", False, "too short"),
        ("answer", False, "may be any of 2 messages; give more of it: answer-aaaa-1, answer-bbbb-1"),
        ("mesage-0003", False, "did you mean 'message-0003'"),
        ("something-else", False, "aikyo why -n 10"),
        ("answer-bbbb-1", True, "leave out --after"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_the_way_out(message: str, after: bool, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        find_turn(TURNS, message, after=after)


def test_without_a_message_an_answer_that_no_companion_heard_is_passed_over() -> None:
    asked = record(1, by_person=True)
    last = record(2, sender="companion_alice")
    assert find_turn([asked, last], None) == asked
    heard = record(3, sender="companion_alice", invited=("companion_bob",))
    assert find_turn([asked, last, heard], None) == heard
    assert find_turn([last], None) == last


def test_of_many_that_may_be_meant_the_latest_are_named_and_made_inert() -> None:
    turns = [record(number, message_id=f"nasty-\x1b[31m{number:04}") for number in range(20)]
    with pytest.raises(UsageError) as refused:
        find_turn(turns, "nasty-")
    assert str(refused.value).endswith("…, nasty-0015, nasty-0016, nasty-0017, nasty-0018, nasty-0019")
    assert "\x1b" not in str(refused.value)


def test_where_nothing_was_said_it_is_told_so() -> None:
    with pytest.raises(UsageError, match="nothing has been said yet"):
        find_turn([], None)
