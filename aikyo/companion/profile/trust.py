"""Whose Python tools may be run: what lies in the current folder is data until the user trusts it."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable
from pathlib import Path

import msgspec
from msgspec import Struct

from ...errors import UsageError
from ...paths import Home, bundled_profiles

__all__ = ["NOBODY", "Trust"]

MAX_FOLDERS = 1000
_MAX_BYTES = 1 << 20


class _File(Struct, forbid_unknown_fields=True):
    """HOME/trusted.json.

    Attributes:
        folders: real paths.
    """

    folders: tuple[str, ...] = ()


class Trust:
    """The folders whose profiles may name Python code.

    Args:
        folders: these, and the folder `profiles` in each; not what else is below them.
    """

    def __init__(self, folders: Iterable[Path] = ()) -> None:
        self._folders = frozenset(path.resolve() for path in folders)

    @classmethod
    def of(cls, home: Home, *own: Path) -> Trust:
        """The trust of a home: its profiles, those that come with aikyo, `own`, and what `remember` has
        written down.

        Raises:
            UsageError: the list of trusted folders is damaged.
        """
        return cls((home.root, bundled_profiles(), *own, *map(Path, _read(home))))

    def covers(self, file: Path) -> bool:
        """Whether the tools that the profile `file` names by module may be used."""
        folder = file.parent.resolve()
        return folder in self._folders or (folder.name == "profiles" and folder.parent in self._folders)

    @staticmethod
    def remember(home: Home, folder: Path) -> None:
        """Trust `folder` and its `profiles` from now on.

        Raises:
            UsageError: it cannot be written down, or the list is damaged or full.
        """
        real = str(folder.resolve())
        folders = _read(home)
        if real in folders:
            return
        if len(folders) >= MAX_FOLDERS:
            raise UsageError(f"{home.trusted} holds {MAX_FOLDERS} folders; delete those that are gone")
        home.create()
        try:
            _write(home.trusted, msgspec.json.format(msgspec.json.encode(_File((*folders, real)))))
        except OSError as error:
            raise UsageError(f"cannot write {home.trusted} ({error.strerror})") from None


NOBODY = Trust()
"""Trusts no folder."""


def _read(home: Home) -> tuple[str, ...]:
    try:
        with home.trusted.open("rb") as file:
            return msgspec.json.decode(file.read(_MAX_BYTES), type=_File).folders
    except (FileNotFoundError, NotADirectoryError):
        return ()
    except OSError as error:
        raise UsageError(f"cannot read {home.trusted} ({error.strerror})") from None
    except (msgspec.MsgspecError, ValueError) as error:
        what = f"{home.trusted} is damaged ({error}); delete it and use --trust anew"
        raise UsageError(what) from None


def _write(path: Path, data: bytes) -> None:
    """Write aside and rename, so that a crash leaves the old or the new."""
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
