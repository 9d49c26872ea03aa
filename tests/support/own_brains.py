"""A package that brings brains, installed for one test."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import pytest


def install(folder: Path, name: str, source: str, brains: Mapping[str, str]) -> None:
    """Put a package of one module, and what an installer writes beside it, into `folder`.

    Args:
        folder: on Python's path, or to be put there.
        name: of the package, and of the module.
        source: of the module.
        brains: its entry points.
    """
    (folder / f"{name}.py").write_text(source, encoding="utf-8")
    (info := folder / f"{name}-1.0.dist-info").mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    points = [f"{brain} = {value}\n" for brain, value in brains.items()]
    (info / "entry_points.txt").write_text("[aikyo.brains]\n" + "".join(points))


def install_here(
    monkeypatch: pytest.MonkeyPatch, folder: Path, name: str, source: str, brains: Mapping[str, str]
) -> None:
    """The same, for this process until the end of the test."""
    install(folder, name, source, brains)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setitem(sys.modules, name, sys)  # so that it is taken away again
    del sys.modules[name]
