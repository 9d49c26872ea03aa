"""What the brains' tests share: a moment to think about, and hands that only write down what they do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aikyo.brain import Line, Moment, Persona, Someone, ToolError, ToolSpec

ALICE = Persona(
    id="companion_alice",
    name="Alice",
    personality="Curious and a little clumsy.",
    story="She grew up in a lighthouse.",
    sample="Oh! That reminds me of the sea.",
    interests=("tide pools", "old maps"),
    phrases=("Oh, that reminds me!",),
    role="You welcome visitors.",
)
BOB = Someone("companion_bob", "Bob", "companion", "Dry and patient.", met=True)
MIKA = Someone("user_mika", "Mika", "person")

NOW = datetime(2026, 1, 5, 21, 4, tzinfo=UTC)


def line(text: str, sender: Someone = MIKA, **fields: Any) -> Line:
    return Line(
        **{"id": "m-1", "time": 0.0, "sender": sender.id, "name": sender.name, "text": text} | fields
    )


def moment(text: str = "What is in the tide pool?", sender: Someone = MIKA, **fields: Any) -> Moment:
    """Somebody says something to Alice and Bob; `fields` change what is to be different."""
    said = line(text, sender, to=("companion_alice", "companion_bob"))
    usual = {"now": NOW, "me": ALICE, "present": (sender, BOB), "message": said, "recent": (said,)}
    return Moment(**usual | fields)


SPECS = (
    ToolSpec(
        "speak",
        "Say something aloud.",
        {"type": "object", "properties": {"message": {"type": "string"}}, "required": ["message"]},
        "action",
    ),
    ToolSpec(
        "gesture",
        "Make a gesture.",
        {"type": "object", "properties": {"kind": {"type": "string"}}, "required": ["kind"]},
        "action",
    ),
    ToolSpec(
        "recall",
        "Search your memory.",
        {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]},
        "knowledge",
    ),
)


@dataclass
class Hands:
    """A toolbox: keeps what was done; `refuse` names inputs that a tool turns down."""

    done: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    refuse: tuple[str, ...] = ()
    before: Callable[[], Awaitable[None]] | None = None
    specs: tuple[ToolSpec, ...] = SPECS
    drafts: list[str] = field(default_factory=list)

    def saying(self, text: str) -> None:
        self.drafts.append(text)

    async def call(self, name: str, params: Mapping[str, Any]) -> str:
        if name not in {spec.name for spec in self.specs}:
            raise ToolError(f"there is no tool '{name}'")
        if any(value in self.refuse for value in params.values()):
            raise ToolError("that is not possible")
        if self.before is not None:
            await self.before()
        self.done.append((name, params))
        return "a crab, on Tuesday" if name == "recall" else "done"
