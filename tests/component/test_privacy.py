"""Nobody knows what it was not there for: whatever is said to whomever, on every topic."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import trio
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from aikyo.brain import Assessment, Moment, Toolbox, ToolError
from aikyo.companion import Limits
from aikyo.wire import Action, Context, Message, Payload, Query, QueryResult
from tests.support.gathering import Gathering, ScriptedBrain, gathering

NAMES = ("alice", "bob", "carol")
COMPANIONS = tuple(f"companion_{name}" for name in NAMES)
PEOPLE = ("user_mika", "user_ken")
KINDS = ("say", "say", "say", "speak", "context", "query", "result", "begin")
EVERYTHING = 1000  # entries of a memory that are looked at, and lines that are recalled
SECRET = re.compile(r"zq\d+x")

Step = tuple[str, str, tuple[str, ...], int]

steps = st.lists(
    st.tuples(
        st.sampled_from(KINDS),
        st.sampled_from(PEOPLE),
        st.lists(st.sampled_from((*COMPANIONS, *PEOPLE)), max_size=3, unique=True).map(tuple),
        st.integers(0, 7),  # what it goes on from, or pretends to: the latest but so many; at 7 nothing
    ),
    min_size=4,
    max_size=10,
)


class Curious(ScriptedBrain):
    """Says something new each time, now and then to one in particular, and tries to find out more."""

    def __init__(self, secrets: Iterator[str]) -> None:
        super().__init__(on_assess=self._want, on_compose=self._pry)
        self.secrets = secrets
        self.found: list[str] = []

    def _want(self, moment: Moment) -> Assessment:
        return Assessment(speak=True, importance=5)

    async def _pry(self, moment: Moment, toolbox: Toolbox) -> None:
        self.found += [
            await toolbox.call("recall", {"query": "secret", "k": 20}),
            *[await toolbox.call("recall", {"by": who, "k": 20}) for who in (*COMPANIONS, *PEOPLE)],
            await toolbox.call("companions", {}),
            await toolbox.call("room", {}),
        ]
        await toolbox.call("gesture", {"kind": f"secret {next(self.secrets)}"})
        aside = [someone.id for someone in moment.present[: moment.turn % 2]]
        with suppress(ToolError):  # the talk has moved on
            await toolbox.call("speak", {"message": f"A secret, {next(self.secrets)}.", "to": aside})


def may_know(payload: Payload) -> frozenset[str]:
    """The companions that may know what is in it: of messages and contexts whom they are to, nobody
    being everybody; of what is done, asked and answered whoever did it."""
    if isinstance(payload, Action) and payload.name == "speak" and "messageId" in payload.params:
        return frozenset(COMPANIONS)  # the firehose's view of a Message, which is heard by its own `to`
    match payload:
        case Message() | Context():
            to = payload.to
        case Action(name="speak"):
            to = tuple(filter(None, (payload.params.get("target"),)))
        case _:
            to = ("nobody",)
    sender = getattr(payload, "sender", "")
    return frozenset(who for who in COMPANIONS if not to or who in to or who == sender)


def payload_of(step: Step, room: Gathering, secret: str) -> Payload | None:
    """What a person sends in this step."""
    kind, sender, to, back = step
    said = [*reversed(room.messages())][back : back + 1]
    text = f"The secret is {secret}."
    match kind:
        case "say":
            return Message(
                id=room.new_id(),
                sender=sender,
                to=to,
                message=text,
                conversation=said[0].conversation if said else room.new_id(),
                reply_to=said[0].id if said else None,
            )
        case "speak":
            params = {"message": text} | ({"target": to[0]} if to else {})
            return Action(id=room.new_id(), sender=sender, name="speak", params=params)
        case "context":
            return Context(id=room.new_id(), sender=sender, to=to, type="text", context=text)
        case "query":
            return Query(id=room.new_id(), sender=sender, to=to, type="vision", body={"prompt": text})
        case "result":
            return QueryResult(id=room.new_id(), success=True, body={"text": text})
        case _:
            return None


async def known_to(room: Gathering, name: str) -> list[str]:
    """All texts that a companion remembers, can recall, or that its brain was given."""
    memory, brain = room.memories[name], room.worlds[name].brain
    assert isinstance(brain, Curious)
    kept = await memory.recent(None, EVERYTHING)
    hits = await memory.recall("secret", EVERYTHING)
    moments = [*brain.assessed, *brain.composed]
    return [*map(repr, kept), *map(repr, hits), *map(repr, moments), *brain.found]


async def play(plan: Sequence[Step], folder: Path) -> int:
    """Do what the plan says; how many secrets somebody knows of. Raises if anybody knows too much."""
    secrets = (f"zq{number}x" for number in count())
    minds = {name: Curious(secrets) for name in NAMES}
    async with gathering(folder, minds, limits=Limits(turns_per_talk=3)) as room:
        for step in plan:
            if step[0] == "begin":
                there = dict.fromkeys((*filter(COMPANIONS.__contains__, step[2]), *COMPANIONS))
                first, *others = there
                room.companions[first.removeprefix("companion_")].begin("a secret", others)
            elif (payload := payload_of(step, room, next(secrets))) is not None:
                await room.person.publish(payload)
            with trio.move_on_after(0.1):
                await room.until(lambda: False)
        owners: dict[str, frozenset[str]] = {}
        for payload in room.heard:
            for secret in SECRET.findall(repr(payload)):
                owners[secret] = owners.get(secret, frozenset(COMPANIONS)) & may_know(payload)
        seen: set[str] = set()
        for name, ident in zip(NAMES, COMPANIONS, strict=True):
            for text in await known_to(room, name):
                for secret in SECRET.findall(text):
                    seen.add(secret)
                    if secret in owners:  # else it was said only now
                        assert ident in owners[secret], (ident, text)
        return len(seen)


@settings(max_examples=15, phases=[Phase.generate])  # each takes a second: too long to look for less
@given(steps)
def test_no_companion_ever_knows_what_it_was_not_there_for(plan: list[Step]) -> None:
    with TemporaryDirectory() as folder:
        trio.run(play, plan, Path(folder))


async def test_what_is_looked_for_there_would_be_found(tmp_path: Path) -> None:
    plan: list[Step] = [
        ("say", "user_mika", COMPANIONS, 7),
        ("context", "user_mika", COMPANIONS[:1], 7),
        ("begin", "user_mika", (), 7),
        ("say", "user_ken", COMPANIONS[:1], 0),
    ]
    assert await play(plan, tmp_path) >= 3
