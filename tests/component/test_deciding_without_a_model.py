"""A model that cannot decide silences nobody: rules decide in its place, and that is told once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from aikyo.brain import Assessment, Moment
from aikyo.brain.offline import OfflineBrain
from aikyo.brain.thrift import ThriftyBrain
from tests.support.gathering import Gathering, ScriptedBrain, gathering
from tests.support.providers import Provider, every_provider

ALICE = "companion_alice"
PARAMS = """
[events.params]
type = "object"
required = ["farewell"]

[events.params.properties.farewell]
type = "boolean"

[[events.conditions]]
expression = "farewell"
execute = [{ tool = "speak", instruction = "Say goodbye." }]
"""


def notices(room: Gathering) -> list[str | None]:
    return [event.reason for event in room.events if event.type == "notice"]


async def answered(room: Gathering, text: str) -> str:
    """What is said to Mika's message."""
    said = await room.say(text, ALICE)
    await room.until(lambda: any(message.reply_to == said.id for message in room.messages()))
    return room.messages()[-1].message


@every_provider
@pytest.mark.parametrize(
    ("answer", "told"),
    [
        pytest.param(lambda api: api.Hang(), "", id="hangs"),
        pytest.param(lambda api: api.Fault(401), "the key was refused", id="bad key"),
        pytest.param(lambda api: api.text("Hm."), "small decides nothing: ", id="garbage"),
    ],
)
async def test_whoever_speaks_to_it_is_answered_while_the_small_model_fails(
    provider: Provider,
    answer: Callable[[Any], Any],
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if not told:
        monkeypatch.setattr(f"aikyo.brain.{provider.name}.brain.ASSESS_SECONDS", 0.5)

    def script(asked: Any) -> Any:
        return answer(provider.api) if asked.body["model"] == "small" else provider.api.speaks("Here.")

    async with provider.thinking(script) as (brain, api):
        thrifty = ThriftyBrain(brain, local=OfflineBrain(Random(1)), purse=None)
        async with gathering(tmp_path, {"alice": thrifty}, extra=PARAMS) as room:
            for number in range(2):
                assert await answered(room, f"Alice, are you there? {number}") == "Here."
            [notice] = notices(room)
        assert told in str(notice)
        assert str(notice).endswith("; rules decide who speaks meanwhile")
        assert any(asked.body["model"] == "small" for asked in api.asked)


async def test_a_trouble_is_told_once_while_it_lasts_and_again_after_a_decision_without(
    tmp_path: Path,
) -> None:
    def decide(moment: Moment) -> Assessment:
        return Assessment(speak=True, importance=9, trouble=next(troubles))

    troubles = iter(["slow", "slow", "no key", "", "no key"])
    async with gathering(tmp_path, {"alice": ScriptedBrain(on_assess=decide)}) as room:
        for number in range(5):
            await answered(room, f"hello {number}")
        assert notices(room) == [
            f"{trouble}; rules decide who speaks meanwhile" for trouble in ("slow", "no key", "no key")
        ]
        assert not any(event.activity == "resting" for event in room.events)
