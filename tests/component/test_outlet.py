"""What we write to when nobody reads it: real pipes and terminals."""

from __future__ import annotations

import os
import termios
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import TextIO

import pytest
import trio

from aikyo.outlet import END_DEADLINE, Outlet

MUCH = "x" * (1 << 18)  # more than any pipe or terminal holds


@pytest.fixture(params=["pipe", "terminal"])
def unread(request: pytest.FixtureRequest) -> Iterator[tuple[int, TextIO]]:
    """A descriptor to read from, which nobody does, and a file to write to."""
    reader, writer = os.pipe() if request.param == "pipe" else os.openpty()
    # Never closed: an abandoned thread that comes later must not find somebody else's descriptor there
    yield reader, os.fdopen(writer, "w", encoding="utf-8", closefd=False)
    os.close(reader)


def read(reader: int, size: int) -> str:
    data = b""
    while len(data) < size:
        data += os.read(reader, size - len(data))
    return data.decode()


def leads_nowhere(file: TextIO) -> bool:
    return os.path.samestat(os.fstat(file.fileno()), Path(os.devnull).stat())


async def test_what_nobody_reads_holds_up_neither_others_nor_the_end(unread: tuple[int, TextIO]) -> None:
    _, file = unread
    outlet = Outlet(file)
    with trio.fail_after(2 + END_DEADLINE):
        with trio.move_on_after(0.1) as writing:
            await outlet.write(MUCH)
        assert writing.cancelled_caught
        await outlet.end("goodbye")
        assert leads_nowhere(file)  # so that nothing that is printed later blocks


async def test_nothing_to_say_to_a_stopped_terminal_is_cut_off_too() -> None:
    reader, writer = os.openpty()
    with os.fdopen(writer, "w") as file:
        termios.tcflow(writer, termios.TCOOFF)  # what Ctrl-S does
        with trio.fail_after(2 + END_DEADLINE):
            await Outlet(file).end()
            assert leads_nowhere(file)
    os.close(reader)


async def test_what_was_begun_is_finished_before_the_last_words(unread: tuple[int, TextIO]) -> None:
    reader, file = unread
    outlet = Outlet(file)
    with trio.move_on_after(0.1):
        await outlet.write(MUCH)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(outlet.end, "goodbye")
        whole = await trio.to_thread.run_sync(read, reader, len(MUCH) + len("goodbye"))
    assert whole == MUCH + "goodbye"


async def test_a_cancelled_end_still_says_its_last_words(unread: tuple[int, TextIO]) -> None:
    reader, file = unread
    with trio.CancelScope() as scope:
        scope.cancel()
        await Outlet(file).end("goodbye")
    assert read(reader, 7) == "goodbye"
    file.write("open")
    file.flush()
    assert read(reader, 4) == "open"


async def test_what_is_no_descriptor_is_written_to_as_well() -> None:
    file = StringIO()
    outlet = Outlet(file)
    await outlet.write("hello ")
    await outlet.end("goodbye")
    assert file.getvalue() == "hello goodbye"


async def test_what_cannot_be_encoded_is_replaced() -> None:
    reader, writer = os.pipe()
    with os.fdopen(writer, "w", encoding="ascii") as file:
        await Outlet(file).write("→!")
    assert os.read(reader, 10) == b"?!"
    os.close(reader)
