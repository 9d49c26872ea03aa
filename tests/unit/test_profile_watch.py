"""When a file counts as saved."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import trio

from aikyo.swarm import profile_watch
from aikyo.swarm.profile_watch import UNSEEN, Sight, settled

OLD, HALF, NEW, GONE = Sight(1, 10, 7), Sight(2, 4, 7), Sight(3, 12, 8), Sight(0, 0, 0)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profile_watch, "LOOKS_EVERY", 0)


async def seen(monkeypatch: pytest.MonkeyPatch, last: Sight, *looks: Sight) -> Sight | None:
    """What comes of these looks; None when nothing has come of them yet."""
    left: Iterator[Sight] = iter(looks)
    with trio.CancelScope() as scope:

        def look(file: Path) -> Sight:
            for sight in left:
                return sight
            trio.from_thread.run_sync(scope.cancel)
            return last

        monkeypatch.setattr(profile_watch, "_look", look)
        return await settled(Path("alice.toml"), last)
    return None


async def test_what_stays_as_it_was_is_no_news(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await seen(monkeypatch, OLD, OLD, OLD, OLD) is None


async def test_what_is_being_written_is_waited_out(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await seen(monkeypatch, OLD, OLD, HALF, NEW, NEW) == NEW


async def test_a_file_that_is_away_while_an_editor_saves_is_not_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert await seen(monkeypatch, OLD, GONE, NEW, NEW) == NEW


async def test_a_file_that_stays_away_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await seen(monkeypatch, OLD, GONE, GONE) == GONE


async def test_a_save_that_is_taken_back_at_once_is_no_news(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await seen(monkeypatch, OLD, HALF, OLD, OLD) is None


async def test_what_nobody_has_looked_at_is_news(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await seen(monkeypatch, UNSEEN, OLD, OLD) == OLD


async def test_every_way_to_save_is_seen(tmp_path: Path) -> None:
    file = tmp_path / "alice.toml"
    file.write_text("one")
    with trio.fail_after(10):
        first = await settled(file, UNSEEN)
        (tmp_path / "aside").write_text("two")  # as long, and put in its place
        (tmp_path / "aside").rename(file)
        second = await settled(file, first)
        file.write_text("three")
        third = await settled(file, second)
        file.unlink()
        assert await settled(file, third) == GONE
    assert len({first, second, third}) == 3
