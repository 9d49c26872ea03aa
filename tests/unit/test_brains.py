"""Which brain a companion gets: what was set beats a flag, a flag the profile, the profile all else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

import pytest
from msgspec.structs import replace

from aikyo.brain import BrainError, Usage
from aikyo.brain.cost import Ledger, ModelCall
from aikyo.brain.offline import OfflineBrain
from aikyo.brain.thrift import ThriftyBrain
from aikyo.companion import Profile
from aikyo.companion.profile import BrainChoice, load_profile
from aikyo.companion.session import Overrides
from aikyo.config import Settings, load_settings
from aikyo.errors import UsageError
from aikyo.paths import Home, bundled_profiles
from aikyo.swarm.brains import Brains
from aikyo.swarm.bring_up import CHECKS
from tests.support.minds import moment

LOCAL = "http://127.0.0.1:9/v1"
KEYS = {
    "ANTHROPIC_API_KEY": "sk-nobody",
    "ANTHROPIC_BASE_URL": LOCAL,
    "OPENAI_BASE_URL": LOCAL,
}


def profile(**brain: str) -> Profile:
    """Alice, who wants to think with this."""
    alice = load_profile(bundled_profiles() / "alice.toml")
    return replace(alice, brain=BrainChoice(**brain))


def brains(
    *flags: str, environ: Mapping[str, str] = KEYS, ledger: Ledger | None = None, **settings: Any
) -> Brains:
    return Brains(Settings(**settings), flags, environ=environ, seeded=Random, ledger=ledger)


def label(opened: Brains, alice: Profile, **overrides: str) -> str:
    return opened.open(alice, Overrides(**overrides)).label


def test_the_profile_beats_the_settings() -> None:
    opened = brains(brain="anthropic", model="a")
    assert label(opened, profile()) == "anthropic a"
    assert label(opened, profile(model="b")) == "anthropic b"
    assert label(opened, profile(provider="offline")) == "offline"


def test_a_flag_beats_the_profile() -> None:
    opened = brains("brain", "model", brain="anthropic", model="a")
    assert label(opened, profile(provider="offline", model="b")) == "anthropic a"
    opened = brains("model", brain="anthropic", model="a")
    assert label(opened, profile(provider="openai", model="b")) == "openai a"


def test_what_was_set_beats_all() -> None:
    opened = brains("brain", "model", brain="anthropic", model="a")
    alice = profile(provider="openai", model="b")
    assert label(opened, alice, model="c") == "anthropic c"
    assert label(opened, alice, provider="offline") == "offline"
    assert label(opened, alice, provider="openai", model="c") == "openai c"
    assert label(opened, alice) == "anthropic a"


def test_a_model_is_taken_for_the_provider_alone_that_it_was_named_for() -> None:
    opened = brains(brain="openai", model="qwen")
    assert label(opened, profile(provider="anthropic")) == "anthropic claude-sonnet-5-5"
    assert label(opened, profile(provider="auto")) == "anthropic claude-sonnet-5-5"
    assert label(opened, profile(model="llama"), provider="anthropic") == "anthropic claude-sonnet-5-5"
    flagged = brains("brain", brain="anthropic")
    assert label(flagged, profile(provider="openai", model="qwen")) == "anthropic claude-sonnet-5-5"
    assert label(opened, profile(provider="anthropic", model="opus"), provider="openai") == "openai qwen"


@pytest.mark.parametrize("provider", ["antropic", "anthropic"])
def test_what_cannot_be_had_is_told(provider: str) -> None:
    opened = brains(brain="offline", environ={})
    with pytest.raises(UsageError, match=r"did you mean 'anthropic'|needs a key"):
        opened.open(profile(), Overrides(provider=provider))
    with pytest.raises(UsageError):
        brains(brain=provider, environ={})


def test_a_wrong_brain_in_the_settings_is_told_with_its_place(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.settings.write_text('brain = "antropic"')
    with pytest.raises(UsageError) as caught:
        load_settings(home, cwd=tmp_path, environ={}, flags={}, checks=CHECKS)
    told = f"{home.settings}:1:9: 'brain': unknown brain 'antropic'; did you mean 'anthropic'?"
    assert str(caught.value) == told


async def test_rules_decide_what_is_clear_and_where_the_model_cannot() -> None:
    ledger = Ledger.of(None, Settings(tokens_per_hour=100), clock=lambda: 1000.0)
    environ = {"ANTHROPIC_API_KEY": "sk-nobody", "ANTHROPIC_BASE_URL": LOCAL}
    brain = brains(brain="anthropic", environ=environ, ledger=ledger).open(profile())
    assert isinstance(brain, ThriftyBrain)
    clear = await brain.assess(moment("Alice?", addressed=True))
    assert (clear.speak, clear.trouble) == (True, "")
    assert "cannot reach 127" in (await brain.assess(moment())).trouble
    await brain.aclose()


def test_the_offline_brain_needs_none_of_it() -> None:
    assert isinstance(brains(brain="offline").open(profile()), OfflineBrain)


async def test_at_a_cap_a_paid_brain_rests_and_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AIKYO_ONLY_LOCAL_MODELS")  # for a server that costs money; nobody is asked
    ledger = Ledger.of(None, Settings(tokens_per_hour=100), clock=lambda: 1000.0)
    environ = {"ANTHROPIC_API_KEY": "sk-nobody", "ANTHROPIC_BASE_URL": "https://models.example"}
    alice = profile()
    brain = brains(brain="anthropic", environ=environ, ledger=ledger).open(alice)
    spent = ModelCall(
        time=1000,
        companion=alice.metadata.id,
        provider="anthropic",
        model="claude-sonnet-5-5",
        purpose="compose",
        usage=Usage(calls=1, input=85),
    )
    ledger.add(spent)
    assert (await brain.assess(moment())).speak in {True, False}  # by rules: nobody could be reached
    ledger.add(spent)
    with pytest.raises(BrainError, match="tokens_per_hour") as caught:
        await brain.wake()
    assert caught.value.kind == "limit"
    await brain.aclose()
