"""Tools of one's own in profiles: how they are found, and what is wrong when they are not."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import pytest

from aikyo.companion.profile import ProfileError, Trust, check_profile, load_profile, own_tools
from aikyo.tools import action

GARDEN = '''\
from msgspec import Struct

from aikyo.tools import action, knowledge


class Water(Struct):
    """Water a plant."""

    plant: str


@action
def water(what: Water) -> str:
    return what.plant


@knowledge
def sky() -> str:
    """What the sky is like."""
    return "blue"


@action
def speak() -> None:
    """Say something."""


@knowledge(name="water")
def waters() -> str:
    """Waters of the world."""
    return "seven"


def no_tool() -> None: ...
'''


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "garden.py").write_text(GARDEN)
    return tmp_path / "mika.toml"


def problems(file: Path, more: str, trust: Trust | None = None) -> list[tuple[int, int, str]]:
    file.write_text(f'[metadata]\nname = "Mika"\n{more}', encoding="utf-8")
    found = check_profile(file, Trust([file.parent]) if trust is None else trust)
    return [tuple(problem) for problem in found]


def test_tools_of_a_module_beside_the_profile_are_loaded(file: Path) -> None:
    text = 'actions = ["speak", "garden:water"]\nknowledge = ["garden:sky", "clock"]'
    assert problems(file, text) == []
    profile = load_profile(file, Trust([file.parent]))
    assert profile.tools == ("speak", "water", "sky", "clock")
    assert [spec.description for spec in profile.toolset.specs][1:3] == [
        "Water a plant.",
        "What the sky is like.",
    ]


def test_a_tool_is_the_same_in_every_profile_that_names_it(file: Path) -> None:
    problems(file, 'knowledge = ["garden:sky"]')
    other = file.with_name("other.toml")
    other.write_text(file.read_text())
    trust = Trust([file.parent])
    first, second = (load_profile(one, trust).toolset.own["sky"] for one in (file, other))
    assert first is second


def test_a_module_of_that_name_elsewhere_is_another(file: Path, tmp_path: Path) -> None:
    problems(file, 'knowledge = ["garden:sky"]')
    (elsewhere := tmp_path / "elsewhere").mkdir()
    (elsewhere / "garden.py").write_text(GARDEN.replace("the sky is", "a sky is"))
    (elsewhere / "mika.toml").write_text(file.read_text())
    loaded = load_profile(elsewhere / "mika.toml", Trust([elsewhere]))
    assert loaded.toolset.own["sky"].description == "What a sky is like."


def test_a_module_on_pythons_path_is_found(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (package := file.with_name("lib_of_test") / "greenhouse").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "plants.py").write_text(GARDEN)
    monkeypatch.syspath_prepend(str(package.parent))
    assert problems(file, 'actions = ["greenhouse.plants:water"]') == []


def test_triggers_may_name_own_tools(file: Path) -> None:
    event = (
        '[[events.conditions]]\nexpression = "true"\nexecute = [{ tool = "TOOL", instruction = "x" }]'
    )
    listed = 'actions = ["garden:water"]\nknowledge = ["garden:sky", "clock"]\n'
    for tool in ("water", "sky"):
        assert problems(file, listed + event.replace("TOOL", tool)) == []
    ((line, column, what),) = problems(file, listed + event.replace("TOOL", "watr"))
    assert (line, column) == (7, 21)
    assert what == "'watr' is not among the actions; did you mean 'water'?"


@pytest.mark.parametrize(
    ("listed", "line", "column", "what"),
    [
        ('actions = ["speak", "nowhere:x"]', 3, 21, "no nowhere.py beside the profile, and no"),
        ('actions = ["garden:watr"]', 3, 12, "no watr in garden; did you mean 'water' or"),
        ('actions = ["garden:no_tool"]', 3, 12, "is no tool; put @action or @knowledge on it"),
        ('actions = ["garden:Struct"]', 3, 12, "is no tool"),
        ('actions = ["garden:sky"]', 3, 12, "is knowledge; list it under 'knowledge'"),
        ('knowledge = ["garden:water"]', 3, 14, "is an action; list it under 'actions'"),
        ('actions = ["garden:speak"]', 3, 12, "is called 'speak' as one that is built in"),
        ('actions = ["garden:water", "garden:water"]', 3, 28, "'water' stands there twice"),
        ('actions = ["garden:water"]\nknowledge = ["garden:waters"]', 4, 14, "as another one"),
        ('actions = ["garden.py:water"]', 3, 12, ": no module garden.py on Python's path"),
        ('actions = ["../garden:water"]', 3, 12, "names no tool; write module:name"),
        ('actions = ["garden:water:x"]', 3, 12, "names no tool; write module:name"),
        ('actions = ["fly"]', 3, 12, "unknown tool 'fly'; known: gesture, look, move, speak"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(
    file: Path, listed: str, line: int, column: int, what: str
) -> None:
    found = problems(file, listed)
    assert [problem[:2] for problem in found] == [(line, column)]
    assert what in found[0][2]


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("x = 1\nimport nobody_has_this", "broken.py, line 2: ModuleNotFoundError: No module"),
        ("x = 1\n\nraise SystemExit('no\\nway')", "broken.py, line 3: SystemExit: no way"),
        ("import asyncio\nraise asyncio.CancelledError('no')", "broken.py, line 2: CancelledError: no"),
        (
            "class Odd(Exception):\n    def __str__(self):\n        return 1 / 0\nraise Odd",
            "broken.py, line 4: Odd: it cannot be said why",
        ),
        ("x = 1\nif x\n", "broken.py, line 2: SyntaxError: expected ':'"),
        (
            "from aikyo.tools import action\n\n\n@action\ndef water(plant: str) -> str:\n    'x'\n",
            "broken.py, line 4: TypeError: water takes a msgspec Struct",
        ),
    ],
)
def test_a_module_that_breaks_is_told_with_its_line(file: Path, source: str, what: str) -> None:
    file.with_name("broken.py").write_text(source)
    before = set(sys.modules)
    ((line, column, told),) = problems(file, 'actions = ["broken:water"]')
    assert (line, column) == (3, 12)
    assert what in told
    assert "\n" not in told
    assert [name for name in set(sys.modules) - before if "broken" in name] == []


def test_a_module_that_fails_when_looked_into_has_no_such_tool(file: Path) -> None:
    file.with_name("odd.py").write_text("def __getattr__(name):\n    raise RuntimeError")
    assert "there is no water in odd" in problems(file, 'actions = ["odd:water"]')[0][2]


def test_what_a_module_prints_does_not_go_where_the_answer_goes(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.with_name("loud.py").write_text("print('hello')")
    assert len(problems(file, 'actions = ["loud:water"]')) == 1
    assert capsys.readouterr() == ("", "hello\n")


def test_of_very_many_tools_and_problems_the_first_are_told(file: Path) -> None:
    found = problems(file, f"actions = {[f'x{number}' for number in range(100)]}")
    assert (found[0][2], len(found)) == ("'actions' has over 64 entries", 20)


# Trust ---------------------------------------------------------------------------------------------


def test_untrusted_code_is_not_run_and_the_way_out_is_told(file: Path) -> None:
    file.with_name("evil.py").write_text("raise AssertionError('was run')")
    event = '[[events.conditions]]\nexpression = "true"\nexecute = [{ tool = "x", instruction = "" }]'
    text = f'actions = ["speak"]\nknowledge = ["evil:x"]\n{event}'
    ((line, column, what),) = problems(file, text, Trust())
    assert (line, column) == (4, 14)
    assert "counts only in folders you trust" in what
    assert "--trust" in what
    with pytest.raises(ProfileError, match="--trust"):
        load_profile(file)


def test_modules_on_pythons_path_are_not_imported_either_for_an_untrusted_profile(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (file.with_name("lib_of_test")).mkdir()
    (file.with_name("lib_of_test") / "evil_of_test.py").write_text("raise AssertionError('was run')")
    monkeypatch.syspath_prepend(str(file.with_name("lib_of_test")))
    ((_, _, what),) = problems(file, 'actions = ["evil_of_test:x"]', Trust())
    assert "--trust" in what


# Installed tools -----------------------------------------------------------------------------------


@action
def fly() -> None:
    """Fly."""


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A package with three entry points of the group is installed."""
    monkeypatch.setitem(sys.modules, "plugin_of_test", sys.modules[__name__])
    points = EntryPoints(
        EntryPoint(name, f"plugin_of_test:{value}", own_tools.GROUP)
        for name, value in {"fly": "fly", "swim": "fly", "sink": "nothing"}.items()
    )

    def found(*, group: str) -> EntryPoints:
        return points.select(group=group)

    monkeypatch.setattr(own_tools, "entry_points", found)


@pytest.mark.usefixtures("installed")
def test_an_installed_tool_is_found_by_its_name_and_needs_no_trust(file: Path) -> None:
    assert problems(file, 'actions = ["fly", "speak"]', Trust()) == []
    assert load_profile(file).toolset.own == {"fly": fly}


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("listed", "what"),
    [
        ('actions = ["swim"]', "'swim': plugin_of_test:fly is no tool of that name"),
        ('actions = ["sink"]', "'sink' (plugin_of_test:nothing): AttributeError"),
        ('knowledge = ["fly"]', "is an action; list it under 'actions'"),
        ('actions = ["fli"]', "did you mean 'fly'?"),
    ],
)
def test_an_installed_tool_that_cannot_be_used_is_told(file: Path, listed: str, what: str) -> None:
    ((_, _, told),) = problems(file, listed, Trust())
    assert what in told
