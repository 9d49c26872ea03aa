"""Where everything that lasts is kept: one folder, the home."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from .errors import UsageError

__all__ = ["Home", "bundled_profiles"]


@dataclass(frozen=True, slots=True)
class Home:
    """The layout of a home folder. Nothing is created until `create` is called."""

    root: Path

    @classmethod
    def locate(cls, given: str | os.PathLike[str] | None = None) -> Home:
        """The home named by `given`, else by `AIKYO_HOME`, else the platform's data folder."""
        named = given or os.environ.get("AIKYO_HOME")
        if named:
            try:
                return cls(Path(named).expanduser().absolute())
            except RuntimeError:  # ~name, of nobody here
                raise UsageError(f"no home {os.fspath(named)!r}: there is no such user") from None
        from platformdirs import user_data_path  # here, since most commands are given a home

        return cls(user_data_path("aikyo", appauthor=False))

    def create(self) -> None:
        """Make the folders, private to the user.

        Raises:
            UsageError: the home cannot be made or written to.
        """
        for folder in (self.root, self.keys, self.memories):
            try:
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            except OSError as error:
                raise self._unwritable(error) from None
        if not os.access(self.root, os.W_OK | os.X_OK):
            raise self._unwritable(PermissionError(13, "permission denied"))

    def _unwritable(self, error: OSError) -> UsageError:
        reason = (error.strerror or str(error)).lower()
        return UsageError(
            f"cannot write to the home {self.root} ({reason}); choose another with --home DIR"
        )

    @property
    def keys(self) -> Path:
        """Identities: one Ed25519 private key a companion, mode 0600."""
        return self.root / "keys"

    @property
    def memories(self) -> Path:
        """Memories: one SQLite file a companion."""
        return self.root / "memories"

    @property
    def backups(self) -> Path:
        """Backups of memories: one folder a companion, in which each is named after its time."""
        return self.root / "backups"

    @property
    def profiles(self) -> Path:
        """The user's own profiles."""
        return self.root / "profiles"

    @property
    def prompts(self) -> Path:
        """The user's own prompts, in place of those that come with the program."""
        return self.root / "prompts"

    @property
    def settings(self) -> Path:
        """The user's settings."""
        return self.root / "aikyo.toml"

    @property
    def swarm(self) -> Path:
        """Where the running swarm's servers are; there only while it runs."""
        return self.root / "swarm.json"

    @property
    def roster(self) -> Path:
        """Who is who on the mesh: pinned ids, and blocked peers."""
        return self.root / "roster.json"

    @property
    def turns(self) -> Path:
        """How turns went: who wanted to speak, who did, and why; rotated."""
        return self.root / "turns.jsonl"

    @property
    def usage(self) -> Path:
        """What models were asked and what it cost: tokens, time and money; folded."""
        return self.root / "usage.jsonl"

    @property
    def recordings(self) -> Path:
        """Where the recordings are that swarms of this home have made."""
        return self.root / "recordings.json"

    @property
    def trusted(self) -> Path:
        """The folders whose Python tools may be used."""
        return self.root / "trusted.json"

    @property
    def lock(self) -> Path:
        """Held by the one swarm of this home."""
        return self.root / "swarm.lock"

    @property
    def log(self) -> Path:
        """What went wrong, with tracebacks; rotated."""
        return self.root / "aikyo.log"

    def key(self, name: str) -> Path:
        """The key file of the companion `name` (bare), or of a part like `firehose`."""
        return self.keys / f"{name}.key"

    def memory(self, name: str) -> Path:
        """The memory file of the companion `name` (bare)."""
        return self.memories / f"{name}.db"


def bundled_profiles() -> Path:
    """The folder of the profiles that come with the program.

    Its files are links to those of the repository's `profiles/`; a wheel holds them as plain files.
    """
    return Path(__file__).parent / "_profiles"
