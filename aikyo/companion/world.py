"""All that a companion is handed: its node, memory and brain, one clock, one maker of ids."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING

from ..brain import Brain, Line, Someone
from ..conversation import Embed
from ..memory import Entry, Memory
from ..mesh import MeshError, Node, Roster
from ..wire import Delta, Event, IdMaker, Payload, TurnNote, bare_name, is_companion
from .allowance import Allowance
from .forgetful import Forgetful
from .limits import TurnsTaken
from .quiet import Quiet

if TYPE_CHECKING:
    from .profile import Profile
    from .session.model import Overrides

__all__ = ["World"]


@dataclass(frozen=True, slots=True)
class World:
    """A companion's world.

    Attributes:
        node: its own member of the mesh.
        memory: its own memory.
        brain: what it thinks with at first; later sessions may have another.
        clock: seconds since the epoch.
        new_id: makes ids.
        emit: tells this swarm's watchers what happened.
        zone: the local time zone; None means the machine's.
        pace: how long the pauses between companions' turns are; 1 is natural, 0 is none.
        allowance: what the brain may be asked for peers of other homes; None: everything.
        quiet: whether it speaks as it likes; held by whoever starts it, so that a crash changes nothing.
        taken: how many turns it has taken, and may take; held likewise.
        embed: makes vectors of texts; None: likeness is told by characters alone.
        note: is told what only the companion knows of its turns.
        owns: tells peers of this home from others'.
        draft: is told what is being composed, as it comes.
        budget: how many tokens all that a brain is told may have.
        learn_after: turns after which it learns from them, also where nobody pauses; 0: it never learns.
        open_brain: opens the brain of a later session; None: it stays as it is.
        overrides: what was set for it before it was started; `brain` is as they say.
        forgetful: whether it can write down what happens.
    """

    node: Node
    memory: Memory
    brain: Brain
    clock: Callable[[], float]
    new_id: IdMaker
    emit: Callable[[Event], None]
    zone: tzinfo | None = None
    pace: float = 1.0
    allowance: Allowance | None = None
    quiet: Quiet = field(default_factory=Quiet)
    taken: TurnsTaken = field(default_factory=TurnsTaken)
    embed: Embed | None = None
    note: Callable[[TurnNote], None] = lambda note: None
    owns: Callable[[str], bool] = lambda peer: True
    draft: Callable[[Delta], None] = lambda delta: None
    budget: int = 6_000
    learn_after: int = 40
    open_brain: Callable[[Profile, Overrides], Awaitable[Brain]] | None = None
    overrides: Overrides | None = None
    forgetful: Forgetful = field(default_factory=Forgetful)

    @property
    def me(self) -> str:
        """Own companion id, as the mesh knows it."""
        if self.node.me is None:
            raise MeshError("this node is no companion's")
        return self.node.me.id

    @property
    def peer(self) -> str:
        """Own peer id."""
        return self.node.peer

    @property
    def roster(self) -> Roster:
        """Who is on the mesh."""
        return self.node.roster

    async def publish(self, payload: Payload) -> None:
        """Publish on the mesh; see `Node.publish`."""
        await self.node.publish(payload)

    def now(self) -> datetime:
        """Local time, aware."""
        return datetime.fromtimestamp(self.clock(), self.zone).astimezone(self.zone)

    def is_person(self, ident: str) -> bool:
        """Whether this is a person's id: no companion of ours, nor one on the mesh."""
        return not is_companion(ident) and ident not in self.roster

    def name_of(self, ident: str) -> str:
        """What somebody is called: a companion's own name, else the bare id."""
        member = self.roster.get(ident)
        return member.presence.name if member and member.presence.name else bare_name(ident)

    def names_of(self, ident: str) -> tuple[str, ...]:
        """All that somebody may be called by."""
        return (self.name_of(ident), bare_name(ident))

    def ids_by_name(self, others: Iterable[str]) -> dict[str, str]:
        """Ids of everybody on the mesh and of `others`, by id, bare id and name, all casefolded. Nobody
        can take somebody else's id as a name."""
        everybody = dict.fromkeys((*self.roster, *others))
        found: dict[str, str] = {}
        for called in (str, bare_name, self.name_of):
            for ident in everybody:
                found.setdefault(called(ident).casefold(), ident)
        return found

    def someone(self, ident: str, *, met: bool) -> Someone:
        """Somebody, as a brain is told of them."""
        member = self.roster.get(ident)
        return Someone(
            id=ident,
            name=self.name_of(ident),
            kind="person" if self.is_person(ident) else "companion",
            personality=member.presence.personality if member else "",
            met=met,
        )

    def line(self, entry: Entry, *, text: str | None = None) -> Line:
        """An entry of the journal, as a brain is told of it; with `text` in place of its own."""
        return Line(
            id=entry.uid,
            sender=entry.sender,
            name=self.name_of(entry.sender),
            text=entry.text if text is None else text,
            time=entry.time,
            to=entry.to,
            kind=entry.kind,
            echo=entry.echo,
        )
