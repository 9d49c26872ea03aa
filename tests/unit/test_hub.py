from __future__ import annotations

import msgspec
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw
from trio.testing import MockClock
from wsproto import ConnectionType
from wsproto.connection import Connection
from wsproto.events import TextMessage

from aikyo.firehose import Hub
from aikyo.firehose.frames import text_frame
from aikyo.wire import Delta, Envelope, Event


def make_hub() -> Hub:
    return Hub(lambda: 12.5, "epoch-1")


async def test_seq_rises_by_one_over_all_topics_and_events() -> None:
    hub = make_hub()
    with hub.subscribe() as everything:
        hub.publish("messages", Raw(b'{"id":"1"}'), "peer-a", sender="companion_alice")
        hub.emit(Event(type="notice", reason="hello"))
        hub.publish("states", Raw(b"{}"), "peer-b", sender="companion_bob")
        seen = [await anext(everything) for _ in range(3)]
    assert [(one.seq, one.topic, one.peer) for one in seen] == [
        (1, "messages", "peer-a"),
        (2, "events", None),
        (3, "states", "peer-b"),
    ]
    assert seen[0].time == 12.5
    assert msgspec.json.decode(seen[1].body, type=Event) == Event(type="notice", reason="hello")
    assert hub.seq == 3


@pytest.mark.parametrize("name", ["alice", "companion_alice"])
async def test_a_sender_is_given_by_bare_name_or_id(name: str) -> None:
    hub = make_hub()
    with hub.subscribe(sender=name) as alices:
        for sender in ("companion_bob", "", "companion_alice", "companion_alice-2"):
            hub.publish("messages", Raw(b"{}"), sender=sender)
        hub.emit(Event(type="mood", companion="companion_alice", mood="glad"))
        hub.emit(Event(type="ready"))
        frames = await alices.take()
    assert [(frame.envelope.topic, frame.sender) for frame in frames] == [
        ("messages", "companion_alice"),
        ("events", "companion_alice"),
    ]


async def test_a_topic_that_was_not_asked_for_is_not_given() -> None:
    hub = make_hub()
    with hub.subscribe(topics=("actions",)) as actions:
        hub.publish("messages", Raw(b"{}"))
        hub.publish("actions", Raw(b"{}"))
        assert [frame.envelope.seq for frame in await actions.take()] == [2]


async def test_each_form_of_a_frame_is_built_once_for_all() -> None:
    hub = make_hub()
    with hub.subscribe() as one, hub.subscribe(topics=("messages",)) as other:
        hub.publish("messages", Raw(b'{"id":"1"}'), "peer-a")
        (first,), (second,) = await one.take(), await other.take()
    assert first.rich is second.rich
    assert first.bare is second.bare
    assert first.bare[2:] == b'{"id":"1"}'
    assert msgspec.json.decode(first.rich[2:], type=Envelope).seq == 1


async def test_who_has_left_gets_nothing_and_costs_nothing() -> None:
    hub = make_hub()
    with hub.subscribe(limit=1) as gone:
        pass
    hub.publish("messages", Raw(b"{}"))
    hub.publish("messages", Raw(b"{}"))
    assert gone.dropped == 0
    assert hub.counters["dropped"] == 0


async def test_a_large_backlog_is_bounded_in_bytes_too() -> None:
    hub = make_hub()
    with hub.subscribe() as slow:
        for _ in range(20):
            hub.publish("contexts", Raw(b'"' + b"x" * (1 << 20) + b'"'))
        assert slow.dropped == 5
        assert (
            len(await slow.take()) == 1
        )  # one large frame at a time, so that a deadline means something


async def test_a_reader_wakes_when_something_happens_and_loses_nothing_when_cancelled(
    autojump_clock: MockClock,
) -> None:
    hub = make_hub()
    with hub.subscribe() as waiting:
        with trio.move_on_after(1) as waited:
            await waiting.take()
        assert waited.cancelled_caught
        async with trio.open_nursery() as nursery:
            nursery.start_soon(waiting.take)
            await trio.testing.wait_all_tasks_blocked()
            hub.publish("messages", Raw(b"{}"))
        hub.publish("messages", Raw(b"{}"))
        with trio.CancelScope() as scope:
            scope.cancel()
            await waiting.take()
        assert [frame.envelope.seq for frame in await waiting.take()] == [2]


@given(st.lists(st.one_of(st.integers(1, 5), st.none())), st.integers(1, 6))
def test_a_slow_reader_misses_the_oldest_and_knows_how_many(steps: list[int | None], limit: int) -> None:
    """A number publishes that many; None takes."""

    async def check() -> None:
        hub = make_hub()
        waiting: list[int] = []
        missed = 0
        with hub.subscribe(limit=limit) as slow:
            for step in [*steps, None]:
                if step is None:
                    if waiting:
                        assert [frame.envelope.seq for frame in await slow.take()] == waiting
                    waiting = []
                    continue
                for _ in range(step):
                    hub.publish("messages", Raw(b"{}"))
                    waiting.append(hub.seq)
                missed += max(0, len(waiting) - limit)
                waiting = waiting[-limit:]
            assert slow.dropped == missed == hub.counters["dropped"]

    trio.run(check)


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65535, 65536, 1 << 20])
def test_a_frame_is_read_by_another_implementation(size: int) -> None:
    reader = Connection(ConnectionType.CLIENT)
    reader.receive_data(text_frame(b"x" * size) + text_frame("ねこ".encode()))
    events = list(reader.events())
    assert all(isinstance(event, TextMessage) for event in events)
    assert "".join(event.data for event in events) == "x" * size + "ねこ"


async def test_a_reason_that_is_no_proper_text_is_told_all_the_same() -> None:
    hub = make_hub()
    with hub.subscribe() as events:
        hub.emit(Event(type="notice", reason="half a \ud83d"))
        seen = await anext(events)
    assert msgspec.json.decode(seen.body, type=Event).reason == "half a ?"


def delta(text: str, who: str = "alice", number: int = 1, end: str | None = None) -> Delta:
    return Delta(id=f"{who}-{number}", sender=f"companion_{who}", text=text, end=end)  # type: ignore[arg-type]  # one of them


async def test_what_is_being_composed_is_for_those_who_ask_and_has_no_seq() -> None:
    hub = make_hub()
    with hub.subscribe() as usual, hub.subscribe(topics=("messages",), deltas=True) as curious:
        hub.draft(delta("Hel"))
        hub.publish("messages", Raw(b"{}"))
        frames = await curious.take()
        assert [frame.envelope.seq for frame in await usual.take()] == [1]
    assert [(frame.envelope.topic, frame.envelope.seq) for frame in frames] == [
        ("deltas", 0),
        ("messages", 1),
    ]
    assert msgspec.json.decode(frames[0].rich[2:]) == {
        "time": 12.5,
        "topic": "deltas",
        "body": {"id": "alice-1", "from": "companion_alice", "text": "Hel"},
    }


async def test_of_drafts_too_only_those_of_the_sender_that_is_asked_for_are_given() -> None:
    hub = make_hub()
    with hub.subscribe(sender="bob", deltas=True) as bobs:
        hub.draft(delta("no"))
        hub.draft(delta("yes", "bob"))
        assert [frame.sender for frame in await bobs.take()] == ["companion_bob"]


async def test_while_nobody_reads_a_draft_waits_as_one_frame_and_pushes_nothing_out() -> None:
    hub = make_hub()
    with hub.subscribe(limit=2, deltas=True) as slow, hub.subscribe(deltas=True) as quick:
        hub.publish("messages", Raw(b"{}"))
        for part in ("It ", "is ", "late"):
            hub.draft(delta(part))
            hub.draft(delta(part.upper(), "bob"))
            assert len(await quick.take()) in {2, 3}
        hub.publish("messages", Raw(b"{}"))
        hub.draft(delta(".", end="said"))
        frames = await slow.take()
        assert (slow.dropped, hub.counters["dropped"]) == (0, 0)
    assert [frame.envelope.topic for frame in frames] == ["messages", "deltas", "deltas", "messages"]
    bodies = [msgspec.json.decode(frame.envelope.body, type=Delta) for frame in frames[1:3]]
    assert bodies == [delta("It is late.", end="said"), delta("IT IS LATE", "bob")]


async def test_an_overflow_drops_events_and_leaves_no_hole_in_a_draft() -> None:
    hub = make_hub()
    with hub.subscribe(limit=2, deltas=True) as slow:
        hub.draft(delta("It "))
        hub.draft(delta("Well", "bob"))
        for _ in range(5):
            hub.publish("messages", Raw(b"{}"))
        hub.draft(delta("is."))
        frames = await slow.take()
        assert slow.dropped == hub.counters["dropped"] == 3
    assert [frame.envelope.seq for frame in frames] == [0, 0, 4, 5]
    assert [frame.sender for frame in frames[:2]] == ["companion_alice", "companion_bob"]
    assert msgspec.json.decode(frames[0].envelope.body, type=Delta).text == "It is."


async def test_of_too_many_drafts_the_last_are_dropped_and_counted() -> None:
    hub = make_hub()
    with hub.subscribe(deltas=True) as slow:
        for number in range(100):
            hub.draft(delta("x", number=number))
        frames = await slow.take()
    assert len(frames) + hub.counters["deltas-dropped"] == 100
    assert len(frames) == 32


async def test_nothing_is_told_of_a_draft_that_nobody_wants() -> None:
    hub = make_hub()
    with hub.subscribe() as usual:
        hub.draft(delta("half a \ud83d"))  # which could not even be encoded
        hub.publish("messages", Raw(b"{}"))
        assert len(await usual.take()) == 1
