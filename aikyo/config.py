"""Settings: from defaults, two files, the environment and flags, in rising order."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from ipaddress import ip_address
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from .embeddings import Choice
from .errors import UsageError
from .paths import Home
from .toml import Document, Problem, TomlError, check_table, expectation, read_toml

__all__ = ["Checks", "MoneyCap", "Price", "Settings", "TokenCap", "load_settings"]

Port = Annotated[int, Meta(ge=0, le=65535)]

TokenCap = Annotated[int, Meta(ge=1, le=10**12)] | Literal["none"]
"""Tokens at the most, or no cap. 0 is neither, since it could be taken for both."""

MoneyCap = Annotated[float, Meta(gt=0, le=10**6)] | Literal["none"]
"""US dollars at the most, or no cap."""

_Dollars = Annotated[float, Meta(ge=0, le=10**6)]


class Price(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a model costs, in US dollars per million tokens.

    Attributes:
        input: read at the full price.
        output: written.
        cached: read from the provider's cache; None: as `input`.
        stored: read and put into that cache; None: as `input`.
    """

    input: _Dollars
    output: _Dollars
    cached: _Dollars | None = None
    stored: _Dollars | None = None


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything a swarm can be told; the defaults are what `aikyo up` does by itself.

    Attributes:
        companions: how many; when only `profiles` is given, as many as these.
        profiles: whom to start with, by name; empty means the program's choice.
        profiles_dir: a folder of profiles that is looked in first.
        topic: what the first talk is about; None: the companions choose; "": nobody begins.
        brain: what thinks: `auto`, `anthropic`, `openai`, `offline`, or the name of an installed one;
            `auto` is what there is a key or a server for, else offline.
        model: the brain's model; None: the brain's default.
        small_model: the model for small decisions; None: the brain's default.
        embedding_model: what makes vectors of texts; None: nothing does.
        wire: the dialect that is sent.
        mesh: keeps meshes on one LAN apart; "" is the common one.
        listen: the address libp2p listens on.
        mesh_port: the TCP port by which others may join this swarm's mesh (`bootstrap`); 0 picks a free
            one. The firehose's node has it, the companions pick free ones.
        bootstrap: multiaddrs, ending in ``/p2p/<peer id>``, of peers that are not on this LAN.
        network_key: file of the key that makes the mesh private; None: anybody may come.
        foreign_turns: how many turns an hour a companion whose brain costs money takes for each peer of
            other homes; 0 for none.
        firehose_port: 0 picks a free one.
        gateway_port: 0 picks a free one.
        seed: makes the offline brain and all choices repeatable.
        turns_per_talk: how many turns a companion takes in one conversation.
        turns_per_hour: how many it takes in an hour, in all conversations together.
        retries_per_minute: how many requests to models are made again, for all companions together.
        beginnings: how many talks an hour it begins of its own accord; 0 for none.
        context_tokens: about how many tokens a companion's brain is told at once.
        learn_after: turns after which a companion learns from them, also where nobody pauses; 0: it
            learns nothing, and keeps its journal alone.
        tokens_per_hour: how many tokens of models that cost money the swarm may spend in any hour.
        tokens_per_day: the same in any 24 hours.
        money_per_hour: how many US dollars, as far as prices are known.
        money_per_day: the same in any 24 hours.
        companion_tokens_per_hour: as `tokens_per_hour`, for each companion; and so on.
        prices: what models cost, in place of the prices that come with the program; in a file only.
        silence: seconds in which nothing was said, after which it may begin one.
        pace: scales the pauses between turns; 1 is natural, 0 is none.
        durability: what cannot take from a memory what it has acknowledged: the end of the `process`, or
            the loss of `power` too, for which every entry waits for the disk.
        embedder: what tells the sense of what companions know, if anything; `auto` is the best that is
            installed.
        backups: how many nightly backups of each memory are kept, beside one of each of the last four
            weeks; 0 for none.
        dashboard: whether a terminal gets the live view.
    """

    companions: Annotated[int, Meta(ge=0, le=100)] = 3
    profiles: tuple[str, ...] = ()
    profiles_dir: str | None = None
    topic: str | None = None
    brain: str = "auto"
    model: str | None = None
    small_model: str | None = None
    embedding_model: str | None = None
    wire: Literal["plain", "jsonrpc"] = "plain"
    mesh: str = ""
    listen: str = "0.0.0.0"
    mesh_port: Port = 0
    bootstrap: tuple[str, ...] = ()
    network_key: str | None = None
    foreign_turns: Annotated[int, Meta(ge=0, le=1000)] = 20
    firehose_port: Port = 8080
    gateway_port: Port = 3000
    seed: int | None = None
    turns_per_talk: Annotated[int, Meta(ge=1, le=10_000)] = 100
    turns_per_hour: Annotated[int, Meta(ge=1, le=10_000)] = 240
    context_tokens: Annotated[int, Meta(ge=2_000, le=1_000_000)] = 6_000
    learn_after: Annotated[int, Meta(ge=0, le=1_000)] = 40
    retries_per_minute: Annotated[int, Meta(ge=0, le=1000)] = 20
    beginnings: Annotated[int, Meta(ge=0, le=60)] = 4
    silence: Annotated[float, Meta(ge=10, le=86_400)] = 180.0
    pace: Annotated[float, Meta(ge=0)] = 1.0
    tokens_per_hour: TokenCap = 1_000_000
    tokens_per_day: TokenCap = 5_000_000
    money_per_hour: MoneyCap = 1.0
    money_per_day: MoneyCap = 5.0
    companion_tokens_per_hour: TokenCap = "none"
    companion_tokens_per_day: TokenCap = "none"
    companion_money_per_hour: MoneyCap = "none"
    companion_money_per_day: MoneyCap = "none"
    prices: dict[str, Price] = {}
    durability: Literal["process", "power"] = "process"
    embedder: Choice = "auto"
    backups: Annotated[int, Meta(ge=0, le=365)] = 7
    dashboard: bool = True


_FIELDS = {field.name: field for field in msgspec.structs.fields(Settings)}
_MAY_BE_EMPTY = {"topic", "mesh"}
_LISTS = {"profiles", "bootstrap"}
_CAPS = {key for key in _FIELDS if key.endswith(("_per_hour", "_per_day")) and "turns" not in key}
_FILE_ONLY = {"prices"}
_PATHS = {"profiles_dir", "network_key"}
_MESH = re.compile(r"[a-z0-9-]{1,32}")


Checks = Mapping[str, Callable[[Any], object]]
"""By setting: raises `UsageError` when there is something wrong with a value."""


def load_settings(
    home: Home,
    *,
    cwd: Path,
    environ: Mapping[str, str],
    flags: Mapping[str, object],
    checks: Checks = MappingProxyType({}),
) -> Settings:
    """Put the settings together: defaults, HOME/aikyo.toml, ./aikyo.toml, `AIKYO_…`, flags.

    Args:
        home: whose `aikyo.toml` is read, if there is one.
        cwd: where `./aikyo.toml` is looked for, and what a relative `profiles_dir` or `network_key` is
            relative to (one in a file is relative to that file).
        environ: the environment; `AIKYO_FIREHOSE_PORT` sets `firehose_port`, and so on.
        flags: by setting; None stands for a flag that was not given.
        checks: what only higher layers know to be wrong, told with its place as everything else.

    Raises:
        UsageError: an unknown setting or a wrong value, with the place: ``file:line:column``, the
            variable, or the flag.
    """
    values: dict[str, Any] = {}
    for file in (home.settings, cwd / "aikyo.toml"):
        if _is_there(file):
            values |= _from_file(file, checks)
    values |= _from_environment(environ, cwd, checks)
    values |= _from_flags(flags, cwd, checks)
    if values.get("profiles") and "companions" not in values:
        values["companions"] = len(values["profiles"])
    settings = msgspec.convert(values, Settings)
    if settings.firehose_port == settings.gateway_port != 0:
        raise UsageError(
            f"firehose_port and gateway_port are both {settings.gateway_port}; give each its own"
        )
    return settings


def _is_there(file: Path) -> bool:
    try:
        return file.exists()
    except OSError:  # it cannot even be looked for: reading it tells why
        return True


def _from_file(file: Path, checks: Checks) -> dict[str, Any]:
    try:
        document = read_toml(file)
    except TomlError as error:
        raise _at(file, error.problem) from None
    problems = list(islice(check_table(document, Settings, noun="setting"), 20))
    problems += _unfitting(document, checks)
    if problems:
        raise _at(file, min(problems))
    return _anchored(document.data, file.parent)


def _unfitting(document: Document, checks: Checks) -> list[Problem]:
    found = ((key, _misfit(key, value, checks)) for key, value in document.data.items())
    return [document.at_value((key,), f"'{key}': {what}") for key, what in found if what]


def _from_environment(environ: Mapping[str, str], cwd: Path, checks: Checks) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, field in _FIELDS.items():
        variable = f"AIKYO_{key.upper()}"
        text = environ.get(variable)
        if text is None or (text == "" and key not in _MAY_BE_EMPTY):
            continue
        if not _is_text(text):
            raise UsageError(f"{variable}: is not UTF-8, in the environment")
        value: object = text
        if key in _LISTS:
            value = [name.strip() for name in text.split(",") if name.strip()]
        elif key in _FILE_ONLY:
            raise UsageError(f"{variable}: tables are for aikyo.toml: [{key}]")
        elif key in _CAPS:
            value = _number(text)
        elif key == "dashboard":
            value = {"yes": "true", "on": "true", "no": "false", "off": "false"}.get(text.lower(), text)
        problem = expectation(value, field.type, strict=False)
        if problem:
            raise UsageError(f"{variable}: {problem[1]}, in the environment")
        values[key] = msgspec.convert(value, field.type, strict=False)
        if what := _misfit(key, values[key], checks):
            raise UsageError(f"{variable}: {what}, in the environment")
    return _anchored(values, cwd)


def _from_flags(flags: Mapping[str, object], cwd: Path, checks: Checks) -> dict[str, Any]:
    values = {key: value for key, value in flags.items() if value is not None}
    for key, value in values.items():
        if isinstance(value, str) and not _is_text(value):
            raise UsageError(f"--{key.replace('_', '-')}: is not UTF-8")
        problem = expectation(value, _FIELDS[key].type)
        what = problem[1] if problem else _misfit(key, value, checks)
        if what:
            raise UsageError(f"--{key.replace('_', '-')}: {what}")
    return _anchored(values, cwd)


def _anchored(values: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The same, with relative paths made absolute."""
    paths = {key: values[key] for key in _PATHS if values.get(key) is not None}
    return {
        **values,
        **{key: str((folder / Path(path).expanduser()).absolute()) for key, path in paths.items()},
    }


def _number(text: str) -> object:
    """The number that `text` is, else the text."""
    for kind in (int, float):
        with suppress(ValueError):
            return kind(text)
    return text


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _is_text(text: str) -> bool:
    """Whether it was UTF-8; Python takes other bytes in as halves of surrogate pairs."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_path(text: str | None) -> bool:
    try:
        return text is None or "\0" not in str(Path(text).expanduser())
    except RuntimeError:  # ~name, of nobody here
        return False


_NO_PATH = "is no path that there can be here"
_RULES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "listen": (_is_address, "is no IP address; 0.0.0.0 is all interfaces"),
    "mesh": (
        lambda name: name == "" or _MESH.fullmatch(name) is not None,
        "is no mesh name; it takes 1 to 32 of a-z, 0-9 and -",
    ),
    "pace": (math.isfinite, "is no pace; 1 is natural, 0 has no pauses"),
    "profiles_dir": (_is_path, _NO_PATH),
    "network_key": (_is_path, _NO_PATH),
}


def _misfit(key: str, value: object, checks: Checks) -> str:
    """What is wrong with a value whose type is right, or nothing."""
    if key not in _FIELDS or expectation(value, _FIELDS[key].type) is not None:
        return ""
    if key in _RULES and not _RULES[key][0](value):
        return f"{value!r} {_RULES[key][1]}"
    try:
        checks.get(key, bool)(value)
    except UsageError as error:
        return str(error)
    return ""


def _at(file: Path, problem: Problem) -> UsageError:
    return UsageError(f"{file}:{problem.line}:{problem.column}: {problem.what}")
