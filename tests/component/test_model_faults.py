"""What goes wrong with models, by the real SDK and the real HTTP client: the companion is told in a line
and by kind, what helps is tried again, a model that is down is left alone, and all of it is on the
account."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from aikyo.brain import BrainError, choose_brain
from aikyo.brain.calling import Caller, RetryBudget
from aikyo.brain.cost import ModelCall
from aikyo.companion import Profile
from aikyo.companion.profile import load_profile
from aikyo.config import Settings
from aikyo.errors import UsageError
from aikyo.paths import bundled_profiles
from aikyo.swarm.brains import Brains
from tests.support.minds import Hands, moment
from tests.support.providers import KEY, PATIENCE, Provider, every_provider

SOON = {"retry-after-ms": "1"}

Answers = Callable[[Any], Any]
"""Makes an answer with the names of a provider's stand-in."""


@dataclass
class Purse:
    """Keeps what was spent."""

    spent: list[ModelCall] = field(default_factory=list)
    is_nearly_empty: bool = False

    def check(self) -> None:
        pass

    def add(self, call: ModelCall) -> None:
        self.spent.append(call)

    @property
    def faults(self) -> list[str | None]:
        return [call.fault for call in self.spent]


@pytest.fixture
def clock(autojump_clock: MockClock) -> MockClock:
    """Pauses and deadlines cost no time, but the network is given some."""
    autojump_clock.autojump_threshold = PATIENCE
    return autojump_clock


def fault(anthropic: tuple[int, str, str], openai: tuple[int, str, str | None]) -> Answers:
    """An error as each API words it."""
    return lambda api: api.Fault(*(anthropic if hasattr(api, "messages_api") else openai))


def either(anthropic: Answers, openai: Answers) -> Answers:
    return lambda api: anthropic(api) if hasattr(api, "messages_api") else openai(api)


BAD_KEY = fault((401, "authentication_error", f"no such key {KEY}"), (401, f"no such key {KEY}", None))
NO_MODEL = fault(
    (404, "not_found_error", "model: big"), (404, "The model 'big' does not exist", "model_not_found")
)
NO_CREDIT = fault(
    (400, "invalid_request_error", "Your credit balance is too low"),
    (429, "You exceeded your current quota", "insufficient_quota"),
)
BUSY = fault((529, "overloaded_error", "Overloaded"), (503, "all slots are busy", None))
BROKEN = fault((500, "api_error", "Internal server error"), (500, "the engine died", None))
TOO_LONG = fault(
    (400, "invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum"),
    (400, "the request exceeds the available context size", "exceed_context_size_error"),
)
REFUSED = fault((400, "invalid_request_error", "no such field"), (400, "no such field", None))
DECLINED = either(
    lambda api: api.text("", stop_reason="refusal"), lambda api: api.Reply(refusal="I'd rather not.")
)
BREAKS_OFF = either(
    lambda api: api.text("Once upon a ti", stop_reason="max_tokens"),
    lambda api: api.Reply("Once upon a ti", ending="length", usage={"completion_tokens": 2048}),
)

LASTING = [
    pytest.param(BAD_KEY, "key", "the key was refused; check", 30, id="bad key"),
    pytest.param(NO_MODEL, "model", "no model 'big'", 30, id="unknown model"),
    pytest.param(NO_CREDIT, "credit", "no credit left", 30, id="no credit"),
    pytest.param(
        lambda api: api.Fault(429, headers={"retry-after": "120"}),
        "rate",
        "too many requests",
        120,
        id="rate limit",
    ),
    pytest.param(lambda api: api.Fault(429), "rate", "too many requests", 10, id="rate limit, no word"),
]

PASSING = [
    pytest.param(BUSY, "overload", "overloaded or out of order", id="overload"),
    pytest.param(BROKEN, "overload", "overloaded or out of order", id="out of order"),
    pytest.param(lambda api: api.Cut(), "cut", "was cut before the answer was whole", id="cut"),
    pytest.param(
        lambda api: api.Cut(gently=True), "cut", "was cut before the answer was whole", id="cut gently"
    ),
]

OF_NO_USE = [
    pytest.param(TOO_LONG, "too-long", "the prompt is too long for big", 1, id="too long"),
    pytest.param(REFUSED, "request", "no such field", 1, id="request"),
    pytest.param(DECLINED, "declined", "declined", 1, id="declined"),
    pytest.param(BREAKS_OFF, "malformed", "big", 1, id="breaks off"),
    pytest.param(lambda api: api.text(""), "malformed", "empty answer", 1, id="empty"),
    pytest.param(
        lambda api: api.Raw(b"<html>log in to the hotel", "text/html"), "malformed", "big", 1, id="html"
    ),
    pytest.param(
        lambda api: api.calls(("dance", {})),
        "malformed",
        "empty answer",
        4,
        id="tools that are not there",
    ),
]


async def composed(brain: Any) -> tuple[BrainError, Hands]:
    """The error that a turn ends in, and what was done before."""
    hands = Hands()
    with pytest.raises(BrainError) as caught:
        await brain.compose(moment(), hands)
    told = str(caught.value)
    assert "\n" not in told
    assert KEY not in told
    assert len(told) < 400
    return caught.value, hands


@pytest.mark.parametrize("name", ["anthropic", "openai"])
def test_without_a_key_there_is_no_brain(name: str) -> None:
    with pytest.raises(UsageError, match=r"needs a .*key; set .*, or take --brain offline"):
        choose_brain(name, environ={})


@every_provider
@pytest.mark.parametrize(("answer", "kind", "told", "seconds"), LASTING)
async def test_a_fault_that_lasts_is_told_and_the_model_left_alone_until_a_call_goes_well(
    provider: Provider, answer: Answers, kind: str, told: str, seconds: float, clock: MockClock
) -> None:
    down, purse = True, Purse()

    def script(asked: Any) -> Any:
        return answer(provider.api) if down else provider.api.speaks("Hello.")

    async with provider.thinking(script, Caller(purse=purse)) as (brain, api):
        error, _ = await composed(brain)
        assert (error.kind, error.retry_in) == (kind, pytest.approx(seconds, abs=1))
        assert told in str(error)
        for _ in range(2):
            error, _ = await composed(brain)
            assert error.kind == "resting"
            assert error.retry_in == pytest.approx(seconds, abs=1)
            assert told in str(error)
            assert "it is tried again at" in str(error)
        assert len(api.asked) == 1
        down = False
        await trio.sleep(seconds)
        hands = Hands()
        for _ in range(2):
            await brain.compose(moment(), hands)
    assert hands.done == [("speak", {"message": "Hello."})] * 2
    assert purse.faults == [kind, None, None]


@every_provider
async def test_a_model_that_is_still_down_when_it_is_tried_again_is_left_alone_for_longer(
    provider: Provider, clock: MockClock
) -> None:
    async with provider.thinking(lambda asked: BAD_KEY(provider.api)) as (brain, api):
        for seconds in (30, 60, 120):
            error, _ = await composed(brain)
            assert (error.kind, error.retry_in) == ("key", pytest.approx(seconds, abs=1))
            await trio.sleep(seconds)
        with pytest.raises(BrainError, match="key was refused"):
            await brain.wake()
        assert len(api.asked) == 4


@every_provider
@pytest.mark.parametrize(("answer", "kind", "told"), PASSING)
async def test_a_fault_that_may_pass_is_tried_again(
    provider: Provider, answer: Answers, kind: str, told: str, clock: MockClock
) -> None:
    hands, purse = Hands(), Purse()
    once = provider.api.in_order(answer(provider.api), provider.api.speaks("Here."))
    async with provider.thinking(once, Caller(purse=purse)) as (brain, _):
        await brain.compose(moment(), hands)
    assert hands.done == [("speak", {"message": "Here."})]
    assert purse.faults == [kind, None]
    async with provider.thinking(lambda asked: answer(provider.api)) as (brain, api):
        error, hands = await composed(brain)
        assert (error.kind, told in str(error), hands.done) == (kind, True, [])
        assert error.retry_in == pytest.approx(5, abs=1)
        for _ in range(2):
            assert (await composed(brain))[0].kind == "resting"
        assert len(api.asked) == 3


@every_provider
async def test_a_short_wait_that_the_server_asks_for_is_waited_for(
    provider: Provider, clock: MockClock
) -> None:
    limited = provider.api.Fault(429, headers={"retry-after": "2"})
    hands, start = Hands(), trio.current_time()
    script = provider.api.in_order(limited, provider.api.speaks("Here."))
    async with provider.thinking(script) as (brain, _):
        await brain.compose(moment(), hands)
    assert 2 <= trio.current_time() - start < 3
    assert hands.done == [("speak", {"message": "Here."})]


@every_provider
async def test_a_swarm_that_has_used_up_its_retries_makes_none(
    provider: Provider, clock: MockClock
) -> None:
    cut = provider.api.Cut()
    async with provider.thinking(lambda asked: cut, Caller(budget=RetryBudget(1))) as (brain, api):
        await composed(brain)
        assert len(api.asked) == 2


@every_provider
async def test_a_server_that_is_not_there_is_named_and_left_alone(
    provider: Provider, clock: MockClock
) -> None:
    purse = Purse()
    async with provider.alone("http://127.0.0.1:9/v1", Caller(purse=purse)) as brain:
        for _ in range(2):
            error, _ = await composed(brain)
        assert (error.kind, error.retry_in) == ("resting", pytest.approx(5, abs=1))
        assert "cannot reach 127.0.0.1" in str(error)
    assert purse.faults == ["unreachable"] * 3


@every_provider
@pytest.mark.parametrize(
    ("after", "seconds"), [("", 40), ("Once upon", 20)], ids=["first token", "next token"]
)
async def test_a_model_that_falls_silent_is_given_up(
    provider: Provider, after: str, seconds: float, clock: MockClock
) -> None:
    hang, start, purse = provider.api.Hang(after), trio.current_time(), Purse()
    async with provider.thinking(lambda asked: hang, Caller(purse=purse)) as (brain, api):
        error, hands = await composed(brain)
        assert (error.kind, hands.done) == ("timeout", [])
        assert "did not answer in time" in str(error)
        assert trio.current_time() - start == pytest.approx(seconds, abs=2)
        await api.until(lambda api: api.hung_up == 1)
    assert purse.faults == ["timeout"]


@every_provider
async def test_a_turn_that_takes_too_long_is_given_up(provider: Provider, clock: MockClock) -> None:
    whole = provider.api.text("word " * 40)
    slow = type(whole)(**{name: getattr(whole, name) for name in whole.__slots__} | {"pause": 9})
    start = trio.current_time()
    async with provider.thinking(lambda asked: slow) as (brain, api):
        error, _ = await composed(brain)
        assert error.kind == "timeout"
        assert trio.current_time() - start == pytest.approx(45)
        await api.until(lambda api: api.hung_up == 1)


@every_provider
async def test_a_decision_that_takes_too_long_is_given_up(provider: Provider, clock: MockClock) -> None:
    start = trio.current_time()
    async with provider.thinking(lambda asked: provider.api.Hang()) as (brain, api):
        with pytest.raises(BrainError, match="small did not answer in time") as caught:
            await brain.assess(moment())
        assert caught.value.kind == "timeout"
        assert trio.current_time() - start == pytest.approx(5)
        await api.until(lambda api: api.hung_up == 1)


@every_provider
@pytest.mark.parametrize(("answer", "kind", "told", "requests"), OF_NO_USE)
async def test_an_answer_of_no_use_is_told_and_the_model_asked_again_next_time(
    provider: Provider, answer: Answers, kind: str, told: str, requests: int, clock: MockClock
) -> None:
    async with provider.thinking(lambda asked: answer(provider.api)) as (brain, api):
        for times in range(1, 5):
            error, hands = await composed(brain)
            assert (error.kind, error.retry_in) == (kind, None)
            assert told in str(error)
            assert hands.done == []
            assert len(api.asked) == requests * times


@every_provider
async def test_a_tool_that_is_not_there_is_told_to_the_model(
    provider: Provider, clock: MockClock
) -> None:
    script = provider.api.in_order(
        provider.api.calls(("dance", {"to": "the music"})), provider.api.speaks("I cannot dance.")
    )
    hands = Hands()
    async with provider.thinking(script) as (brain, api):
        await brain.compose(moment(), hands)
    assert hands.done == [("speak", {"message": "I cannot dance."})]
    assert "there is no tool 'dance'" in api.asked[1].results[0]["content"]


@every_provider
@pytest.mark.parametrize("after", ["", "Once upon"], ids=["before the answer", "in its middle"])
async def test_cancelling_closes_the_connection_at_once_and_is_no_fault(
    provider: Provider, after: str, clock: MockClock
) -> None:
    purse, begun, hands = Purse(), trio.Event(), Hands()
    hands.saying = lambda text: begun.set()  # type: ignore[method-assign]  # to know when it has begun
    async with (
        provider.thinking(lambda asked: provider.api.Hang(after), Caller(purse=purse)) as (brain, api),
        trio.open_nursery() as nursery,
    ):
        nursery.start_soon(brain.compose, moment(), hands)
        await api.until(lambda api: len(api.asked) == 1)
        nursery.cancel_scope.cancel()
        with trio.CancelScope(shield=True):
            await api.until(lambda api: api.hung_up == 1)
    assert purse.faults == [None]
    assert hands.done == []


# A whole swarm's brains ----------------------------------------------------------------------------


def of_swarm(api: Any, **settings: Any) -> tuple[Brains, list[Profile]]:
    environ = {"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": api.url}
    cast = [load_profile(bundled_profiles() / f"{name}.toml") for name in ("alice", "bob")]
    return Brains(Settings(**settings), (), environ=environ, seeded=Random), cast


async def test_what_one_companion_finds_out_of_a_model_holds_for_all(clock: MockClock) -> None:
    provider = Provider("anthropic")
    async with provider.thinking(lambda asked: BAD_KEY(provider.api)) as (_, api):
        brains, cast = of_swarm(api, model="big")
        alice, bob = (brains.open(profile) for profile in cast)
        assert (await composed(alice))[0].kind == "key"
        assert (await composed(bob))[0].kind == "resting"
        anew = brains.open(cast[0])  # as for another session
        assert (await composed(anew))[0].kind == "resting"
        assert len(api.asked) == 1
        for brain in (alice, bob, anew):
            await brain.aclose()


async def test_all_companions_share_the_retries_that_the_settings_allow(clock: MockClock) -> None:
    provider = Provider("anthropic")
    async with provider.thinking(lambda asked: provider.api.Cut()) as (_, api):
        brains, cast = of_swarm(api, retries_per_minute=1)
        alice, bob = (brains.open(profile) for profile in cast)
        await composed(alice)
        assert len(api.asked) == 2
        await composed(bob)
        assert len(api.asked) == 3
        for brain in (alice, bob):
            await brain.aclose()
