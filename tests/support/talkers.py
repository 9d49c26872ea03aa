"""A talk between companions with offline brains, without a mesh: who wants to speak most speaks next."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from aikyo.brain import Line, Moment, Persona, Someone, ToolSpec
from aikyo.brain.offline import OfflineBrain
from aikyo.paths import bundled_profiles
from aikyo.wire import Closing
from tests.support.minds import Hands

SPECS = tuple(
    ToolSpec(name, "", {}, "action") for name in ("speak", "move", "look", "gesture")
)  # what the offline brain looks at is the names
BEGINNING = datetime(2026, 1, 5, 20, 0, tzinfo=UTC)


def persona(name: str) -> Persona:
    """A companion that comes with the program."""
    table = tomllib.loads((bundled_profiles() / f"{name}.toml").read_text(encoding="utf-8"))["metadata"]
    words = {key: table[key] for key in ("name", "personality", "story", "sample", "language", "role")}
    lists = {key: tuple(table[key]) for key in ("interests", "phrases")}
    return Persona(id=f"companion_{name}", **words, **lists)


def words_of(hands: Hands) -> str:
    """What was said, or nothing."""
    return next((str(params["message"]) for tool, params in hands.done if tool == "speak"), "")


async def say(brain: OfflineBrain, moment: Moment) -> str:
    """What `brain` says in `moment`."""
    hands = Hands(specs=SPECS)
    await brain.compose(moment, hands)
    return words_of(hands)


@dataclass
class Talk:
    """A talk of some companions, each with an offline brain of its own."""

    seed: int
    personas: list[Persona]
    lines: list[Line] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.brains = {p.id: OfflineBrain(Random(f"{self.seed}{p.id}")) for p in self.personas}

    def moment(self, me: Persona, **fields: Any) -> Moment:
        """The moment of `me` after the last line."""
        last = self.lines[-1] if self.lines else None
        others = [
            Someone(p.id, p.name, "companion", met=self._spoke(me)) for p in self.personas if p is not me
        ]
        others.sort(key=lambda someone: last is None or someone.id != last.sender)
        usual: dict[str, Any] = {
            "now": BEGINNING + timedelta(seconds=5 * len(self.lines)),
            "me": me,
            "present": tuple(others),
            "message": last,
            "recent": tuple(self.lines[-16:]),
            "language": me.language,
            "turn": len(self.lines),
            "addressed": last is not None and me.name in last.text,
        }
        return Moment(**usual | fields)

    async def begin(self, topic: str) -> None:
        """Let the first of them begin a talk on `topic`."""
        me = self.personas[0]
        await self._take_turn(me, self.moment(me, topic=topic))

    async def go_on(self, turns: int, closing: Closing = Closing.NONE) -> None:
        """Let them take so many turns, or fewer if nobody wants one."""
        for _ in range(turns):
            bids = []
            for me in self.personas:
                moment = self.moment(me, closing=closing)
                assessed = await self.brains[me.id].assess(moment)
                if assessed.speak:
                    bids.append((assessed.importance, me.id, me, moment))
            if not bids:
                return
            _, _, me, moment = max(bids, key=lambda bid: bid[:2])
            await self._take_turn(me, moment)

    async def _take_turn(self, me: Persona, moment: Moment) -> None:
        text = await say(self.brains[me.id], moment)
        if text:
            time = moment.now.timestamp()
            self.lines.append(Line(f"m-{len(self.lines)}", me.id, me.name, text, time))

    def _spoke(self, me: Persona) -> bool:
        return any(line.sender == me.id for line in self.lines)
