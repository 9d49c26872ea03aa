from pathlib import Path
from typing import Any

import msgspec
import pytest

from aikyo.config import Price, Settings, load_settings
from aikyo.errors import UsageError
from aikyo.paths import Home


class Place:
    """A home and a current folder to load settings in."""

    def __init__(self, folder: Path) -> None:
        self.home = Home(folder / "home")
        self.cwd = folder / "cwd"
        self.home.root.mkdir()
        self.cwd.mkdir()
        self.local = self.cwd / "aikyo.toml"

    def load(self, environ: dict[str, str] | None = None, **flags: object) -> Settings:
        return load_settings(self.home, cwd=self.cwd, environ=environ or {}, flags=flags)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_without_anything_the_defaults_hold(place: Place) -> None:
    assert place.load() == Settings()


def test_each_source_beats_the_ones_before(place: Place) -> None:
    place.home.settings.write_text('companions = 1\nmodel = "home"\nmesh = "home"\nseed = 1')
    place.local.write_text('model = "local"\nmesh = "local"\nseed = 2')
    settings = place.load({"AIKYO_MESH": "env", "AIKYO_SEED": "3"}, seed=4)
    assert (settings.companions, settings.model, settings.mesh, settings.seed) == (1, "local", "env", 4)


def test_a_flag_that_was_not_given_beats_nothing(place: Place) -> None:
    place.local.write_text("companions = 5")
    assert place.load(companions=None).companions == 5


def test_an_unknown_setting_is_told_with_its_place_and_the_nearest(place: Place) -> None:
    place.local.write_text("seed = 1\n companion = 3\n")
    with pytest.raises(UsageError) as caught:
        place.load()
    assert (
        str(caught.value)
        == f"{place.local}:2:2: unknown setting 'companion'; did you mean 'companions'?"
    )


@pytest.mark.parametrize(
    ("line", "column", "what"),
    [
        ('companions = "3"', 14, "expected a whole number, got text"),
        ("companions = true", 14, "expected a whole number, got true or false"),
        ("companions = 101", 14, "<= 100"),
        ("gateway_port = 65536", 16, "<= 65535"),
        ("gateway_port = -1", 16, ">= 0"),
        ("brain = 1", 9, "expected text"),
        ('wire = "xml"', 8, "plain, jsonrpc"),
        ('profiles = ["alice", 1]', 22, "expected text, got a whole number"),
        ('listen = "localhost"', 10, "no IP address"),
        ('mesh = "Living Room"', 8, "no mesh name"),
        (f'mesh = "{"x" * 33}"', 8, "no mesh name"),
        ("pace = inf", 8, "no pace"),
        ("pace = nan", 8, "pace"),
        ("pace = -1", 8, ">= 0"),
        ("tokens_per_hour = 0", 19, "it may also be 'none'"),
        ("tokens_per_hour = 1.5", 19, "expected a whole number, got a number"),
        ("money_per_day = 'lots'", 17, "expected a number, got text; it may also be 'none'"),
        ("money_per_day = nan", 17, "> 0"),
        ("money_per_day = inf", 17, "<= 1000000"),
        ("prices = 3", 10, "expected a table"),
        ("prices.x.input = 1", 8, "'output' is missing in [prices.x]"),
        ("prices.x = {input = -1, output = 2}", 21, ">= 0"),
        ("seed = 1.5", 8, "expected a whole number"),
        ("[brain]\nprovider = 'offline'", 1, "expected text"),
    ],
)
def test_a_wrong_value_is_told_with_its_place(place: Place, line: str, column: int, what: str) -> None:
    place.home.settings.write_text(line)
    with pytest.raises(UsageError) as caught:
        place.load()
    assert str(caught.value).startswith(f"{place.home.settings}:1:{column}: '")
    assert what in str(caught.value)


def test_the_first_problem_of_a_file_is_told(place: Place) -> None:
    place.local.write_text("listen = 'x'\nseed = 'y'\nnonsense = 1")
    with pytest.raises(UsageError, match=":1:10:"):
        place.load()


def test_a_file_that_is_no_toml_is_told(place: Place) -> None:
    place.local.write_text("companions == 3")
    with pytest.raises(UsageError, match=r"aikyo\.toml:1:13: not TOML: invalid value"):
        place.load()


@pytest.mark.parametrize(
    ("variable", "text", "expected"),
    [
        ("AIKYO_COMPANIONS", "7", {"companions": 7}),
        ("AIKYO_PROFILES", "alice, bob,", {"profiles": ("alice", "bob"), "companions": 2}),
        ("AIKYO_BOOTSTRAP", "/ip4/a, /ip4/b", {"bootstrap": ("/ip4/a", "/ip4/b")}),
        ("AIKYO_FOREIGN_TURNS", "0", {"foreign_turns": 0}),
        ("AIKYO_DASHBOARD", "no", {"dashboard": False}),
        ("AIKYO_DASHBOARD", "1", {"dashboard": True}),
        ("AIKYO_PACE", "0", {"pace": 0.0}),
        ("AIKYO_TOKENS_PER_HOUR", "none", {"tokens_per_hour": "none"}),
        ("AIKYO_COMPANION_TOKENS_PER_DAY", "5000", {"companion_tokens_per_day": 5000}),
        ("AIKYO_MONEY_PER_HOUR", "2", {"money_per_hour": 2.0}),
        ("AIKYO_COMPANION_MONEY_PER_HOUR", "0.25", {"companion_money_per_hour": 0.25}),
        ("AIKYO_SEED", "", {}),
        ("AIKYO_TOPIC", "", {"topic": ""}),
        ("AIKYO_TOPIC", "42", {"topic": "42"}),
        ("AIKYO_HOME", "/elsewhere", {}),
        ("COMPANIONS", "7", {}),
    ],
)
def test_the_environment_sets_what_it_names(
    place: Place, variable: str, text: str, expected: dict[str, Any]
) -> None:
    assert place.load({variable: text}) == Settings(**expected)


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("AIKYO_COMPANIONS", "three"),
        ("AIKYO_DASHBOARD", "perhaps"),
        ("AIKYO_LISTEN", "here"),
        ("AIKYO_WIRE", "xml"),
        ("AIKYO_PACE", "nan"),
    ],
)
def test_a_wrong_variable_is_named(place: Place, variable: str, text: str) -> None:
    with pytest.raises(UsageError, match=f"^{variable}: "):
        place.load({variable: text})


def test_a_wrong_flag_is_named(place: Place) -> None:
    with pytest.raises(UsageError, match=r"^--firehose-port: expected .*65535"):
        place.load(firehose_port=70000)
    with pytest.raises(UsageError, match=r"^--mesh: 'A'"):
        place.load(mesh="A")


def test_naming_profiles_alone_means_as_many_companions(place: Place) -> None:
    assert place.load(profiles=("alice",)).companions == 1
    assert place.load({"AIKYO_COMPANIONS": "4"}, profiles=("alice",)).companions == 4


def test_what_only_higher_layers_know_to_be_wrong_is_told_with_its_place(place: Place) -> None:
    def check(value: object) -> None:
        if value != "right":
            raise UsageError(f"{value!r} is not right")

    def load(environ: dict[str, str] | None = None, **flags: object) -> Settings:
        return load_settings(
            place.home, cwd=place.cwd, environ=environ or {}, flags=flags, checks={"model": check}
        )

    place.local.write_text("\nmodel = 'wrong'")
    with pytest.raises(UsageError, match=r"aikyo\.toml:2:9: 'model': 'wrong' is not right"):
        load()
    place.local.write_text("model = 'right'")
    assert load().model == "right"
    with pytest.raises(UsageError, match=r"^--model: 'wrong' is not right"):
        load(model="wrong")
    with pytest.raises(UsageError, match=r"^AIKYO_MODEL: 'wrong' is not right, in the environment"):
        load({"AIKYO_MODEL": "wrong"})


def test_a_folder_is_relative_to_where_it_was_named(place: Place) -> None:
    place.local.write_text('network_key = "mesh.key"')
    assert place.load().network_key == str(place.cwd / "mesh.key")
    assert place.load(network_key="/theirs.key").network_key == "/theirs.key"
    place.home.settings.write_text('profiles_dir = "mine"')
    assert place.load().profiles_dir == str(place.home.root / "mine")
    assert place.load({"AIKYO_PROFILES_DIR": "yours"}).profiles_dir == str(place.cwd / "yours")
    assert place.load(profiles_dir="/theirs").profiles_dir == "/theirs"


def test_prices_are_tables_of_a_file(place: Place) -> None:
    place.home.settings.write_text('[prices."m.1"]\ninput = 1\noutput = 2.5\n')
    assert place.load().prices == {"m.1": Price(input=1, output=2.5)}
    place.home.settings.write_text("[prices.m]\ninput = 1\nouptut = 2.5\n")
    with pytest.raises(UsageError, match=r":3:1: unknown key 'ouptut'; did you mean 'output'\?$"):
        place.load()
    place.home.settings.unlink()
    with pytest.raises(UsageError, match=r"^AIKYO_PRICES: tables are for aikyo\.toml: \[prices\]$"):
        place.load({"AIKYO_PRICES": "{}"})


def test_every_setting_is_documented() -> None:
    page = (Path(__file__).parents[2] / "docs/reference/settings.md").read_text()
    for field in msgspec.structs.fields(Settings):
        assert f"| `{field.name}` |" in page


def test_two_servers_cannot_have_one_port(tmp_path: Path) -> None:
    flags = {"firehose_port": 9000, "gateway_port": 9000}
    with pytest.raises(UsageError, match="both 9000"):
        load_settings(Home(tmp_path), cwd=tmp_path, environ={}, flags=flags)
    free = load_settings(
        Home(tmp_path), cwd=tmp_path, environ={}, flags={"firehose_port": 0, "gateway_port": 0}
    )
    assert free.firehose_port == free.gateway_port == 0
