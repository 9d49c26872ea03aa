"""What the commands share: their common options, and printing one JSON object a line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["DebugOption", "HomeOption", "JsonOption", "print_json"]

HomeOption = Annotated[
    Path | None,
    typer.Option(
        "--home", envvar="AIKYO_HOME", metavar="DIR", help="Where keys, memories and settings are kept."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object a line, nothing else.")]
DebugOption = Annotated[bool, typer.Option("--debug", help="Show tracebacks.", hidden=True)]


def print_json(value: object) -> None:
    """Print `value` (Structs, dicts, dataclasses) as one line of JSON."""
    import msgspec

    print(msgspec.json.encode(value).decode())
