from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from aikyo.room import BESIDE, MAX_PLACED, SIZE, Layout, Place, Room
from aikyo.wire import Action, companion_id

NAMES = [f"companion_{name}" for name in ("alice", "bob", "carol", "dan")]
ALICE, BOB, CAROL, DAN = NAMES


def does(who: str, number: int, name: str = "move", **params: object) -> Action:
    return Action(id=f"{number:04}", sender=who, name=name, params=params)


def layout(*actions: Action, present: tuple[str, ...] = tuple(NAMES)) -> Layout:
    room = Room()
    for action in actions:
        room.hear(action)
    return room.layout(present)


def are_beside(one: Place, other: Place) -> bool:
    return max(abs(one.x - other.x), abs(one.y - other.y)) == BESIDE


anybody = st.sampled_from([*NAMES, "user_mika", "companion_gone"])
anything = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3), st.just([]), anybody
)
near = st.one_of(st.integers(0, 8), st.floats(0, 8))
places = st.fixed_dictionaries({"x": near, "y": near})
targets = st.fixed_dictionaries({"target": anybody})
nonsense = st.dictionaries(st.sampled_from(["x", "y", "target", "direction"]), anything)
actions = st.builds(
    Action,
    id=st.integers(0, 20).map(lambda number: f"{number:04}"),
    sender=anybody,
    name=st.sampled_from(["move", "look", "gesture"]),
    params=st.one_of(places, targets, nonsense),
)


@given(st.lists(actions, max_size=20), st.randoms(use_true_random=False))
def test_whatever_the_order_and_however_often_actions_are_heard_everybody_sees_the_same(
    heard: list[Action], chance: Random
) -> None:
    otherwise = [*heard, *chance.choices(heard, k=5)] if heard else []
    chance.shuffle(otherwise)
    assert layout(*otherwise) == layout(*heard)


def test_an_id_that_is_used_twice_lets_no_order_decide() -> None:
    for one, other in (
        (does(ALICE, 1, x=1, y=1), does(ALICE, 1, x=9, y=9)),
        (does(ALICE, 1, x=1, y=1), does(ALICE, 1, target=BOB)),
        (does(ALICE, 1, "look", target=BOB), does(ALICE, 1, "look", direction=3)),
    ):
        assert layout(one, other) == layout(other, one)


@given(st.lists(actions, max_size=20))
def test_nobody_stands_on_anothers_spot_and_all_are_in_the_room(heard: list[Action]) -> None:
    places = layout(*heard, present=(*NAMES, "user_mika")).places
    assert places.keys() == {*NAMES, "user_mika"}
    spots = list(places.values())
    assert all(0 <= spot.x <= SIZE and 0 <= spot.y <= SIZE for spot in spots)
    assert all(
        max(abs(one.x - other.x), abs(one.y - other.y)) >= BESIDE
        for index, one in enumerate(spots)
        for other in spots[:index]
    )


def test_who_has_not_moved_stands_where_the_id_says_also_in_a_new_room() -> None:
    assert layout().places == layout().places
    assert len(set(layout().places.values())) == len(NAMES)


def test_who_comes_later_to_a_spot_ends_beside_it() -> None:
    seen = layout(does(ALICE, 2, x=50, y=50), does(BOB, 1, x=50, y=50))
    assert seen.places[BOB] == Place(50, 50)
    assert are_beside(seen.places[ALICE], Place(50, 50))


def test_a_spot_of_somebody_who_has_not_moved_is_taken_too() -> None:
    there = layout().places[ALICE]
    seen = layout(does(BOB, 1, x=there.x, y=there.y))
    assert seen.places[ALICE] == there
    assert are_beside(seen.places[BOB], there)


def test_who_goes_to_somebody_stands_beside_them_and_goes_with_them() -> None:
    to_bob = does(ALICE, 1, target=BOB)
    assert are_beside(*(layout(to_bob).places[who] for who in (ALICE, BOB)))
    seen = layout(to_bob, does(BOB, 2, x=90, y=90))
    assert seen.places[BOB] == Place(90, 90)
    assert are_beside(seen.places[ALICE], Place(90, 90))


def test_two_who_go_to_each_other_meet_where_the_first_to_do_so_stood() -> None:
    seen = layout(does(ALICE, 1, x=20, y=20), does(ALICE, 3, target=BOB), does(BOB, 4, target=ALICE))
    assert seen.places[ALICE] == Place(20, 20)
    assert are_beside(seen.places[BOB], Place(20, 20))


def test_who_goes_to_a_circle_is_beside_the_one_it_went_to() -> None:
    circle = [does(ALICE, 2, target=BOB), does(BOB, 3, target=ALICE)]
    seen = layout(does(CAROL, 1, target=ALICE), *circle)
    assert are_beside(seen.places[CAROL], seen.places[ALICE])


def test_who_goes_to_somebody_who_is_not_there_or_to_itself_stays() -> None:
    moved = does(ALICE, 1, x=5, y=6)
    for nowhere in (does(ALICE, 2, target="companion_nobody"), does(ALICE, 2, target=ALICE)):
        assert layout(moved, nowhere).places[ALICE] == Place(5, 6)


def test_what_lies_beyond_the_wall_is_at_the_wall() -> None:
    assert layout(does(ALICE, 1, x=10**400, y=-3)).places[ALICE] == Place(SIZE, 0)


def test_a_crowd_at_one_spot_finds_room() -> None:
    crowd = tuple(companion_id(f"c{number}") for number in range(MAX_PLACED + 20))
    seen = layout(*(does(who, n, x=0, y=0) for n, who in enumerate(crowd)), present=crowd)
    assert len(set(seen.places.values())) == len(seen.places) == MAX_PLACED


def test_when_the_room_is_full_those_who_are_not_on_the_mesh_make_way() -> None:
    room = Room()
    room.hear(does(ALICE, 0, x=1, y=1))
    for number in range(MAX_PLACED * 2):
        room.hear(does(f"user_{number}", number, x=2, y=2), here=[ALICE])
    room.hear(does(BOB, 1, x=90, y=90), here=[ALICE, BOB])
    seen = room.layout([ALICE, BOB])
    assert seen.places == {ALICE: Place(1, 1), BOB: Place(90, 90)}


def test_who_is_near_and_who_looks_at_whom_is_told_in_words() -> None:
    seen = layout(
        does(ALICE, 1, x=10, y=10),
        does(BOB, 2, x=14, y=10),
        does(CAROL, 3, x=10, y=40),
        does(DAN, 4, x=99, y=99),
        does(BOB, 5, "look", target=ALICE),
        does(CAROL, 6, "look", target=BOB),
        does(DAN, 7, "look", direction=-90),
    )
    assert seen.in_words(ALICE, lambda ident: ident.removeprefix("companion_").title()) == (
        "you are at (10, 10)\n"
        "companion_bob: Bob. at (14, 10), beside you, looks at you\n"
        "companion_carol: Carol. at (10, 40), some way off, looks at companion_bob\n"
        "companion_dan: Dan. at (99, 99), across the room, looks toward 270 degrees"
    )
    assert seen.near(ALICE) == (BOB,)
