"""A companion's hands during one turn: its tools, each taking effect on the mesh and in the journal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

import msgspec
import trio
from msgspec import Struct

from ..brain import Known, Moment, ToolError, ToolSpec
from ..memory import Entry, Kind, MemoryFile, MemoryFileError
from ..tools import Tool
from ..wire import Action, Event, Message, WireError, encode
from . import tools
from .asker import asked_by
from .draft import Draft
from .journal import journal
from .knowing import Told, as_known, in_words, tellers
from .reminded import Reminded
from .running import as_text, run_tool
from .surroundings import Surroundings
from .toolset import Toolset
from .world import World

__all__ = ["Hands", "Occasion"]


@dataclass(frozen=True, slots=True)
class Occasion:
    """What a turn is about, for what is said in it.

    `may_speak` tells whether the turn is still one's own: what comes too late is not said. `asker` is
    the id of who is answered, if anybody is.
    """

    conversation: str
    audience: tuple[str, ...]
    reply_to: str | None = None
    may_speak: Callable[[], bool] = field(default=lambda: True)
    asker: str = ""


class Hands:
    """The `Toolbox` of one turn.

    Args:
        world: all that the companion is handed.
        occasion: what the turn is about.
        toolset: the tools of the companion's profile.
        surroundings: the room, and whom tools may ask.

    Attributes:
        message: what was said, or None.
        mood: the emotion it was said with, if any.
    """

    def __init__(
        self, world: World, occasion: Occasion, toolset: Toolset, surroundings: Surroundings
    ) -> None:
        self._world = world
        self._occasion = occasion
        self._toolset = toolset
        self._surroundings = surroundings
        self._reminded = Reminded(world)
        self._draft = Draft(world.me, occasion.conversation, world.new_id, world.draft)
        self.message: Message | None = None
        self.mood = ""

    @property
    def specs(self) -> tuple[ToolSpec, ...]:
        """The tools of this companion's profile."""
        return self._toolset.specs

    async def call(self, name: str, params: Mapping[str, Any]) -> str:
        """Run a tool; see `Toolbox.call`."""
        given = self._toolset.parse(name, params)
        if (own := self._toolset.own.get(name)) is not None:
            return await self._use(own, given)
        match given:
            case tools.Speak() as speak:
                return await self._speak(speak)
            case tools.Recall() as recall:
                return await self._recall(recall)
            case tools.Move() | tools.Look() | tools.Gesture() as action:
                await self._act(name, self._pointed(action))
                return "done"
            case tools.Companions():
                return self._companions()
            case tools.Room():
                layout = self._surroundings.layout(self._occasion.audience)
                return layout.in_words(self._world.me, self._world.name_of)
            case _:
                return self._world.now().strftime("%A, %Y-%m-%d %H:%M")

    def remind(self, moment: Moment) -> None:
        """Memory has brought this up: what repeats it is journaled as an echo."""
        self._reminded.of(moment)

    def saying(self, text: str) -> None:
        """See `Toolbox.saying`."""
        self._draft.saying(text)

    def end_draft(self, why: Literal["interrupted", "dropped"]) -> None:
        """Tell watchers that what was being composed is not said; no effect where it was."""
        self._draft.end(why)

    async def _speak(self, speak: tools.Speak) -> str:
        text = speak.message.strip()
        if not text:
            raise ToolError("speak: there is nothing in `message`")
        if self.message is not None:
            raise ToolError("you have spoken already; the next word is somebody else's")
        if not self._occasion.may_speak():
            raise ToolError("the conversation has moved on; this was not said")
        await trio.lowlevel.checkpoint_if_cancelled()  # interrupted: what is unsaid stays so
        targets = [self._resolve(name) for name in speak.to]
        metadata: dict[str, Any] = {}
        if speak.emotion:
            metadata["emotion"] = speak.emotion
        if len(targets) == 1:
            metadata["target"] = targets[0]
        checked = _checked(text)
        message = Message(
            id=self._draft.take(checked),
            sender=self._world.me,
            to=self._occasion.audience,
            message=checked,
            conversation=self._occasion.conversation,
            reply_to=self._occasion.reply_to,
            metadata=metadata,
        )
        params: dict[str, Any] = {"message": text, "messageId": message.id}
        if len(targets) == 1:
            params["target"] = targets[0]
        self.message = message
        await self._do(message, "said", text, self._action("speak", params))
        self._draft.said(text)
        if speak.emotion:
            self.mood = speak.emotion
            self._world.emit(Event(type="mood", companion=self._world.me, mood=speak.emotion))
        return "said"

    async def _use(self, tool: Tool, given: Struct) -> str:
        """Call a tool of one's own. An action that has come back is done: published and journaled."""
        occasion = self._occasion
        here = self._surroundings.here(
            caller=self._world.me, conversation=occasion.conversation, audience=occasion.audience
        )
        if tool.kind == "knowledge":
            return as_text(await run_tool(tool, given, here))
        params = _as_params(tool.name, given)
        result = await run_tool(tool, given, here)
        await self._act(tool.name, params)
        return as_text(result)

    async def _act(self, name: str, params: dict[str, Any]) -> None:
        action = self._action(name, params)
        words = " ".join(str(value) for value in params.values())
        self._surroundings.room.hear(action, self._world.roster)  # before it comes back from the mesh
        await self._do(action, "did", f"{name} {words}".strip())

    async def _do(
        self, payload: Message | Action, kind: Kind, text: str, *also: Message | Action
    ) -> None:
        """Journal a payload and publish it, and what goes with it. Journaled first, so that nobody has
        heard what would be forgotten after a crash; in one, so that no interruption comes between."""
        with trio.CancelScope(shield=True):
            await journal(
                self._world,
                payload,
                kind,
                text,
                peer=self._world.peer,
                to=self._occasion.audience,
                conversation=self._occasion.conversation,
                echo=kind == "said" and self._reminded.repeats(text),
                present=self._reminded.present,
            )
            for one in (payload, *also):
                await self._world.publish(one)

    async def _recall(self, recall: tools.Recall) -> str:
        try:
            if recall.by:
                who = self._resolve(recall.by)
                turns = await self._world.memory.heard_from(who, recall.k)
                facts: tuple[Known, ...] = ()
            else:
                facts, turns = await self._found(recall.query, recall.k)
        except MemoryFileError as error:
            raise ToolError(f"recall: you cannot remember now ({error.why})") from None
        self._reminded.by(facts, turns)
        return "\n".join(in_words(self._world, facts, turns)) or "nothing comes to mind"

    async def _found(self, query: str, k: int) -> tuple[tuple[Known, ...], tuple[Entry, ...]]:
        """What is known, at most half of all, and what was said."""
        world, asker = self._world, self._occasion.asker
        query = asked_by(world.name_of(asker) if asker else "", query)
        told = await world.memory.read(partial(_facts, query=query, k=max(1, k // 2), now=world.clock()))
        hits = await world.memory.recall(query, max(1, k - len(told)), now=world.now())
        return as_known(world, told), tuple(hit.entry for hit in hits)

    def _companions(self) -> str:
        roster = self._world.roster
        members = [member.presence for ident in roster if (member := roster.get(ident))]
        return "\n".join(f"{m.id}: {m.name}. {m.personality}" for m in members)

    def _action(self, name: str, params: dict[str, Any]) -> Action:
        return Action(id=self._world.new_id(), sender=self._world.me, name=name, params=params)

    def _pointed(self, action: Struct) -> dict[str, Any]:
        """The action's params, with names resolved to ids."""
        params: dict[str, Any] = msgspec.to_builtins(action)
        if "target" in params:
            params["target"] = self._resolve(params["target"])
        return params

    def _resolve(self, name: str) -> str:
        ids = self._world.ids_by_name(self._occasion.audience)
        return ids.get(name.casefold(), name)


def _facts(file: MemoryFile, query: str, k: int, now: float) -> tuple[Told, ...]:
    return tellers(file, (hit.fact for hit in file.facts.recall(query, k, now=now)))


def _as_params(name: str, given: Struct) -> dict[str, Any]:
    """The input of an action of one's own as it travels; found out before it is done.

    Raises:
        ToolError: the wire does not take it.
    """
    try:
        params: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(given))
        encode(Action(id="0", sender="me", name=name, params=params))
    except (WireError, TypeError, ValueError, RecursionError) as error:
        raise ToolError(f"{name}: {error}") from None
    return params


def _checked(text: str) -> str:
    """The text, if the wire takes it.

    Raises:
        ToolError: it is too long.
    """
    try:
        Message(sender="me", message=text)
    except ValueError as error:
        raise ToolError(f"speak: {error}") from None
    return text
