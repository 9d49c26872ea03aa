"""A companion that takes turns as the TypeScript aikyo's do, with a model that says what a test says."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from aikyo.conversation.leader import succession
from aikyo.mesh import Node, Received
from aikyo.wire import Message, State
from aikyo.wire.javascript import hashed

__all__ = ["TypeScriptCompanion"]

STATE_PARAMS = {"from", "messageId", "state", "importance", "selected", "closing"}


def _eager(message: Message, who: str) -> State:
    return State(sender=who, message_id=message.id, state="speak", importance=5)


@dataclass
class TypeScriptCompanion:
    """Knows of no talks, claims nothing, waits for nobody, and believes every array.

    Attributes:
        node: its member of the mesh.
        judges: what its model says of a recipient of a message, when it leads.
        led: messages for which it has judged.
        speaks: whether it speaks when it is chosen.
    """

    node: Node
    judges: Callable[[Message, str], State] = _eager
    speaks: bool = True
    leads: bool = True
    led: list[str] = field(default_factory=list)
    said: int = 0
    _heard: dict[str, Message] = field(default_factory=dict)
    _arrays: dict[tuple[str, str], list[State]] = field(default_factory=lambda: defaultdict(list))

    @property
    def id(self) -> str:
        assert self.node.me is not None
        return self.node.me.id

    async def run(self) -> None:
        """Live until cancelled."""
        self.node.judge_leaders(lambda *_: True)
        async for received in self.node.received:
            match received.payload:
                case Message() as message if self.id in message.to:
                    self._heard[message.id] = message
                    await self._hear(message, bytes(received.body))
                case State() as state if set(msgspec.json.decode(received.body)) == STATE_PARAMS:
                    await self._hear_state(state, received)

    async def _hear(self, message: Message, body: bytes) -> None:
        elects = hashed(body, enveloped=False)
        assert elects is not None
        if self.leads and succession(elects, self.node.roster)[0] == self.id:  # type: ignore[arg-type]
            self.led.append(message.id)
            await self.node.publish_all([self.judges(message, who) for who in message.to])

    async def _hear_state(self, state: State, received: Received) -> None:
        """The mesh hands out an array one by one; it is whole when everybody has a State."""
        message = self._heard.get(state.message_id)
        if message is None:
            return
        array = self._arrays[received.peer, message.id]
        array.append(state)
        if len(array) < len(message.to):
            return
        del self._arrays[received.peer, message.id]
        there = [one for one in array if one.sender in self.node.roster]
        chosen = [one for one in there if one.selected] or [one for one in there if one.state == "speak"]
        chosen.sort(key=lambda one: -one.importance)
        if chosen and chosen[0].closing != "terminal" and chosen[0].sender == self.id and self.speaks:
            await self._speak(message)

    async def _speak(self, message: Message) -> None:
        self.said += 1
        others = dict.fromkeys((message.sender, *message.to))
        await self.node.publish(
            Message(
                id=f"{self.id}-{self.said}",
                sender=self.id,
                to=tuple(who for who in others if who != self.id),
                message=f"Aya says number {self.said}.",
                metadata={"emotion": "happy"},
            )
        )
