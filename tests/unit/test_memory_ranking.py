from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from aikyo.memory.recall.postings import Posting
from aikyo.memory.recall.ranking import Weights, lay_out
from aikyo.memory.recall.spots import PLACES, place_of, speaker, spot

ROWS = 1000  # in the whole memory, unless told
WORDS = 8

Ints = NDArray[np.int64]
Said = Mapping[int, Sequence[str]]  # by place, the terms that the row has


def place(talk: int, at: int) -> int:
    return talk * PLACES + at


def order(
    said: Said,
    *terms: str,
    asks: Sequence[int] = (),
    senders: Mapping[int, str] | None = None,
    named: str | None = None,
    words: Mapping[int, int] | None = None,
    weights: Weights | None = None,
) -> list[int]:
    """The places that fit, best first."""

    def number(at: int) -> int:
        text = "?" if at in asks else "."
        return spot(at, (senders or {}).get(at, "user_ken"), text, (words or {}).get(at, WORDS))

    postings = [
        Posting(np.array(sorted(number(at) for at, has in said.items() if term in has)), whole=True)
        for term in terms
    ]
    field = lay_out(postings, [], ROWS, of_these(map(number, said)), weights or Weights())
    total = field.scores({speaker(named)} if named else set(), weights or Weights()).total
    return [int(place_of(field.spots[i])) for i in np.lexsort((-field.spots, -total))]


def of_these(numbers: Iterable[int]) -> Callable[[Ints], Ints]:
    """Gives those of these numbers that are at some places."""
    there = np.array(sorted(numbers))
    return lambda places: there[np.isin(place_of(there), places)]


def test_the_row_with_more_of_the_words_comes_first() -> None:
    said = {place(1, 0): ["lake"], place(2, 0): ["lake", "june"], place(3, 0): ["june"]}
    assert order(said, "lake", "june")[0] == place(2, 0)


def test_a_rare_word_tells_more_than_a_common_one() -> None:
    said = {place(talk, 0): ["day"] for talk in range(50)} | {place(60, 0): ["lighthouse"]}
    assert order(said, "day", "lighthouse")[0] == place(60, 0)


def test_two_rows_that_hold_half_the_question_each_make_one_that_holds_it_all() -> None:
    said = {place(1, 0): ["lake"], place(1, 1): ["june"], place(2, 0): ["lake"], place(3, 0): ["june"]}
    assert set(order(said, "lake", "june")[:2]) == {place(1, 0), place(1, 1)}


def test_the_row_after_a_question_is_lent_more_of_its_words() -> None:
    said = {place(1, 0): ["lake"], place(1, 1): [], place(2, 0): ["lake"], place(2, 1): []}
    found = order(said, "lake", asks=[place(1, 0)])
    assert found.index(place(1, 1)) < found.index(place(2, 1))


@pytest.mark.parametrize("apart", [(1, PLACES - 1, 2, 0), (1, 0, 1, 4)])
def test_nothing_is_lent_from_another_talk_or_from_afar(apart: tuple[int, int, int, int]) -> None:
    here, there = place(*apart[:2]), place(*apart[2:])
    numbers = [spot(at, "user_ken", ".", WORDS) for at in (here, there)]
    postings = [Posting(np.array([number]), whole=True) for number in numbers]
    field = lay_out(postings, [], ROWS, of_these(numbers), Weights(talk=0))
    assert field.spots.tolist() == sorted(numbers)
    assert field.lent.sum() == 0


def test_a_talk_that_is_about_it_lifts_its_rows() -> None:
    about = {place(1, at): ["lake"] for at in range(0, 40, 5)}
    said = about | {place(2, 0): ["lake"]}
    assert order(said, "lake")[-1] == place(2, 0)
    assert order(said, "lake", weights=Weights(talk=0))[0] == place(2, 0)  # of equals the newest


def test_what_the_one_who_is_named_said_comes_first() -> None:
    said = {place(1, 0): ["lake"], place(2, 0): ["lake"]}
    senders = {place(1, 0): "user_mika"}
    assert order(said, "lake", senders=senders, named="user_mika")[0] == place(1, 0)
    assert order(said, "lake", senders=senders)[0] == place(2, 0)


def test_a_row_that_says_little_else_comes_before_a_long_one() -> None:
    said = {place(1, 0): ["lake"], place(2, 0): ["lake"]}
    assert order(said, "lake", words={place(2, 0): 200})[0] == place(1, 0)


def test_a_word_of_which_only_the_newest_rows_are_known_is_taken_for_as_common_as_it_is() -> None:
    """Else the words of a long memory would seem rare, and each the same."""
    numbers = np.array([spot(place(talk, 0), "user_ken", ".", WORDS) for talk in range(900, 1000)])
    whole, part = Posting(numbers, whole=True), Posting(numbers, whole=False)
    at_places = of_these(numbers)
    rarity = [lay_out([posting], [], ROWS, at_places).rarity.item() for posting in (whole, part)]
    assert rarity[1] < rarity[0] / 5


@given(
    st.dictionaries(
        st.builds(place, st.integers(0, 5), st.integers(0, 6)),
        st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, unique=True),
        min_size=1,
    )
)
def test_scores_are_never_negative_and_every_way_adds_up(said: dict[int, list[str]]) -> None:
    terms = sorted({term for has in said.values() for term in has})
    numbers = {at: spot(at, "user_ken", "", 5) for at in said}
    postings = [
        Posting(np.array(sorted(numbers[at] for at, has in said.items() if term in has)), whole=True)
        for term in terms
    ]
    field = lay_out(postings, [], len(said), of_these(numbers.values()))
    scores = field.scores(())
    assert (scores.words >= 0).all()
    assert (scores.neighbours > -1e-9).all()
    assert (scores.total == scores.words + scores.neighbours + scores.talk + scores.speaker).all()
    assert field.spots.tolist() == sorted(numbers.values())
