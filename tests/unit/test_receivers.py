"""One turn at several listeners, each of whom hears less, later and in another order than the others."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from aikyo.conversation import Outcome, Over, Speaker, Turn
from aikyo.conversation.latency import BID_DEADLINE
from aikyo.conversation.turns import CLAIM_DEADLINE, HEARTBEAT_DEADLINE
from aikyo.wire import Message, State

SETTLES, UNSURE = 0.05, 0.5
COMPOSES = 4.0
REPEATS = 2.0
SENDER = "user_mika"


@dataclass
class Room:
    """Companions who take part in one turn as the real ones do: bid, claim, say it again, answer.

    `lost` and `delay` are drawn for each receiver and each thing that is published: a State, a claim or
    the answer (None).
    """

    n: int
    random: Random
    lost: Callable[[str], bool]
    delay: Callable[[str], float]
    crashes: int = 0
    now: float = 0.0
    said: list[str] = field(default_factory=list)
    ends: dict[str, tuple[float, Outcome]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.names = [f"companion_{number}" for number in range(self.n)]
        self.message = Message(id=f"{self.random.random()}", sender=SENDER, message="hello")
        self.turns = {who: Turn(self.message, self.names, 0.0) for who in self.names}
        self.wants = {who: self.random.random() < 0.8 for who in self.names}
        self.dead: set[str] = set()
        self.speaking: set[str] = set()
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._number = itertools.count()

    def run(self) -> None:
        for who in self.names:
            self.at(self.random.uniform(0, 2), lambda who=who: self.bid(who))
        while self._due:
            self.now, _, act = heapq.heappop(self._due)
            assert self.now < 1000
            act()

    def at(self, time: float, act: Callable[[], None]) -> None:
        heapq.heappush(self._due, (time, next(self._number), act))

    def publish(self, who: str, kind: str, act: Callable[[Turn], None]) -> None:
        act(self.turns[who])
        self.follow(who)
        for other in self.names:
            if other != who and not self.lost(kind):
                self.at(self.now + self.delay(kind), lambda other=other: self.hear(other, act))

    def hear(self, who: str, act: Callable[[Turn], None]) -> None:
        if who not in self.dead:
            act(self.turns[who])
            self.follow(who)

    def tell(self, who: str, want: str, kind: str, **fields: object) -> None:
        state = State(sender=who, message_id=self.message.id, state=want, **fields)  # type: ignore[arg-type]
        self.publish(who, kind, lambda turn: turn.hear(state, self.now))

    def bid(self, who: str) -> None:
        importance = float(self.random.randint(0, 10))
        self.tell(who, "speak" if self.wants[who] else "listen", "state", importance=importance)

    def follow(self, who: str) -> None:
        if who in self.dead or who in self.ends:
            return
        turn = self.turns[who]
        match turn.decide(self.now):
            case Over(outcome=outcome):
                self.ends[who] = self.now, outcome
            case Speaker(who=holder, claimed=False, rank=rank) if holder == who:
                self.tell(who, "composing", "claim", rank=rank)
                self.compose(who, rank, turn)
            case decision:
                self.at(max(decision.until, self.now), lambda: self.follow(who))

    def compose(self, who: str, rank: int, turn: Turn) -> None:
        began = self.now
        takes = self.random.uniform(0, COMPOSES)
        if self.crashes and self.random.random() < 0.5:
            self.crashes -= 1
            self.at(began + takes, lambda: self.dead.add(who))
        settled = SETTLES if turn.invited <= turn.offers.keys() else UNSURE

        def is_mine() -> bool:
            decision = turn.decide(self.now)
            return isinstance(decision, Speaker) and decision.claimed and decision.who == who

        def repeat() -> None:
            if who not in self.dead and is_mine():
                self.tell(who, "composing", "claim", rank=rank)
                self.at(self.now + REPEATS, repeat)

        def answer() -> None:
            if who not in self.dead and is_mine():
                self.said.append(who)
                self.publish(who, "answer", lambda turn: turn.answered(who))

        self.at(began + 0.1, repeat)
        self.at(began + settled + takes, answer)


seeds = st.integers(0, 1 << 32)


@given(st.integers(2, 8), seeds, st.floats(0, 0.9))
def test_whatever_states_are_lost_there_is_one_answer_where_claims_are_heard(
    n: int, seed: int, loss: float
) -> None:
    random = Random(seed)
    room = Room(
        n,
        random,
        lost=lambda kind: kind == "state" and random.random() < loss,
        delay=lambda kind: random.uniform(0, 3) if kind == "state" else random.uniform(0, SETTLES / 3),
    )
    room.run()
    assert len(room.said) == any(room.wants.values())
    assert set(room.ends) == set(room.names)


@given(st.integers(2, 8), seeds, st.floats(0, 0.5), st.integers(0, 3))
def test_whatever_is_lost_and_whoever_dies_no_turn_stalls(
    n: int, seed: int, loss: float, crashes: int
) -> None:
    random = Random(seed)
    room = Room(
        n,
        random,
        lost=lambda _: random.random() < loss,
        delay=lambda _: random.choice([0.0, 0.1, 1.0, 5.0]),
        crashes=crashes,
    )
    room.run()
    longest = BID_DEADLINE + n * CLAIM_DEADLINE + (crashes + 1) * (COMPOSES + HEARTBEAT_DEADLINE)
    alive = set(room.names) - room.dead
    assert set(room.ends) >= alive
    assert max((room.ends[who][0] for who in alive), default=0.0) <= longest + n * COMPOSES
    if any(room.wants[who] for who in alive):
        assert room.said


@given(seeds, st.integers(2, 8))
def test_without_losses_one_of_those_who_want_to_answers_at_once(seed: int, n: int) -> None:
    random = Random(seed)
    room = Room(n, random, lost=lambda _: False, delay=lambda _: random.uniform(0, SETTLES / 3))
    room.run()
    assert len(room.said) == any(room.wants.values())
    assert max(at for at, _ in room.ends.values()) < 2 + 1 + COMPOSES
    outcome = Outcome.ANSWERED if room.said else Outcome.NOBODY_WANTED
    assert {end for _, end in room.ends.values()} == {outcome}
