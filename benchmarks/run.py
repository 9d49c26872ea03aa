"""`make bench`: every benchmark that needs nothing from outside, one after another."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

for name, *args in (
    ("startup.py",),
    ("memory.py",),
    ("repetition.py",),
    ("thinking.py",),
    ("swaps.py",),
    ("mesh.py", "--quick"),
):
    subprocess.run([sys.executable, str(Path(__file__).with_name(name)), *args], check=True)
