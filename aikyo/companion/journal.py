"""Writes what a companion hears, says, does and perceives into its memory."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from ..memory import Entry, Kind
from ..wire import Action, Context, Message, derived_id
from .world import World

__all__ = ["journal"]


async def journal(
    world: World,
    payload: Message | Action | Context,
    kind: Kind,
    text: str,
    *,
    peer: str,
    to: tuple[str, ...] | None = None,
    conversation: str | None = None,
) -> bool:
    """Append a payload to the journal; durable against the end of the process when this returns.

    Args:
        world: whose memory.
        payload: what it was.
        kind: heard, said, did or perceived.
        text: the same as words.
        peer: peer id of its signed author.
        to: whom it was to, where the payload does not say.
        conversation: what it belongs to, where the payload does not say.

    Returns:
        Whether it is new; False for what the journal has already, such as what gossip repeats to one
        that starts again.

    Raises:
        MemoryFileError: it could not be written.
    """
    message = payload if isinstance(payload, Message) else None
    entry = Entry(
        uid=payload.id,
        time=world.clock(),
        kind=kind,
        topic=payload.topic,
        sender=payload.sender,
        text=text,
        peer=peer,
        to=to if to is not None else getattr(payload, "to", ()),
        conversation=(message.conversation or message.id) if message else conversation,
        reply_to=message.reply_to if message else None,
        body=msgspec.json.encode(payload).decode(),
    )
    if await world.memory.append(entry):
        return True
    if await world.memory.author(entry.uid, kind) == peer:
        return False
    # Somebody has used the id of somebody else's message; neither may hide the other
    return await world.memory.append(replace(entry, uid=derived_id(peer, entry.uid.encode())))
