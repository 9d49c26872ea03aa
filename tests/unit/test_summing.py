"""A summary as it is kept."""

from __future__ import annotations

import pytest

from aikyo.brain import BrainError
from aikyo.brain.models.summing import summary_of


def test_a_paragraph_is_a_line() -> None:
    answer = "\n You told Mika\tof crabs. \n\n\n  Bob left.\r\n"
    assert summary_of(answer, "m") == "You told Mika of crabs.\nBob left."


def test_it_has_an_end() -> None:
    summary = summary_of("long " * 9_999, "m")
    assert len(summary) == 4_000
    assert summary.endswith("…")


@pytest.mark.parametrize("answer", ["", " \n\t\n"])
def test_none_is_told(answer: str) -> None:
    with pytest.raises(BrainError, match="m gave an empty summary") as caught:
        summary_of(answer, "m")
    assert caught.value.kind == "malformed"
