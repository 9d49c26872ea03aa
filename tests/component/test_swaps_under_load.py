"""Hundreds of swaps while companions talk: nothing is lost, and nothing is there twice."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import trio

from aikyo.brain import Assessment, Brain, Moment, Past, Toolbox
from aikyo.brain.parting import marked
from aikyo.companion import Limits, Profile
from aikyo.companion.session import Change, Overrides
from aikyo.memory import Row
from aikyo.wire import Message
from tests.support.gathering import Gathering, gathering

NAMES = ("alice", "bob", "carol")
SWAPS, ROUNDS = 300, 20


@dataclass
class Chronicle:
    """What one companion's brains were told, over all its sessions."""

    covered: dict[str, tuple[str, ...]] = field(default_factory=lambda: {"": ()})
    moments: list[Moment] = field(default_factory=list)
    composed: Counter[str] = field(default_factory=Counter)


class Chronicler(Brain):
    """Speaks, and writes down what it was told; what it sums up is named, and looked up by that name."""

    label = "chronicler"

    def __init__(self, chronicle: Chronicle) -> None:
        self._chronicle = chronicle
        self.closed = False

    async def assess(self, moment: Moment) -> Assessment:
        await self._think(moment)
        return Assessment(speak=True, importance=5)

    async def compose(self, moment: Moment, toolbox: Toolbox) -> None:
        await self._think(moment)
        assert moment.message is not None
        self._chronicle.composed[moment.message.id] += 1
        await trio.sleep(0.01)  # swaps go on meanwhile
        assert not self.closed
        await toolbox.call("speak", {"message": f"{moment.me.name} says number {moment.turn}."})

    async def summarize(self, past: Past) -> str:
        assert not self.closed
        await trio.lowlevel.checkpoint()
        return marked(map(self._noted, past.talks)) if past.talks else self._noted(past)

    def _noted(self, past: Past) -> str:
        covered = self._chronicle.covered
        name = f"notes {len(covered)}"
        covered[name] = (*covered[past.summary], *(line.id for line in past.lines))
        return name

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()
        self.closed = True

    async def _think(self, moment: Moment) -> None:
        assert not self.closed
        self._chronicle.moments.append(moment)
        await trio.lowlevel.checkpoint()


async def test_hundreds_of_swaps_under_load_lose_no_message_and_double_none(tmp_path: Path) -> None:
    chronicles = {name: Chronicle() for name in NAMES}
    opened: list[Chronicler] = []
    swaps = Counter[str]()

    async def open_brain(profile: Profile, _: Overrides) -> Brain:
        await trio.lowlevel.checkpoint()
        opened.append(Chronicler(chronicles[profile.metadata.name.lower()]))
        return opened[-1]

    async def keep_swapping(room: Gathering, name: str) -> None:
        sessions = room.companions[name].sessions
        while True:
            model = Overrides() if swaps[name] % 3 == 0 else None
            before = sessions.current.number
            assert (await sessions.renew(Change("asked", overrides=model))).number > before
            swaps[name] += 1
            await trio.sleep(0.005)

    first = {name: Chronicler(chronicle) for name, chronicle in chronicles.items()}
    limits = Limits(turns_per_talk=10_000, turns_per_hour=10_000)
    async with gathering(tmp_path, first, limits=limits, open_brain=open_brain) as room:
        async with trio.open_nursery() as nursery:
            for name in NAMES:
                nursery.start_soon(keep_swapping, room, name)
            rounds = 0
            while rounds < ROUNDS or swaps.total() < SWAPS:
                # two talks, so that a summary tells of more than the one that is going on
                hello = await room.say(f"Round {rounds}.", conversation=f"talk {rounds % 2}")
                await room.until(lambda m=hello: is_over(room, m), deadline=20)
                rounds += 1
            nursery.cancel_scope.cancel()
        journals = {name: await memory.after(0, 10_000) for name, memory in room.memories.items()}
        said = room.messages()
        claimed = {
            state.message_id
            for message in said
            for state in room.states(message.id)
            if state.state == "composing"
        }
    assert swaps.total() >= SWAPS
    assert len(said) >= ROUNDS * (1 + len(NAMES))
    assert all(brain.closed for brain in opened)
    for name, journal in journals.items():  # each message is journaled once
        assert Counter(row.entry.uid for row in journal) == Counter(message.id for message in said)
        for moment in chronicles[name].moments:
            assert_whole(moment, chronicles[name], journal)
    answers = Counter(message.reply_to for message in said if message.reply_to)
    composed = sum((chronicle.composed for chronicle in chronicles.values()), Counter[str]())
    assert answers == composed == Counter(dict.fromkeys(claimed, 1))  # each turn is taken once
    assert any(moment.briefing.summary for moment in chronicles["alice"].moments)


def is_over(room: Gathering, hello: Message) -> bool:
    """Whether all have answered, one another, and nobody wants to say more."""
    said = room.messages(hello.conversation)
    if hello not in said[:-1]:
        return False
    states = {state.sender: state.state for state in room.states(said[-1].id)}
    return list(states.values()) == ["listen"] * (len(NAMES) - 1)


def assert_whole(moment: Moment, chronicle: Chronicle, journal: tuple[Row, ...]) -> None:
    """What is summed up and what is told in full go together without a gap, and nothing is in both."""
    notes = [line.partition(": ")[2] for line in moment.briefing.summary.splitlines()]
    rows = {row.entry.uid: row for row in journal}
    summed_up = Counter(uid for note in notes for uid in chronicle.covered[note])
    covered = tuple(rows)[: len(summed_up)]
    assert summed_up == Counter(covered)
    assert moment.message is not None
    talk = rows[moment.message.id].entry.conversation
    later = [uid for uid in tuple(rows)[len(covered) :] if rows[uid].entry.conversation == talk]
    recent = [line.id for line in moment.recent]
    if moment.message.id in covered:  # what is to be answered is told in any case
        assert recent.pop() == moment.message.id
    else:
        assert moment.message.id in recent
    assert recent == later[: len(recent)]
