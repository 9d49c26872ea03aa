import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from aikyo.memory.recall.spots import (
    PLACES,
    SPEAKERS,
    asks_of,
    length_of,
    place_of,
    speaker,
    speaker_of,
    spot,
    talk_of,
)


@given(st.integers(0, 2**50), st.text(), st.text(), st.integers(0, 10**6))
def test_a_number_tells_what_was_put_in_it(place: int, sender: str, text: str, words: int) -> None:
    number = spot(place, sender, text, words)
    assert 0 <= number < 2**63
    assert place_of(number) == place
    assert talk_of(place_of(number)) == place // PLACES
    assert speaker_of(number) == speaker(sender) < SPEAKERS
    assert asks_of(number) == ("?" in text or "？" in text)


@given(st.integers(0, 100), st.integers(0, 100))
def test_of_rows_in_sequence_the_later_has_the_higher_number(one: int, other: int) -> None:
    numbers = spot(7, "user_mika", "?" * one, one), spot(8, "companion_bob", "", other)
    assert numbers[0] < numbers[1]


def test_a_length_is_told_about_as_it_is() -> None:
    for words in (0, 1, 5, 20, 100, 180):
        told = length_of(np.array([spot(1, "user_mika", "", words)])).item()
        assert abs(told - words) <= 0.1 * (words + 1)
    assert length_of(np.array([spot(1, "user_mika", "", 10**6)])).item() > 180
