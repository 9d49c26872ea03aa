"""`aikyo set`, and `aikyo companion set`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import UsageError, nearest
from ..paths import Home
from .common import DebugOption, HomeOption, JsonOption, print_json
from .terminal import run

if TYPE_CHECKING:
    from ..wire import CompanionStatus

__all__ = ["companion_app", "set_"]

_ALIASES = {"brain": "provider", "small-model": "small_model"}
"""Names under which flags and profiles know the same."""

companion_app = typer.Typer(
    help="Change a companion while it runs.",
    epilog="Example: aikyo companion set alice model=claude-haiku-5-5",
    no_args_is_help=True,
)


def set_(
    name: Annotated[str, typer.Argument(help="A companion.")],
    wishes: Annotated[
        list[str],
        typer.Argument(
            metavar="KEY=VALUE",
            help="KEY: model, small_model or provider (also brain). `KEY=` takes it back.",
        ),
    ],
    *,
    home: HomeOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Have a companion think with something else, while it runs, until the swarm ends.

    It talks on meanwhile; when that cannot be had, all stays as it was.
    To keep it for good, write it into the companion's profile.

    Example: aikyo set alice model=claude-haiku-5-5
    """
    wanted = _read(wishes)
    if name == "all":
        asked = " ".join(wishes)
        raise UsageError(f"a setting is for one companion; type aikyo set NAME {asked}")
    status = run(lambda: _set(Home.locate(home), name, wanted))
    if as_json:
        print_json(status)
    else:
        print(_told(status))


_BELOW = (set_.__doc__ or "").replace("aikyo set", "aikyo companion set")
companion_app.command("set", help=_BELOW)(set_)


@companion_app.callback()
def _root() -> None:
    """Keep `companion` a group of commands."""


def _read(wishes: Sequence[str]) -> dict[str, str]:
    """What is to be set, by the keys that the swarm knows."""
    from ..wire import SETTABLE

    wanted: dict[str, str] = {}
    for wish in wishes:
        key, equals, value = wish.partition("=")
        known = _ALIASES.get(key.strip(), key.strip())
        if known not in SETTABLE:
            raise UsageError(f"nothing is called '{key[:80]}'{nearest(key, SETTABLE)}")
        if not equals:
            raise UsageError(f"'{key}' lacks a value: {key}=VALUE, or {key}= to take it back")
        if known in wanted:
            raise UsageError(f"'{known}' is set twice")
        wanted[known] = value.strip()
    return wanted


async def _set(home: Home, name: str, wishes: dict[str, str]) -> CompanionStatus:
    from ..client import Remote, find_swarm

    return await Remote(find_swarm(home)).change(name, wishes)


def _told(status: CompanionStatus) -> str:
    from ..text import inert

    if not status.session:
        return f"{status.name} does not run ({status.activity}); it counts from its next start on"
    for_now = ", until the swarm ends" if status.overrides else ""
    return f"{status.name} thinks with {inert(status.brain)} now (session {status.session}){for_now}"
