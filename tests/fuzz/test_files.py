"""Whatever is in a file of the user's: its content, or one line that says what is wrong and where."""

from __future__ import annotations

import contextlib
import os
import re
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aikyo.client.find import find_swarm
from aikyo.companion.profile import Profile, ProfileError, check_profile, load_profile
from aikyo.config import Settings, load_settings
from aikyo.errors import NotRunningError, UsageError
from aikyo.mesh.finding.bootstrap import parse_bootstrap
from aikyo.mesh.identity import load_identity
from aikyo.mesh.network_key import make_network_key, read_network_key
from aikyo.paths import Home, bundled_profiles
from aikyo.toml import TomlError, parse_toml
from aikyo.wire import MAX_ID, SwarmFile
from tests.support.fuzz import json_texts, json_values, mutations, within_seconds

PROFILES = [file.read_bytes() for file in sorted(bundled_profiles().glob("*.toml"))]
SETTINGS = b"""
companions = 3
profiles = ["alice", "bob"]
profiles_dir = "~/here"
topic = "the sea"
brain = "offline"
mesh = "lab"
listen = "192.0.2.7"
mesh_port = 4001
bootstrap = ["/ip4/192.0.2.7/tcp/4001/p2p/12D3KooWP89sveD2nscDrpQGpN11WG8SNwNiLz5AA3y4WDiUg4Pc"]
network_key = "mesh.key"
foreign_turns = 5
firehose_port = 0
pace = 0.5
seed = 7
"""
PEER = "12D3KooWP89sveD2nscDrpQGpN11WG8SNwNiLz5AA3y4WDiUg4Pc"


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def one_line(error: Exception, at: Path | None = None) -> None:
    """It is fit to be shown to a person, and says where."""
    said = str(error)
    assert "\n" not in said
    assert len(said) < 1000
    said.encode()
    if at is not None:
        assert re.match(re.escape(str(at)) + r":\d+:\d+: ", said), said


TOML = st.one_of(
    st.binary(max_size=80),
    st.text(max_size=80).map(str.encode),
    mutations(
        [b'a = [1, {b = """x"""}]\n[c.d]\n"e f" = 1979-05-27\n[[g]]\nh = \'\'\'y\'\'\'\n', SETTINGS]
    ),
)


@given(TOML)
@example(b"a = " + b"[" * 5000)
@example(b"a = 1" + b"0" * 5000)
@example(b'[[a]]\n[a.b]\n[[a]]\nb.c = "\\uD7FF\\U0010FFFF"')
def test_any_toml_is_a_document_or_a_problem_with_its_place(raw: bytes) -> None:
    text = raw.decode("utf-8", "replace")
    try:
        document = parse_toml(text)
    except TomlError as error:
        assert 1 <= error.problem.line <= text.count("\n") + 1
        assert error.problem.column >= 1
        return
    for path, (offset, span) in document._places.items():
        document.get(path)
        assert 0 <= offset <= len(text)
        assert 0 <= span.start <= span.end <= len(text)


VALUES = st.one_of(
    st.sampled_from(
        [
            *(
                '"x"',
                '""',
                "0",
                "-1",
                "1e400",
                "nan",
                "inf",
                "true",
                "[]",
                "{}",
                "1979-05-27",
                "07:32:00",
            ),
            *(
                '"~nobody-of-this-name/x"',
                '"\\u0000"',
                '"\\u001b[2J"',
                '"' + "x" * 20_000 + '"',
                "9" * 30,
            ),
            *('["a", 1]', "[[1]]", "{a = {b = 1}}", '[""]', '["\\u0000"]', '["' + "y" * 5000 + '"]'),
        ]
    ),
    json_values.map(msgspec.json.encode).map(bytes.decode),
    st.text(max_size=30).map(lambda text: msgspec.json.encode(text).decode()),
)


@given(st.sampled_from([*Settings.__struct_fields__, "unknown", "k" * 3000]), VALUES)
@example("profiles_dir", '"~nobody-of-this-name/x"')
@example("network_key", '"\\u0000"')
def test_any_value_is_a_setting_or_told_with_its_place(folder: Path, key: str, value: str) -> None:
    home = Home(folder)
    home.settings.write_text(f"# settings\n{key} = {value}\n", "utf-8")
    _load(home)


@given(st.one_of(TOML, mutations([SETTINGS])))
def test_any_settings_file_is_read_or_told_with_its_place(folder: Path, raw: bytes) -> None:
    home = Home(folder)
    home.settings.write_bytes(raw)
    _load(home)


def _load(home: Home) -> None:
    try:
        settings = load_settings(home, cwd=home.root / "none", environ={}, flags={})
    except UsageError as error:
        if "are both" not in str(error):
            one_line(error, home.settings)
        return
    assert 0 <= settings.companions <= 100
    assert settings.pace >= 0


@given(
    st.sampled_from(Settings.__struct_fields__),
    st.text(st.characters(exclude_characters="\0"), max_size=60),
)
def test_any_variable_is_a_setting_or_told_by_its_name(folder: Path, key: str, value: str) -> None:
    variable = f"AIKYO_{key.upper()}"
    try:
        load_settings(Home(folder / "none"), cwd=folder / "none", environ={variable: value}, flags={})
    except UsageError as error:
        one_line(error)
        assert variable in str(error) or "are both" in str(error)


@given(mutations(PROFILES))
def test_any_profile_is_loaded_or_its_problems_are_told(folder: Path, raw: bytes) -> None:
    _check_profile(folder, raw)


@given(st.data())
def test_a_profile_with_any_value_is_loaded_or_its_problems_are_told(
    folder: Path, data: st.DataObject
) -> None:
    lines = data.draw(st.sampled_from(PROFILES)).decode().splitlines()
    keyed = [number for number, line in enumerate(lines) if re.match(r"[a-z_]+ = ", line)]
    number = data.draw(st.sampled_from(keyed))
    key = lines[number].partition(" =")[0]
    lines[number] = f"{key} = {data.draw(VALUES)}"
    _check_profile(folder, "\n".join(lines).encode())


def _check_profile(folder: Path, raw: bytes) -> None:
    file = folder / "someone.toml"
    file.write_bytes(raw)
    problems = check_profile(file)
    assert problems == sorted(problems)
    lines = raw.count(b"\n") + 1
    for problem in problems:
        assert 1 <= problem.line <= lines
        assert problem.column >= 1
    try:
        profile = load_profile(file)
    except ProfileError as error:
        assert problems
        one_line(error, file)
        return
    assert isinstance(profile, Profile)
    assert not problems
    assert len(msgspec.json.encode(profile.presence(profile.metadata.id))) < 6 * 70_000
    assert len(profile.metadata.id) <= MAX_ID


@pytest.mark.parametrize(
    "text",
    [
        "x = " + "[" * 300_000,
        "x = [" + "1," * 400_000 + "]",
        "".join(f"k{n} = 0\n" for n in range(40_000)),
        "x = '" + "y" * 1_000_000 + "'",
        "[" + "a." * 30_000 + "a]",
        "[[a]]\n" * 50_000,
        '"' + "k" * 1_000_000 + '" = 1',
    ],
)
def test_a_large_file_costs_little(folder: Path, text: str) -> None:
    home = Home(folder)
    home.settings.write_text(text)
    with within_seconds(20):  # the worst takes two seconds
        _load(home)


@given(st.binary(max_size=200) | st.sampled_from([b"", bytes(68), b"\x08\x01\x12\x40" + bytes(64)]))
def test_any_key_file_is_a_key_or_told_by_its_name(folder: Path, raw: bytes) -> None:
    file = folder / "any.key"
    file.write_bytes(raw)
    with pytest.raises(UsageError, match="not an Ed25519 key") as caught:
        load_identity(file)
    one_line(caught.value)


def test_no_damaged_key_file_is_taken_for_another_key(folder: Path) -> None:
    file = folder / "own.key"
    identity = load_identity(file)
    good = file.read_bytes()
    for at in range(len(good)):
        for bit in range(8):
            file.write_bytes(good[:at] + bytes([good[at] ^ 1 << bit]) + good[at + 1 :])
            with pytest.raises(UsageError):
                load_identity(file)
    file.write_bytes(good)
    assert load_identity(file) == identity
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@given(st.data())
def test_any_network_key_file_is_a_key_or_told_by_its_name(folder: Path, data: st.DataObject) -> None:
    file = folder / "any.psk"
    file.unlink(missing_ok=True)
    key = make_network_key(file)
    good = file.read_bytes()
    assert read_network_key(file) == key
    file.write_bytes(data.draw(mutations([good]) | st.binary(max_size=100)))
    try:
        assert len(read_network_key(file)) == 32
    except UsageError as error:
        one_line(error)
        assert str(file) in str(error)


ADDRESSES = [
    f"/ip4/192.0.2.7/tcp/4001/p2p/{PEER}".encode(),
    f"/dns4/a.example/tcp/1/p2p/{PEER}".encode(),
]


@given(st.text(max_size=80) | mutations(ADDRESSES).map(lambda raw: raw.decode("latin-1")))
@example("/ip4/192.0.2.7/tcp/١/p2p/" + PEER)
@example("/ip4/1.2.3.4/tcp/" + "1" * 5000)
def test_any_address_to_join_by_is_one_or_told_why_not(text: str) -> None:
    try:
        found = parse_bootstrap(text)
    except UsageError as error:
        one_line(error)
        return
    _, kind, host, transport, port = found.address.split("/")
    assert kind in {"ip4", "dns", "dns4"}
    assert (transport, len(host) <= 253, 0 < int(port) < 1 << 16) == ("tcp", True, True)
    assert re.fullmatch(r"[1-9A-HJ-NP-Za-km-z]{20,128}", found.peer)


SWARM = SwarmFile(
    pid=os.getpid(),
    started=1.7e9,
    firehose="ws://127.0.0.1:8080",
    gateway="http://127.0.0.1:3000",
    companions=("companion_alice",),
)


@given(
    st.one_of(
        st.binary(max_size=60),
        json_texts.map(str.encode),
        mutations([msgspec.json.encode(SWARM)]),
        st.builds(
            lambda key, value: msgspec.json.encode({**msgspec.to_builtins(SWARM), key: value}),
            st.sampled_from(["pid", "firehose", "gateway", "started"]),
            st.sampled_from(
                [0, -1, 1.5, "", "http://[", "http://a:99999", "x", "http://\x00", "ws:///"]
            ),
        ),
    )
)
@example(b'{"pid":1,"started":1,"firehose":"\xff","gateway":""}')
@example(b'{"x":' + b"[" * 100_000)
def test_any_swarm_file_is_a_running_swarm_or_none(folder: Path, raw: bytes) -> None:
    home = Home(folder)
    home.swarm.write_bytes(raw)
    with contextlib.suppress(NotRunningError):
        swarm = find_swarm(home)
        assert swarm.pid > 0
        for url in (swarm.firehose, swarm.gateway):
            assert re.fullmatch(r"(ws|http)://[^/]+/?", url)
            assert url.isprintable()
