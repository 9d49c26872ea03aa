"""The key of a private mesh: 32 bytes in a file, in the form that libp2p's swarm keys have."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from ..errors import UsageError

__all__ = ["make_network_key", "read_network_key"]

_HEAD = ("/key/swarm/psk/1.0.0/", "/base16/")
_BYTES = 32
_MOST = 4096


def read_network_key(path: Path) -> bytes:
    """Read the 32 bytes of a key.

    Raises:
        UsageError: there is no such file, or it holds no key (what, where, the way out).
    """
    way_out = f"make one with `aikyo peers key {path}` and copy it to the other machines"
    try:
        with path.open("rb") as file:
            text = file.read(_MOST).decode("ascii")
    except FileNotFoundError:
        raise UsageError(f"{path}: there is no network key; {way_out}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path}: this is no network key; {way_out}") from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UsageError(f"{path}: cannot read the network key: {reason}") from None
    lines = text.split()
    if len(lines) != len(_HEAD) + 1 or tuple(lines[:-1]) != _HEAD:
        raise UsageError(f"{path}: this does not begin as a network key does; {way_out}")
    try:
        key = bytes.fromhex(lines[-1])
    except ValueError:
        key = b""
    if len(key) != _BYTES:
        raise UsageError(f"{path}: the network key has not {2 * _BYTES} hex digits; {way_out}")
    return key


def make_network_key(path: Path) -> bytes:
    """Make a key and write it, for its owner alone (mode 0600); what is there is never overwritten.

    Raises:
        UsageError: the file is there already, or cannot be written.
    """
    key = secrets.token_bytes(_BYTES)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise UsageError(f"{path} is there already; copy it, or choose another name") from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UsageError(f"{path}: cannot write the network key: {reason}") from None
    with os.fdopen(descriptor, "w") as file:
        file.write("\n".join((*_HEAD, key.hex(), "")))
    return key
