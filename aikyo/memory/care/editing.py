"""Corrects what a memory holds, as a person says it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from ...errors import UsageError
from ..base import Row
from ..recall.index import index_entry, unindex_entry
from ..storage.forgotten import UNSCRUBBED
from .choosing import Chosen, Wish, choose
from .forgetting import scrub

if TYPE_CHECKING:
    from ..file import MemoryFile

__all__ = ["MAX_TEXT", "Corrected", "edit"]

MAX_TEXT = 16_384
"""Characters of what is put in place."""

_MAX_FACT = 300
_SAID = ("message", "context", "text")  # the fields of a payload that hold the words of it


class Corrected(Struct, frozen=True, kw_only=True):
    """What was corrected.

    Attributes:
        id: as people see it.
        uid: the same on every machine.
        was: what it said.
        text: what it says.
        gone: uids of facts, reflections and digests that came of the old wording.
        scrubbed: as in `Gone`.
        backups: in how many backups it was corrected too.
        recordings: how many recordings held the old wording, and are blank there now.
        logs: how many log files, likewise.
        session: whether its companion runs, and has a new session.
        unreached: what of this home still holds the old wording, in words.
    """

    id: str
    uid: str
    was: str
    text: str
    gone: tuple[str, ...] = ()
    scrubbed: bool = True
    backups: int = 0
    recordings: int = 0
    logs: int = 0
    session: bool = False
    unreached: tuple[str, ...] = ()


def edit(file: MemoryFile, ident: str, text: str, *, now: float) -> Corrected:
    """Put `text` in the place of what a turn, a fact or a digest says; nothing of the old is left in the
    file.

    What came of the old wording goes: the facts that rest on a turn alone, reflections on a fact, the
    digests that tell of it. A turn that was corrected is marked so.

    Args:
        file: opened to write.
        ident: ``j12``, ``f3``, ``d2`` or a uid.
        text: what it is to say.
        now: seconds since the epoch.

    Raises:
        UsageError: there is no such thing, or it cannot say that.
        MemoryFileError: it could not be done; then nothing is changed.
    """
    text = text.strip()
    if not text:
        raise UsageError("there is no text to put in its place; to be rid of it, forget it")
    chosen = choose(file, Wish(ids=(ident,)))
    most = _MAX_FACT if chosen.facts else MAX_TEXT
    if len(text) > most:
        raise UsageError(f"the text is {len(text)} characters; {ident} takes {most} at the most")
    if chosen.facts:
        text = " ".join(text.split())
    file.store.rows("PRAGMA secure_delete = ON")
    with file.store.transaction():
        before = _derived(file)
        done = _put(file, chosen, text, now)
        gone = before - _derived(file)
        file.store.set_mark(UNSCRUBBED, 1)
    return msgspec.structs.replace(done, gone=tuple(sorted(gone)), scrubbed=scrub(file))


def _put(file: MemoryFile, chosen: Chosen, text: str, now: float) -> Corrected:
    match chosen:
        case Chosen(rows=(row, *_)):
            _put_row(file, row, text)
            return Corrected(id=f"j{row.number}", uid=row.entry.uid, was=row.entry.text, text=text)
        case Chosen(facts=(fact, *_)):
            file.facts.edit(fact.uid, text, now)
            return Corrected(id=f"f{fact.number}", uid=fact.uid, was=fact.text, text=text)
        case _:
            (digest, *_) = chosen.digests
            file.digests.edit(digest.number, text)
            return Corrected(id=f"d{digest.number}", uid=digest.uid, was=digest.text, text=text)


def _put_row(file: MemoryFile, row: Row, text: str) -> None:
    entry = row.entry
    body = _with_text(entry.body, entry.text, text)
    new = msgspec.structs.replace(entry, text=text, body=body, edited=True)
    file.facts.sources_gone([entry.uid])
    file.digests.forget_rows([row.number])
    unindex_entry(file.store, row.number, entry)
    file.store.change(
        "UPDATE entries SET text = ?, body = ?, edited = 1 WHERE row = ?", text, body, row.number
    )
    index_entry(file.store, row.number, new)


def _with_text(body: str, was: str, text: str) -> str:
    """The payload with the new words in it; where they cannot be found in it, no payload at all."""
    try:
        payload = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return "{}"
    field = next((key for key in _SAID if isinstance(payload, dict) and payload.get(key) == was), None)
    if field is None:
        return "{}"
    return msgspec.json.encode({**payload, field: text}).decode()


def _derived(file: MemoryFile) -> set[str]:
    """The uids of what was made of the journal."""
    facts = {fact.uid for fact in file.facts.all()}
    return facts | {digest.uid for digest in file.digests.all()}
