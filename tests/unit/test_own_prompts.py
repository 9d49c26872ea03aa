"""Prompts of one's own in the home: taken in place of those that come along, and checked."""

from __future__ import annotations

from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import pytest

from aikyo.brain.prompts import Prompts, to_assess, to_compose
from aikyo.brain.prompts.library import MAX_FILE
from aikyo.errors import UsageError
from tests.support.minds import ALICE, moment

USUAL = Prompts()


def written(folder: Path, **texts: str) -> Path:
    """A folder of prompt files; `compose_en_md` is ``compose.en.md``."""
    for name, text in texts.items():
        (folder / name.replace("_", ".")).write_text(text)
    return folder


def test_a_file_of_ones_own_is_taken_and_the_rest_stays(tmp_path: Path) -> None:
    own = Prompts(written(tmp_path, assess_en_md="{name}, speak up?"))
    assert to_assess(moment(), own).task.endswith("\n\nAlice, speak up?")
    assert to_compose(moment(), own) == to_compose(moment())
    japanese = moment(me=replace(ALICE, language="ja"))
    assert to_assess(japanese, own) == to_assess(japanese)
    assert own.own == ("assess.en.md",)


def test_a_language_can_be_brought_along(tmp_path: Path) -> None:
    own = Prompts(written(tmp_path, assess_fr_md="{name}, tu veux parler ?"))
    french = moment(me=replace(ALICE, language="fr-CA"))
    assert to_assess(french, own).task.endswith("Alice, tu veux parler ?")
    assert to_assess(french, own).system == to_assess(moment(), own).system


def test_english_of_ones_own_is_what_other_languages_fall_back_to(tmp_path: Path) -> None:
    own = Prompts(written(tmp_path, assess_en_md="{name}?", words_en_toml='no_question = "Hush."'))
    assert to_assess(moment(me=replace(ALICE, language="de")), own).task.endswith("\n\nAlice?")
    assert own.words("de").no_question == "Hush."


def test_words_may_be_changed_one_by_one(tmp_path: Path) -> None:
    text = 'no_question = "Hush."\n[begin]\nsilence = "Hum a tune."\n[languages]\nnl = "Dutch"\n'
    words, usual = Prompts(written(tmp_path, words_en_toml=text)).words("en"), USUAL.words("en")
    assert (words.no_question, words.begin["silence"]) == ("Hush.", "Hum a tune.")
    assert words.begin["asked"] == usual.begin["asked"]
    assert words.languages == {**usual.languages, "nl": "Dutch"}
    assert words.closing == usual.closing


def test_every_file_that_comes_along_can_be_copied_and_changed(tmp_path: Path) -> None:
    for file in files("aikyo.brain.prompts").iterdir():
        if file.name.endswith((".md", ".toml")):
            (tmp_path / file.name).write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    own = Prompts(tmp_path)
    assert len(own.own) == 20
    for language in ("en", "ja"):
        there = moment(me=replace(ALICE, language=language))
        assert to_compose(there, own) == to_compose(there)
        assert own.words(language).weekdays == USUAL.words(language).weekdays


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("compose.en.md", "Hi\n\n{nmae}", "compose.en.md:3: unknown placeholder {nmae}; did you mean"),
        ("compose.en.md", "Hi {Name}", "compose.en.md:1: unknown placeholder {Name}; did you"),
        ("compose.en.md", "Hi { name }", "compose.en.md:1: unknown placeholder { name }"),
        ("assess.en.md", "{name} {message}", "assess.en.md:1: unknown placeholder {message}"),
        (
            "moment.en.md",
            "{recent}",
            "moment.en.md:1: unknown placeholder {recent}; it belongs in 'talk'",
        ),
        ("session.en.md", "Notes: {summary}", "session.en.md:1: {summary} needs a line of its own"),
        ("moment.en.md", "## Now\nThey said: {message}", "moment.en.md:2: {message} needs a line"),
        ("system.en.md", "a\n<!-- b\nc", "system.en.md:2: a note begins here"),
        ("system.ja.md", "<!-- only a note -->", "system.ja.md:1: holds nothing"),
        ("compse.en.md", "x", "compse.en.md: there is no prompt of this name; did you mean 'com"),
        ("words.en.md", "x", "words.en.md: there is no prompt of this name"),
        ("words.en.toml", "no_question = 3", "words.en.toml:1:15: 'no_question': expected text"),
        ("words.en.toml", '\nno_qestion = "a"', "words.en.toml:2:1: unknown key 'no_qestion'; did"),
        ("words.en.toml", '[begin]\nsilense = "a"', "words.en.toml:2:1: unknown key 'silense'; did you"),
        ("words.ja.toml", 'weekdays = ["a"]', "words.ja.toml:1:12: 'weekdays': expected a list of"),
        ("words.en.toml", 'answer_form = "JSON!"', "words.en.toml:1:1: 'answer_form' has to hold {sch"),
        ("words.en.toml", 'summarize = "{name} {x}"', "words.en.toml:1:1: 'summarize' may hold no br"),
        ("words.ja.toml", "x = ", "words.ja.toml:1:5: not TOML"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, name: str, text: str, told: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(UsageError) as caught:
        Prompts(tmp_path)
    assert f"{tmp_path}/{told}" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["system.en.md", "words.en.toml"])
def test_what_cannot_be_read_is_told(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    for prepare, told in (
        (lambda: file.write_bytes(b"a = 1\n\xff"), r":2.*is not UTF-8"),
        (lambda: file.write_text("a = 1\n" * (1 << 18)), "over the limit"),
    ):
        prepare()
        with pytest.raises(UsageError, match=told):
            Prompts(tmp_path)
    file.unlink()
    file.mkdir()
    with pytest.raises(UsageError, match="is not a file"):
        Prompts(tmp_path)


def test_a_prompt_may_be_as_long_as_the_limit(tmp_path: Path) -> None:
    (tmp_path / "system.en.md").write_text("x" * MAX_FILE)
    assert len(to_compose(moment(), Prompts(tmp_path)).system) == MAX_FILE


def test_without_a_folder_there_is_nothing_of_ones_own(tmp_path: Path) -> None:
    assert Prompts(tmp_path / "prompts").own == ()
    (tmp_path / "file").write_text("")
    assert Prompts(tmp_path / "file" / "prompts").own == ()
    with pytest.raises(UsageError, match="file: cannot be read: not a directory"):
        Prompts(tmp_path / "file")


def test_what_editors_leave_behind_is_no_prompt(tmp_path: Path) -> None:
    written(tmp_path, README_md="{nothing}")
    for name in ("compose.en.md~", ".compose.en.md", "notes.txt"):
        (tmp_path / name).write_text("{nothing}")
    assert Prompts(tmp_path).own == ()
