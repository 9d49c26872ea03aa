"""`aikyo version`."""

from __future__ import annotations

import sys

import typer

from .. import __version__
from .common import DebugOption, JsonOption, print_json

__all__ = ["version"]

_PARTS = ("libp2p", "trio", "trio-websocket", "msgspec", "anthropic")


def version(as_json: JsonOption = False, debug: DebugOption = False) -> None:
    """Show the version, and the versions of what matters.

    Example: aikyo version --json
    """
    # Not above: it takes a tenth of what `aikyo --help` takes
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    versions = {"aikyo": __version__, "python": sys.version.split()[0]}
    for part in _PARTS:
        try:
            versions[part] = installed(part)
        except PackageNotFoundError:
            versions[part] = "missing"
    if as_json:
        print_json(versions)
        return
    for part, number in versions.items():
        typer.echo(f"{part} {number}")
