"""Who a node is: an Ed25519 key in a file of its own, and the peer id that follows from it.

The file is libp2p's own form of a private key (peer-ids specification: a protobuf of key type and
the seed followed by the public key), so that other implementations can read it.
"""

from __future__ import annotations

import os
import secrets
import stat
from dataclasses import dataclass, field
from pathlib import Path

import base58
from nacl.signing import SigningKey

from ..errors import UsageError

__all__ = ["Identity", "load_identity"]

_PRIVATE = b"\x08\x01\x12\x40"  # a key of type Ed25519, data of 64 bytes
_PUBLIC = b"\x00\x24\x08\x01\x12\x20"  # identity multihash, type Ed25519, 32 bytes
_WAY_OUT = "restore it from a backup, or delete it to get a new identity"


@dataclass(frozen=True, slots=True)
class Identity:
    """A key pair.

    Attributes:
        seed: the 32 secret bytes.
        peer: the peer id, base58.
    """

    seed: bytes = field(repr=False)
    peer: str


def load_identity(path: Path) -> Identity:
    """Read the key in `path`; make it, readable by its owner alone, when there is none.

    Raises:
        UsageError: the file cannot be read, made or kept private, or is no Ed25519 key.
    """
    try:
        content = path.read_bytes()
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            path.chmod(0o600)
    except FileNotFoundError:
        return _create(path)
    except OSError as error:
        raise _unusable(path, "read", error) from None
    return _parse(path, content)


def _parse(path: Path, content: bytes) -> Identity:
    seed, public = content[4:36], content[36:]
    if len(content) == 68 and content.startswith(_PRIVATE):
        identity = _identity(seed)
        if _public(seed) == public:
            return identity
    raise UsageError(f"{path}: not an Ed25519 key (corrupt?); {_WAY_OUT}")


def _create(path: Path) -> Identity:
    """Written aside and renamed: a crash leaves no half a key, and no other mode is ever seen."""
    seed = secrets.token_bytes(32)
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(_PRIVATE + seed + _public(seed))
                file.flush()
                os.fsync(file.fileno())
            aside.replace(path)
        except BaseException:
            aside.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise _unusable(path, "make", error) from None
    return _identity(seed)


def _identity(seed: bytes) -> Identity:
    return Identity(seed, base58.b58encode(_PUBLIC + _public(seed)).decode())


def _public(seed: bytes) -> bytes:
    return bytes(SigningKey(seed).verify_key)


def _unusable(path: Path, verb: str, error: OSError) -> UsageError:
    reason = (error.strerror or str(error)).lower()
    return UsageError(f"{path}: cannot {verb} the key ({reason}); mend the file, or choose another home")
