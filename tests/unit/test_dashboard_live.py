import io
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import trio
import trio.testing
from msgspec import Raw
from rich.console import Console

from aikyo.dashboard import run_dashboard
from aikyo.wire import CompanionStatus, Delta, Envelope, Message, SwarmStatus

ENTER, LEAVE = "\x1b[?1049h", "\x1b[?1049l"


class Screen(io.StringIO):
    """A terminal that counts how often it is drawn on."""

    def __init__(self) -> None:
        super().__init__()
        self.drawn: list[float] = []

    def write(self, text: str) -> int:
        if "Ctrl-C ends" in text:
            self.drawn.append(trio.current_time())
        return super().write(text)


def console(file: Any) -> Console:
    return Console(file=file, force_terminal=True, width=80, height=24, color_system="standard")


def status() -> SwarmStatus:
    alice = CompanionStatus(
        name="alice", id="companion_alice", activity="listening", display_name="Alice"
    )
    return SwarmStatus(companions=(alice,), started=0, pid=1, mesh="", firehose="", gateway="")


def said(text: str) -> Envelope:
    body = msgspec.json.encode(Message(id="m", sender="user_mika", message=text))
    return Envelope(seq=1, time=0, topic="messages", body=Raw(body))


async def silence() -> AsyncIterator[Envelope]:
    await trio.sleep_forever()
    yield said("never")


async def show_for(seconds: float, envelopes: AsyncIterator[Envelope], screen: Screen) -> None:
    with trio.move_on_after(seconds):
        await run_dashboard(envelopes, status, console=console(screen), clock=lambda: 0)


async def test_it_shows_what_is_said_and_gives_the_terminal_back(
    autojump_clock: trio.testing.MockClock,
) -> None:
    send, receive = trio.open_memory_channel[Envelope](1)
    screen = Screen()
    await send.send(said("good evening"))
    await show_for(2, receive, screen)
    page = screen.getvalue()
    assert page.index(ENTER) < page.index("good evening") < page.index(LEAVE)


async def test_nothing_new_is_not_drawn(autojump_clock: trio.testing.MockClock) -> None:
    screen = Screen()
    await show_for(600, silence(), screen)
    assert len(screen.drawn) <= 2


async def test_a_flood_is_drawn_no_more_than_eight_times_a_second(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async def flood() -> AsyncIterator[Envelope]:
        for number in range(4000):
            yield said(f"word-{number}")
            await trio.sleep(0.001)

    screen = Screen()
    await show_for(5, flood(), screen)
    assert 4 * 7 <= len(screen.drawn) <= 4 * 8 + 3
    assert "word-3999" in screen.getvalue()


async def test_drafts_are_drawn_about_four_times_a_second_and_a_message_within_a_frame(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async def drafts() -> AsyncIterator[Envelope]:
        for number in range(200):
            for who in ("alice", "bob"):
                body = msgspec.json.encode(Delta(id=who, sender=who, text=f"word-{number} "))
                yield Envelope(time=0, topic="deltas", body=Raw(body))
            await trio.sleep(0.05)
        await trio.sleep(10)
        yield said("good evening")
        await trio.sleep_forever()

    screen = Screen()
    await show_for(20.01, drafts(), screen)
    assert 30 <= len([at for at in screen.drawn if at < 10]) <= 50
    assert "word-199…" in screen.getvalue()
    assert "good evening" in screen.getvalue()


async def test_a_new_size_is_drawn(autojump_clock: trio.testing.MockClock) -> None:
    screen = Screen()
    terminal = console(screen)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(lambda: run_dashboard(silence(), status, console=terminal, clock=lambda: 0))
        await trio.sleep(2)
        drawn = len(screen.drawn)
        terminal.size = terminal.size._replace(width=50)
        await trio.sleep(1)
        assert len(screen.drawn) == drawn + 1
        nursery.cancel_scope.cancel()


async def test_what_is_there_stays_when_the_stream_ends(autojump_clock: trio.testing.MockClock) -> None:
    send, receive = trio.open_memory_channel[Envelope](1)
    await send.send(said("the last word"))
    await send.aclose()
    screen = Screen()
    with trio.fail_after(10):
        await show_for(5, receive, screen)
    assert "the last word" in screen.getvalue()
