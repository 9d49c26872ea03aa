"""`aikyo profile`: see what companions there are, and check their files."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..paths import Home, bundled_profiles
from .common import DebugOption, HomeOption, JsonOption, print_json

if TYPE_CHECKING:
    from ..companion.profile import Profile, Trust

__all__ = ["profile_app"]

profile_app = typer.Typer(
    help="See what companions there are, and check their files.",
    epilog="Example: aikyo profile show alice",
    no_args_is_help=True,
)

DirOption = Annotated[
    Path | None, typer.Option("--profiles-dir", metavar="DIR", help="A folder to look in first.")
]


@profile_app.command("list")
def list_(
    *,
    profiles_dir: DirOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """List the companions that can be started.

    Example: aikyo profile list
    """
    from ..companion.profile import ProfileError, list_profiles, load_profile

    trust = _trust(home, profiles_dir)
    rows: list[tuple[str, ...]] = []
    for name, file in list_profiles(_dirs(home, profiles_dir)).items():
        try:
            profile = load_profile(file, trust)
        except ProfileError as error:
            if as_json:
                print_json({"name": name, "file": str(file), "error": str(error)})
            rows.append((name, "", "", _origin(file), f"cannot be used: {error}"))
            continue
        if as_json:
            print_json(_as_json(profile))
        who = profile.metadata
        rows.append((name, who.name, who.language, _origin(file), who.personality))
    if not as_json:
        _print_columns([("NAME", "CALLED", "SPEAKS", "FROM", "PERSONALITY"), *rows])


@profile_app.command()
def show(
    name: Annotated[str, typer.Argument(help="Whose: alice, or companion_alice.")],
    *,
    profiles_dir: DirOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Show a companion's profile, whole.

    Example: aikyo profile show alice
    """
    from ..companion.profile import find_profile

    profile = find_profile(name, _dirs(home, profiles_dir), _trust(home, profiles_dir))
    if as_json:
        print_json(_as_json(profile))
        return
    for line in _described(profile):
        print(line)


@profile_app.command()
def check(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Profiles, as files.")],
    *,
    trust: Annotated[
        bool,
        typer.Option("--trust", help="Use Python tools of these profiles' folders, from now on."),
    ] = False,
    as_json: JsonOption = False,
    home: HomeOption = None,
    debug: DebugOption = False,
) -> None:
    """Check profiles: every problem as file:line:column: what. Exit code 2 if there is any.

    Example: aikyo profile check profiles/alice.toml
    """
    from ..companion.profile import Trust, check_profile

    place = Home.locate(home)
    for file in files if trust else ():
        Trust.remember(place, file.parent)
    trusted = Trust.of(place)
    wrong = False
    for file in files:
        problems = check_profile(file, trusted)
        wrong = wrong or bool(problems)
        for line, column, what in problems:
            if as_json:
                print_json({"file": str(file), "line": line, "column": column, "what": what})
            else:
                print(_inert(f"{file}:{line}:{column}: {what}"))
        if not problems and not as_json:
            print(f"{file}: ok")
    if wrong:
        raise typer.Exit(2)


def _dirs(home: Path | None, given: Path | None) -> tuple[Path, ...]:
    from ..companion.profile import profile_dirs

    return profile_dirs(Home.locate(home), cwd=Path.cwd(), given=given)


def _trust(home: Path | None, given: Path | None) -> Trust:
    from ..companion.profile import Trust

    return Trust.of(Home.locate(home), *([given.expanduser()] if given else []))


def _origin(file: Path) -> str:
    """Where a profile comes from, as short as can be."""
    if file.parent == bundled_profiles():
        return "bundled"
    for folder, short in ((Path.cwd(), "."), (Path.home(), "~")):
        if file.is_relative_to(folder):
            return str(Path(short, file.parent.relative_to(folder)))
    return str(file.parent)


def _as_json(profile: Profile) -> dict[str, Any]:
    tables = {table: getattr(profile, table) for table in ("metadata", "brain", "voice", "events")}
    return {"name": profile.file.stem, "file": str(profile.file), **tables}


def _described(profile: Profile) -> list[str]:
    """A profile for people to read: short facts, then its texts, each wrapped to the terminal."""
    from ..text import inert, wrap

    who = profile.metadata
    width = shutil.get_terminal_size().columns
    facts = {
        "id": who.id,
        "speaks": who.language,
        "likes": ", ".join(who.interests),
        "says": " · ".join(who.phrases),
        "actions": ", ".join(who.actions),
        "knowledge": ", ".join(who.knowledge),
        "brain": " ".join(filter(None, (profile.brain.provider, profile.brain.model))),
        "params": ", ".join((profile.triggers.params or {}).get("properties", {})),
        "file": str(profile.file),
    }
    lines = [inert(who.name), ""]
    for label, text in facts.items():
        first, *rest = wrap(inert(text), width - 11)
        lines += [f"{label:<11}{first}", *(" " * 11 + line for line in rest)] if first else []
    texts = {"personality": who.personality, "story": who.story, "sample": who.sample, "role": who.role}
    for label, text in texts.items():
        if text.strip():
            paragraphs = [wrap(inert(part), width) for part in text.strip().split("\n")]
            lines += ["", f"{label}:", *(line for part in paragraphs for line in part)]
    for number, condition in enumerate(profile.events.conditions, 1):
        lines += ["", *wrap(f"when {inert(condition.expression)}:", width)]
        for execute in condition.execute:
            lines += wrap(f"{number}. {execute.tool}: {inert(execute.instruction)}", width)
    return lines


def _print_columns(rows: list[tuple[str, ...]]) -> None:
    """Columns that fit the terminal; whole where the output goes elsewhere."""
    from rich.cells import cell_len

    from ..text import clip, inert

    texts = [[inert(cell) for cell in row] for row in rows]
    widths = [max(cell_len(row[column]) for row in texts) for column in range(len(rows[0]) - 1)]
    for row in texts:
        padded = [
            cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=False)
        ]
        line = "  ".join([*padded, row[-1]]).rstrip()
        print(clip(line, shutil.get_terminal_size().columns) if sys.stdout.isatty() else line)


def _inert(text: str) -> str:
    from ..text import inert

    return inert(text)
