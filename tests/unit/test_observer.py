"""The observer: what it tells of talks, and the records it makes of their turns."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import pytest
import trio
import trio.testing
from msgspec import Raw

from aikyo.conversation import Talk, Turn
from aikyo.mesh import Roster
from aikyo.swarm import observer as module
from aikyo.swarm.observer import SETTLES, Observer
from aikyo.swarm.turn_watch import TurnWatch
from aikyo.wire import Envelope, Event, Message, Payload, Presence, State, TurnRecord

ALICE, BOB, CAROL, MIKA = "companion_alice", "companion_bob", "companion_carol", "user_mika"


class Room:
    """An observer, and what it hears and tells."""

    def __init__(self, *there: str) -> None:
        self.roster = Roster()
        for who in there:
            self.roster.bind(f"peer of {who}", Presence(id=who, name=who))
        self.events: list[Event] = []
        self.told: list[TurnRecord] = []
        self.observer = Observer(
            self.roster, self.events.append, record=self.told.append, clock=lambda: 1000.0
        )
        self._send, self.heard = trio.open_memory_channel[Envelope](100)

    @property
    def record(self) -> TurnRecord:
        """The last that was told."""
        return self.told[-1]

    async def hear(self, payload: Payload) -> None:
        body = Raw(msgspec.json.encode(payload))
        peer = f"peer of {payload.sender}"  # type: ignore[attr-defined] # all of these have one
        await self._send.send(Envelope(seq=1, time=0.0, topic=payload.topic, peer=peer, body=body))
        await trio.testing.wait_all_tasks_blocked()

    async def say(
        self, ident: str, sender: str, reply_to: str | None = None, to: tuple[str, ...] = ()
    ) -> None:
        await self.hear(
            Message(id=ident, sender=sender, to=to, message="hello", conversation="c", reply_to=reply_to)
        )

    async def state(self, sender: str, message: str, state: str, **fields: object) -> None:
        await self.hear(State(sender=sender, message_id=message, state=state, **fields))  # type: ignore[arg-type]

    def reasons(self, kind: str) -> list[str | None]:
        return [event.reason for event in self.events if event.type == kind]


@asynccontextmanager
async def room(*there: str) -> AsyncIterator[Room]:
    made = Room(*there)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(made.observer.watch, made.heard)
        await trio.testing.wait_all_tasks_blocked()
        yield made
        nursery.cancel_scope.cancel()


async def test_an_answered_turn_leaves_its_offers_claim_and_answer(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with room(ALICE, BOB, CAROL) as it:
        await it.say("m1", MIKA)
        await trio.sleep(0.5)
        await it.state(CAROL, "m1", "listen", reason="had-say")
        await it.state(BOB, "m1", "speak", importance=3.0)
        await it.state(ALICE, "m1", "speak", importance=6.0, selected=True)
        await trio.sleep(0.25)
        await it.state(ALICE, "m1", "composing")
        await trio.sleep(3)
        await it.state(ALICE, "m1", "composing")  # as long as it composes, it says so again
        await it.say("a1", ALICE, reply_to="m1")
        found = it.record
        assert (found.message_id, found.conversation, found.sender, found.by_person) == (
            "m1",
            "c",
            MIKA,
            True,
        )
        assert (found.outcome, found.answers, found.answered_by) == ("answered", ("a1",), (ALICE,))
        assert (found.time, found.seconds, found.pause, found.length) == (1000.0, 3.75, 0.0, 1)
        assert found.invited == (ALICE, BOB, CAROL)
        assert [(o.who, o.state, o.importance, o.selected, o.after) for o in found.offers] == [
            (ALICE, "speak", 6.0, True, 0.5),
            (BOB, "speak", 3.0, False, 0.5),
            (CAROL, "listen", 0.0, False, 0.5),
        ]
        alice, bob, carol = found.offers
        assert alice.score is not None
        assert bob.score is not None
        assert alice.score > bob.score
        assert (carol.score, carol.reason) == (None, "had-say")
        assert [(c.who, c.rank, c.after, c.contested) for c in found.claims] == [(ALICE, 0, 0.75, False)]
        assert it.reasons("talk-begun") == [None]
        assert it.reasons("talk-resting") == []


async def test_a_turn_that_nobody_wants_rests_and_says_why(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with room(ALICE, BOB) as it:
        await it.say("m1", MIKA)
        await it.state(ALICE, "m1", "listen")
        await it.state(BOB, "m1", "listen", reason="had-say")
        assert (it.record.outcome, it.record.answers) == ("nobody-wanted", ())
        assert it.reasons("talk-resting") == ["nobody-wanted"]


async def test_those_who_stay_silent_are_no_quorum(autojump_clock: trio.testing.MockClock) -> None:
    async with room(ALICE) as it:
        await it.say("m1", MIKA)
        await trio.sleep(20)
        assert (it.record.outcome, it.record.offers, it.record.left) == ("no-quorum", (), ())
        assert it.reasons("talk-resting") == ["no-quorum"]


async def test_where_no_companion_is_there_to_answer_a_person_there_is_no_quorum(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with room() as it:
        await it.say("m1", MIKA)
        assert (it.record.outcome, it.reasons("talk-resting")) == ("no-quorum", ["no-quorum"])


async def test_what_a_companion_says_to_a_person_alone_is_no_lack_of_others(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with room(ALICE) as it:
        await it.say("m1", ALICE, to=(MIKA,))
        assert it.record.outcome == "nobody-wanted"


async def test_a_closed_talk_ends(autojump_clock: trio.testing.MockClock) -> None:
    async with room(ALICE, BOB) as it:
        await it.say("m1", BOB)
        await it.state(ALICE, "m1", "listen", reason="closed")
        assert it.record.outcome == "closed"
        assert (it.reasons("talk-ended"), it.reasons("talk-resting")) == (["closed"], [])


async def test_who_left_meanwhile_is_told(autojump_clock: trio.testing.MockClock) -> None:
    async with room(ALICE, BOB) as it:
        await it.say("m1", MIKA)
        await it.state(ALICE, "m1", "speak", importance=5.0)
        it.roster.release(f"peer of {ALICE}")
        await it.state(BOB, "m1", "listen")
        await trio.sleep(20)
        assert it.record.left == (ALICE,)
        assert it.record.answers == ()
        assert [event.companion for event in it.events if event.type == "left"] == [ALICE]


async def test_a_claim_of_what_another_has_is_contested(autojump_clock: trio.testing.MockClock) -> None:
    async with room(ALICE, BOB) as it:
        await it.say("m1", MIKA)
        await it.state(ALICE, "m1", "speak", importance=9.0)
        await it.state(BOB, "m1", "speak", importance=1.0)
        await it.state(BOB, "m1", "composing", rank=1)
        await it.state(ALICE, "m1", "composing", rank=0)
        await it.state(BOB, "m1", "listen")
        await it.say("a1", ALICE, reply_to="m1")
        assert [(c.who, c.contested) for c in it.record.claims] == [(BOB, False), (ALICE, True)]


async def test_a_runner_up_that_follows_one_who_gave_up_contests_nothing(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with room(ALICE, BOB) as it:
        await it.say("m1", MIKA)
        await it.state(ALICE, "m1", "speak", importance=9.0)
        await it.state(BOB, "m1", "speak", importance=1.0)
        await it.state(ALICE, "m1", "composing", rank=0)
        await it.state(ALICE, "m1", "listen", reason="brain-failed")
        await it.state(BOB, "m1", "composing", rank=1)
        await it.say("b1", BOB, reply_to="m1")
        assert [(c.who, c.contested) for c in it.record.claims] == [(ALICE, False), (BOB, False)]
        first, second = it.record.offers
        assert (first.who, first.state, first.gave_up, first.reason) == (
            ALICE,
            "speak",
            True,
            "brain-failed",
        )
        assert (second.who, second.gave_up) == (BOB, False)


async def test_a_second_answer_counts_however_late_it_comes(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with room(ALICE, BOB) as it:
        await it.say("m1", MIKA)
        await it.say("a1", ALICE, reply_to="m1")
        assert it.record.answers == ("a1",)
        await trio.sleep(SETTLES - 1)
        await it.say("b1", BOB, reply_to="m1")
        await trio.sleep(SETTLES * 2)
        records = {one.message_id: one for one in it.told}
        assert records["m1"].answers == ("a1", "b1")
        assert records["m1"].answered_by == (ALICE, BOB)
        assert it.observer.watching() == ()


async def test_a_second_answer_just_before_the_end_counts(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with room(ALICE, BOB) as it:
        await it.say("m1", MIKA)
        await it.say("a1", ALICE, reply_to="m1")
        await it.say("b1", BOB, reply_to="m1")
    assert {one.message_id: one for one in it.told}["m1"].answers == ("a1", "b1")


async def test_an_answer_after_the_talk_rested_is_still_its_answer(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with room(ALICE) as it:
        await it.say("m1", MIKA)
        await trio.sleep(15)
        assert it.record.outcome == "no-quorum"
        await it.say("a1", ALICE, reply_to="m1")
        await trio.sleep(SETTLES * 2)
        found = {one.message_id: one for one in it.told}["m1"]
        assert (found.outcome, found.answers, found.seconds) == ("answered", ("a1",), 15.0)


async def test_an_answer_to_what_was_superseded_is_late(autojump_clock: trio.testing.MockClock) -> None:
    async with room(ALICE) as it:
        await it.say("m1", MIKA)
        await trio.sleep(3)
        await it.say("m2", MIKA)
        await it.say("a1", ALICE, reply_to="m1")
        await trio.sleep(SETTLES * 2)
        found = {one.message_id: one for one in it.told}["m1"]
        assert (found.outcome, found.answers) == ("superseded", ("a1",))


async def test_what_a_person_says_is_no_answer(autojump_clock: trio.testing.MockClock) -> None:
    async with room(ALICE) as it:
        await it.say("m1", MIKA)
        await it.say("m2", "user_ken", reply_to="m1")
        await trio.sleep(60)
        found = {one.message_id: one for one in it.told}["m1"]
        assert (found.outcome, found.answers) == ("superseded", ())


async def test_an_answer_that_overtakes_its_message_is_its_answer(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with room(ALICE) as it:
        await it.say("a1", ALICE, reply_to="m1")
        await it.say("m1", MIKA)
        await trio.sleep(SETTLES * 2)
        assert {one.message_id: one.answers for one in it.told}["m1"] == ("a1",)


async def test_the_pause_for_reading_is_told_of_what_companions_say(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with room(ALICE, BOB) as it:
        await it.say("m1", BOB)
        await it.state(ALICE, "m1", "listen")
        assert 1.0 < it.record.pause < 2.0


async def test_a_turn_that_goes_on_can_be_looked_at(autojump_clock: trio.testing.MockClock) -> None:
    async with room(ALICE, BOB) as it:
        await it.say("m1", MIKA)
        await it.state(ALICE, "m1", "speak", importance=5.0)
        (going,) = it.observer.watching()
        assert (going.message_id, going.outcome) == ("m1", "")
        assert [offer.who for offer in going.offers] == [ALICE]
        assert it.told == []


async def test_only_so_many_turns_are_watched_and_the_rest_is_counted(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_OPEN", 3)
    async with room(ALICE) as it:
        for number in range(5):
            await it.hear(Message(id=f"m{number}", sender=MIKA, message="hello"))
        assert len(it.observer.watching()) == 3
        assert it.observer.counters == {"turns-unwatched": 2}
        await trio.sleep(60)
        assert len(it.told) == 3


async def test_states_of_strangers_and_of_the_sender_are_no_part_of_it(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with room(ALICE, BOB, CAROL) as it:
        await it.say("m1", BOB, to=(ALICE,))
        for who in (BOB, CAROL, "companion_nobody", *(f"companion_{n}" for n in range(100))):
            await it.state(who, "m1", "speak", importance=10.0)
            await it.state(who, "m1", "composing")
        await it.state(ALICE, "m1", "listen")
        assert it.record.invited == (ALICE,)
        assert [offer.who for offer in it.record.offers] == [ALICE]
        assert it.record.claims == ()


def test_people_that_a_leader_judged_for_are_not_among_those_who_wanted() -> None:
    message = Message(id="m1", sender=BOB, message="hello", conversation="c")
    turn = Turn(message, (ALICE,), 0.0, hearers={ALICE, MIKA})
    watch = TurnWatch(Talk("c"), turn, by_person=False, time=0.0, now=0.0, pace=1.0)
    for who in (MIKA, ALICE):
        turn.hear(State(sender=who, message_id="m1", state="listen"), 0.1)
    assert [offer.who for offer in watch.record().offers] == [ALICE]
