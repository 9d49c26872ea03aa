"""Prompt files: Markdown with `{placeholders}`, one file a language, beside this module.

A section (from one `## ` heading to the next) whose placeholders all turn out empty is left out, so
that the files need no conditions. `<!-- notes -->` are for whoever edits the file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Literal, get_args

import msgspec
from msgspec import Struct

from ...errors import UsageError, nearest
from ...wire import Closing

__all__ = ["Template", "Words", "load_template", "load_words"]

_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
_NOTE = re.compile(r"<!--.*?-->\s*", re.DOTALL)
_HEADING = re.compile(r"^(?=## )", re.MULTILINE)
_FALLBACK = "en"

Opening = Literal["asked", "silence", "newcomer", "context"]
OPENINGS: tuple[Opening, ...] = get_args(Opening)


class Template:
    """A prompt text to be filled.

    Args:
        text: Markdown with placeholders.
        known: the placeholders it may use.
        where: the file's name, for the error.

    Raises:
        UsageError: it uses a placeholder that there is not.
    """

    def __init__(self, text: str, known: frozenset[str], where: str) -> None:
        text = _NOTE.sub("", text)
        for name in _PLACEHOLDER.findall(text):
            if name not in known:
                raise UsageError(f"{where}: unknown placeholder {{{name}}}{nearest(name, known)}")
        self._sections = [section.strip() for section in _HEADING.split(text)]

    def fill(self, values: Mapping[str, str]) -> str:
        """The text with its placeholders replaced; what is put in is not looked at again.

        Raises:
            KeyError: a placeholder of the text has no value.
        """
        filled = (_fill_section(section, values) for section in self._sections)
        return "\n\n".join(section for section in filled if section)


class Words(Struct, frozen=True, forbid_unknown_fields=True):
    """The short texts of a language that are chosen among, from ``words.<language>.toml``.

    Attributes:
        weekdays: Monday first.
        begin: what to do when nobody has said anything yet, by why the talk begins (`Moment.opening`).
        change_topic: what to do when the talk goes in circles.
        no_question: what to do when a question is not in order.
        same_language: what stands for a language that has no name here.
        languages: names of languages, by tag.
        closing: what to do at each stage of winding down.
    """

    weekdays: tuple[str, str, str, str, str, str, str]
    begin: dict[Opening, str]
    change_topic: str
    no_question: str
    same_language: str
    languages: dict[str, str]
    closing: dict[Closing, str]

    def __post_init__(self) -> None:
        for name, table, keys in (("closing", self.closing, Closing), ("begin", self.begin, OPENINGS)):
            missing = [str(key) for key in keys if key not in table]
            if missing:
                raise ValueError(f"`{name}` lacks {', '.join(missing)}")


@lru_cache(maxsize=64)
def load_template(name: str, language: str, known: frozenset[str]) -> Template:
    """The prompt `name` in `language` (a tag like ``ja`` or ``ja-JP``), or in English if there is none.

    Raises:
        UsageError: as `Template`.
    """
    where, text = _read(name, language, "md")
    return Template(text, known, where)


@lru_cache(maxsize=64)
def load_words(language: str) -> Words:
    """The words of `language`, or the English ones.

    Raises:
        UsageError: the file does not hold what it should.
    """
    where, text = _read("words", language, "toml")
    try:
        return msgspec.toml.decode(text, type=Words)
    except msgspec.DecodeError as error:
        raise UsageError(f"{where}: {error}") from None


def _read(name: str, language: str, suffix: str) -> tuple[str, str]:
    """A file's name and text: in `language` if this folder holds it, else in English."""
    texts = {file.name: file for file in files(__package__).iterdir()}
    own = f"{name}.{language.partition('-')[0].lower()}.{suffix}"
    where = own if own in texts else f"{name}.{_FALLBACK}.{suffix}"
    return where, texts[where].read_text(encoding="utf-8")


def _fill_section(section: str, values: Mapping[str, str]) -> str:
    names = _PLACEHOLDER.findall(section)
    if names and not any(values[name] for name in names):
        return ""
    return _PLACEHOLDER.sub(lambda match: values[match[1]], section)
