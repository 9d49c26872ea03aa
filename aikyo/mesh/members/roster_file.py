"""Keeps pinned ids and blocked peers in a file of the home, by the name of the mesh."""

from __future__ import annotations

import logging
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from .pins import MAX_BLOCKS, MAX_PINS, Block, PeerId, Pin, Pins

__all__ = ["RosterFile"]

log = logging.getLogger(__name__)

_MAX_BYTES = 16 << 20
_MESHES = 32
_COPIES = 9

CompanionId = Annotated[str, Meta(min_length=1, max_length=128)]


class _Mesh(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    pins: Annotated[dict[CompanionId, Pin], Meta(max_length=MAX_PINS)] = {}
    blocks: Annotated[dict[PeerId, Block], Meta(max_length=MAX_BLOCKS)] = {}


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    version: Annotated[int, Meta(ge=1, le=1)] = 1
    meshes: Annotated[dict[str, _Mesh], Meta(max_length=_MESHES)] = {}


_DECODER = msgspec.json.Decoder(_File)


class RosterFile:
    """The file of one home (mode 0600), of which one process at a time makes use.

    Args:
        path: where it is; None: nothing is kept.
        mesh: the mesh's name; the entries of other meshes stay as they are.

    Attributes:
        trouble: what is wrong with the file and what was done about it, for people; empty when
            nothing is.
    """

    def __init__(self, path: Path | None, mesh: str = "") -> None:
        self.path = path
        self.trouble = ""
        self._mesh = mesh
        self._file = _File()
        self._unreadable: OSError | None = None

    def load(self, clock: Callable[[], float]) -> Pins:
        """Read it; never raises. A damaged one is set aside, under a name that is free, and logged; one
        that cannot be read is left alone, and nothing is written then.

        Args:
            clock: seconds since the epoch; the pins keep it.
        """
        if self.path is not None:
            self._file = self._read(self.path)
        here = self._file.meshes.get(self._mesh, _Mesh())
        return Pins(clock, here.pins, here.blocks)

    def save(self, pins: Pins) -> None:
        """Write `pins`. Blocks for as long as the disk takes.

        Raises:
            OSError: it cannot be written, or could not be read.
        """
        self.write(self.prepare(pins))

    def prepare(self, pins: Pins) -> bytes:
        """What `write` is to write; apart from it, so that a thread need not look at live tables."""
        meshes = {name: mesh for name, mesh in self._file.meshes.items() if name != self._mesh}
        while len(meshes) >= _MESHES:
            del meshes[next(iter(meshes))]  # the one that was written longest ago
        here = _Mesh(dict(pins.pinned()), dict(pins.blocked()))
        if here.pins or here.blocks:
            meshes[self._mesh] = here
        self._file = _File(meshes=meshes)
        return msgspec.json.format(msgspec.json.encode(self._file), indent=1)

    def write(self, data: bytes) -> None:
        """Write aside and rename, so that a crash leaves the old or the new; see `save`."""
        if self.path is None:
            return
        if self._unreadable is not None:
            raise self._unreadable
        _write(self.path, data)

    def _read(self, path: Path) -> _File:
        try:
            with path.open("rb") as file:
                data = file.read(_MAX_BYTES + 1)
        except FileNotFoundError:
            return _File()
        except OSError as error:
            self._unreadable = error
            return self._say(f"{path}: cannot be read ({error}); who is who is not kept from now on")
        try:
            if len(data) > _MAX_BYTES:
                raise ValueError("too large")
            return _DECODER.decode(data)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            return self._set_aside(path, error)

    def _set_aside(self, path: Path, problem: Exception) -> _File:
        names = [f"{path.name}.damaged", *(f"{path.name}.damaged-{n}" for n in range(2, _COPIES + 1))]
        aside = next((path.with_name(n) for n in names if not path.with_name(n).exists()), None)
        try:
            if aside is None:
                raise FileExistsError(f"there are {_COPIES} damaged ones already; delete them")
            path.rename(aside)
        except OSError as error:
            self._unreadable = error
            return self._say(f"{path}: damaged ({problem}), and cannot be set aside ({error})")
        return self._say(
            f"{path}: damaged ({problem}); it is kept as {aside.name}. Pinned ids are learned anew;"
            " peers that were blocked have to be blocked again"
        )

    def _say(self, trouble: str) -> _File:
        self.trouble = trouble
        log.warning("%s", trouble)
        return _File()


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
