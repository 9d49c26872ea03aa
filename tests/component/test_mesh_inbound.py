"""The gate of a node, and who keeps an id: under the virtual clock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from aikyo.mesh import IdTakenError, Received
from aikyo.mesh.members.household import Household
from aikyo.mesh.members.inbound import HELD_FOR, Inbound
from aikyo.mesh.members.local import LocalNode
from aikyo.mesh.refusals import Refusals
from aikyo.mesh.roster import MAX_MEMBERS
from aikyo.wire import Dialect, Message, Presence, State, Topic

ALICE, BOB = Presence(id="companion_alice"), Presence(id="companion_bob")
BIG = Message(id="big", sender=BOB.id, message="", metadata={"x": "x" * 1_000_000})


class Gate:
    """An `Inbound` of the peer "me", which everybody may present itself to."""

    def __init__(self, *, clock: Callable[[], float] = lambda: 7.0, numbered_from: int = 0) -> None:
        self.refusals = Refusals(clock)
        self.house = Household(clock, refusals=self.refusals)
        self.roster = self.house.roster
        self.counters = Counter[str]()
        self.inbound = Inbound("me", self.house, clock=clock, counters=self.counters)
        self._sequence = numbered_from

    def take(self, payload: Any, author: str) -> None:
        self._sequence += 1
        topic = payload.topic if hasattr(payload, "topic") else "messages"
        data = msgspec.json.encode(payload)
        self.inbound.take(topic, data, author, self._sequence.to_bytes(8, "big"))

    def delivered(self) -> list[Received]:
        found = []
        while True:
            try:
                found.append(self.inbound.received.receive_nowait())
            except trio.WouldBlock:
                return found


def said(sender: str, ident: str = "1") -> Message:
    return Message(id=ident, sender=sender, message="hello")


async def test_what_comes_from_an_unknown_companion_waits_until_it_is_known() -> None:
    gate = Gate()
    gate.take(said(ALICE.id, "1"), "p1")
    gate.take(said(ALICE.id, "2"), "p1")
    assert gate.delivered() == []
    gate.take(ALICE, "p1")
    gate.take(said(ALICE.id, "3"), "p1")
    topics = [(r.topic, getattr(r.payload, "id", "")) for r in gate.delivered()]
    assert topics == [
        (Topic.PRESENCE, ALICE.id),
        (Topic.MESSAGES, "1"),
        (Topic.MESSAGES, "2"),
        (Topic.MESSAGES, "3"),
    ]


async def test_what_waits_is_delivered_as_soon_as_metadata_binds_its_author(
    nursery: trio.Nursery, autojump_clock: trio.testing.MockClock
) -> None:
    gate = Gate()
    nursery.start_soon(gate.inbound.watch)
    await trio.sleep(1)
    gate.take(said(ALICE.id), "p1")
    await trio.sleep(HELD_FOR - 0.1)
    gate.roster.bind("p1", ALICE)
    await trio.testing.wait_all_tasks_blocked()
    assert [r.payload for r in gate.delivered()] == [said(ALICE.id)]


async def test_what_waits_too_long_is_dropped_and_counted(
    nursery: trio.Nursery, autojump_clock: trio.testing.MockClock
) -> None:
    gate = Gate()
    nursery.start_soon(gate.inbound.watch)
    gate.take(said(ALICE.id), "p1")
    await trio.sleep(HELD_FOR + 0.1)
    gate.roster.bind("p1", ALICE)
    await trio.testing.wait_all_tasks_blocked()
    assert gate.delivered() == []
    assert gate.counters == {"unbound": 1}


async def test_what_waits_is_dropped_when_its_author_turns_out_to_be_another() -> None:
    gate = Gate()
    gate.take(said(ALICE.id), "p1")
    gate.take(BOB, "p1")
    gate.take(said(BOB.id, "2"), "p1")
    assert [r.payload for r in gate.delivered()] == [BOB, said(BOB.id, "2")]
    assert gate.counters["spoofed"] == 1


async def test_what_waits_is_bounded() -> None:
    gate = Gate()
    for n in range(20 * 64):
        gate.take(said(ALICE.id, str(n)), f"p{n % 20}")
    assert gate.counters["held-overflow"] == 20 * 64 - 256
    other = Gate()
    for n in range(10):
        other.take(BIG, f"p{n % 5}")
    assert other.counters["held-overflow"] == 10 - 8


async def test_one_unknown_author_leaves_room_for_others() -> None:
    gate = Gate()
    for n in range(300):
        gate.take(said(ALICE.id, str(n)), "rogue")
    for _ in range(10):
        gate.take(BIG, "other rogue")
    assert gate.counters["held-overflow"] == 300 - 64 + 10 - 2
    gate.take(said(BOB.id, "first"), "p2")
    gate.take(BOB, "p2")
    gate.take(said(BOB.id, "second"), "p2")
    assert [getattr(r.payload, "id", "") for r in gate.delivered()] == [BOB.id, "first", "second"]


async def test_what_others_wait_for_is_no_work_for_who_is_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gate = Gate()
    for n in range(256):
        gate.take(said(ALICE.id, str(n)), f"p{n}")
    judged: list[str] = []
    plain = gate.roster.held_by

    def count(peer: str) -> str | None:
        judged.append(peer)
        return plain(peer)

    monkeypatch.setattr(gate.roster, "held_by", count)
    gate.take(said("user_mika"), "known")
    assert judged == ["known"]


async def test_what_waits_is_not_judged_anew_with_each_that_comes(
    nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch, autojump_clock: trio.testing.MockClock
) -> None:
    gate = numbered()
    gate.roster.bind("p1", ALICE)
    nursery.start_soon(gate.inbound.watch)
    start = int(EPOCH * 1e9)
    reviewed: list[None] = []
    monkeypatch.setattr(gate.inbound, "review", lambda: reviewed.append(None))
    for n in (0, *range(2, 50)):
        data = msgspec.json.encode(said(BOB.id, str(n)))
        gate.inbound.take("messages", data, f"unknown {n}", b"1")
        data = msgspec.json.encode(said(ALICE.id, str(n)))
        gate.inbound.take("messages", data, "p1", (start + n).to_bytes(8, "big"))
        await trio.testing.wait_all_tasks_blocked()
    assert len(reviewed) <= 4


async def test_what_comes_and_is_settled_at_once_leaves_nothing_to_watch(
    nursery: trio.Nursery,
) -> None:
    gate = Gate()
    nursery.start_soon(gate.inbound.watch)
    await trio.testing.wait_all_tasks_blocked()
    gate.take(said(ALICE.id, "1"), "p1")
    gate.take(ALICE, "p1")
    gate.take(said(ALICE.id, "2"), "p1")
    await trio.testing.wait_all_tasks_blocked()
    gate.take(said(BOB.id, "3"), "p2")
    gate.roster.bind("p2", BOB)
    await trio.testing.wait_all_tasks_blocked()
    delivered = [getattr(r.payload, "id", "") for r in gate.delivered()]
    assert delivered == [ALICE.id, "1", "2", "3"]


async def test_the_inbox_is_bounded_in_bytes_until_it_is_read() -> None:
    gate = Gate()
    gate.roster.bind("p1", BOB)

    def send(first: int, last: int) -> None:
        for n in range(first, last):
            gate.take(msgspec.structs.replace(BIG, id=str(n)), "p1")

    send(0, 20)
    assert gate.counters == {"received": 16, "inbox-overflow": 4}
    gate.take(said(BOB.id, "small"), "p1")
    assert gate.counters["received"] == 17
    assert len(gate.delivered()) == 17
    send(20, 40)
    assert gate.counters["received"] == 17 + 16
    for n in range(40, 80):
        gate.inbound.received.receive_nowait()
        send(n, n + 1)
    assert gate.counters == {"received": 17 + 16 + 40, "inbox-overflow": 4 + 4}


async def test_states_have_no_id_and_none_is_taken_for_a_copy() -> None:
    gate = Gate()
    gate.roster.bind("p1", ALICE)
    for state in ("speak", "composing"):
        gate.take(State(sender=ALICE.id, message_id="m", state=state), "p1")  # type: ignore[arg-type]
    assert len(gate.delivered()) == 2


async def test_a_payload_without_an_id_gets_the_same_one_everywhere() -> None:
    one, other = Gate(), Gate()
    for gate in (one, other):
        gate.inbound.take(
            "actions", b'{"from": "user_mika", "name": "wave", "params": {}}', "p1", b"\0" * 7 + b"\1"
        )
    (here,), (there,) = one.delivered(), other.delivered()
    assert here.payload.id == there.payload.id != ""  # type: ignore[attr-defined]


async def test_the_reader_that_went_away_is_counted() -> None:
    gate = Gate()
    gate.inbound.received.close()
    gate.take(said("user_mika"), "p1")
    assert gate.counters == {"inbox-closed": 1}


@given(st.text(max_size=20), st.binary(max_size=300), st.text(max_size=10), st.binary(max_size=9))
def test_no_bytes_raise(topic: str, data: bytes, author: str, sequence: bytes) -> None:
    async def take() -> None:
        gate = Gate()
        for where in (topic, *Topic):
            gate.inbound.take(where, data, author, sequence)

    trio.run(take)


class SilentNode(LocalNode):
    """A node that nothing carries for."""

    def __init__(self, peer: str, household: Household) -> None:
        super().__init__(peer, household, clock=lambda: 0.0, dialect=Dialect.PLAIN)
        self.sent: list[Presence] = []

    async def ready(self, companions: int) -> None:
        raise NotImplementedError

    def peers(self) -> tuple[Any, ...]:
        raise NotImplementedError

    async def _send(self, topic: str, data: bytes) -> None:
        self.sent.append(msgspec.json.decode(data, type=Presence))


def settled(household: Household, peer: str, wanted: Presence = ALICE) -> SilentNode:
    node = SilentNode(peer, household)
    household.enter(node)
    household.claim(node, wanted)
    return node


async def test_a_newcomer_never_takes_the_id_of_one_who_had_it_before(
    autojump_clock: trio.testing.MockClock,
) -> None:
    household = Household(lambda: 7.0)
    alice = settled(household, "p5")
    await trio.sleep(60)
    assert household.learn("p1", ALICE) is not None
    assert household.learn("p9", ALICE) is not None
    alice.check()


@pytest.mark.parametrize(("other", "kept"), [("p1", False), ("p9", True)])
async def test_of_two_that_come_at_once_the_lower_peer_id_keeps_the_id(other: str, kept: bool) -> None:
    household = Household(lambda: 7.0)
    alice = settled(household, "p5")
    household.link(other, alice)
    assert (household.learn(other, ALICE) is not None) is kept
    if kept:
        alice.check()
    else:
        with pytest.raises(IdTakenError, match="p1"):
            alice.check()
        assert household.roster.held_by("p1") == ALICE.id


async def test_a_newcomer_yields_to_one_who_insists_whatever_its_peer_id(
    autojump_clock: trio.testing.MockClock,
) -> None:
    household = Household(lambda: 7.0)
    newcomer = settled(household, "p1")
    assert household.learn("p5", ALICE) is not None
    await trio.sleep(1)
    assert household.learn("p5", ALICE) is not None
    await trio.sleep(1)
    assert household.learn("p5", ALICE) is None
    with pytest.raises(IdTakenError):
        newcomer.check()


async def test_the_id_that_is_taken_after_a_loss_is_not_lost_at_the_first_word(
    autojump_clock: trio.testing.MockClock,
) -> None:
    household = Household(lambda: 7.0)
    newcomer = settled(household, "p5")
    household.learn("p9", ALICE)
    await trio.sleep(2)
    assert household.learn("p9", ALICE) is None
    household.leave(newcomer)
    again = settled(household, "p5")
    assert again.me is not None
    assert household.learn("p9", again.me) is not None
    again.check()


async def test_who_has_left_takes_no_id_by_what_it_said_before(
    autojump_clock: trio.testing.MockClock,
) -> None:
    household = Household(lambda: 7.0)
    newcomer = settled(household, "p5")
    assert household.hear("p1", ALICE, b"1") == "claim-refused"
    await trio.sleep(3)
    assert household.hear("p1", ALICE, b"1") == "claim-refused"  # the same, to another node of ours
    newcomer.check()
    assert household.hear("p1", ALICE, b"2") is None  # it is there, and insists


async def test_a_presence_that_another_of_ours_has_heard_brings_nobody_back() -> None:
    household = Household(lambda: 7.0)
    node = settled(household, "p5")
    household.link("p1", node)
    assert household.hear("p1", BOB, b"1") is None
    household.unlink("p1", node)
    assert household.hear("p1", BOB, b"1") is None
    assert BOB.id not in household.roster
    assert household.hear("p1", BOB, b"2") is None
    assert BOB.id in household.roster


async def test_who_is_contested_says_again_that_it_is_there(
    autojump_clock: trio.testing.MockClock,
) -> None:
    household = Household(lambda: 7.0)
    alice = settled(household, "p5")
    async with alice.living():
        await trio.sleep(20)
        assert len(alice.sent) == 1
        household.learn("p9", ALICE)
        await trio.sleep(2.5)
        assert len(alice.sent) == 2
        await trio.sleep(31)
        assert len(alice.sent) == 3
    assert alice.sent[-1].gone


async def test_who_is_heard_of_through_others_is_gone_after_90_seconds(
    nursery: trio.Nursery, autojump_clock: trio.testing.MockClock
) -> None:
    household = Household(lambda: 7.0)
    nursery.start_soon(household.watch)
    assert household.hear("p1", ALICE, b"1") is None
    await trio.sleep(85)
    assert ALICE.id in household.roster
    await trio.sleep(20)
    assert ALICE.id not in household.roster


async def test_a_goodbye_counts_at_once_and_an_older_presence_does_not_undo_it() -> None:
    household = Household(lambda: EPOCH)
    first, second, third, fourth = ((int(EPOCH * 1e9) + n).to_bytes(8, "big") for n in range(4))
    household.hear("p1", ALICE, first)
    assert household.hear("p1", msgspec.structs.replace(ALICE, gone=True), third) is None
    assert household.hear("p1", ALICE, second) == "stale"
    assert ALICE.id not in household.roster
    assert household.hear("p1", ALICE, fourth) is None


async def test_a_neighbour_is_gone_with_its_last_connection() -> None:
    household = Household(lambda: 7.0)
    one, other = settled(household, "p1"), settled(household, "p2", BOB)
    carol = Presence(id="companion_carol")
    household.link("p3", one)
    household.link("p3", other)
    household.learn("p3", carol)
    household.unlink("p3", one)
    assert carol.id in household.roster
    household.unlink("p3", other)
    assert carol.id not in household.roster


async def test_a_node_that_joins_again_at_once_still_knows_whose_id_it_lost() -> None:
    household = Household(lambda: 7.0)
    loser = settled(household, "p5")
    household.link("p1", loser)
    assert household.learn("p1", ALICE) is None
    household.leave(loser)
    again = settled(household, "p5")
    assert again.me is not None
    assert again.me.id == f"{ALICE.id}-2"


async def test_no_companion_takes_a_persons_id() -> None:
    assert Household(lambda: 7.0).hear("p1", Presence(id="user_mika"), b"1") == "claim-refused"


async def test_a_node_does_not_try_at_once_for_an_id_that_it_had_to_give_up(
    autojump_clock: trio.testing.MockClock,
) -> None:
    household = Household(lambda: 7.0)

    def join() -> str:
        node = settled(household, "p5")
        household.leave(node)
        assert node.me is not None
        return node.me.id

    household.link("p1", settled(household, "p5"))
    assert household.learn("p1", ALICE) is None
    household.hear("p1", msgspec.structs.replace(ALICE, gone=True), b"1")
    assert ALICE.id not in household.roster
    assert join() == f"{ALICE.id}-2"
    await trio.sleep(61)
    assert join() == ALICE.id


async def test_names_that_somebody_made_up_keep_none_of_us_out() -> None:
    household = Household(lambda: 7.0)
    for n in range(2 * MAX_MEMBERS):
        household.hear(f"made up {n}", Presence(id=f"companion_{n}"), b"1")
    assert len(household.roster) == MAX_MEMBERS
    alice = settled(household, "p1")
    assert alice.me == ALICE
    household.link("p2", alice)
    assert household.learn("p2", BOB) is None
    assert household.roster.held_by("p1") == ALICE.id
    assert len(household.roster) == MAX_MEMBERS


EPOCH = 1_790_000_000.0


def numbered(*, behind: float = 0.0) -> Gate:
    """A gate whose authors number what they say as ours do."""
    return Gate(clock=lambda: EPOCH + trio.current_time(), numbered_from=int((EPOCH - behind) * 1e9))


async def test_who_is_shut_out_says_nothing_whoever_passes_it_on() -> None:
    gate = Gate()
    gate.roster.bind("p1", ALICE)
    gate.house.block("p1", "")
    gate.take(said(ALICE.id), "p1")
    gate.take(ALICE, "p1")
    gate.take("garbage", "p1")
    assert gate.delivered() == []
    assert gate.counters == {"blocked": 3}
    refusal = gate.refusals.get("p1")
    assert refusal is not None
    assert refusal.counters == {"blocked": 3}


async def test_who_is_shut_out_gets_no_id_by_presenting_itself_on_a_connection() -> None:
    household = Household(lambda: 7.0)
    household.learn("p1", ALICE)
    household.block("p1", "")
    assert household.learn("p1", ALICE) == "blocked"
    assert household.learn("p2", ALICE) is None


async def test_what_waits_is_dropped_when_its_author_is_shut_out() -> None:
    gate = Gate()
    gate.take(said(ALICE.id), "p1")
    gate.house.block("p1", "")
    gate.roster.bind("p2", ALICE)
    gate.inbound.review()
    assert gate.counters == {"blocked": 1}


async def test_what_is_dropped_is_noted_by_peer_and_reason_once_for_all_of_ours() -> None:
    gate = Gate()
    sibling = Inbound("sibling", gate.house, clock=lambda: 7.0, counters=Counter[str]())
    gate.roster.bind("p1", ALICE)
    gate.roster.bind("p2", BOB)
    forged = msgspec.json.encode(said(ALICE.id))
    for number in (b"1", b"2"):
        for inbound in (gate.inbound, sibling):
            inbound.take("messages", forged, "p2", number)
            inbound.take("messages", b"{", "p2", number)
            inbound.take("messages", forged, "firehose", number)
    noted = {refusal.who: refusal.counters for refusal in gate.refusals.all()}
    assert noted == {"p2": {"spoofed": 2, "not-json": 2}, "firehose": {"spoofed": 2}}
    assert gate.counters == {"spoofed": 4, "not-json": 2}


async def test_what_is_told_of_a_peer_holds_nothing_that_harms_a_terminal() -> None:
    gate = Gate()
    gate.roster.bind("p1", ALICE)
    gate.take(said("\x1b[2J\u202eevil"), "p1")
    refusal = gate.refusals.get("p1")
    assert refusal is not None
    assert refusal.reason.isprintable()
    assert refusal.reason.isascii()


async def test_a_recording_is_dropped_and_counted(autojump_clock: trio.testing.MockClock) -> None:
    gate = numbered()
    gate.roster.bind("p1", ALICE)
    number = int(EPOCH * 1e9).to_bytes(8, "big")
    states = b'[{"from": "companion_alice", "messageId": "m", "state": "speak"}]'
    gate.inbound.take("presence", msgspec.json.encode(present()), "p1", number)
    gate.inbound.take("states", states, "p1", number)
    await trio.sleep(121)
    gate.inbound.take("states", states, "p1", number)
    gate.inbound.take("states", b"[]", "p1", number)
    assert len(gate.delivered()) == 2
    assert gate.counters["replayed"] == 1
    refusal = gate.refusals.get("p1")
    assert refusal is not None
    assert refusal.counters == {"replayed": 1}


async def test_a_recorded_presence_of_one_that_left_does_not_bring_it_back(
    autojump_clock: trio.testing.MockClock,
) -> None:
    gate = numbered()
    start = int(EPOCH * 1e9)
    recorded = msgspec.json.encode(present())
    goodbye = msgspec.json.encode(msgspec.structs.replace(present(), gone=True))
    gate.inbound.take("presence", recorded, "p1", start.to_bytes(8, "big"))
    await trio.sleep(30)
    gate.inbound.take("presence", goodbye, "p1", (start + 1).to_bytes(8, "big"))
    for counter in ("stale", "stale", "replayed", "replayed", "replayed"):
        await trio.sleep(40)
        gate.inbound.take("presence", recorded, "p1", start.to_bytes(8, "big"))
        assert ALICE.id not in gate.roster
        assert gate.counters.pop(counter) == 1
    late = numbered()  # a home that started later and knows nobody
    await trio.sleep(500)
    late.inbound.take("presence", recorded, "p1", start.to_bytes(8, "big"))
    assert ALICE.id not in late.roster


async def test_what_overtook_another_of_the_same_author_is_delivered_in_order(
    nursery: trio.Nursery, autojump_clock: trio.testing.MockClock
) -> None:
    gate = numbered()
    gate.roster.bind("p1", ALICE)
    nursery.start_soon(gate.inbound.watch)
    start = int(EPOCH * 1e9)
    for n in (1, 3, 2, 5, 4, 7):
        data = msgspec.json.encode(said(ALICE.id, str(n)))
        gate.inbound.take("messages", data, "p1", (start + n).to_bytes(8, "big"))
    assert [r.payload.id for r in gate.delivered()] == ["1", "2", "3", "4", "5"]  # type: ignore[attr-defined]
    await trio.sleep(0.2)
    assert [r.payload.id for r in gate.delivered()] == ["7"]  # type: ignore[attr-defined]


def states_of(*senders: str) -> list[State]:
    return [State(sender=sender, message_id="m", state="speak") for sender in senders]


def take_states(gate: Gate, states: Any, author: str = "p1") -> None:
    gate.inbound.take("states", msgspec.json.encode(states), author, b"1")


async def test_a_state_does_not_wait_for_what_its_author_published_before() -> None:
    gate = numbered()
    gate.roster.bind("p1", ALICE)
    claim = State(sender=ALICE.id, message_id="m", state="composing")
    start = int(EPOCH * 1e9)
    published = {1: said(ALICE.id, "1"), 2: said(ALICE.id, "2"), 3: claim, 4: said(ALICE.id, "4")}
    for n in (1, 3, 4):
        data = msgspec.json.encode(published[n])
        gate.inbound.take(published[n].topic, data, "p1", (start + n).to_bytes(8, "big"))
    assert [received.payload for received in gate.delivered()] == [published[1], claim]
    gate.inbound.take(
        "messages", msgspec.json.encode(published[2]), "p1", (start + 2).to_bytes(8, "big")
    )
    assert [received.payload for received in gate.delivered()] == [published[2], published[4]]


async def test_without_an_election_nobody_judges_for_others() -> None:
    gate = Gate()
    gate.roster.bind("p1", ALICE)
    take_states(gate, states_of(ALICE.id, BOB.id))
    assert [r.payload.sender for r in gate.delivered()] == [ALICE.id]  # type: ignore[attr-defined]
    assert gate.counters["spoofed"] == 1


async def test_only_the_leader_judges_for_others_and_only_in_an_array() -> None:
    gate = Gate()
    gate.inbound.leads = lambda companion, message: (companion, message) == (ALICE.id, "m")
    for peer, presence in (("p1", ALICE), ("p2", BOB)):
        gate.roster.bind(peer, presence)
    take_states(gate, states_of(BOB.id, "companion_carol"))
    take_states(gate, states_of(BOB.id)[0])  # no array
    take_states(gate, states_of(ALICE.id), "p2")  # no leader
    take_states(gate, states_of(ALICE.id), "firehose")
    gate.take([said(BOB.id)], "p1")  # no States
    assert [r.payload.sender for r in gate.delivered()] == [BOB.id, "companion_carol"]  # type: ignore[attr-defined]
    assert gate.counters["spoofed"] == 3


async def test_what_a_leader_says_before_its_message_is_known_waits(
    nursery: trio.Nursery, autojump_clock: trio.testing.MockClock
) -> None:
    gate = Gate()
    nursery.start_soon(gate.inbound.watch)
    known: dict[str, bool] = {}
    gate.inbound.leads = lambda companion, message: known.get(message)
    gate.roster.bind("p1", ALICE)
    take_states(gate, states_of(*(f"companion_{n}" for n in range(60))))
    await trio.sleep(1)
    assert gate.delivered() == []
    known["m"] = True
    gate.inbound.review()
    assert len(gate.delivered()) == 60
    known.clear()
    take_states(gate, states_of(BOB.id))
    await trio.sleep(HELD_FOR + 0.1)
    known["m"] = True
    gate.inbound.review()
    assert gate.delivered() == []
    assert gate.counters["unknown-message"] == 1


def present() -> Presence:
    return msgspec.structs.replace(ALICE, sent=EPOCH + trio.current_time())
