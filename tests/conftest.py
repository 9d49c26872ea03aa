"""What every test stands on."""

from __future__ import annotations

import os

import pytest
import trio.testing
from hypothesis import settings

# No test may reach a real model by accident: no key, and an address at which nobody answers (but for
# OPENAI_BASE_URL, which by itself would make `auto` take that brain).
for name in [name for name in os.environ if name.startswith(("ANTHROPIC_", "OPENAI_", "AIKYO_"))]:
    del os.environ[name]
os.environ["ANTHROPIC_BASE_URL"] = "http://127.0.0.1:9"
os.environ["AIKYO_ONLY_LOCAL_MODELS"] = "1"
# Nor anything else beyond this machine: brains go through the proxy of the environment, and so do those
# of the processes that tests start.
for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
    del os.environ[name]
os.environ |= dict.fromkeys(("http_proxy", "https_proxy", "all_proxy"), "http://127.0.0.1:9")
os.environ["no_proxy"] = "localhost,127.0.0.1,::1"

# The same examples in every run, so that a test that passed passes again, on a machine as slow as it
# likes; `make fuzz` looks for new ones, longer.
settings.register_profile("steady", derandomize=True, deadline=None, max_examples=100)
settings.register_profile("thorough", deadline=None, max_examples=5000, print_blob=True)
settings.load_profile("steady")


@pytest.fixture
def patient_clock() -> trio.testing.MockClock:
    """A virtual clock for tests whose parts work in threads: it jumps only when nothing has happened
    for a while of real time, since a thread at work looks idle to trio."""
    return trio.testing.MockClock(autojump_threshold=0.25)
