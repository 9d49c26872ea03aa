import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aikyo.deeds import MAX_JSON, deed
from aikyo.wire import Action

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


def test_much_is_cut() -> None:
    action = Action(id="a", sender="companion_alice", name="juggle", params={"balls": [1] * 5000})
    assert len(deed(action)) < MAX_JSON + 20
