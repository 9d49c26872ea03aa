"""Brains of one's own: how they are found, what they are given, and that nothing they do wrong goes
further than their companion."""

from __future__ import annotations

import logging
import re
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
import trio

from aikyo.brain import (
    Assessment,
    Brain,
    BrainError,
    Finding,
    Moment,
    Past,
    Study,
    Toolbox,
    ToolError,
    Usage,
    check_provider,
    choose_brain,
    open_brain,
)
from aikyo.brain.calling import Answered, Caller
from aikyo.brain.cost import ModelCall
from aikyo.brain.guard import GuardedBrain
from aikyo.errors import AikyoError, UsageError
from tests.support.minds import ALICE, MIKA, Hands, line, moment
from tests.support.model_server import ModelServer, Outgoing, Raw, Request, serving
from tests.support.own_brains import install_here

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "write-a-brain.md").read_text(encoding="utf-8")

PAST = Past(now=datetime(2026, 1, 5, tzinfo=UTC), me=ALICE)
STUDY = Study(PAST.now, ALICE, (MIKA,), (line("I keep bees."),))


def source_of_page(name: str) -> str:
    """A module as the page has it."""
    found = re.search(rf"`{re.escape(name)}`[^`]*?:\n\n```python\n(.*?)```", PAGE, re.DOTALL)
    if found is None:  # where the sentence goes on with other code
        found = re.search(rf"`{re.escape(name)}`.*?```python\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found[1]


def open_own(name: str, environ: Mapping[str, str] | None = None, **more: Any) -> Brain:
    choice = choose_brain(name, environ=environ or {})
    return open_brain(choice, environ=environ or {}, random=Random(1), companion=ALICE.id, **more)


# How they are found --------------------------------------------------------------------------------


async def test_an_installed_brain_is_taken_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = source_of_page("clockwork.py")
    install_here(monkeypatch, tmp_path, "clockwork_of_test", source, {"clock": "clockwork_of_test:make"})
    check_provider("clock")
    assert choose_brain("clock", environ={}).reason == "brain clock, as asked"
    brain, hands = open_own("clock"), Hands()
    assert (brain.label, brain.paid) == ("clockwork", False)
    assert (await brain.assess(moment("What time is it?"))).speak
    assert not (await brain.assess(moment("Hello."))).speak
    await brain.compose(moment(), hands)
    assert hands.done == [("speak", {"message": "It is 21:04."})]
    assert await brain.summarize(PAST) == "You heard 0 things."
    assert await brain.embed(["a"]) is None
    await brain.wake()
    await brain.aclose()


def test_what_a_brain_is_given_is_what_was_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = source_of_page("clockwork.py").replace(
        "return Clockwork()",
        "brain = Clockwork()\n    brain.label = repr((request.companion, request.model, "
        "request.small_model, request.environ, request.random.random()))\n    return brain",
    )
    install_here(monkeypatch, tmp_path, "telling_of_test", source, {"telling": "telling_of_test:make"})
    brain = open_own("telling", {"A": "b"}, model="big", small_model="small")
    expected = (ALICE.id, "big", "small", {"A": "b"}, Random(1).random())
    assert brain.label == repr(expected)


def test_an_unknown_brain_is_told_with_the_nearest_also_of_those_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_here(monkeypatch, tmp_path, "nothing_of_test", "", {"parrot": "nothing_of_test:make"})
    with pytest.raises(UsageError, match=r"unknown brain 'parot'; did you mean 'parrot'\?"):
        choose_brain("parot", environ={})
    with pytest.raises(UsageError, match="known: anthropic, auto, offline, openai, parrot"):
        check_provider("xxxxxx")
    assert check_provider("parrot") is None


def test_for_a_name_that_is_built_in_nobody_looks_at_what_is_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def scan(**_: str) -> None:
        raise AssertionError("has looked")

    monkeypatch.setattr("importlib.metadata.entry_points", scan)
    for name in ("auto", "anthropic", "openai", "offline"):
        check_provider(name)
    assert choose_brain("offline", environ={}).provider == "offline"


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("import nobody_has_this", "ModuleNotFoundError: No module named 'nobody_has_this'"),
        ("raise SystemExit('no\\nway')", "SystemExit: no way"),
        ("x = 1", "AttributeError: module 'broken_of_test' has no attribute 'make'"),
        ("def make(request): return 7", "gives int, which is no aikyo.brain.Brain"),
        ("def make(request): 1 / 0", "ZeroDivisionError: division by zero"),
        ("def make(): pass", "TypeError: make() takes 0 positional arguments but 1 was given"),
        (
            "from aikyo.errors import UsageError\ndef make(request): raise UsageError('set MY_KEY')",
            "(broken_of_test:make): set MY_KEY",
        ),
    ],
)
def test_a_package_that_breaks_is_told_in_a_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    source: str,
    told: str,
) -> None:
    source = f"print('hello')\n{source}"
    install_here(monkeypatch, tmp_path, "broken_of_test", source, {"broken": "broken_of_test:make"})
    with pytest.raises(UsageError) as caught:
        open_own("broken")
    assert str(caught.value).startswith("brain 'broken' (broken_of_test:make): ")
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)
    assert capsys.readouterr().out == ""  # which is for what was asked for


def test_brains_that_are_made_at_once_leave_stdout_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = source_of_page("clockwork.py").replace(
        "    return Clockwork()", "    import time\n    time.sleep(0.01)\n    return Clockwork()"
    )
    install_here(monkeypatch, tmp_path, "slow_of_test", source, {"slow": "slow_of_test:make"})
    before = sys.stdout
    threads = [threading.Thread(target=open_own, args=("slow",)) for _ in range(4)]
    for number, thread in enumerate(threads):
        thread.start()
        time.sleep(0.004 * (number == 0))  # so that none ends in the order in which they began
    for thread in threads:
        thread.join()
    assert sys.stdout is before


# What they do wrong --------------------------------------------------------------------------------


class Odd(Brain):
    """Does what it is told to, whatever it is asked."""

    label = "odd"
    paid = True

    def __init__(self, act: Callable[[], Any]) -> None:
        self.act = act

    async def assess(self, moment: Moment) -> Assessment:
        self.usage += Usage(calls=1, input=10)
        return self.act()  # type: ignore[no-any-return]  # which is what is tried

    async def compose(self, moment: Moment, toolbox: Toolbox) -> None:
        await toolbox.call("speak", {"message": "Hello."})
        self.act()

    async def summarize(self, past: Past) -> str:
        return self.act()  # type: ignore[no-any-return]

    async def learn(self, study: Study) -> Sequence[Finding] | None:
        return self.act()  # type: ignore[no-any-return]

    async def reflect(self, study: Study) -> Sequence[Finding] | None:
        return self.act()  # type: ignore[no-any-return]

    async def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]] | None:
        return self.act()  # type: ignore[no-any-return]

    async def wake(self) -> None:
        self.act()

    async def aclose(self) -> None:
        self.act()


class Purse:
    is_nearly_empty = False

    def __init__(self) -> None:
        self.spent: list[ModelCall] = []
        self.empty = False

    def check(self) -> None:
        if self.empty:
            raise BrainError("the cap is reached", "limit")

    def add(self, call: ModelCall) -> None:
        self.spent.append(call)


def guarded(act: Callable[[], Any], purse: Purse | None = None) -> GuardedBrain:
    return GuardedBrain(Odd(act), name="odd", caller=Caller(provider="odd", purse=purse, paid=True))


def fail() -> None:
    raise ZeroDivisionError("by\nzero")


ALL: list[Callable[[Brain], Awaitable[Any]]] = [
    lambda brain: brain.assess(moment()),
    lambda brain: brain.compose(moment(), Hands()),
    lambda brain: brain.summarize(PAST),
    lambda brain: brain.learn(STUDY),
    lambda brain: brain.reflect(STUDY),
    lambda brain: brain.embed(["a"]),
    lambda brain: brain.wake(),
]


@pytest.mark.parametrize("ask", ALL)
async def test_what_it_raises_becomes_a_brain_error(ask: Callable[[Brain], Awaitable[Any]]) -> None:
    with pytest.raises(BrainError) as caught:
        await ask(guarded(fail))
    assert caught.value.kind == "other"
    assert str(caught.value) == "the brain odd failed (ZeroDivisionError: by zero)"


async def test_the_first_failure_is_in_the_log_with_its_traceback_and_no_other(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    brain = guarded(fail)
    for _ in range(3):
        with pytest.raises(BrainError):
            await brain.wake()
    await brain.aclose()  # fails as well, which is nobody's matter
    records = [record for record in caplog.records if record.name == "aikyo.brain.guard"]
    assert [record.levelno for record in records] == [logging.ERROR] + [logging.INFO] * 3
    assert [bool(record.exc_info) for record in records] == [True, False, False, False]


async def test_a_brain_error_of_its_own_stays_as_it_is() -> None:
    def decline() -> None:
        raise ExceptionGroup("several", [BrainError("not this", "declined", retry_in=7)])

    with pytest.raises(BrainError, match="not this") as caught:
        await guarded(decline).compose(moment(), Hands())
    assert (caught.value.kind, caught.value.retry_in) == ("declined", 7)


@pytest.mark.parametrize("when", [float("nan"), float("inf")])
def test_that_it_may_be_tried_again_at_no_time_is_known_of_nobody(when: float) -> None:
    assert BrainError("not this", retry_in=when).retry_in is None


async def test_what_fails_in_the_companions_hands_is_no_fault_of_the_brain() -> None:
    async def full() -> None:
        raise AikyoError("the disk is full")

    with pytest.raises(AikyoError, match="the disk is full") as caught:
        await guarded(lambda: None).compose(moment(), Hands(before=full))
    assert not isinstance(caught.value, BrainError)
    with pytest.raises(BrainError, match="ToolError"):  # of which it was told, and did not care
        await guarded(lambda: None).compose(moment(), Hands(refuse=("Hello.",)))
    assert issubclass(ToolError, Exception)


async def test_cancelling_it_is_no_failure() -> None:
    class Slow(Odd):
        async def wake(self) -> None:
            await trio.sleep_forever()

    brain = GuardedBrain(Slow(fail), name="odd", caller=Caller())
    with trio.move_on_after(0) as scope:
        await brain.wake()
    assert scope.cancelled_caught


async def test_what_fails_while_it_is_cancelled_goes_no_further(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Stumbling(Odd):
        async def wake(self) -> None:
            async def stumble() -> None:
                try:
                    await trio.sleep_forever()
                finally:
                    fail()

            async with trio.open_nursery() as nursery:
                nursery.start_soon(stumble)
                nursery.start_soon(trio.sleep_forever)

    brain = GuardedBrain(Stumbling(fail), name="odd", caller=Caller())
    with trio.move_on_after(0) as scope:
        await brain.wake()
    assert scope.cancelled_caught
    assert [bool(record.exc_info) for record in caplog.records] == [True]


@pytest.mark.parametrize(
    ("given", "importance"), [(7, 7), (70, 10), (-1, 0), (float("nan"), 0), (float("inf"), 0), ("3", 3)]
)
async def test_importance_is_within_its_bounds(given: Any, importance: float) -> None:
    found = await guarded(lambda: Assessment(speak=True, importance=given)).assess(moment())
    assert found.importance == importance


@pytest.mark.parametrize(
    "given", [None, True, (True, 5), Assessment(True, "much"), Assessment(True, 1, 7)]
)  # type: ignore[arg-type]
async def test_what_is_no_assessment_is_told(given: Any) -> None:
    with pytest.raises(BrainError, match="no assessment") as caught:
        await guarded(lambda: given).assess(moment())
    assert caught.value.kind == "malformed"


async def test_what_it_finds_is_kept_as_far_as_it_is_sound() -> None:
    good = Finding(text="Mika keeps bees.", about=MIKA.id, importance=99, sources=("m-1", "m-9"))
    bad = (Finding(text="Mika sings."), Finding(text="x" * 900, sources=("m-1",)))
    kept = msgspec.structs.replace(good, importance=10, sources=("m-1",))
    assert await guarded(lambda: (good, *bad)).learn(STUDY) == (kept,)
    assert await guarded(lambda: None).learn(STUDY) is None


@pytest.mark.parametrize("given", [7, "Mika keeps bees.", [None], [Finding(text=3)], [{"text": 1}]])  # type: ignore[arg-type]
async def test_what_are_no_findings_is_told(given: Any) -> None:
    for find in (guarded(lambda: given).learn, guarded(lambda: given).reflect):
        with pytest.raises(BrainError, match="no findings") as caught:
            await find(STUDY)
        assert caught.value.kind == "malformed"


@pytest.mark.parametrize("given", [None, "", " \n", 7, b"You met Mika."])
async def test_what_is_no_summary_is_told(given: Any) -> None:
    with pytest.raises(BrainError, match="no summary"):
        await guarded(lambda: given).summarize(PAST)


async def test_a_summary_is_not_kept_without_an_end() -> None:
    assert len(await guarded(lambda: "x" * 100_000).summarize(PAST)) == 4_000


@pytest.mark.parametrize(
    "given", [7, [], [[1, 2], [3]], [["x"], ["y"]], [[float("nan")], [1]], [[1, 2]]]
)
async def test_what_are_no_vectors_is_told(given: Any) -> None:
    with pytest.raises(BrainError, match="no vectors"):
        await guarded(lambda: given).embed(["a", "b"])
    assert await guarded(lambda: [(1, 2), (3, 4)]).embed(["a", "b"]) == [[1, 2], [3, 4]]


# What they cost ------------------------------------------------------------------------------------


async def test_what_it_spends_without_its_caller_is_on_the_account_once() -> None:
    purse = Purse()
    brain = guarded(lambda: Assessment(speak=True), purse)
    await brain.assess(moment())
    await brain.assess(moment())
    await brain.compose(moment(), Hands())  # which costs nothing
    spent = [(call.provider, call.purpose, call.usage, call.fault) for call in purse.spent]
    assert spent == [("odd", "assess", Usage(calls=1, input=10), None)] * 2
    assert brain.usage == Usage(calls=2, input=20)
    brain = guarded(fail, purse)
    with pytest.raises(BrainError):
        await brain.assess(moment())
    assert purse.spent[-1].fault == "other"


async def test_at_a_cap_it_is_not_asked() -> None:
    purse = Purse()
    purse.empty = True
    with pytest.raises(BrainError, match="the cap is reached"):
        await guarded(fail, purse).assess(moment())
    assert purse.spent == []


async def test_what_it_asks_its_caller_is_not_counted_twice() -> None:
    purse = Purse()
    caller = Caller(provider="odd", purse=purse)

    class Calls(Odd):
        async def wake(self) -> None:
            async def attempt() -> Answered[None]:
                self.usage += Usage(calls=1, input=5)
                return Answered(None, Usage(calls=1, input=5))

            await caller.call("wake", "m", attempt, deadline=trio.current_time() + 5)

    brain = GuardedBrain(Calls(fail), name="odd", caller=caller)
    await brain.wake()
    assert [call.model for call in purse.spent] == ["m"]
    assert brain.usage == Usage(calls=1, input=5)


# The page's brain that asks a model ----------------------------------------------------------------


class Distant(ModelServer[Request]):
    """What the page's second brain asks; gives what is in `answers`, one after the other."""

    def __init__(self, *answers: Raw) -> None:
        super().__init__(Request)
        self.answers = list(answers)

    async def answer(self, out: Outgoing, asked: Request) -> bool:
        self.keep(asked)
        raw = self.answers.pop(0)
        await out.whole(raw.body, raw.content_type, raw.status, raw.headers)
        return True


async def test_the_pages_brain_that_asks_a_model_does_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = source_of_page("distant.py")
    install_here(monkeypatch, tmp_path, "distant_of_test", source, {"distant": "distant_of_test:make"})
    good = Raw(b'{"text": " A crab.\\n", "read": 12, "written": 3}')
    busy = Raw(b"", status=429, headers={"retry-after-ms": "1"})
    api, purse, hands = Distant(good, busy, good, Raw(b"no", status=400)), Purse(), Hands()
    async with serving(api):
        caller = Caller(provider="distant", purse=purse, companion=ALICE.id)
        brain = open_own("distant", {"DISTANT_URL": api.url}, caller=caller, model="tiny")
        await brain.compose(moment(), hands)
        assert await brain.summarize(PAST) == "A crab."
        with pytest.raises(BrainError, match=r"tiny refused \(no\)"):
            await brain.assess(moment())
        await brain.aclose()
    assert hands.done == [("speak", {"message": "A crab."})]
    assert "What is in the tide pool?" in str(api.asked[0].body["prompt"])
    spent = [(call.purpose, call.usage.tokens, call.fault, call.paid) for call in purse.spent]
    assert spent == [
        ("compose", 15, None, True),
        ("summarize", 0, "rate", True),
        ("summarize", 15, None, True),
        ("assess", 0, "request", True),
    ]
    assert brain.usage == Usage(calls=2, input=24, output=6)


async def test_the_pages_brain_reaches_no_other_machine_in_tests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = source_of_page("distant.py")
    install_here(monkeypatch, tmp_path, "away_of_test", source, {"away": "away_of_test:make"})
    with pytest.raises(UsageError, match="AIKYO_ONLY_LOCAL_MODELS"):
        open_own("away", {"DISTANT_URL": "https://models.example"})
