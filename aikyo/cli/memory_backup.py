"""`aikyo memory backup`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from ..errors import UsageError
from .common import DebugOption, HomeOption, JsonOption, print_json
from .memory_shared import NameArgument, memory_of

__all__ = ["backup"]


def backup(
    name: NameArgument,
    file: Annotated[
        Path | None, typer.Argument(help="Where to. Default: among its backups in the home.")
    ] = None,
    *,
    as_json: JsonOption = False,
    home: HomeOption = None,
    debug: DebugOption = False,
) -> None:
    """Copy a companion's memory as it is now, also while a swarm runs.

    Example: aikyo memory backup alice
    """
    from ..memory.storage.backups import back_up

    if file is not None and file.exists():
        raise UsageError(f"{file} is there already; name another file")
    with memory_of(name, home) as memory:
        made = back_up(memory.path, file and file.absolute(), now=time.time())
        entries = memory.count()
    size = made.stat().st_size
    if as_json:
        print_json({"file": str(made), "entries": entries, "bytes": size})
    else:
        print(f"{made} ({entries:,} entries, {size / 2**20:.1f} MiB)")
