from pathlib import Path

import pytest

from aikyo.companion.profile import (
    ProfileError,
    choose_profiles,
    find_profile,
    list_profiles,
    load_again,
    profile_dirs,
)
from aikyo.errors import UsageError
from aikyo.paths import Home, bundled_profiles


def write(folder: Path, name: str, display: str | None = None, more: str = "") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}.toml"
    file.write_text(f'[metadata]\nname = "{display or name.title()}"\n{more}', encoding="utf-8")
    return file


def test_the_folders_are_searched_in_order(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    given = tmp_path / "given"
    given.mkdir()
    assert profile_dirs(home, cwd=tmp_path, given=given) == (
        given,
        tmp_path / "profiles",
        home.profiles,
        bundled_profiles(),
    )
    assert profile_dirs(home, cwd=tmp_path) == (tmp_path / "profiles", home.profiles, bundled_profiles())


def test_a_folder_that_comes_twice_keeps_its_first_place(tmp_path: Path) -> None:
    home = Home(tmp_path)
    bundled = bundled_profiles()
    again = bundled / ".." / bundled.name
    assert profile_dirs(home, cwd=tmp_path, given=again) == (again, tmp_path / "profiles")


def test_a_folder_that_is_not_there_is_refused_only_when_it_was_asked_for(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--profiles-dir"):
        profile_dirs(Home(tmp_path), cwd=tmp_path, given=tmp_path / "no")
    assert list_profiles([tmp_path / "no"]) == {}


def test_what_is_found_first_wins(tmp_path: Path) -> None:
    first = write(tmp_path / "a", "mika", "First")
    write(tmp_path / "b", "mika", "Second")
    write(tmp_path / "b", "ann")
    dirs = (tmp_path / "a", tmp_path / "b")
    assert list(list_profiles(dirs)) == ["ann", "mika"]
    assert list_profiles(dirs)["mika"] == first
    assert find_profile("companion_mika", dirs).metadata.name == "First"


def test_an_unknown_name_is_told_with_the_nearest(tmp_path: Path) -> None:
    write(tmp_path, "mika")
    with pytest.raises(UsageError, match="no profile 'mkia'; did you mean 'mika'"):
        find_profile("mkia", [tmp_path])


def test_alice_bob_and_carol_come_first_then_the_others_by_name(tmp_path: Path) -> None:
    for name in ("zoe", "carol", "ann", "bob", "alice"):
        write(tmp_path, name)
    assert [name for name, _ in choose_profiles(5, (), [tmp_path])] == [
        "alice",
        "bob",
        "carol",
        "ann",
        "zoe",
    ]
    assert [name for name, _ in choose_profiles(2, (), [tmp_path])] == ["alice", "bob"]
    assert [name for name, _ in choose_profiles(2, ("zoe", "companion_ann"), [tmp_path])] == [
        "zoe",
        "ann",
    ]


def test_more_companions_than_profiles_repeat_with_a_number(tmp_path: Path) -> None:
    write(tmp_path, "alice")
    write(tmp_path, "bob")
    chosen = choose_profiles(5, ("alice", "bob"), [tmp_path])
    assert [name for name, _ in chosen] == ["alice", "bob", "alice-2", "bob-2", "alice-3"]
    second = chosen[2][1]
    assert (second.persona().id, second.persona().name) == ("companion_alice-2", "Alice 2")
    assert second.file == chosen[0][1].file
    assert chosen[0][1].persona().name == "Alice"


def test_a_number_that_is_taken_is_left_out(tmp_path: Path) -> None:
    write(tmp_path, "alice")
    write(tmp_path, "alice-2")
    chosen = choose_profiles(3, ("alice", "alice-2", "alice"), [tmp_path])
    assert [name for name, _ in chosen] == ["alice", "alice-2", "alice-3"]


def test_two_profiles_with_one_id_become_two_companions(tmp_path: Path) -> None:
    write(tmp_path, "a", more='id = "companion_x"')
    write(tmp_path, "b", more='id = "companion_x"')
    assert [name for name, _ in choose_profiles(2, (), [tmp_path])] == ["x", "x-2"]


def test_a_numbered_name_is_no_longer_than_a_name_may_be(tmp_path: Path) -> None:
    write(tmp_path, "x" * 64)
    names = [name for name, _ in choose_profiles(11, (), [tmp_path])]
    assert len(set(names)) == 11
    assert max(map(len, names)) == 64


def test_nobody_needs_no_profile(tmp_path: Path) -> None:
    assert choose_profiles(0, ("nobody",), [tmp_path]) == []


def test_somebody_needs_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there are no profiles in"):
        choose_profiles(1, (), [tmp_path])


def test_a_broken_profile_matters_only_to_who_chooses_it(tmp_path: Path) -> None:
    write(tmp_path, "alice")
    write(tmp_path, "broken", more="color = 1")
    assert len(choose_profiles(1, (), [tmp_path])) == 1
    with pytest.raises(ProfileError, match=r"broken\.toml:3:9"):
        choose_profiles(2, (), [tmp_path])


def test_a_profile_is_read_again_as_it_is_now(tmp_path: Path) -> None:
    write(tmp_path, "alice", more='story = "One."')
    ((name, before),) = choose_profiles(1, (), [tmp_path])
    assert load_again(name, before).says_the_same_as(before)
    write(tmp_path, "alice", more='story = "Two."')
    after = load_again(name, before)
    assert after.metadata.story == "Two."
    assert not after.says_the_same_as(before)


def test_a_copy_that_is_read_again_stays_that_copy(tmp_path: Path) -> None:
    write(tmp_path, "alice")
    _, (name, copy) = choose_profiles(2, (), [tmp_path])
    write(tmp_path, "alice", "Alicia")
    again = load_again(name, copy)
    assert (again.metadata.id, again.metadata.name) == ("companion_alice-2", "Alicia 2")
    assert load_again(name, again).says_the_same_as(again)


@pytest.mark.parametrize("count", [1, 2])
def test_another_id_takes_another_start(tmp_path: Path, count: int) -> None:
    write(tmp_path, "alice")
    name, profile = choose_profiles(count, (), [tmp_path])[-1]
    write(tmp_path, "alice", more='color = "red"\nid = "companion_eve"')
    with pytest.raises(ProfileError, match=r"alice\.toml:4:6: the id is companion_eve now, which takes"):
        load_again(name, profile)


def test_what_is_broken_now_is_not_read(tmp_path: Path) -> None:
    write(tmp_path, "alice")
    ((name, profile),) = choose_profiles(1, (), [tmp_path])
    write(tmp_path, "alice", more="color = 1")
    with pytest.raises(ProfileError, match=r"alice\.toml:3:9"):
        load_again(name, profile)
