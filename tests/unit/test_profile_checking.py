from pathlib import Path

import msgspec
import pytest

from aikyo.companion.profile import (
    BrainChoice,
    Metadata,
    ProfileError,
    Voice,
    check_profile,
    load_profile,
)
from aikyo.paths import bundled_profiles

WHOLE = """\
role = "You keep the lamp."
actions = ["speak", "gesture"]

[metadata]
id = "companion_mika"
name = "ミカ"
personality = "calm"
story = "Keeps a lighthouse."
sample = "The lamp is lit."
language = "ja"
interests = ["lamps", "灯台"]
phrases = ["Mind the step."]
icon = "mika.png"
color = "#ff8800"
knowledge = ["recall"]

[brain]
provider = "offline"
model = "x"
small_model = "y"

[voice]
engine = "none"

[events.params]
type = "object"
required = ["first_meeting"]
[events.params.properties.first_meeting]
type = "boolean"
description = "whether you meet for the first time"

[[events.conditions]]
expression = "first_meeting"
execute = [
  { tool = "speak", instruction = "Introduce yourself." },
  { tool = "gesture", instruction = "Bow." },
]

[[events.conditions]]
expression = "true"
execute = [{ tool = "speak", instruction = "Go on." }]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "mika.toml"


def problems(file: Path, text: str) -> list[tuple[int, int, str]]:
    file.write_text(text, encoding="utf-8")
    return [tuple(problem) for problem in check_profile(file)]


def test_a_whole_profile_is_read_as_it_stands(file: Path) -> None:
    file.with_name("mika.png").write_bytes(b"png")
    file.write_text(WHOLE, encoding="utf-8")
    profile = load_profile(file)
    assert check_profile(file) == []
    assert profile.tools == ("speak", "gesture", "recall")
    assert profile.icon == file.with_name("mika.png")
    assert (profile.brain.provider, profile.brain.model, profile.voice.engine) == (
        "offline",
        "x",
        "none",
    )
    persona = profile.persona()
    assert (persona.id, persona.name, persona.role) == ("companion_mika", "ミカ", "You keep the lamp.")
    assert (persona.interests, persona.phrases) == (("lamps", "灯台"), ("Mind the step.",))
    presence = profile.presence("companion_mika-2")
    assert (presence.id, presence.name, presence.story) == (
        "companion_mika-2",
        "ミカ",
        "Keeps a lighthouse.",
    )


def test_a_name_is_enough(file: Path) -> None:
    file.write_text('[metadata]\nname = "Mika"')
    profile = load_profile(file)
    assert profile.persona().id == "companion_mika"
    assert profile.tools == (
        *("speak", "move", "look", "gesture"),
        *("companions", "recall", "clock", "room"),
    )
    assert profile.triggers.params is None
    assert profile.icon is None


def test_role_and_tools_may_stand_in_metadata_or_above_it(file: Path) -> None:
    file.write_text('role = "r"\n[metadata]\nname = "Mika"\nactions = ["speak"]')
    assert (load_profile(file).persona().role, load_profile(file).metadata.actions) == ("r", ("speak",))
    assert problems(file, 'role = "r"\n[metadata]\nname = "Mika"\nrole = "s"') == [
        (4, 1, "'role' stands above [metadata] already")
    ]


def test_the_documentation_shows_a_profile_that_is_right_and_names_every_key(file: Path) -> None:
    page = (Path(__file__).parents[2] / "docs/reference/profile.md").read_text()
    assert problems(file, page.split("```toml\n")[1].split("```")[0]) == []
    for table, kind in (("", Metadata), ("brain.", BrainChoice), ("voice.", Voice)):
        for field in msgspec.structs.fields(kind):
            assert f"| `{table}{field.name}` |" in page


def test_what_comes_with_the_program_is_right() -> None:
    files = sorted(bundled_profiles().glob("*.toml"))
    assert {"alice", "bob", "carol"} <= {file.stem for file in files}
    assert {file: check_profile(file) for file in files} == {file: [] for file in files}


@pytest.mark.parametrize(
    ("text", "line", "column", "what"),
    [
        ("", 1, 1, "'metadata' is missing"),
        ("[metadata]\n", 1, 2, "'name' is missing in [metadata]"),
        ('[metadata]\nnmae = "M"', 2, 1, "did you mean 'name'?"),
        ("metadata = 1", 1, 12, "'metadata' is a table: [metadata]"),
        ('[metadata]\nname = "M"\ncolour = "red"', 3, 1, "unknown key 'colour'; did you mean 'color'?"),
        ('[metadata]\nname = "M"\n[metdata]', 3, 2, "did you mean 'metadata'?"),
        ('[metadata]\nname = "M"\n[brain]\nmodell = "x"', 4, 1, "did you mean 'model'?"),
        ('[metadata]\nname = "M"\n[brain]\nprovider = "antropic"', 4, 12, "did you mean 'anthropic'?"),
        ("[metadata]\nname = 3", 2, 8, "'name': expected text, got a whole number"),
        ('[metadata]\nname = "M"\ninterests = "maps"', 3, 13, "expected a list, got text"),
        ('[metadata]\nname = "M"\ninterests = ["a",\n 2]', 4, 2, "expected text, got a whole number"),
        ('[metadata]\nname = "M"\nevents = 1', 3, 1, "unknown key 'events'"),
        ('events = 1\n[metadata]\nname = "M"', 1, 10, "'events' is a table"),
        ('[metadata]\nname = " "', 2, 8, "'name' is empty"),
        ('[metadata]\nname = "a\\u001b[31m"', 2, 8, "control characters"),
        (f'[metadata]\nname = "{"x" * 257}"', 2, 8, "over the limit of 256"),
        ('[metadata]\nid = "mika"\nname = "M"', 2, 6, "'id' takes companion_"),
        ('[metadata]\nid = "companion_Mika"\nname = "M"', 2, 6, "'id' takes companion_"),
        ('[metadata]\nname = "M"\nlanguage = "Japanese"', 3, 12, "a tag like en, ja"),
        ('[metadata]\nname = "M"\ncolor = "cyna"', 3, 9, "did you mean 'cyan'?"),
        ('[metadata]\nname = "M"\ncolor = "#12345"', 3, 9, "#rrggbb"),
        ('[metadata]\nname = "M"\nicon = "../m.png"', 3, 8, "no path and no URL"),
        ('[metadata]\nname = "M"\nicon = "https://x/m.png"', 3, 8, "no path and no URL"),
        ('[metadata]\nname = "M"\nicon = "m.png"', 3, 8, "'m.png' is not there"),
        (f'[metadata]\nname = "M"\nstory = "{"猫" * 5500}"', 3, 9, "over the limit of 16384"),
        (f'[metadata]\nname = "M"\nphrases = ["a", "{"x" * 1025}"]', 3, 17, "over the limit of 1024"),
        ('[metadata]\nname = "M"\nphrases = ["a", " "]', 3, 17, "is empty"),
        ('[metadata]\nname = "M"\nactions = ["speak", "fly"]', 3, 21, "unknown tool 'fly'"),
        ('[metadata]\nname = "M"\nactions = ["recall"]', 3, 12, "known: gesture, look, move, speak"),
        ('[metadata]\nname = "M"\nknowledge = ["recal"]', 3, 14, "did you mean 'recall'?"),
        ('[metadata]\nname = "M"\nknowledge = ["clock", "clock"]', 3, 23, "stands there twice"),
        ('[metadata]\nname = "M"\nactions = ["my.tools:fly"]', 3, 12, "--trust"),
        ('[metadata]\nname = "M"\n[events.params]\ntype = "string"', 4, 8, 'type = "object"'),
        ('[metadata]\nname = "M"\n[events.params]\ntype = "object"\nx = 1979-05-27', 5, 5, "not JSON"),
        ('[metadata]\nname = "M"\n[events.params]\ntype = "object"\nx = [1, inf]', 5, 9, "not JSON"),
        (
            '[metadata]\nname = "M"\nevents.params = { type = "object" }',
            3,
            1,
            "unknown key 'events'",
        ),
    ],
)
def test_a_problem_is_told_with_its_place_and_the_way_out(
    file: Path, text: str, line: int, column: int, what: str
) -> None:
    ((at_line, at_column, said),) = problems(file, text)
    assert what in said
    assert (at_line, at_column) == (line, column)


@pytest.mark.parametrize(
    ("condition", "line", "column", "what"),
    [
        ('expression = "known && nope"\nexecute = []', 5, 11, "condition 1 has nothing in 'execute'"),
        ('expression = "true"', 3, 1, "'execute' is missing in [events.conditions]"),
        ('expression = "true"\nexecute = [{ tool = "speak" }]', 5, 12, "'instruction' is missing"),
        (
            'expression = "true"\nexecute = [{ tool = "fly", instruction = "x" }]',
            5,
            21,
            "'fly' is not among the actions",
        ),
        (
            'expression = "true"\nexecute = [{ tool = "speak", instruction = "" },\n'
            '{ tool = "speak", instruction = "" }]',
            6,
            10,
            "told twice",
        ),
    ],
)
def test_a_wrong_condition_is_told_with_its_place(
    file: Path, condition: str, line: int, column: int, what: str
) -> None:
    text = f'[metadata]\nname = "M"\n[[events.conditions]]\n{condition}'
    found = [problem for problem in problems(file, text) if what in problem[2]]
    assert [problem[:2] for problem in found] == [(line, column)]


def test_cel_that_does_not_compile_is_told_with_condition_and_column(file: Path) -> None:
    text = WHOLE.replace('icon = "mika.png"\n', "").replace('"true"', '"hour > 3 && nope"')
    row = text.split("\n").index('expression = "hour > 3 && nope"') + 1
    (problem,) = problems(file, text)
    assert problem[:2] == (row, 27)
    assert problem[2].startswith("condition 2, column 13: unknown name 'nope'; known: context, ")


def test_all_problems_of_a_file_are_told_top_to_bottom(file: Path) -> None:
    found = problems(
        file,
        '[metadata]\nname = ""\ncolor = "none"\nactions = ["fly"]\n'
        '[[events.conditions]]\nexpression = "nope"\nexecute = [{ tool = "speak", instruction = "x" }]',
    )
    assert [problem[0] for problem in found] == [2, 3, 4, 6, 7]


def test_loading_fails_with_the_first_problem(file: Path) -> None:
    file.write_text('[metadata]\nname = "M"\nlanguage = 1\nnmae = "x"')
    with pytest.raises(ProfileError) as caught:
        load_profile(file)
    assert str(caught.value) == f"{file}:3:12: 'language': expected text, got a whole number"
    assert caught.value.exit_code == 2


def test_a_file_name_that_makes_no_id_needs_one_given(tmp_path: Path) -> None:
    file = tmp_path / "Mika Ω.toml"
    assert "file name 'Mika Ω'" in problems(file, '[metadata]\nname = "M"')[0][2]
    assert problems(file, '[metadata]\nname = "M"\nid = "companion_m"') == []


@pytest.mark.parametrize("raw", [b'[metadata]\nname = "\xff"', b"[metadata", b"\x00"])
def test_a_file_that_is_no_toml_is_told(file: Path, raw: bytes) -> None:
    file.write_bytes(raw)
    assert len(check_profile(file)) == 1


def test_a_missing_file_is_told(file: Path) -> None:
    assert check_profile(file) == [(1, 1, "cannot be read: no such file or directory")]


def test_a_file_full_of_mistakes_is_told_in_a_moment(tmp_path: Path) -> None:
    file = tmp_path / "mika.toml"
    keys = "".join(f"personalit{number} = 1\n" for number in range(40_000))
    file.write_text(f"[metadata]\n{keys}")
    assert len(check_profile(file)) == 20


def test_an_icon_that_no_file_could_be_called_is_told(tmp_path: Path) -> None:
    file = tmp_path / "mika.toml"
    file.write_text(f'[metadata]\nname = "Mika"\nicon = "{"a" * 300}"\n')
    (problem,) = check_profile(file)
    assert "is not there" in problem.what
