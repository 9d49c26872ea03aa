"""A private mesh: its key's file, and who has another key, or none, in both directions."""

from __future__ import annotations

import stat
from itertools import pairwise
from pathlib import Path

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from libp2p.io.abc import ReadWriteCloser

from aikyo.errors import UsageError
from aikyo.mesh.host.opening import ForeignError, Opening
from aikyo.mesh.network_key import make_network_key, read_network_key
from tests.support.strangers import Running, connect_all, running, sent, until

KEY, OTHER = bytes(range(32)), bytes(range(1, 33))


def test_a_key_is_read_as_it_was_made_and_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "key"
    made = make_network_key(path)
    assert read_network_key(path) == made
    assert len(made) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text().splitlines()[:2] == ["/key/swarm/psk/1.0.0/", "/base16/"]
    assert make_network_key(tmp_path / "another") != made
    with pytest.raises(UsageError, match="no such file or directory"):
        make_network_key(tmp_path / "deeper" / "key")


def test_a_key_that_is_there_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "key"
    made = make_network_key(path)
    with pytest.raises(UsageError, match="is there already"):
        make_network_key(path)
    assert read_network_key(path) == made


def test_a_missing_key_tells_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"aikyo peers key .*missing"):
        read_network_key(tmp_path / "missing")
    with pytest.raises(UsageError, match="cannot read"):
        read_network_key(tmp_path)


@given(st.one_of(st.binary(max_size=200), st.text(max_size=80).map(str.encode)))
def test_any_other_file_is_refused_in_one_line(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    for head in (b"", b"/key/swarm/psk/1.0.0/\n/base16/\n"):
        path = tmp_path_factory.mktemp("key") / "key"
        path.write_bytes(head + data)
        with pytest.raises(UsageError) as caught:
            read_network_key(path)
        assert "\n" not in str(caught.value)


def test_ends_of_lines_do_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(b"/key/swarm/psk/1.0.0/\r\n/base16/\r\n" + KEY.hex().upper().encode())
    assert read_network_key(path) == KEY


async def test_those_with_the_key_hear_each_other(tmp_path: Path) -> None:
    async with running(tmp_path, 2, keys=(KEY, KEY)) as (one, other):
        await connect_all(one, other)
        await one.host.publish("topic", b"x" * 300_000)
        await until(lambda: any(len(data) == 300_000 for data in other.heard))
        await sent(one, other)


@pytest.mark.parametrize(
    ("here", "there"), [(KEY, OTHER), (KEY, None), (None, KEY)], ids=["another", "none", "one"]
)
async def test_who_has_another_key_is_refused_at_once_and_named(
    tmp_path: Path, here: bytes | None, there: bytes | None
) -> None:
    async with running(tmp_path, 2, keys=(here, there)) as (listener, dialer):
        with trio.fail_after(5):  # less than the handshake's time-out
            assert not await dialer.dial(listener)
            assert not await listener.dial(dialer)
        for one, peer in ((listener, dialer.peer), (dialer, listener.peer)):
            reason = "foreign" if one.host._network._key is None else "wrong-network-key"
            # Who dials has not told who it is.
            await until(lambda one=one, peer=peer: _noted(one) == {"127.0.0.1", peer})  # type: ignore[misc]
            assert one.counters[reason] == 2
            assert not one.host.neighbours()


async def test_two_with_the_key_are_not_disturbed_by_one_without(tmp_path: Path) -> None:
    async with running(tmp_path, 3, keys=(KEY, KEY, OTHER)) as hosts:
        one, other, stranger = hosts
        await connect_all(one, other)
        for _ in range(20):
            assert not await stranger.dial(one)
        assert _refused(one) >= 10
        await sent(one, other)


async def test_each_direction_of_each_connection_is_enciphered_differently(tmp_path: Path) -> None:
    """A stream cipher that is used twice with one nonce gives both texts away."""
    greeting = b"\x13/multistream/1.0.0\n"
    seen = []
    for _ in range(8):
        wire = _Wire(b"")
        await Opening(wire, KEY).write(greeting)
        assert greeting not in wire.written
        seen.append(wire.written)
    assert len({sent[:8] for sent in seen}) == len(seen)
    assert all(one[8:] != other[8:] for one, other in pairwise(sorted(seen)))


async def test_what_arrives_in_pieces_is_put_together() -> None:
    greeting = b"\x13/multistream/1.0.0\n"
    wire = _Wire(b"")
    writer = Opening(wire, KEY)
    await writer.write(greeting)
    await writer.write(b"and more")
    reader, text = Opening(_Wire(wire.written, piece=3), KEY), b""
    while len(text) < len(greeting) + 8:
        text += await reader.read(5)
    assert text == greeting + b"and more"


@given(st.binary(max_size=200), st.sampled_from([None, KEY]), st.integers(1, 50))
def test_any_first_bytes_are_ours_or_foreign(data: bytes, key: bytes | None, piece: int) -> None:
    async def read() -> None:
        opening = Opening(_Wire(data, piece=piece), key)
        try:
            assert await opening.read(20)
        except ForeignError:
            assert opening.foreign == bool(data)

    trio.run(read)


class _Wire(ReadWriteCloser):
    """Gives so many bytes at a time, and keeps what is written."""

    def __init__(self, data: bytes, piece: int = 1 << 20) -> None:
        self.written = b""
        self._data = data
        self._piece = piece

    async def read(self, n: int | None = None) -> bytes:
        taken = self._data[: min(self._piece, n or self._piece)]
        self._data = self._data[len(taken) :]
        return taken

    async def write(self, data: bytes) -> None:
        self.written += data

    async def close(self) -> None:
        pass

    def get_remote_address(self) -> tuple[str, int] | None:
        return ("127.0.0.1", 1)


def _noted(one: Running) -> set[str]:
    return {refusal.who for refusal in one.refusals.all()}


def _refused(one: Running) -> int:
    return one.counters["wrong-network-key"]
