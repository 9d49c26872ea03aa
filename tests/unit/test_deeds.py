import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aikyo.conversation import Outcome
from aikyo.deeds import MAX_JSON, REASONS, deed, happening, span
from aikyo.wire import Action, Event

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
NAMES = st.sampled_from(["speak", "move", "look", "gesture", "juggle"])
KEYS = st.sampled_from(["x", "y", "target", "direction", "kind", "message", "balls"])


@given(NAMES, st.dictionaries(KEYS, ANYTHING))
@example("move", {"x": 10**400, "y": -(10**5000)})
@example("look", {"direction": 10**400})
@example("gesture", {"kind": 10**5000})
@example("speak", {"message": 10**5000})
@example("juggle", {"balls": 10**5000})
def test_whatever_is_done_can_be_told(name: str, params: dict[str, object]) -> None:
    assert deed(Action(id="a", sender="companion_alice", name=name, params=params))


@pytest.mark.parametrize(
    ("name", "params", "text"),
    [
        ("gesture", {"kind": "wave", "target": "companion_alice"}, "waves at alice"),
        ("gesture", {"kind": "clutch"}, "clutches"),
        ("gesture", {"kind": "cry"}, "cries"),
        ("gesture", {"kind": "play"}, "plays"),
        ("gesture", {"kind": "thumbs up"}, "gestures thumbs up"),
        ("gesture", {"kind": 3}, "gestures 3"),
        ("gesture", {}, "gestures"),
        ("move", {"x": 10.4, "y": 20}, "moves to (10.4, 20)"),
        ("move", {"x": "here"}, "moves to (?, ?)"),
        ("move", {"x": 10**400, "y": 1}, "moves to (?, 1)"),
        ("move", {"target": "user_mika"}, "moves to mika"),
        ("look", {"direction": 90}, "looks toward 90 degrees"),
        ("juggle", {}, "does juggle"),
        ("juggle", {"balls": 3, "target": "companion_bob"}, 'does juggle to bob {"balls":3}'),
    ],
)
def test_what_is_done_is_told_in_words(name: str, params: dict[str, object], text: str) -> None:
    assert deed(Action(id="a", sender="companion_alice", name=name, params=params)) == text


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (Event(type="talk-resting", reason="quiet"), "the talk rests: whoever would answer was asked"),
        (Event(type="talk-resting", reason="limit"), "the talk rests: whoever would answer has taken"),
        (
            Event(type="talk-resting", reason="interrupted"),
            "the talk rests: a person spoke to whoever was about to answer",
        ),
        (Event(type="talk-resting", reason="no-quorum"), "the talk rests: nobody was there"),
        (Event(type="talk-resting", reason="brain-failed"), "the talk rests: no brain"),
        (Event(type="talk-resting", reason="spent"), "the talk rests: whoever would answer may spend"),
        (Event(type="talk-resting", reason="nobody-wanted"), "the talk rests: nobody has more to say"),
        (Event(type="talk-ended", reason="closed"), "the talk ends: it has come to its end"),
        (Event(type="session", reason="session 2 (as asked)"), "has session 2 (as asked)"),
        (Event(type="interrupted"), "was interrupted"),
        (Event(type="interrupted", reason="mika spoke"), "was interrupted: mika spoke"),
        (Event(type="quiet", mode="quiet", until=700), "is quiet for 10 min"),
        (Event(type="quiet", mode="mention-only"), "speaks only when turned to until told otherwise"),
        (Event(type="quiet", mode="normal", until=0), "speaks as usual again"),
        (Event(type="quiet"), "speaks as usual again"),
    ],
)
def test_what_happens_is_told_in_words(event: Event, text: str) -> None:
    assert happening(event, 100).startswith(text)


def test_every_reason_has_words_of_its_own() -> None:
    reasons = {happening(Event(type="talk-resting", reason=outcome)) for outcome in REASONS}
    assert len(reasons) == len(REASONS)
    silences = {outcome.value for outcome in Outcome} - {"answered", "superseded"}
    assert silences == set(REASONS)


@given(st.floats() | st.none(), st.floats() | st.none())
def test_no_time_breaks_the_words(until: float | None, at: float | None) -> None:
    assert happening(Event(type="quiet", mode="quiet", until=until), at).startswith("is quiet")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "0 s"),
        (0, "0 s"),
        (45.2, "45 s"),
        (59.9, "1 min"),
        (600, "10 min"),
        (3599, "1 h"),
        (5400, "1 h 30 min"),
        (86_400, "24 h"),
    ],
)
def test_how_long_is_told_in_words(seconds: float, text: str) -> None:
    assert span(seconds) == text


def test_much_is_cut() -> None:
    action = Action(id="a", sender="companion_alice", name="juggle", params={"balls": [1] * 5000})
    assert len(deed(action)) < MAX_JSON + 20
