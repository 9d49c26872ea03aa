"""What every mesh must do: the same suite on libp2p (real sockets on loopback) and on its twin."""

from __future__ import annotations

import itertools
import random
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio

from aikyo.errors import UsageError
from aikyo.mesh import IdTakenError, Mesh, MeshError, Node, Received
from aikyo.mesh.memory import MemoryLan, MemoryMesh
from aikyo.wire import Action, Dialect, Message, Presence, Query, QueryResult, State, Topic, WireError

DEADLINE = 20
ALICE, BOB = "companion_alice", "companion_bob"


class World:
    """A LAN on which any number of processes can take part, here all in this one."""

    def __init__(self, new_mesh: Callable[[Dialect], Mesh], keys: Path) -> None:
        self.mesh = new_mesh
        self._keys = keys
        self._number = itertools.count()

    def key(self, name: str | None = None) -> Path:
        return self._keys / (name or f"key-{next(self._number)}")

    @asynccontextmanager
    async def process(self, *ids: str, dialect: Dialect = Dialect.PLAIN) -> AsyncIterator[list[Node]]:
        """A process with a node for each id; an empty id is a firehose."""
        async with self.mesh(dialect) as mesh, trio.open_nursery() as nursery:
            nodes = [await nursery.start(self._stay, mesh, ident) for ident in ids]
            yield nodes
            nursery.cancel_scope.cancel()

    async def _stay(self, mesh: Mesh, ident: str, *, task_status: Any) -> None:
        async with mesh.join(self.key(), Presence(id=ident) if ident else None) as node:
            task_status.started(node)
            await trio.sleep_forever()


@pytest.fixture(params=["memory", "libp2p"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    if request.param == "memory":
        lan = MemoryLan()
        return World(lambda dialect: MemoryMesh(lan, dialect=dialect), tmp_path)
    from aikyo.mesh.libp2p import Libp2pMesh, MeshOptions

    name = f"test-{uuid.uuid4().hex[:12]}"

    def new_mesh(dialect: Dialect) -> Mesh:
        options = MeshOptions(name=name, listen="127.0.0.1", dialect=dialect)
        return Libp2pMesh(options, clock=time.time, random=random.Random(1))

    return World(new_mesh, tmp_path)


def message(sender: str, text: str = "hello", **more: Any) -> Message:
    return Message(id=uuid.uuid4().hex, sender=sender, message=text, **more)


async def hear(node: Node, topic: Topic = Topic.MESSAGES) -> Received:
    with trio.fail_after(DEADLINE):
        async for received in node.received:
            if received.topic is topic:
                return received
    raise AssertionError("the node ended")


async def everybody(companions: int, *nodes: Node) -> None:
    with trio.fail_after(DEADLINE):
        for node in nodes:
            await node.ready(companions)


async def until_counted(node: Node, reason: str) -> None:
    with trio.fail_after(DEADLINE):
        while not node.counters[reason]:
            await trio.sleep(0.005)


async def until_met(one: Node, other: Node) -> None:
    with trio.fail_after(DEADLINE):
        while not all(
            there.peer in [p.peer for p in here.peers()] for here, there in ((one, other), (other, one))
        ):
            await trio.sleep(0.005)


async def until_roster(node: Node, *ids: str) -> None:
    with trio.fail_after(DEADLINE):
        while tuple(node.roster) != tuple(sorted(ids)):
            await node.roster.changed()


async def test_a_mesh_has_counters_of_its_own(world: World) -> None:
    async with world.mesh(Dialect.PLAIN) as mesh:
        assert mesh.counters["anything"] == 0


async def test_siblings_hear_each_other_and_each_hears_itself(world: World) -> None:
    async with world.process(ALICE, BOB) as (alice, bob):
        await everybody(2, alice, bob)
        said = message(ALICE)
        await alice.publish(said)
        here, there = await hear(alice), await hear(bob)
    assert (here.own, there.own) == (True, False)
    assert here.payload == there.payload == said
    assert here.peer == there.peer == alice.peer
    assert here.time == pytest.approx(time.time(), abs=DEADLINE)


async def test_processes_find_and_hear_each_other(world: World) -> None:
    async with world.process(ALICE, "") as (alice, _), world.process(BOB) as (bob,):
        await everybody(2, alice, bob)
        await bob.publish(message(BOB, "anybody there?"))
        heard = await hear(alice)
        await alice.publish(message(ALICE, "here", reply_to=heard.payload.id))  # type: ignore[attr-defined]
        answer = await hear(bob)
        while answer.own:
            answer = await hear(bob)
    assert answer.payload.message == "here"  # type: ignore[attr-defined]


async def test_what_one_says_arrives_in_order_and_whole(world: World) -> None:
    async with world.process(ALICE, BOB, "") as nodes:
        await everybody(2, *nodes)
        sent = [message(ALICE, f"line {n}") for n in range(500)]
        for one in sent:
            await nodes[0].publish(one)
        for node in nodes:
            assert [(await hear(node)).payload for _ in sent] == sent
            assert node.counters["inbox-overflow"] == node.counters["outbox-overflow"] == 0


async def test_every_kind_of_payload_is_understood_in_either_dialect(world: World) -> None:
    plain = world.process(ALICE)
    jsonrpc = world.process(BOB, dialect=Dialect.JSONRPC)
    async with plain as (alice,), jsonrpc as (bob,):
        await everybody(2, alice, bob)
        # In the JSON-RPC dialect nobody named is nobody, so that everybody is named there.
        for node, other, own, to, everybody_is in (
            (alice, bob, ALICE, BOB, ()),
            (bob, alice, BOB, ALICE, (ALICE,)),
        ):
            to_all = message(own)
            await node.publish(to_all)
            received = await hear(other)
            while received.own:
                received = await hear(other)
            assert received.payload == msgspec.structs.replace(to_all, to=everybody_is)
            for payload in (
                message(own, to=(to,)),
                Action(id="a", sender=own, name="gesture", params={"kind": "wave"}),
                State(sender=own, message_id="m", state="speak", importance=7),
                Query(id="q", sender=own, type="vision", body={"prompt": "?"}),
                QueryResult(id="q", success=True, body={"text": "a cup"}),
            ):
                await node.publish(payload)
                received = await hear(other, payload.topic)
                while received.own:
                    received = await hear(other, payload.topic)
                assert received.payload == payload


async def test_unknown_fields_are_passed_on(world: World) -> None:
    async with world.process("", BOB) as (firehose, bob):
        await everybody(1, firehose, bob)
        said = message("user_mika")
        raw = {**msgspec.to_builtins(said), "mood": "sunny"}
        await firehose.publish(said, body=msgspec.Raw(msgspec.json.encode(raw)))
        received = await hear(bob)
    assert msgspec.json.decode(received.body)["mood"] == "sunny"


async def test_what_is_too_large_is_refused_before_it_leaves(world: World) -> None:
    async with world.process(ALICE) as (alice,):
        with pytest.raises(WireError, match="limit"):
            await alice.publish(message(ALICE, metadata={"blob": "x" * (1 << 20)}))


async def test_a_large_message_arrives(world: World) -> None:
    async with world.process(ALICE, BOB) as (alice, bob):
        await everybody(2, alice, bob)
        await alice.publish(message(ALICE, metadata={"blob": "x" * 900_000}))
        assert len((await hear(bob)).body) > 900_000  # type: ignore[arg-type]


@pytest.mark.parametrize(("ident", "other"), [(ALICE, BOB), (ALICE, "user_mika"), ("", ALICE)])
async def test_a_node_speaks_only_as_itself(world: World, ident: str, other: str) -> None:
    async with world.process(ident) as (node,):
        with pytest.raises(MeshError, match="speaks as"):
            await node.publish(message(other))


async def test_a_firehose_that_speaks_for_a_companion_is_dropped(world: World) -> None:
    async with world.process(ALICE) as (alice,), world.process("") as (rogue,):
        await everybody(1, alice, rogue)
        await forge(rogue, message(ALICE))
        await until_counted(alice, "spoofed")
        await rogue.publish(message("user_mika", "honest"))
        assert (await hear(alice)).payload.message == "honest"  # type: ignore[attr-defined]


async def test_a_companion_that_speaks_for_another_is_dropped(world: World) -> None:
    async with world.process(ALICE) as (alice,), world.process(BOB) as (rogue,):
        await everybody(2, alice, rogue)
        for sender in (ALICE, "user_mika", "companion_nobody"):
            alice.counters["spoofed"] = 0
            await forge(rogue, message(sender))
            await until_counted(alice, "spoofed")


async def test_what_a_peer_is_refused_is_noted_by_its_peer_id(world: World) -> None:
    async with world.mesh(Dialect.PLAIN) as mesh, mesh.join(world.key(), Presence(id=ALICE)) as alice:
        async with world.process("") as (rogue,):
            await everybody(1, alice, rogue)
            await until_met(alice, rogue)
            await forge(rogue, message(ALICE))
            await until_counted(alice, "spoofed")
            refusal = mesh.refusals.get(rogue.peer)  # type: ignore[attr-defined]
        assert refusal.counters == {"spoofed": 1}


async def test_who_is_blocked_is_not_heard_until_it_is_unblocked(world: World) -> None:
    async with world.mesh(Dialect.PLAIN) as mesh, mesh.join(world.key(), Presence(id=ALICE)) as alice:
        async with world.process(BOB) as (bob,):
            await everybody(2, alice, bob)
            assert mesh.owns(alice.peer)
            assert not mesh.owns(bob.peer)
            mesh.block(bob.peer, "too loud")
            assert BOB not in alice.roster
            with trio.fail_after(DEADLINE):
                while bob.peer in [peer.peer for peer in alice.peers()]:
                    await trio.sleep(0.01)
            await bob.publish(message(BOB, "shut out"))
            while alice.received.statistics().current_buffer_used:
                assert (await alice.received.receive()).topic is not Topic.MESSAGES
            assert mesh.unblock(bob.peer)
            await until_roster(alice, ALICE, BOB)
            with trio.fail_after(DEADLINE):
                while bob.peer not in [peer.peer for peer in alice.peers()]:
                    await trio.sleep(0.01)
            await bob.publish(message(BOB, "back"))
            while (await hear(alice)).payload.message != "back":  # type: ignore[attr-defined]
                pass  # gossip may repeat the last seconds


async def test_what_a_newcomer_is_given_of_the_last_seconds_is_in_order(world: World) -> None:
    async with world.process(ALICE) as (alice,):
        for n in range(60):
            await alice.publish(message(ALICE, str(n)))
        await trio.sleep(1.2)  # over a heartbeat, by which gossip keeps what it may repeat
        for n in range(60, 90):
            await alice.publish(message(ALICE, str(n)))
        async with world.process(BOB) as (bob,):
            await everybody(2, alice, bob)
            await until_met(alice, bob)
            await trio.sleep(1)
            await alice.publish(message(ALICE, "90"))
            heard = [0]
            while heard[-1] != 90:
                heard.append(int((await hear(bob)).payload.message))  # type: ignore[attr-defined]
    assert heard == sorted(heard)


async def test_an_id_stays_its_peers_while_that_is_away(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aikyo.mesh.members.claims._KNOWN_BY", 0.0)
    home, mesh = world.mesh(Dialect.PLAIN), world.mesh(Dialect.PLAIN)
    async with home, mesh, home.join(world.key(), Presence(id=BOB)) as bob:
        async with mesh.join(world.key("alice"), Presence(id=ALICE)):
            await until_roster(bob, ALICE, BOB)
            home.household.review()  # type: ignore[attr-defined]
        await until_roster(bob, BOB)
        async with world.process("") as (rogue,):
            await everybody(1, bob, rogue)
            await until_met(rogue, bob)
            await forge(rogue, Presence(id=ALICE))
            await until_counted(bob, "pinned")
            assert home.refusals.get(rogue.peer).counters == {"pinned": 1}  # type: ignore[attr-defined]
            assert ALICE not in bob.roster
        async with mesh.join(world.key("alice"), Presence(id=ALICE)) as alice:
            await until_roster(bob, ALICE, BOB)
            assert bob.roster.held_by(alice.peer) == ALICE


async def test_bytes_that_are_no_payload_are_counted(world: World) -> None:
    async with world.process(ALICE) as (alice,), world.process(BOB) as (rogue,):
        await everybody(2, alice, rogue)
        await rogue._send("messages", b"\xff{")  # type: ignore[attr-defined]
        await until_counted(alice, "not-json")
        await rogue._send("messages", b'{"from": "companion_bob"}')  # type: ignore[attr-defined]
        await until_counted(alice, "invalid")


async def test_what_comes_twice_is_delivered_once(world: World) -> None:
    async with world.process(ALICE, BOB) as (alice, bob):
        await everybody(2, alice, bob)
        said = message(ALICE)
        for one in (said, said, message(ALICE, "next")):
            await alice.publish(one)
        await hear(bob)
        assert (await hear(bob)).payload.message == "next"  # type: ignore[attr-defined]
        assert bob.counters["duplicate"] == 1


async def test_an_id_that_is_held_gives_the_next_free_one(world: World) -> None:
    async with world.process(ALICE, ALICE) as (first, second), world.process(ALICE) as (third,):
        await everybody(3, first, second, third)
        assert [node.me.id for node in (first, second, third) if node.me] == [
            ALICE,
            f"{ALICE}-2",
            f"{ALICE}-3",
        ]
        await third.publish(message(f"{ALICE}-3", "me too"))
        assert (await hear(first)).payload.sender == f"{ALICE}-3"  # type: ignore[attr-defined]


async def test_of_two_claims_at_the_same_moment_the_lower_peer_id_keeps_it(world: World) -> None:
    joined: dict[str, Node] = {}
    lost: list[str] = []
    done = trio.Event()

    async def companion(name: str) -> None:
        async with world.mesh(Dialect.PLAIN) as mesh:
            while not done.is_set():
                try:
                    async with mesh.join(world.key(name), Presence(id=ALICE)) as node:
                        joined[name] = node
                        await done.wait()
                except IdTakenError:
                    lost.append(name)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(companion, "one")
        nursery.start_soon(companion, "other")
        with trio.fail_after(DEADLINE):
            while sorted(n.me.id for n in joined.values() if n.me) != [ALICE, f"{ALICE}-2"] or any(
                len(node.roster) < 2 for node in joined.values()
            ):
                await trio.sleep(0.01)
        done.set()
    keeper = next(node for node in joined.values() if node.me and node.me.id == ALICE)
    assert keeper.peer == min(node.peer for node in joined.values())
    assert len(lost) <= 1


async def test_the_same_key_comes_back_at_once_as_the_same_peer(world: World) -> None:
    async with world.process(BOB) as (bob,), world.mesh(Dialect.PLAIN) as mesh:
        peers = set()
        for text in ("first", "again"):
            async with mesh.join(world.key("alice"), Presence(id=ALICE)) as alice:
                peers.add(alice.peer)
                assert alice.me is not None
                assert alice.me.id == ALICE
                await everybody(2, alice, bob)
                await alice.publish(message(ALICE, text))
                assert (await hear(bob)).payload.message == text  # type: ignore[attr-defined]
            await until_roster(bob, BOB)
    assert len(peers) == 1


async def test_one_identity_is_on_the_mesh_once(world: World) -> None:
    async with world.mesh(Dialect.PLAIN) as mesh, mesh.join(world.key("k"), None):
        with pytest.raises(MeshError, match="already"):
            async with mesh.join(world.key("k"), None):
                pass


async def test_who_leaves_is_gone_from_every_roster(world: World) -> None:
    async with world.process(ALICE) as (alice,):
        async with world.process(BOB) as (bob,):
            await until_roster(alice, ALICE, BOB)
            await until_roster(bob, ALICE, BOB)
            with trio.fail_after(DEADLINE):
                while [peer.companion for peer in alice.peers()] != [BOB]:
                    await trio.sleep(0.005)
        await until_roster(alice, ALICE)
        assert alice.peers() == ()


async def test_who_presents_itself_anew_is_known_so_to_everybody(world: World) -> None:
    async with world.process(ALICE, "") as (alice, _), world.process(BOB) as (bob,):
        await everybody(2, alice, bob)
        alice.present_as(Presence(id="companion_eve", name="Alicia", personality="Calm."))
        with trio.fail_after(DEADLINE):
            for node in (alice, bob):
                while (there := node.roster.get(ALICE)) is None or there.presence.name != "Alicia":
                    await node.roster.changed()
                assert (there.presence.personality, there.peer) == ("Calm.", alice.peer)
        assert "companion_eve" not in bob.roster
        assert alice.me is not None
        assert alice.me.id == ALICE
        await alice.publish(message(ALICE, "still me"))
        assert (await hear(bob)).peer == alice.peer


async def test_a_firehose_presents_nobody(world: World) -> None:
    async with world.process("") as (firehose,):
        with pytest.raises(MeshError, match="no companion"):
            firehose.present_as(Presence(id=ALICE))


async def test_ready_waits_until_all_are_there(world: World) -> None:
    async with world.process(ALICE) as (alice,):
        with trio.move_on_after(0.05) as waited:
            await alice.ready(2)
        assert waited.cancelled_caught
        async with world.process(BOB) as (bob,):
            await everybody(2, alice, bob)


async def test_a_slow_reader_loses_the_newest_and_it_is_counted(world: World) -> None:
    async with world.process(ALICE) as (alice,):
        for n in range(1200):
            await alice.publish(message(ALICE, str(n)))
        await until_counted(alice, "inbox-overflow")
        assert (await hear(alice)).payload.message == "0"  # type: ignore[attr-defined]


async def test_a_node_that_left_says_so_and_its_reader_comes_to_an_end(world: World) -> None:
    async with world.process(ALICE) as (alice,):
        await alice.publish(message(ALICE))
        with trio.fail_after(DEADLINE):
            while alice.counters["received"] < 2:
                await trio.sleep(0.005)
    with pytest.raises(MeshError, match="left"):
        await alice.publish(message(ALICE))
    assert {r.topic async for r in alice.received} == {Topic.PRESENCE, Topic.MESSAGES}


async def test_what_the_block_raises_comes_out_by_name(world: World) -> None:
    with pytest.raises(LookupError):
        async with world.mesh(Dialect.PLAIN) as mesh, mesh.join(world.key(), Presence(id=ALICE)):
            raise LookupError


async def test_a_corrupt_key_is_told_in_one_line_with_the_way_out(world: World) -> None:
    world.key("bad").write_bytes(b"no key")
    async with world.mesh(Dialect.PLAIN) as mesh:
        with pytest.raises(UsageError, match=r"bad: .*corrupt.*; restore it"):
            async with mesh.join(world.key("bad"), None):
                pass


async def test_a_mesh_that_is_not_open_cannot_be_joined(world: World) -> None:
    with pytest.raises(MeshError, match="not open"):
        world.mesh(Dialect.PLAIN).join(world.key(), None)


async def forge(node: Node, payload: Message | Presence) -> None:
    """Publish past the node's own check of who it speaks as, signed with its own key."""
    await node._send(payload.topic, msgspec.json.encode(payload))  # type: ignore[attr-defined]
