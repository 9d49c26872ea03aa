"""What the commands share: their common options, and printing one JSON object a line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..errors import UsageError

__all__ = ["DebugOption", "HomeOption", "JsonOption", "check_drawing", "draw", "print_json"]

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


def check_drawing(file: Path) -> None:
    """See whether an SVG picture may be written into `file`.

    Raises:
        UsageError: its name says that it is something else, or its folder is not there.
    """
    if file.suffix.lower() != ".svg":
        raise UsageError(f"the picture is an SVG; call the file {file.with_suffix('.svg').name}")
    if not file.expanduser().parent.is_dir():
        raise UsageError(f"no folder {file.parent} to draw {file.name} into; make it, or choose another")


def draw(file: Path, picture: str) -> None:
    """Write an SVG `picture` into `file`.

    Raises:
        UsageError: it cannot be written, or its name says that it is something else.
    """
    check_drawing(file)
    try:
        file.expanduser().write_text(picture, encoding="utf-8")
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise UsageError(f"cannot draw into {file} ({why})") from None
