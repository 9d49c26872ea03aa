"""What is decided without a model, and that all the rest is the model's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
import trio
import trio.testing

from aikyo.brain import (
    Assessment,
    Brain,
    BrainError,
    BrainFault,
    Finding,
    Moment,
    Past,
    Someone,
    Study,
    Toolbox,
    Usage,
)
from aikyo.brain.cost import ModelCall
from aikyo.brain.models.deciding import clear_case
from aikyo.brain.thrift import ThriftyBrain
from aikyo.wire import Closing
from tests.support.minds import ALICE, BOB, MIKA, Hands, line, moment

PARAMS = {"type": "object", "properties": {"mood": {"type": "integer"}}}


class Model(Brain):
    """Counts what it is asked to do; each time costs something."""

    label = "scripted"
    paid = True

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def assess(self, moment: Moment) -> Assessment:
        self._spend("assess")
        return Assessment(speak=True, importance=3, params={"mood": 4}, circles=True)

    async def compose(self, moment: Moment, toolbox: Toolbox) -> None:
        self._spend("compose")
        toolbox.saying("He")
        await toolbox.call("speak", {"message": "Hello."})

    async def summarize(self, past: Past) -> str:
        self._spend("summarize")
        return "You met Mika."

    async def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]] | None:
        self._spend("embed")
        return [[1.0]] * len(texts)

    async def wake(self) -> None:
        self._spend("wake")

    async def aclose(self) -> None:
        self.asked.append("aclose")

    def _spend(self, what: str) -> None:
        self.asked.append(what)
        self.usage += Usage(calls=1, input=10)


@dataclass
class Purse:
    is_nearly_empty: bool = False
    spent: list[ModelCall] = field(default_factory=list)

    def check(self) -> None:
        raise BrainError("never asked here")

    def add(self, call: ModelCall) -> None:
        self.spent.append(call)


class Rules(Model):
    label = "rules"
    paid = False

    async def assess(self, moment: Moment) -> Assessment:
        self.asked.append("assess")
        return Assessment(speak=False, params={"mood": 1})


ME = Someone(ALICE.id, ALICE.name, "companion")
CAROL = Someone("companion_carol", "Carol", "companion")


def past_me(*senders: Someone) -> Moment:
    lines = [line("Bob?", sender, id=f"m-{number}") for number, sender in enumerate(senders)]
    return moment(sender=senders[-1], elsewhere=True, message=lines[-1], recent=tuple(lines))


@pytest.mark.parametrize(
    ("told", "speak", "importance"),
    [
        (moment("Alice?", addressed=True), True, 9),
        (moment(message=line("Hi!", MIKA, to=(ALICE.id,)), addressed=True), True, 10),
        (moment("Alice?", BOB, addressed=True), True, 8),
        (moment("Alice and Bob?", addressed=True, elsewhere=True), True, 9),
        (moment("Bob?", elsewhere=True), False, 0),
        (moment("Bob?", elsewhere=True, params=PARAMS), False, 0),
        (moment("Alice?", addressed=True, closing=Closing.PRE_CLOSING), True, 9),
        (moment("I have spoken.", ME), False, 0),
        (moment("What now?"), None, None),
        (moment("What now?", BOB), None, None),
        (moment("Alice?", addressed=True, params=PARAMS), None, None),
        (past_me(BOB, CAROL, BOB, CAROL, BOB, CAROL), None, None),
        (past_me(BOB, CAROL, BOB, CAROL, BOB), False, 0),
        (past_me(ME, CAROL, BOB, CAROL, BOB, CAROL), False, 0),
        (past_me(BOB, MIKA, BOB, CAROL, BOB, CAROL), False, 0),
        (past_me(BOB, CAROL, BOB, CAROL, BOB, MIKA), False, 0),
        (moment("Bye, Alice!", BOB, addressed=True, closing=Closing.CLOSING), None, None),
        (moment(message=None, topic="crabs", opening="silence"), None, None),
    ],
)
def test_what_is_clear(told: Moment, speak: bool | None, importance: float | None) -> None:
    found = clear_case(told)
    assert (found and found.speak, found and found.importance) == (speak, importance)


async def test_a_clear_case_costs_nothing() -> None:
    model = Model()
    brain = ThriftyBrain(model, local=Rules(), purse=None)
    found = await brain.assess(moment("Alice?", addressed=True))
    assert (found.speak, model.asked, brain.usage) == (True, [], Usage())


async def test_what_is_not_clear_is_the_models_and_so_is_all_else() -> None:
    model, hands = Model(), Hands()
    brain = ThriftyBrain(model, local=Rules(), purse=Purse())
    assert (brain.label, brain.paid) == ("scripted", True)
    found = await brain.assess(moment())
    assert (found.importance, found.params, found.circles) == (3, {"mood": 4}, True)
    await brain.compose(moment(), hands)
    assert (hands.drafts, hands.done) == (["He"], [("speak", {"message": "Hello."})])
    past = Past(now=datetime(2026, 1, 5, tzinfo=UTC), me=ALICE)
    assert await brain.summarize(past) == "You met Mika."
    assert await brain.embed(["a", "b"]) == [[1.0], [1.0]]
    await brain.wake()
    assert model.asked == ["assess", "compose", "summarize", "embed", "wake"]
    assert brain.usage == Usage(calls=5, input=50)


async def test_with_little_money_left_rules_decide_and_the_model_still_speaks() -> None:
    model, rules, purse = Model(), Rules(), Purse(is_nearly_empty=True)
    brain = ThriftyBrain(model, local=rules, purse=purse)
    assert (await brain.assess(moment())).params == {"mood": 1}
    await brain.compose(moment(), Hands())
    assert (model.asked, rules.asked) == (["compose"], ["assess"])
    purse.is_nearly_empty = False
    assert (await brain.assess(moment())).params == {"mood": 4}


async def test_a_model_that_costs_nothing_goes_on_deciding() -> None:
    model = Model()
    model.paid = False
    brain = ThriftyBrain(model, local=Rules(), purse=Purse(is_nearly_empty=True))
    await brain.assess(moment())
    assert model.asked == ["assess"]


async def test_closing_closes_both() -> None:
    model, rules = Model(), Rules()
    await ThriftyBrain(model, local=rules, purse=None).aclose()
    assert (model.asked, rules.asked) == (["aclose"], ["aclose"])


class Failing(Model):
    """Decides nothing while there is a fault."""

    def __init__(self, fault: BrainError | None) -> None:
        super().__init__()
        self.fault = fault

    async def assess(self, moment: Moment) -> Assessment:
        if self.fault is not None:
            raise self.fault
        return await super().assess(moment)


async def test_where_the_model_cannot_decide_rules_do_and_a_person_is_answered() -> None:
    model = Failing(BrainError("the key was refused", "key", again="; it is tried again at 9"))
    brain = ThriftyBrain(model, local=Rules(), purse=None)
    found = await brain.assess(moment("Alice?", addressed=True, params=PARAMS))
    told = "the key was refused"
    assert found == Assessment(speak=True, importance=9, params={"mood": 1}, trouble=told)
    found = await brain.assess(moment(params=PARAMS))
    assert found == Assessment(speak=False, params={"mood": 1}, trouble=told)
    assert (await brain.assess(moment("Bob?", elsewhere=True))).trouble == told  # nothing was tried
    model.fault = None
    assert not (await brain.assess(moment())).trouble


async def test_a_cap_is_no_fault_that_rules_make_good() -> None:
    brain = ThriftyBrain(Failing(BrainError("all is spent", "limit")), local=Rules(), purse=None)
    with pytest.raises(BrainError, match="all is spent"):
        await brain.assess(moment())


async def test_what_is_too_long_may_be_told_with_less_before_rules_decide() -> None:
    brain = ThriftyBrain(Failing(BrainError("too long", "too-long")), local=Rules(), purse=None)
    with pytest.raises(BrainError, match="too long"):
        await brain.assess(moment())
    assert (await brain.assess(moment())).trouble == "too long"


async def test_a_brain_that_never_decides_is_given_up(autojump_clock: trio.testing.MockClock) -> None:
    class Hanging(Model):
        async def assess(self, moment: Moment) -> Assessment:
            await trio.sleep_forever()
            raise AssertionError

    brain, start = ThriftyBrain(Hanging(), local=Rules(), purse=None), trio.current_time()
    assert "took too long" in (await brain.assess(moment())).trouble
    assert trio.current_time() - start < 5.5  # the companion's own patience


# Learning ----------------------------------------------------------------------------------------

MODELS = Finding(text="Mika has a cat.", sources=("m-1",))
RULES = Finding(text="Mika likes cats.", sources=("m-1",))
STUDY = Study(datetime(2026, 1, 5, tzinfo=UTC), ALICE, (MIKA,), (line("I have a cat."),))


class Learner(Model):
    """Learns one thing, or does what else it was told to."""

    def __init__(self, found: Finding | BrainError | None = MODELS) -> None:
        super().__init__()
        self.found = found

    async def learn(self, study: Study) -> Sequence[Finding] | None:
        return self._find("learn")

    async def reflect(self, study: Study) -> Sequence[Finding] | None:
        return self._find("reflect")

    def _find(self, what: str) -> Sequence[Finding] | None:
        self._spend(what)
        if isinstance(self.found, BrainError):
            raise self.found
        return None if self.found is None else [self.found]


class Dull(Rules):
    async def learn(self, study: Study) -> Sequence[Finding] | None:
        return [RULES]

    async def reflect(self, study: Study) -> Sequence[Finding] | None:
        return [RULES]


async def found_by(brain: Brain) -> list[Finding]:
    """What it learns; what it reflects is the same."""
    learned = list(await brain.learn(STUDY) or ())
    assert learned == list(await brain.reflect(STUDY) or ())
    return learned


async def test_what_the_model_learns_is_learned() -> None:
    model = Learner()
    brain = ThriftyBrain(model, local=Dull(), purse=Purse())
    assert await found_by(brain) == [MODELS]
    assert model.asked == ["learn", "reflect"]
    assert brain.usage == Usage(calls=2, input=20)


async def test_a_model_that_finds_nothing_has_found_nothing() -> None:
    class Content(Learner):
        def _find(self, what: str) -> Sequence[Finding] | None:
            return []

    assert await found_by(ThriftyBrain(Content(), local=Dull(), purse=None)) == []


async def test_what_the_model_leaves_to_rules_they_learn() -> None:
    assert await found_by(ThriftyBrain(Learner(None), local=Dull(), purse=None)) == [RULES]
    assert await found_by(ThriftyBrain(Model(), local=Dull(), purse=None)) == [RULES]
    assert await found_by(ThriftyBrain(Model(), local=Model(), purse=None)) == []


@pytest.mark.parametrize("kind", ["malformed", "key", "resting", "overload", "declined", "other"])
async def test_where_the_model_cannot_learn_rules_do_and_the_log_tells_why(
    kind: BrainFault, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="aikyo.brain.thrift")
    model = Learner(BrainError("it is down", kind))
    assert await found_by(ThriftyBrain(model, local=Dull(), purse=None)) == [RULES]
    told = [record.getMessage() for record in caplog.records if record.name == "aikyo.brain.thrift"]
    assert told == [f"scripted could not {what} (it is down); rules do" for what in ("learn", "reflect")]


@pytest.mark.parametrize("kind", ["limit", "too-long"])
async def test_what_can_be_asked_later_or_with_less_is_not_left_to_rules(kind: BrainFault) -> None:
    brain = ThriftyBrain(Learner(BrainError("not so", kind)), local=Dull(), purse=None)
    for find in (brain.learn, brain.reflect):
        with pytest.raises(BrainError, match="not so") as caught:
            await find(STUDY)
        assert caught.value.kind == kind


async def test_with_little_money_left_rules_learn() -> None:
    model = Learner()
    brain = ThriftyBrain(model, local=Dull(), purse=Purse(is_nearly_empty=True))
    assert (await found_by(brain), model.asked) == ([RULES], [])
    model.paid = False
    assert await found_by(ThriftyBrain(model, local=Dull(), purse=Purse(is_nearly_empty=True))) == [
        MODELS
    ]


async def test_a_model_that_never_comes_to_learn_is_given_up(
    autojump_clock: trio.testing.MockClock,
) -> None:
    class Hanging(Model):
        async def learn(self, study: Study) -> Sequence[Finding] | None:
            await trio.sleep_forever()
            raise AssertionError

    brain = ThriftyBrain(Hanging(), local=Dull(), purse=None)
    assert await brain.learn(STUDY) == [RULES]
    assert trio.current_time() < 70


async def test_a_cancelled_one_learns_nothing_by_rules() -> None:
    class Hanging(Model):
        async def learn(self, study: Study) -> Sequence[Finding] | None:
            await trio.sleep_forever()
            raise AssertionError

    with trio.CancelScope() as scope:
        scope.cancel()
        await ThriftyBrain(Hanging(), local=Dull(), purse=None).learn(STUDY)
    assert scope.cancelled_caught
