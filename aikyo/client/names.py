"""Who is meant by the names that people type."""

from __future__ import annotations

import getpass
import re
from collections.abc import Iterable

from ..errors import UsageError, nearest
from ..wire import NAME, SwarmStatus, bare_name, user_id
from .errors import ClientError

__all__ = ["is_known", "person", "recipients"]

_ENDED = {"failed": "failed", "stopped": "been stopped"}


def person(given: str | None) -> str:
    """The id to speak as: `given`, or else made of the login name, or else ``user_you``.

    Raises:
        UsageError: `given` cannot be a name.
    """
    if given is not None:
        ident = user_id(given)
        if not NAME.fullmatch(ident.removeprefix("user_")):
            raise UsageError(
                f"{given[:80]!r} cannot be a name; use small letters, digits, - and _, a letter first"
            )
        return ident
    try:
        login = getpass.getuser()
    except (OSError, KeyError):  # no such entry in the system's list of users
        login = ""
    name = re.sub(r"[^a-z0-9_-]+", "_", login.lower()).strip("_-")
    return user_id(name if NAME.fullmatch(name) else "you")


def is_known(name: str, status: SwarmStatus) -> bool:
    """Whether a companion of this name or id is on the mesh, or belongs to this swarm."""
    ids = {*status.others, *(companion.id for companion in status.companions)}
    names = {companion.name for companion in status.companions}
    return name in ids | names | set(map(bare_name, ids))


def recipients(names: Iterable[str], status: SwarmStatus) -> tuple[str, ...]:
    """The ids of `names`, each a bare name, a display name or a full id of a companion on the mesh.

    Where another swarm has a companion of the same name, this swarm's own is meant.

    Returns:
        Each id once; none at all, which means everybody, if ``all`` is among the names.

    Raises:
        UsageError: a name is unknown.
        ClientError: one of this swarm's is stopped or has failed.
    """
    ours = {companion.id: companion for companion in status.companions}
    known = {bare_name(ident): ident for ident in status.others}
    known |= {bare_name(ident): ident for ident in ours}
    known |= {companion.display_name.casefold(): companion.id for companion in ours.values()}
    known |= {companion.name: companion.id for companion in ours.values()}
    known.pop("", None)
    idents: dict[str, None] = {}
    for name in names:
        if name == "all":
            return ()
        ident = name if name in {*ours, *status.others} else known.get(name.casefold())
        if ident is None:
            quotes = "" if not idents else " (a text of several words goes in quotes)"
            raise UsageError(f"no companion {name[:80]!r} is on the mesh{nearest(name, known)}{quotes}")
        if ident in ours and ours[ident].activity in {"failed", "stopped"}:
            there = ours[ident]
            ended = _ENDED[there.activity]
            raise ClientError(f"{there.name} has {ended}; start it: aikyo restart {there.name}")
        idents[ident] = None
    return tuple(idents)
