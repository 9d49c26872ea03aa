"""Two companions that call each other by name do not keep a third out of the talk for good."""

from __future__ import annotations

from pathlib import Path

from aikyo.brain import Assessment, Moment, Toolbox
from aikyo.brain.thrift import ThriftyBrain
from tests.support.gathering import ScriptedBrain, gathering

THINGS = ("crabs", "lighthouses", "maps", "stars", "bread", "ropes", "whales", "clocks", "trains")


def mind() -> ScriptedBrain:
    """Always wants to speak, and calls another by name."""

    async def call_another(moment: Moment, toolbox: Toolbox) -> None:
        another = "Bob" if moment.me.name == "Alice" else "Alice"
        thing = THINGS[moment.turn % len(THINGS)]
        await toolbox.call("speak", {"message": f"{another}, what do you say to {thing}?"})

    return ScriptedBrain(
        on_assess=lambda moment: Assessment(speak=True, importance=6), on_compose=call_another
    )


async def test_who_is_never_called_comes_in_after_some_time(tmp_path: Path) -> None:
    minds = {name: mind() for name in ("alice", "bob", "carol")}
    brains = {name: ThriftyBrain(mind, local=mind, purse=None) for name, mind in minds.items()}
    async with gathering(tmp_path, brains) as room:
        room.companions["alice"].begin("things", ("companion_bob", "companion_carol"))
        await room.until(lambda: any(m.sender == "companion_carol" for m in room.messages()))
        before = [message.sender for message in room.messages()][:-1]
    assert before == ["companion_alice", "companion_bob"] * 3
    assert len(minds["carol"].assessed) == 1  # what is clear costs nothing
