"""The memory block of a session: what is known, remembered and summed up, within its share."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aikyo.brain import Briefing, Known, Line, Someone
from aikyo.companion.profile import load_profile
from aikyo.companion.session import Session
from aikyo.companion.session.briefing import within
from aikyo.companion.session.budget import (
    block_room,
    cut,
    fitted,
    line_tokens,
    room_of,
    share_out,
    someone_tokens,
    tokens,
)
from aikyo.paths import bundled_profiles
from tests.support.gathering import ScriptedBrain

COSTS = st.lists(st.integers(1, 300), max_size=20)
TEXTS = st.lists(st.integers(1, 300).map(lambda n: "あ" * n), max_size=15)
PROFILE = load_profile(bundled_profiles() / "alice.toml")
SHARES = {"first": 0.5, "second": 0.3, "third": 0.2}


def known(texts: list[str], about: str = "user_mika") -> tuple[Known, ...]:
    return tuple(Known(id=f"f{n}", text=text, about=about) for n, text in enumerate(texts, 1))


def lines(texts: list[str]) -> tuple[Line, ...]:
    return tuple(Line(str(n), "user_mika", "Mika", text, float(-n)) for n, text in enumerate(texts))


def size(briefing: Briefing) -> int:
    """The tokens of all but the summary."""
    known = (*briefing.known, *briefing.itself, *briefing.threads)
    texts = [line.text for line in briefing.memories] + [each.text for each in known]
    return sum(map(line_tokens, texts)) + sum(map(someone_tokens, briefing.roster))


@given(COSTS, COSTS, COSTS, st.integers(-10, 3_000))
def test_parts_never_have_more_than_there_is(
    first: list[int], second: list[int], third: list[int], most: int
) -> None:
    parts = {"first": first, "second": second, "third": third}
    kept = share_out(parts, SHARES, most)
    costs = {name: sum(parts[name][: kept[name]]) for name in parts}
    assert sum(costs.values()) <= max(0, most)
    for name, share in SHARES.items():  # each has at least what fits into its own share
        fits = 0
        while fits < len(parts[name]) and sum(parts[name][: fits + 1]) <= int(share * most):
            fits += 1
        assert kept[name] >= fits
    left = most - sum(costs.values())
    for name, all_of_it in parts.items():  # and nothing is left over that another could have had
        assert kept[name] == len(all_of_it) or all_of_it[kept[name]] > left


def test_what_one_part_leaves_goes_to_the_others() -> None:
    parts = {"first": [10] * 20, "second": [10], "third": [10] * 20}
    assert share_out(parts, SHARES, 100) == {"first": 7, "second": 1, "third": 2}


@given(TEXTS, TEXTS, TEXTS, TEXTS, TEXTS, st.text("a あ", max_size=500), st.integers(2_000, 12_000))
def test_a_briefing_and_the_newest_turns_never_exceed_the_budget(
    itself: list[str],
    knows: list[str],
    threads: list[str],
    memories: list[str],
    roster: list[str],
    summary: str,
    budget: int,
) -> None:
    profile = PROFILE
    room, summary = block_room(profile, budget), cut(summary, budget // 10)
    crowd = tuple(Someone(f"c{n}", "Bob", "companion", text) for n, text in enumerate(roster))
    whole = Briefing(
        "happy", crowd, lines(memories), known(itself), known(knows), known(threads), summary
    )
    briefing = within(whole, room)
    assert size(briefing) <= max(0, room - tokens(summary))
    session = Session(1, profile, ScriptedBrain(), briefing, budget=budget)
    empty = Session(1, profile, ScriptedBrain(), Briefing(), budget=budget)
    recent = fitted(lines([f"{n} said" for n in range(2_000)]), room_of(session))
    said = sum(line_tokens(line.text) for line in recent)
    if room_of(empty) >= budget / 2:  # else the talk keeps its third, whatever else there is
        assert said + size(briefing) + tokens(summary) <= room_of(empty)
    assert said >= budget // 3 - line_tokens("1999 said")


def test_what_matters_most_of_each_part_stays() -> None:
    texts = [f"{n} {'x' * 100}" for n in range(50)]
    whole = Briefing(
        known=(*known(texts[:3]), *known(texts[3:6], about="user_bo"), *known(texts[6:])),
        memories=lines(texts),
    )
    briefing = within(whole, 600)
    kept = [each.text for each in briefing.known]
    assert len(kept) >= 5
    assert set(kept) == {each.text for each in whole.known[: len(kept)]}
    assert [each.about for each in briefing.known] == sorted(
        (each.about for each in briefing.known), reverse=True
    )  # what is about one of them is told together
    times = [line.time for line in briefing.memories]
    assert times == sorted(times)
    assert {line.text for line in briefing.memories} == set(texts[: len(times)])


@pytest.mark.parametrize("name", ["alice", "hina", "bob"])
def test_in_a_session_of_usual_size_a_dozen_facts_and_the_others_are_told(name: str) -> None:
    profile = load_profile(bundled_profiles() / f"{name}.toml")
    facts = [f"Mika is fond of the {n}th rock pool by the old lighthouse." for n in range(40)]
    roster = tuple(Someone(f"companion_{n}", "Bob", "companion", "Dry and patient.") for n in range(4))
    briefing = within(Briefing(roster=roster, known=known(facts)), block_room(profile, 6_000))
    assert len(briefing.known) >= 12
    assert briefing.roster == roster
