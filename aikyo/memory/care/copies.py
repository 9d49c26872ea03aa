"""Forgets and corrects in what else of a home holds what a memory held: backups, recordings, logs."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from shutil import rmtree
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from ...errors import UsageError
from ...paths import Home
from ..base import MemoryFileError
from ..storage.backups import backup_folder, backups_of
from ..storage.forgotten import UNSCRUBBED
from .choosing import MAX_IDS, Chosen, Wish, by_uid, choose, in_pieces
from .editing import Corrected, edit
from .forgetting import Gone, forget
from .needles import Needles
from .recordings import blanked, blanker, recordings_of, unfinished_of

if TYPE_CHECKING:
    from ..file import MemoryFile

__all__ = ["BEYOND", "Forgotten", "edit_in_copies", "forget_in_copies", "holders"]

BEYOND = (
    "what others heard: other companions of the mesh, and people",
    "other machines, and files that were exported or copied",
    "the model provider's logs, where a model was told of it",
    "what a terminal has scrolled past, and what the disk has not yet written over",
)
"""What no program here can reach."""

_BACKUP_WITHIN = 20.0  # seconds
_LEFT = 600.0  # a backup that is being made is written all the time, or looked at for a while
_LOOKS = 0.05
_MOST = 64 << 20  # bytes of a log


class Forgotten(Struct, frozen=True, kw_only=True):
    """What was forgotten of one companion's memory, in all places of its home.

    Attributes:
        companion: bare name.
        rows: how many turns,
        facts: facts and reflections,
        digests: and digests went.
        backups: in how many backups it was forgotten too.
        recordings: how many recordings held it, and are blank there now.
        logs: how many log files, likewise.
        others: the turns among them (``j12``) that other memories of this home still hold, at most a
            thousand of each companion.
        session: whether it runs, and has a new session without it.
        unreached: what of this home still holds it, in words.
    """

    companion: str
    rows: int = 0
    facts: int = 0
    digests: int = 0
    backups: int = 0
    recordings: int = 0
    logs: int = 0
    others: dict[str, tuple[str, ...]] = {}
    session: bool = False
    unreached: tuple[str, ...] = ()


def forget_in_copies(
    home: Home, name: str, gone: Gone, *, now: float, wish: Wish | None = None
) -> Forgotten:
    """Forget in the other files of `home` what is gone from the memory of the companion `name`. Where
    one cannot be mended the others are all the same, and it is told.

    Args:
        home: which.
        name: a bare name.
        gone: what was forgotten.
        now: seconds since the epoch.
        wish: what was wished: from backups all goes that fits it, since they may tell it otherwise.
    """
    path, troubles = home.memory(name), list[str]()
    _wait_for_backup(path)
    backups = _in_backups(path, partial(_forget, gone=gone, wish=wish, now=now), troubles)
    matching = "" if wish is None else wish.only_matching
    recordings, logs = _blank(home, gone.texts, gone.uids, troubles, matching)
    troubles += _out_of_reach(home, path, scrubbed=gone.scrubbed or _is_scrubbed(path))
    return Forgotten(
        companion=name,
        rows=gone.rows,
        facts=gone.facts,
        digests=gone.digests,
        backups=backups,
        recordings=recordings,
        logs=logs,
        others={who: ids[:MAX_IDS] for who, ids in holders(home, name, gone.uids).items()},
        unreached=tuple(troubles),
    )


def edit_in_copies(home: Home, name: str, done: Corrected, *, now: float) -> Corrected:
    """Correct in the other files of `home` what is correct now in the memory of the companion `name`, as
    `forget_in_copies` forgets; recordings and logs lose the old wording."""
    path, troubles = home.memory(name), list[str]()

    def correct(file: MemoryFile) -> bool:
        if not by_uid(file, {done.uid}):
            return False
        edit(file, done.uid, done.text, now=now)
        gone = by_uid(file, set(done.gone))
        if gone:
            forget(file, gone, now=now)
        return True

    _wait_for_backup(path)
    backups = _in_backups(path, correct, troubles)
    recordings, logs = _blank(home, {done.was}, {done.uid}, troubles)
    troubles += _out_of_reach(home, path, scrubbed=done.scrubbed or _is_scrubbed(path))
    return replace(done, backups=backups, recordings=recordings, logs=logs, unreached=tuple(troubles))


def holders(home: Home, name: str, uids: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Which of these entries the memories of other companions of `home` hold, as these number them
    (``j12``), by bare name. One that cannot be read is left out."""
    from ..file import MemoryFile

    found: dict[str, tuple[str, ...]] = {}
    for path in sorted(home.memories.glob("*.db")):
        if path.stem == name:
            continue
        try:
            with MemoryFile.read(path) as file:
                rows = [row for some in in_pieces(sorted(uids)) for row in file.rows_of(uids=some)]
        except MemoryFileError:
            continue
        if rows:
            found[path.stem] = tuple(f"j{row.number}" for row in rows)
    return found


def _forget(file: MemoryFile, *, gone: Gone, wish: Wish | None, now: float) -> bool:
    chosen = by_uid(file, gone.uids) | Chosen(
        facts=tuple(fact for fact in file.facts.all() if fact.text in gone.texts),
        digests=tuple(digest for digest in file.digests.all() if digest.text in gone.texts),
    )
    if wish is not None and wish.filters:
        chosen |= choose(file, wish)
    if chosen:
        forget(file, chosen, now=now)
    return bool(chosen)


def _wait_for_backup(path: Path) -> None:
    """Let a backup of the memory at `path` be made that has begun; what was left of one goes."""
    for file in backup_folder(path).glob("*.new"):
        until = time.monotonic() + _BACKUP_WITHIN
        while (age := _age(file)) is not None and age < _LEFT and time.monotonic() < until:
            time.sleep(_LOOKS)
        if (_age(file) or 0.0) > _LEFT:
            file.unlink(missing_ok=True)


def _age(file: Path) -> float | None:
    """Seconds since it was written; None where it is not there."""
    try:
        return time.time() - file.stat().st_mtime
    except OSError:
        return None


def _is_scrubbed(path: Path) -> bool:
    """Try once more to leave nothing of it in the memory at `path`: a backup may have read it."""
    from ..file import MemoryFile

    try:
        with MemoryFile.open(path) as file:
            return not file.store.mark(UNSCRUBBED)
    except MemoryFileError:
        return False


def _in_backups(path: Path, do: Callable[[MemoryFile], bool], troubles: list[str]) -> int:
    from ..file import MemoryFile

    changed = 0
    for backup in backups_of(path):
        try:
            with MemoryFile.open(backup) as file:
                changed += do(file)
        except (MemoryFileError, UsageError) as error:
            troubles.append(f"{backup} ({error})")
        finally:
            # One of an older version was kept as it was, before it was brought up to date
            kept = backup_folder(backup)
            rmtree(kept, ignore_errors=True)
            with suppress(OSError):
                kept.parent.rmdir()
    return changed


def _blank(
    home: Home, texts: Collection[str], uids: Collection[str], troubles: list[str], matching: str = ""
) -> tuple[int, int]:
    """Leave nothing of the texts in recordings and logs; in how many of each there was something."""
    blank, recordings = blanker(texts, uids, matching), 0
    for file in recordings_of(home):
        try:
            recordings += bool(blanked(file, blank))
        except OSError as error:
            troubles.append(f"{file} ({(error.strerror or str(error)).lower()})")
    needles = Needles([form for text in (*texts, matching) for form in _forms(text)])
    logs = sum(_starred(file, needles, troubles) for file in home.root.glob("aikyo.log*"))
    return recordings, logs


def _out_of_reach(home: Home, path: Path, *, scrubbed: bool) -> Iterator[str]:
    """What beside the memory at `path` may hold what it held, in words."""
    if not scrubbed:
        yield f"{path}, in use or on a full disk; it is overwritten when it is next opened"
    for file in path.parent.glob(f"{path.name}.*"):
        yield f"{file}; it was set aside, and may be deleted"
    for file in backup_folder(path).glob("*.new"):
        yield f"{file}, a backup that is being made; do it again when it is"
    for file in unfinished_of(home):
        yield f"{file}, which a running swarm is recording; do it again when that has ended"


def _starred(file: Path, needles: Needles[bytes], troubles: list[str]) -> bool:
    """Overwrite the texts in a log in place, for a running swarm may have it open; whether any was in
    it."""
    found = False
    try:
        with file.open("r+b") as log:
            for start, end in needles.spans(log.read(_MOST)):
                found = True
                log.seek(start)
                log.write(b"*" * (end - start))
    except OSError as error:
        troubles.append(f"{file} ({(error.strerror or str(error)).lower()})")
    return found


def _forms(text: str) -> set[bytes]:
    """A text as it stands in a log: as it is, and as Python shows it."""
    return {form.encode(errors="replace") for form in (text, repr(text)[1:-1])}
