"""`make wheel`: install a built wheel in an empty environment, and bring a swarm up there.

Usage: python tests/wheel.py WHEEL    (with uv in $UV; fetches the dependencies)
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

OVERRIDES = "fastecdsa>=4; sys_platform != 'win32'\n"
"""As in pyproject.toml, whose overrides hold for the checkout alone."""


def main() -> None:
    wheel, uv = Path(sys.argv[1]).resolve(), os.environ.get("UV", "uv")
    uv = str(Path(uv).resolve()) if Path(uv).exists() else uv
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "overrides.txt").write_text(OVERRIDES)
        run(uv, "venv", "--quiet", "env", cwd=place)
        python = place / "env" / "bin" / "python"
        install = ("pip", "install", "--quiet", "--python", str(python))
        run(uv, *install, "--override", "overrides.txt", str(wheel), cwd=place)
        up = [place / "env" / "bin" / "aikyo", "up", "--home", "home", "--no-dashboard", "--json"]
        up += ["--firehose-port", "0", "--gateway-port", "0", "--mesh", f"wheel{os.getpid()}"]
        up += ["--listen", "127.0.0.1", "--profiles", "alice,hina", "--brain", "offline"]
        with subprocess.Popen(up, cwd=place, stdout=subprocess.PIPE, text=True) as process:
            try:
                expect_talk(process)
            finally:
                process.terminate()
    print(f"{wheel.name}: installed in an empty environment, two companions talked there")


def expect_talk(process: subprocess.Popen[str]) -> None:
    """Wait for both companions to be up, and for one to speak."""
    assert process.stdout is not None
    ready = False
    for line in process.stdout:
        event = json.loads(line)
        if event["event"] == "ready":
            assert event["companions"] == ["alice", "hina"], event
            ready = True
        if event["event"] == "messages":
            assert ready
            return
    sys.exit("the swarm ended before anybody spoke")


def run(*command: str, cwd: Path) -> None:
    # No compiler may be needed
    subprocess.run(command, cwd=cwd, check=True, env={**os.environ, "CC": "false", "CXX": "false"})


if __name__ == "__main__":
    main()
