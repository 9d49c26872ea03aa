from __future__ import annotations

import random
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aikyo.mesh.members.replays import WINDOW, Replays, is_counting, time_of
from aikyo.wire import IdMaker, Message, Payload, Presence, Query, QueryResult, State

EPOCH = 1_790_000_000.0
"""Our own clock at the beginning of each test, when trio's is 0."""


class Author:
    """One that numbers what it says from its start upward, by a clock that may be wrong."""

    def __init__(self, listener: Listener, name: str = "p1", *, off: float = 0.0) -> None:
        self.listener = listener
        self.name = name
        self.off = off
        self.start()

    def start(self) -> None:
        self.number = int(self.clock() * 1e9)

    def clock(self) -> float:
        return EPOCH + self.listener.now + self.off

    def message(self) -> tuple[int, Payload]:
        ident = IdMaker(self.clock, random.Random(1))()
        return self._say(Message(id=ident, sender="companion_a", message="hello"))

    def presence(self) -> tuple[int, Payload]:
        return self._say(Presence(id="companion_a", sent=self.clock()))

    def state(self) -> tuple[int, Payload]:
        return self._say(State(sender="companion_a", message_id="m", state="listen"))

    def _say(self, payload: Payload) -> tuple[int, Payload]:
        self.number += 1
        return self.number, payload


class Listener:
    def __init__(self) -> None:
        self.replays = Replays()
        self.now = 0.0

    def takes(self, said: tuple[int, Payload], author: str = "p1", *, linked: bool = False) -> bool:
        return not self.replays.is_replay(
            author, said[0], said[1], clock=EPOCH + self.now, now=self.now, linked=linked
        )


@pytest.fixture
def listener() -> Listener:
    return Listener()


def test_what_is_sent_again_after_the_window_is_dropped_and_before_it_not(listener: Listener) -> None:
    author = Author(listener)
    said = [author.message(), author.state(), author.presence()]
    assert all(listener.takes(one) for one in said)
    listener.now = WINDOW - 10
    assert all(listener.takes(one) for one in said)
    listener.now = WINDOW + 1
    assert not any(listener.takes(one) for one in said)


def test_nothing_of_who_numbers_at_random_is_taken_for_a_recording(listener: Listener) -> None:
    author, rng = Author(listener), random.Random(1)
    for _ in range(2000):
        listener.now += 1
        assert listener.takes((rng.getrandbits(64), author.message()[1]))


def test_it_is_dropped_however_much_was_said_meanwhile(listener: Listener) -> None:
    author = Author(listener)
    old = author.message()
    assert listener.takes(old)
    for _ in range(100):
        listener.now += 2
        assert listener.takes(author.message())
    late = author.message()
    listener.now += 90
    assert listener.takes(author.message())
    assert listener.takes(late)  # only overtaken
    assert not listener.takes(old)


def test_a_clock_that_is_set_while_the_author_runs_does_no_harm(listener: Listener) -> None:
    author = Author(listener)
    for off in (0, -9 * 3600, 9 * 3600, -86400):
        author.off = off
        for _ in range(5):
            listener.now += 60
            assert listener.takes(author.presence())
            assert listener.takes(author.message())


def test_of_an_unknown_author_what_is_ten_minutes_old_is_dropped(listener: Listener) -> None:
    author = Author(listener)
    old, fresh = author.message(), author.message()
    listener.now = 9 * 60
    assert listener.takes(fresh, "p2")
    listener.now = 11 * 60
    assert not listener.takes(old, "p3")


def test_nothing_is_too_far_in_the_future(listener: Listener) -> None:
    assert listener.takes(Author(listener, off=3600).message())


def test_a_neighbour_whose_clock_is_behind_is_believed_at_once(listener: Listener) -> None:
    author = Author(listener, off=-3600)
    assert listener.takes(author.presence(), linked=True)
    listener.now += 1
    assert listener.takes(author.message(), linked=True)


@pytest.mark.parametrize(("pace", "believed"), [(30.0, True), (0.1, False), (300.0, False)])
def test_beyond_neighbours_it_is_believed_when_its_presence_keeps_our_pace(
    listener: Listener, pace: float, believed: bool
) -> None:
    author = Author(listener, off=-3600)
    recorded = []
    for _ in range(4):
        recorded.append(author.presence())
        listener.now += 30
    taken = []
    for one in recorded:
        listener.now += pace
        taken.append(listener.takes(one, "p2"))
    assert any(taken) is believed
    assert listener.takes(author.message(), "p2") is believed


def test_a_presence_of_one_that_is_gone_does_not_bring_it_back(listener: Listener) -> None:
    author = Author(listener)
    presences = []
    for _ in range(10):
        presences.append(author.presence())
        assert listener.takes(presences[-1])
        listener.now += 30
    listener.now += WINDOW
    for one in presences:  # even at its old pace
        listener.now += 30
        assert not listener.takes(one)


def test_a_neighbour_that_starts_again_with_its_clock_set_back_is_believed_in_the_end(
    listener: Listener,
) -> None:
    author = Author(listener)
    assert listener.takes(author.presence())
    listener.now += 200
    author.off = -7200
    author.start()
    taken = []
    for _ in range(4):
        taken.append(listener.takes(author.presence(), linked=True))
        listener.now += 30
    assert taken == [False, False, True, True]
    assert listener.takes(author.state(), linked=True)


def test_recordings_do_not_pass_between_what_a_neighbour_says(listener: Listener) -> None:
    author = Author(listener)
    recorded = [author.presence()]
    listener.now += 40
    recorded.append(author.presence())
    assert all(listener.takes(one, linked=True) for one in recorded)
    for n in range(20):
        listener.now += 30
        assert listener.takes(author.presence(), linked=True)
        if n > 5:
            listener.now += 1
            assert not listener.takes(recorded[n % 2], linked=True)


def test_a_normal_restart_is_no_replay(listener: Listener) -> None:
    author = Author(listener)
    for _ in range(3):
        assert listener.takes(author.message())
        listener.now += 1000
        author.start()


def test_another_node_of_ours_that_hears_the_same_decides_the_same(listener: Listener) -> None:
    behind = Author(listener, off=-3600)
    said = behind.message()
    assert not listener.takes(said)
    assert not listener.takes(said, linked=True)
    honest = Author(listener, "p2")
    listener.takes(honest.presence(), "p2")
    listener.now += 1
    honest.off = -3600  # a user's client gave it an id by a clock of its own
    said = honest.message()
    assert listener.takes(said, "p2")
    assert listener.takes(said, "p2")


def test_random_numbers_are_never_taken_for_replays(listener: Listener) -> None:
    numbers = random.Random(3)
    for n in range(2000):
        listener.now += 1
        ident = str(uuid.UUID(int=numbers.getrandbits(128), version=4))
        said = Message(id=ident, sender="companion_js", message=str(n))
        number = numbers.getrandbits(64)
        assert listener.takes((number if not is_counting(number, EPOCH) else 1, said))


def test_the_tables_are_bounded(listener: Listener) -> None:
    for n in range(5000):
        listener.takes(Author(listener, off=-3600 * (n % 2)).presence(), f"p{n}")
    replays = listener.replays
    assert len(replays._authors) <= 4096
    assert len(replays._suspects) <= 256
    assert len(replays._verdicts) <= 1024
    author = Author(listener)
    for _ in range(1000):
        listener.now += 10
        listener.takes(author.state())
    assert all(len(known.marks) < 10 for known in replays._authors.values())


def test_the_time_is_read_of_ids_of_ours_alone() -> None:
    ident = IdMaker(lambda: EPOCH, random.Random(1))()
    assert time_of(Message(id=ident, sender="a", message="")) == pytest.approx(EPOCH, abs=0.001)
    assert time_of(Query(id=f"q-{ident}", sender="a", type="vision")) == pytest.approx(EPOCH, abs=0.001)
    assert time_of(Presence(id="a", sent=7.0)) == 7.0
    others = (
        Presence(id="a"),
        State(sender="a", message_id=ident, state="speak"),
        QueryResult(id=ident, success=True),
        Message(id=str(uuid.uuid4()), sender="a", message=""),
        Message(id="no id of ours", sender="a", message=""),
    )
    assert [time_of(one) for one in others] == [None] * len(others)


@given(st.lists(st.tuples(st.integers(0, 2**64 - 1), st.text(max_size=40), st.floats(0, 400))))
def test_no_numbers_or_ids_raise(said: list[tuple[int, str, float]]) -> None:
    listener = Listener()
    for number, ident, later in said:
        listener.now += later
        payload = Message(id=ident, sender="a", message="")
        listener.takes((number, payload))
        listener.takes((int((EPOCH + listener.now) * 1e9) - number % 10**12, payload))
