"""Where profiles are looked for, and which ones a swarm starts with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import count as count_from
from pathlib import Path

from ...errors import UsageError, nearest
from ...paths import Home, bundled_profiles
from ...toml import TomlError, read_toml
from ...wire import bare_name
from .model import Profile, ProfileError, load_profile
from .trust import NOBODY, Trust

__all__ = ["choose_profiles", "find_profile", "list_profiles", "load_again", "profile_dirs"]

_FIRST = ("alice", "bob", "carol")
_MAX_NAME = 64


def profile_dirs(home: Home, *, cwd: Path, given: Path | str | None = None) -> tuple[Path, ...]:
    """The folders that profiles are looked for in; what is found first wins.

    Args:
        home: whose own profiles are looked in.
        cwd: whose `profiles` is looked in.
        given: looked in before all; what `--profiles-dir` says.

    Raises:
        UsageError: `given` is no folder.
    """
    dirs = [cwd / "profiles", home.profiles, bundled_profiles()]
    if given is not None:
        first = Path(given).expanduser()
        if not _is_folder(first):
            raise UsageError(f"no folder {first} to take profiles from; see --profiles-dir")
        dirs.insert(0, first)
    unique: dict[Path, Path] = {}
    for folder in dirs:
        unique.setdefault(folder.resolve(), folder)
    return tuple(unique.values())


def list_profiles(dirs: Iterable[Path]) -> dict[str, Path]:
    """The profiles there are: bare name (that of the file) → file, alphabetically, none opened."""
    found: dict[str, Path] = {}
    for folder in filter(_is_folder, dirs):
        for file in folder.glob("*.toml"):
            found.setdefault(file.stem, file)
    return dict(sorted(found.items()))


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # above it is a folder that we may not enter
        return False


def find_profile(name: str, dirs: Sequence[Path], trust: Trust = NOBODY) -> Profile:
    """The profile called `name`, bare or as an id; see `load_profile`.

    Raises:
        UsageError: there is none; names the nearest.
        ProfileError: its file is wrong.
    """
    known = list_profiles(dirs)
    file = known.get(name) or known.get(bare_name(name))
    if file is None:
        raise UsageError(f"no profile '{name}'{nearest(bare_name(name), known)}")
    return load_profile(file, trust)


def choose_profiles(
    count: int, names: Sequence[str], dirs: Sequence[Path], trust: Trust = NOBODY
) -> list[tuple[str, Profile]]:
    """Whom a swarm starts with: for each companion its own bare name, and its profile.

    When there are more companions than profiles, the profiles repeat with a number: after ``alice``
    comes ``alice-2``, with the id ``companion_alice-2``, displayed as ``Alice 2``.

    Args:
        count: how many companions.
        names: whom to take, in this order; empty: alice, bob and carol, then the others by name.
        dirs: where profiles are looked for.
        trust: which folders' profiles may name Python code.

    Raises:
        UsageError: a name is unknown, or there are no profiles at all.
        ProfileError: the file of one that was chosen is wrong.
    """
    if count == 0:
        return []
    known = list_profiles(dirs)
    wanted = list(names) or sorted(known, key=lambda name: (name not in _FIRST, name))
    if not wanted:
        raise UsageError(f"there are no profiles in {', '.join(map(str, dirs))}; see --profiles-dir")
    profiles = [find_profile(name, dirs, trust) for name in wanted[:count]]
    chosen: dict[str, Profile] = {}
    for index in range(count):
        profile = profiles[index % len(profiles)]
        name, number = _free_name(bare_name(profile.metadata.id), chosen)
        chosen[name] = profile.numbered(number, name) if number > 1 else profile
    return list(chosen.items())


def load_again(name: str, profile: Profile, trust: Trust = NOBODY) -> Profile:
    """What the file of `profile` says now.

    Args:
        name: the companion's own bare name, as `choose_profiles` gave it.
        profile: what was read before.
        trust: which folders' profiles may name Python code.

    Raises:
        ProfileError: the file is wrong, or gives the companion another id: its memory and its key go by
            that, so only another start of the swarm can change it.
    """
    loaded = load_profile(profile.file, trust)
    ident = loaded.metadata.id
    if _numbered_name(bare_name(ident), profile.number) != name:
        line, column = _place_of_id(profile.file)
        what = f"the id is {ident} now, which takes a new start of the swarm (aikyo stop, aikyo up)"
        raise ProfileError(f"{profile.file}:{line}:{column}: {what}")
    return loaded.numbered(profile.number, name) if profile.number > 1 else loaded


def _place_of_id(file: Path) -> tuple[int, int]:
    """Line and column of the id in a profile, or of what it would stand in."""
    try:
        problem = read_toml(file).at_value(("metadata", "id"), "")
    except TomlError as error:  # it has changed once more
        problem = error.problem
    return problem.line, problem.column


def _free_name(name: str, taken: Iterable[str]) -> tuple[str, int]:
    """`name`, or the first `<name>-<number>` that is not taken."""
    for number in count_from(1):
        numbered = _numbered_name(name, number)
        if numbered not in taken:
            return numbered, number
    raise AssertionError  # count_from has no end


def _numbered_name(name: str, number: int) -> str:
    """What the companion `number` of a profile is called whose own name is `name`."""
    suffix = f"-{number}" if number > 1 else ""
    return name[: _MAX_NAME - len(suffix)] + suffix
