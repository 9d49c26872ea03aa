"""How much a session may hold."""

from __future__ import annotations

from dataclasses import astuple, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from aikyo.brain import Briefing, Line, Moment, Someone
from aikyo.brain.prompts import to_compose
from aikyo.companion.profile import load_profile
from aikyo.companion.session import Session
from aikyo.companion.session.budget import (
    fitted,
    line_tokens,
    older_part,
    room_of,
    summary_words,
    tokens,
)
from aikyo.companion.session.fill import MAX_ROWS, Fill
from aikyo.memory import Row
from aikyo.paths import bundled_profiles
from tests.support.gathering import ScriptedBrain
from tests.support.memories import entry
from tests.support.minds import NOW

COSTS = st.lists(st.integers(1, 500), max_size=60)


def line(text: str) -> Line:
    return Line(id=text, sender="user_mika", name="Mika", text=text, time=0)


def rows(*numbers: int, text: str = "x" * 40) -> list[Row]:
    return [Row(number=number, entry=entry(text)) for number in numbers]


def test_four_latin_characters_or_one_japanese_one_are_about_a_token() -> None:
    assert tokens("") == 0
    assert tokens("four") == 1
    assert tokens("A sentence of ten words has about so many tokens.") == 13
    assert tokens("今日はいい天気ですね") == 10
    assert tokens("Aliceさん") == 4
    assert tokens("\ud800") == 1  # half a character harms nothing


def test_the_newest_that_fit_are_told_in_order() -> None:
    lines = [line(f"{number:040}") for number in range(10)]
    each = line_tokens(lines[0].text)
    assert fitted(lines, 3 * each) == tuple(lines[-3:])
    assert fitted(lines, 100 * each) == tuple(lines)
    assert fitted(lines, 1) == (lines[-1],)  # the very newest in any case
    assert fitted([], 100) == ()


@given(COSTS, st.integers(1, 5_000))
def test_about_a_third_is_left_in_full(costs: list[int], most: int) -> None:
    older = older_part(costs, most)
    kept = costs[older:]
    assert (len(kept) >= 1) == bool(costs)
    assert len(kept) == 1 or sum(kept) <= min(sum(costs), most) / 3
    if older:  # and not less than there is room for
        assert sum(costs[older - 1 :]) > min(sum(costs), most) / 3


@pytest.mark.parametrize("name", ["alice", "hina"])
@pytest.mark.parametrize("crowd", [1, 8])
def test_all_that_a_brain_is_told_is_about_its_budget(name: str, crowd: int) -> None:
    profile = load_profile(bundled_profiles() / f"{name}.toml")
    roster = tuple(Someone(f"c{n}", "Bob", "companion", "Dry. " * 2_000) for n in range(crowd))
    text = "今日はいい天気ですね" if name == "hina" else "It is fine today."
    lines = [line(f"{number} {text}") for number in range(900)]
    briefing = Briefing("happy", roster, tuple(lines[:4]), summary="They spoke of the lake. " * 20)
    session = Session(1, profile, ScriptedBrain(), briefing)
    recent = fitted(lines, room_of(session))
    me = profile.persona()
    moment = Moment(NOW, me, roster, lines[-1], recent=recent, briefing=briefing, language=me.language)
    told = "".join(astuple(to_compose(moment)))
    whole = tokens(told) + 700  # for the tools
    assert 0.6 * session.budget < whole < 1.1 * session.budget


def test_tools_leave_less_room_for_the_talk() -> None:
    profile = load_profile(bundled_profiles() / "alice.toml")
    plain = room_of(Session(1, profile, ScriptedBrain(), Briefing()))
    toolset = replace(profile.toolset, names=("speak",))
    mute = structs.replace(profile, toolset=toolset)
    fewer = room_of(Session(1, mute, ScriptedBrain(), Briefing()))
    assert plain < fewer < plain + 1_000


def test_what_the_largest_session_has_room_for_is_told() -> None:
    profile = load_profile(bundled_profiles() / "alice.toml")
    session = Session(1, profile, ScriptedBrain(), Briefing(), budget=1_000_000)
    lines = [line(f"{number} {'x' * 1_000}") for number in range(MAX_ROWS)]
    assert room_of(session) > sum(line_tokens(each.text) for each in lines)
    talk = to_compose(Moment(NOW, profile.persona(), recent=tuple(lines))).talk
    assert all(f'"{number} x' in talk for number in range(MAX_ROWS))


def test_a_summary_is_as_long_as_its_session_has_room_for() -> None:
    assert [summary_words(budget) for budget in (1_000, 6_000, 1_000_000)] == [60, 200, 400]


def test_what_came_after_a_summary_is_counted_once() -> None:
    fill = Fill()
    each = line_tokens("x" * 40)
    fill.add(rows(1, 2, 3))
    fill.add(rows(2, 3, 4))
    assert (fill.tokens, fill.seen) == (4 * each, 4)
    fill.drop(3)
    assert (fill.tokens, fill.seen) == (each, 4)
    fill.drop(9)
    fill.add(rows(8, 9, 10))
    assert (fill.tokens, fill.seen) == (each, 10)
