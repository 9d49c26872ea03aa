"""What a memory is to keep forgotten: hashes of ids, and nothing of what was said."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b

from .store import Store

__all__ = ["UNSCRUBBED", "is_forgotten", "keep_forgotten"]

UNSCRUBBED = "unscrubbed"
"""The mark of a file in which something was forgotten and not yet overwritten."""


def is_forgotten(store: Store, uid: str) -> bool:
    """Whether the entry, fact or digest of this uid was forgotten, and must not come back by gossip or
    from a file."""
    return bool(store.rows("SELECT 1 FROM forgotten WHERE hash = ?", _hash(uid)))


def keep_forgotten(store: Store, uids: Iterable[str], now: float) -> None:
    """These are to stay forgotten; to be called in the transaction that forgets them.

    Args:
        store: the file.
        uids: of entries, facts and digests.
        now: seconds since the epoch.
    """
    for uid in uids:
        store.change("INSERT OR IGNORE INTO forgotten (hash, time) VALUES (?, ?)", _hash(uid), now)


def _hash(uid: str) -> bytes:
    return blake2b(uid.encode(errors="surrogatepass"), digest_size=16).digest()
