"""Writes what a companion hears, says, does and perceives into its memory."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

import msgspec
from msgspec.structs import replace

from ..memory import Entry, Kind, Memory, MemoryDamagedError, MemoryFileError
from ..wire import Action, Context, Message, derived_id
from .world import World

__all__ = ["journal", "write"]

MAX_PRESENT = 32
"""Ids of those who were there that are kept."""


async def journal(
    world: World,
    payload: Message | Action | Context,
    kind: Kind,
    text: str,
    *,
    peer: str,
    to: tuple[str, ...] | None = None,
    conversation: str | None = None,
    echo: bool = False,
    present: Iterable[str] = (),
) -> bool:
    """Append a payload to the journal; durable against the end of the process when this returns, unless
    nothing can be written for now: then it waits until it can be, and `world.forgetful` tells why.

    Args:
        world: whose memory.
        payload: what it was.
        kind: heard, said, did or perceived.
        text: the same as words.
        peer: peer id of its signed author.
        to: whom it was to, where the payload does not say.
        conversation: what it belongs to, where the payload does not say.
        echo: whether it says again what memory had brought up.
        present: ids of who is known to be there beside the sender and those it was to.

    Returns:
        Whether it is new; False for what the journal has already, such as what gossip repeats to one
        that starts again.

    Raises:
        MemoryDamagedError: the file is damaged.
    """
    message = payload if isinstance(payload, Message) else None
    hearers = to if to is not None else getattr(payload, "to", ())
    entry = Entry(
        uid=payload.id,
        time=world.clock(),
        kind=kind,
        topic=payload.topic,
        sender=payload.sender,
        text=text,
        peer=peer,
        to=hearers,
        conversation=(message.conversation or message.id) if message else conversation,
        reply_to=message.reply_to if message else None,
        body=msgspec.json.encode(payload).decode(),
        name=world.name_of(payload.sender),
        present=_others(world, (payload.sender, *(hearers or world.roster), *present)),
        echo=echo,
    )
    forgetful = world.forgetful
    if not forgetful.reason:
        try:
            return await write(world.memory, entry)
        except MemoryDamagedError:
            raise
        except MemoryFileError as error:
            forgetful.begin(world, error)
    # It is said, and heard, all the same; not written at once, since each attempt may take a second
    if forgetful.awaits(entry) or await _is_there(world.memory, entry):
        return False
    forgetful.keep(entry)
    return True


def _others(world: World, there: Iterable[str]) -> tuple[str, ...]:
    """Who was there beside the companion; what is said to nobody is said to all that it knows of."""
    others = (ident for ident in dict.fromkeys(there) if ident and ident != world.me)
    return tuple(islice(others, MAX_PRESENT))


async def write(memory: Memory, entry: Entry) -> bool:
    """Append an entry; whether it is new.

    Raises:
        MemoryFileError: it could not be written.
    """
    if await memory.append(entry):
        return True
    author = await memory.author(entry.uid, entry.kind)
    if author is None or author == entry.peer:  # without an author it is to stay forgotten
        return False
    # Somebody has used the id of somebody else's message; neither may hide the other
    return await memory.append(replace(entry, uid=derived_id(entry.peer, entry.uid.encode())))


async def _is_there(memory: Memory, entry: Entry) -> bool:
    try:
        return await memory.author(entry.uid, entry.kind) == entry.peer
    except MemoryFileError:
        return False  # it cannot even be read
