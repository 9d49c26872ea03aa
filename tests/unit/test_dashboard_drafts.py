from __future__ import annotations

from aikyo.dashboard.drafts import MESSAGE_WITHIN, MOST, PATIENCE, Drafts
from aikyo.wire import MAX_TEXT, Delta


def delta(text: str, end: str | None = None, *, who: str = "alice", number: int = 1) -> Delta:
    return Delta(id=f"{who}-{number}", sender=who, text=text, end=end)  # type: ignore[arg-type]  # one of them


def texts(drafts: Drafts) -> dict[str, str]:
    return {who: draft.text for who, draft in drafts.by_sender.items()}


def test_a_draft_grows_until_its_message_takes_its_place() -> None:
    drafts = Drafts()
    drafts.hear(delta("It is"), 1)
    drafts.hear(delta("Well", who="bob"), 2)
    drafts.hear(delta(" late.", "said"), 3)
    assert texts(drafts) == {"alice": "It is late.", "bob": "Well"}
    drafts.end("alice", "alice-7")  # an older Message of hers
    drafts.end("alice", "alice-1")
    assert texts(drafts) == {"bob": "Well"}


def test_the_end_of_a_draft_whose_message_has_come_shows_nothing() -> None:
    drafts = Drafts()
    drafts.hear(delta("It is"), 1)
    drafts.end("alice", "alice-1")
    drafts.hear(delta(" late.", "said"), 2)
    assert texts(drafts) == {}


def test_what_is_not_said_is_gone_and_only_that() -> None:
    drafts = Drafts()
    drafts.hear(delta("It is", number=2), 1)
    drafts.hear(delta("", "dropped", number=1), 1)
    assert texts(drafts) == {"alice": "It is"}
    drafts.hear(delta("", "interrupted", number=2), 1)
    assert texts(drafts) == {}


def test_a_new_attempt_takes_the_place_of_the_one_before() -> None:
    drafts = Drafts()
    drafts.hear(delta("It is"), 1)
    drafts.hear(delta("No", number=2), 2)
    assert texts(drafts) == {"alice": "No"}


def test_what_ends_without_a_word_is_given_up() -> None:
    drafts = Drafts()
    drafts.hear(delta("It is", "said"), 0)  # whose beginning was missed
    drafts.hear(delta("It is"), 0)
    drafts.hear(delta("Well", who="bob"), 0)
    drafts.hear(delta(" late.", "said"), 10)
    assert not drafts.expire(10)
    assert drafts.expire(10 + MESSAGE_WITHIN)
    assert texts(drafts) == {"bob": "Well"}
    assert drafts.expire(PATIENCE)
    assert texts(drafts) == {}


def test_drafts_are_bounded_in_number_and_length() -> None:
    drafts = Drafts()
    for number in range(10 * MOST):
        drafts.hear(delta("x", who=f"companion_{number}"), 0)
    for _ in range(100):
        drafts.hear(delta("x" * 1000), 0)
    assert len(drafts.by_sender) == MOST
    assert len(drafts.by_sender["alice"].text) == MAX_TEXT
