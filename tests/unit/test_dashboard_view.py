import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from aikyo.dashboard import View
from aikyo.dashboard.view import KEPT, MAX_SHOWN, Notice, Row, Said
from aikyo.text import inert
from aikyo.wire import Action, CompanionStatus, Envelope, Event, Message, State, SwarmStatus

ALICE = CompanionStatus(name="alice", id="companion_alice", activity="listening", display_name="Alice")


def status(*companions: CompanionStatus, started: float = 0) -> SwarmStatus:
    return SwarmStatus(
        companions=companions or (ALICE,),
        started=started,
        pid=1,
        mesh="",
        firehose="ws://f",
        gateway="http://g",
    )


def envelope(topic: str, body: object, time: float = 0) -> Envelope:
    return Envelope(seq=1, time=time, topic=topic, body=Raw(msgspec.json.encode(body)))


@pytest.fixture
def view() -> View:
    view = View()
    view.tick(status(), 0)
    return view


def say(view: View, sender: str, text: str) -> None:
    view.apply(envelope("messages", Message(id="m", sender=sender, message=text)))


def test_what_is_said_joins_the_talk_and_is_its_speakers_last_words(view: View) -> None:
    say(view, "companion_alice", "Hello!")
    say(view, "user_mika", "Hi.")
    assert [(entry.sender, entry.text) for entry in view.talk if isinstance(entry, Said)] == [
        ("companion_alice", "Hello!"),
        ("user_mika", "Hi."),
    ]
    assert view.rows["companion_alice"].words == "Hello!"
    assert view.counts == {"messages": 2}


def test_last_words_outlive_the_next_status(view: View) -> None:
    say(view, "companion_alice", "Hello!")
    view.tick(status(msgspec.structs.replace(ALICE, inbox=3)), 0)
    assert (view.rows["companion_alice"].words, view.rows["companion_alice"].status.inbox) == (
        "Hello!",
        3,
    )


def test_a_companion_that_left_is_shown_no_more(view: View) -> None:
    view.tick(SwarmStatus(companions=(), started=0, pid=1, mesh="", firehose="", gateway=""), 0)
    assert view.rows == {}


@pytest.mark.parametrize("who", ["alice", "companion_alice"])
def test_an_event_changes_what_a_companion_does_at_once(view: View, who: str) -> None:
    view.apply(
        envelope("events", Event(type="activity", companion=who, activity="resting", reason="tired"))
    )
    view.apply(envelope("events", Event(type="mood", companion=who, mood="sleepy")))
    row = view.rows["companion_alice"].status
    assert (row.activity, row.reason, row.mood) == ("resting", "tired", "sleepy")
    view.apply(envelope("events", Event(type="activity", companion=who, activity="listening")))
    assert view.rows["companion_alice"].status.reason == ""
    assert not view.talk


def test_who_becomes_quiet_is_shown_so_at_once_and_told(view: View) -> None:
    quiet = Event(type="quiet", companion="companion_alice", mode="quiet", until=700)
    view.apply(envelope("events", quiet, time=100))
    row = view.rows["companion_alice"]
    assert (row.status.quiet, row.status.quiet_until) == ("quiet", 700)
    view.apply(envelope("events", Event(type="mood", companion="companion_alice", mood="sad")))
    assert row.status.quiet_until == 700
    view.apply(envelope("events", Event(type="quiet", companion="companion_alice", mode="normal")))
    assert (row.status.quiet, row.status.quiet_until) == ("normal", 0)
    assert [entry.text for entry in view.talk if isinstance(entry, Notice)] == [
        "Alice is quiet for 10 min",
        "Alice speaks as usual again",
    ]


def test_what_people_should_know_stands_in_the_talk_with_its_reason(view: View) -> None:
    view.apply(envelope("events", Event(type="talk-ended", reason="closed")))
    view.apply(envelope("events", Event(type="restart", companion="alice", reason="a bug")))
    assert [entry.text for entry in view.talk if isinstance(entry, Notice)] == [
        "the talk ends: it has come to its end",
        "Alice crashed and starts again: a bug",
    ]


def test_a_session_is_told_unless_it_is_routine(view: View) -> None:
    for routine in (True, False):
        event = Event(type="session", companion="alice", reason=f"session {routine:d}", routine=routine)
        view.apply(envelope("events", event))
    assert [entry.text for entry in view.talk if isinstance(entry, Notice)] == ["Alice has session 0"]


@pytest.mark.parametrize(
    ("name", "params", "text"),
    [
        ("gesture", {"kind": "wave", "target": "companion_alice"}, "waves at Alice"),
        ("move", {"x": 10**400, "y": 20}, "moves to (?, 20)"),
        ("sing", {"target": "companion_zed"}, "does sing to zed"),
    ],
)
def test_what_is_done_is_told_in_words(
    view: View, name: str, params: dict[str, object], text: str
) -> None:
    view.apply(envelope("actions", Action(id="a", sender="companion_bob", name=name, params=params)))
    assert view.deeds[-1].text == text


def test_what_is_kept_is_inert_and_short(view: View) -> None:
    hostile = "\x1b[31m" + "a\x07\u202e\t" * 2500
    say(view, "companion_alice", hostile)
    doing = Action(id="a", sender="companion_bob", name="gesture", params={"kind": hostile})
    view.apply(envelope("actions", doing))
    view.apply(envelope("events", Event(type="notice", reason=hostile)))
    kept = [*view.talk, *view.deeds, view.rows["companion_alice"]]
    for text in (one.words if isinstance(one, Row) else one.text for one in kept):
        assert 400 < len(text) <= MAX_SHOWN
        assert text == inert(text)


def test_speaking_is_not_told_twice(view: View) -> None:
    view.apply(
        envelope(
            "actions", Action(id="a", sender="companion_alice", name="speak", params={"message": "x"})
        )
    )
    assert not view.deeds
    assert view.counts == {"actions": 1}


def test_states_are_only_counted(view: View) -> None:
    view.apply(envelope("states", State(sender="companion_alice", message_id="m", state="speak")))
    assert (view.counts, len(view.talk)) == ({"states": 1}, 0)


def test_only_the_newest_is_kept(view: View) -> None:
    for number in range(KEPT + 10):
        say(view, "user_mika", str(number))
    assert len(view.talk) == KEPT
    assert view.talk[-1] == Said(0, "user_mika", (), str(KEPT + 9))


def test_a_tick_tells_whether_there_is_anything_new(view: View) -> None:
    assert not view.tick(status(), 59)
    assert view.tick(status(), 60)
    assert not view.tick(status(), 61)
    assert view.tick(status(msgspec.structs.replace(ALICE, peers=1)), 61)


def test_drops_are_those_of_all_inboxes(view: View) -> None:
    bob = msgspec.structs.replace(ALICE, id="companion_bob", dropped=2)
    view.tick(status(msgspec.structs.replace(ALICE, dropped=3), bob), 0)
    assert view.dropped == 5


@given(
    st.sampled_from(["messages", "actions", "states", "events", "nonsense"]),
    st.binary() | st.text().map(str.encode),
)
def test_what_cannot_be_read_is_counted(topic: str, body: bytes) -> None:
    view = View()
    view.apply(Envelope(seq=1, time=0, topic=topic, body=Raw(body)))
    assert view.unreadable == 1


def test_only_the_coming_and_going_of_others_stands_in_the_talk(view: View) -> None:
    view.apply(envelope("events", Event(type="joined", companion="companion_alice")))
    view.apply(envelope("events", Event(type="joined", companion="companion_far")))
    assert [entry.text for entry in view.talk if isinstance(entry, Notice)] == ["far has joined"]
