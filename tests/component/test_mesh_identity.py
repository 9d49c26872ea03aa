from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from aikyo.errors import UsageError
from aikyo.mesh.identity import load_identity


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_key_is_made_for_its_owner_alone_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "alice.key"
    previous = os.umask(0)
    try:
        made = load_identity(path)
    finally:
        os.umask(previous)
    assert mode(path) == 0o600
    assert load_identity(path) == made
    assert [child.name for child in tmp_path.iterdir()] == ["alice.key"]


def test_every_key_is_another_and_none_shows_in_a_log(tmp_path: Path) -> None:
    one, other = load_identity(tmp_path / "one"), load_identity(tmp_path / "other")
    assert one.peer != other.peer
    assert one.seed.hex() not in repr(one)
    assert "seed" not in repr(one)


def test_libp2p_derives_the_same_peer_id_and_reads_the_file(tmp_path: Path) -> None:
    from libp2p.crypto.ed25519 import create_new_key_pair
    from libp2p.crypto.keys import PrivateKey
    from libp2p.peer.id import ID

    identity = load_identity(tmp_path / "key")
    pair = create_new_key_pair(identity.seed)
    assert str(ID.from_pubkey(pair.public_key)) == identity.peer
    stored = PrivateKey.deserialize_from_protobuf((tmp_path / "key").read_bytes())
    assert stored.data == identity.seed + pair.public_key.to_bytes()


def test_a_key_that_others_can_read_is_closed_to_them(tmp_path: Path) -> None:
    load_identity(tmp_path / "key")
    (tmp_path / "key").chmod(0o644)
    load_identity(tmp_path / "key")
    assert mode(tmp_path / "key") == 0o600


@pytest.mark.parametrize(
    "damage",
    [
        lambda b: b"",
        lambda b: b[:-1],
        lambda b: b"\0" + b[1:],
        lambda b: b[:36] * 2,
        lambda b: b[:-1] + bytes([b[-1] ^ 1]),
    ],
)
def test_a_corrupt_key_is_told_and_not_replaced(tmp_path: Path, damage: object) -> None:
    path = tmp_path / "key"
    load_identity(path)
    content = damage(path.read_bytes())  # type: ignore[operator]
    path.write_bytes(content)
    with pytest.raises(UsageError, match=rf"{path}: .*corrupt.*delete it to get a new identity"):
        load_identity(path)
    assert path.read_bytes() == content


@pytest.mark.parametrize(("name", "verb"), [("", "read"), ("missing/key", "make"), ("file/key", "read")])
def test_a_place_that_cannot_hold_a_key_is_told(tmp_path: Path, name: str, verb: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=f"cannot {verb} the key"):
        load_identity(tmp_path / name)
