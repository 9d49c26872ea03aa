"""What a companion perceives: how long it is kept, how much of it, and where it is news."""

from __future__ import annotations

import base64

import pytest

from aikyo.companion.perception import KEPT, KEPT_FOR, PICTURE, Perception
from aikyo.wire import Context

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(40)).decode()


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


def perception(clock: Clock | None = None) -> Perception:
    return Perception(clock or Clock(), lambda ident: ident.removeprefix("user_").capitalize())


def text(ident: str = "c", words: str = "It rains.") -> Context:
    return Context(id=ident, sender="user_mika", type="text", context=words)


def image(ident: str = "p", data: str = PNG, media_type: str | None = None) -> Context:
    return Context(id=ident, sender="user_mika", type="image", context=data, media_type=media_type)


def test_what_came_in_is_told_with_whose_it_is() -> None:
    kept = perception()
    kept.take_in(text())
    (line,) = kept.perceived("t")
    assert (line.text, line.sender, line.name, line.kind) == (
        "It rains.",
        "user_mika",
        "Mika",
        "perceived",
    )
    assert (line.time, line.told, line.picture) == (1_000.0, False, None)


def test_it_expires() -> None:
    clock = Clock()
    kept = perception(clock)
    kept.take_in(text())
    clock.now += KEPT_FOR
    assert kept.perceived("t")
    clock.now += 1
    assert kept.perceived("t") == ()
    assert kept.news("t") == ""


def test_only_the_newest_are_kept_and_none_twice() -> None:
    kept = perception()
    for number in (*range(KEPT + 3), KEPT + 2):
        kept.take_in(text(f"c{number}"))
    assert [line.id for line in kept.perceived("t")] == [f"c{number}" for number in range(3, KEPT + 3)]


def test_it_is_news_until_it_was_told_of_and_in_every_talk_anew() -> None:
    kept = perception()
    kept.take_in(text("one"))
    kept.told("t", kept.perceived("t"))
    assert kept.news("t") == ""
    assert kept.news("another") == "text"
    kept.take_in(image("two"))
    assert kept.news("t") == "image"
    assert [line.told for line in kept.perceived("t")] == [True, False]


def test_what_came_in_while_one_composed_is_still_news_after() -> None:
    kept = perception()
    kept.take_in(text("one"))
    known = kept.perceived("t")
    kept.take_in(text("two"))
    kept.told("t", known)
    assert [line.told for line in kept.perceived("t")] == [True, False]


def test_the_kind_is_that_of_the_newest_news() -> None:
    kept = perception()
    assert kept.news("t") == ""
    kept.take_in(image())
    kept.take_in(text())
    assert kept.news("t") == "text"


def test_where_it_was_told_is_remembered_for_some_talks_only() -> None:
    kept = perception()
    kept.take_in(text())
    for number in range(1000):
        kept.told(str(number), kept.perceived(str(number)))
    assert kept.news("999") == ""
    assert kept.news("0") == "text"


@pytest.mark.parametrize("claimed", [None, "image/jpeg", "image/png"])
def test_a_picture_is_of_the_type_that_it_shows_whatever_it_is_said_to_be(claimed: str | None) -> None:
    kept = perception()
    kept.take_in(image(media_type=claimed))
    (line,) = kept.perceived("t")
    assert line.text == PICTURE
    assert line.picture is not None
    assert (line.picture.media_type, line.picture.base64) == ("image/png", PNG)


@pytest.mark.parametrize("data", [b"x", b"GIF", b"%PDF-1.7 and more"])
def test_what_is_no_picture_that_we_know_has_no_type_of_one(data: bytes) -> None:
    kept = perception()
    kept.take_in(image(data=base64.b64encode(data).decode(), media_type="image/png"))
    (line,) = kept.perceived("t")
    assert line.picture is not None
    assert line.picture.media_type == "application/octet-stream"
