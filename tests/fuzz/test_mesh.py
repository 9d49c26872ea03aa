"""Whatever a neighbour answers about itself, and whatever the roster's file holds."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path

import msgspec
import pytest
import trio
from hypothesis import example, given
from hypothesis import strategies as st
from libp2p.network.stream.exceptions import StreamEOF

from aikyo.mesh.host.metadata import read_metadata
from aikyo.mesh.members.roster_file import RosterFile
from aikyo.wire import MAX_ID, Presence, encode
from aikyo.wire.limits import MAX_TEXT
from tests.support.fuzz import json_texts, json_values, mutations, within_seconds

ALICE = Presence(id="companion_alice", name="Alice", personality="kind", story="はじめ", sample="Hi!")
METADATA = [msgspec.json.encode(ALICE), b"", b"{}", b'{"id":"a","gone":true,"extra":[1]}']


class Answer:
    """A stream on which a neighbour answers with these bytes, in pieces of its own choice."""

    def __init__(self, data: bytes, piece: int = 7, *, endless: bool = False) -> None:
        self.taken = 0
        self._data = data
        self._piece = piece
        self._endless = endless

    async def read(self, most: int) -> bytes:
        await trio.lowlevel.checkpoint()
        chunk = (
            self._data[:most] if self._endless else self._data[self.taken :][: min(most, self._piece)]
        )
        self.taken += len(chunk)
        if not chunk:
            raise StreamEOF
        return chunk

    async def close(self) -> None:
        await trio.lowlevel.checkpoint()


async def told(answer: Answer) -> Presence | None:
    return await read_metadata(answer)  # type: ignore[arg-type]  # the two methods that it calls


@given(
    st.one_of(st.binary(max_size=60), json_texts.map(str.encode), mutations(METADATA)),
    st.integers(1, 50),
)
@example(b'{"id":"' + b"x" * 129 + b'"}', 50)
@example(b'{"id":"a","story":"' + b"x" * (MAX_TEXT + 1) + b'"}', 20_000)
@example(b'{"id":"a","x":' + b"[" * 50_000 + b"}", 20_000)
@example(b'{"id":"\\ud800zzzzzzzzzzz"}', 50)
@example(b'{"id":"\xff"}', 50)
def test_any_answer_is_metadata_or_none(data: bytes, piece: int) -> None:
    check_metadata(trio.run(told, Answer(data, piece)))


@given(
    st.sampled_from(["id", "name", "personality", "story", "sample", "gone", "addresses", "sent", "x"]),
    json_values,
)
def test_metadata_with_any_value_is_metadata_or_none(key: str, value: object) -> None:
    data = msgspec.json.encode({**msgspec.to_builtins(ALICE), key: value})
    check_metadata(trio.run(told, Answer(data)))


def check_metadata(found: Presence | None) -> None:
    if found is None:
        return
    assert 1 <= len(found.id) <= MAX_ID
    assert not found.gone
    encode(found)


async def test_an_answer_without_end_is_not_read_to_its_end() -> None:
    answer = Answer(b" " * 100_000, endless=True)
    assert await told(answer) is None
    assert answer.taken < 1 << 20


PIN = '{"peer":"12D3KooWP89sveD2nscDrpQGpN11WG8SNwNiLz5AA3y4WDiUg4Pc","name":"Alice","seen":1.7e9}'
ROSTERS = [
    b'{"version":1,"meshes":{"":{"pins":{"companion_alice":' + PIN.encode() + b'},"blocks":{}}}}',
    b'{"version":1,"meshes":{"lab":{}}}',
]


@given(st.one_of(st.binary(max_size=60), json_texts.map(str.encode), mutations(ROSTERS)))
@example(b'{"meshes":' + b"[" * 100_000)
@example(b'{"meshes":{"":{"pins":{"\xff":1}}}}')
def test_any_roster_file_is_read_or_set_aside_whole(data: bytes) -> None:
    logging.getLogger("aikyo.mesh.members.roster_file").disabled = True  # it tells of each
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "roster.json")
        file.write_bytes(data)
        kept = RosterFile(file)
        pins = kept.load(lambda: 0.0)
        if kept.trouble:
            assert any(other.read_bytes() == data for other in Path(folder).iterdir())
            assert not dict(pins.pinned())
        kept.save(pins)
        again = RosterFile(file)
        assert dict(again.load(lambda: 0.0).pinned()) == dict(pins.pinned())
        assert not again.trouble


@pytest.mark.parametrize("size", [16, 100_000])
def test_metadata_costs_little(size: int) -> None:
    data = b'{"id":"a","x":[' + b"[]," * size + b"[]]}"
    with within_seconds(2):
        trio.run(told, Answer(data, 1 << 20))
