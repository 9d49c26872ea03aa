from __future__ import annotations

import stat
from pathlib import Path

import pytest

from aikyo.companion.profile import Trust
from aikyo.errors import UsageError
from aikyo.paths import Home, bundled_profiles


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def test_the_homes_own_profiles_and_those_that_come_with_aikyo_are_trusted(
    home: Home, tmp_path: Path
) -> None:
    trust = Trust.of(home, tmp_path / "given")
    assert trust.covers(home.profiles / "mika.toml")
    assert trust.covers(bundled_profiles() / "alice.toml")
    assert trust.covers(tmp_path / "given" / "mika.toml")
    assert not trust.covers(tmp_path / "profiles" / "mika.toml")
    assert not trust.covers(home.memories / "mika.toml")


def test_a_folder_is_trusted_from_then_on_and_no_other(home: Home, tmp_path: Path) -> None:
    Trust.remember(home, tmp_path / "a")
    Trust.remember(home, tmp_path / "b")
    Trust.remember(home, tmp_path / "a")
    for _ in range(2):
        trust = Trust.of(home)
        assert trust.covers(tmp_path / "a" / "profiles" / "mika.toml")
        assert trust.covers(tmp_path / "b" / "mika.toml")
        for other in ("c", "a/b/profiles", "a/other", "aa", ""):
            assert not trust.covers(tmp_path / other / "mika.toml")
    assert home.trusted.read_text().count(str(tmp_path / "a")) == 1
    assert stat.S_IMODE(home.trusted.stat().st_mode) == 0o600


def test_a_folder_is_known_by_its_real_path(home: Home, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    Trust.remember(home, tmp_path / "link")
    (tmp_path / "link").unlink()
    (tmp_path / "evil").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "evil")
    assert Trust.of(home).covers(tmp_path / "real" / "mika.toml")
    assert not Trust.of(home).covers(tmp_path / "link" / "mika.toml")


def test_a_link_to_a_trusted_folder_is_that_folder(home: Home, tmp_path: Path) -> None:
    home.profiles.mkdir(parents=True)
    (tmp_path / "profiles").symlink_to(home.profiles)
    assert Trust.of(home).covers(tmp_path / "profiles" / "mika.toml")


@pytest.mark.parametrize("text", ["", "[]", '{"folders": [1]}', '{"folders": [], "x": 1}', "\xff"])
def test_a_damaged_list_trusts_nothing_and_is_told(home: Home, text: str) -> None:
    home.create()
    home.trusted.write_bytes(text.encode("latin-1"))
    with pytest.raises(UsageError, match=r"trusted\.json is damaged .*--trust"):
        Trust.of(home)
    with pytest.raises(UsageError):
        Trust.remember(home, home.root)
    assert home.trusted.read_bytes() == text.encode("latin-1")
