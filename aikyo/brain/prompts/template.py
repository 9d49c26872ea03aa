"""Prompt files: Markdown with `{placeholders}`, and TOML with short texts that are chosen among.

A section (from one `## ` heading to the next) whose placeholders all turn out empty is left out, so
that the files need no conditions. `<!-- notes -->` are for whoever edits the file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, get_args

from msgspec import Struct

from ...errors import UsageError, nearest
from ...wire import Closing

__all__ = ["FILLED", "OPENINGS", "PLACEHOLDERS", "Template", "Words"]

_SESSION = frozenset(["roster", "itself", "known", "threads", "memories", "summary", "mood"])
_TALK = frozenset(["earlier", "recent"])
_MOMENT = frozenset(["present", "topic", "known", "recalled", "perceived", "message"])
_LEARNER = frozenset(["id", "name", "language", "personality", "story", "interests", "role"])

QUOTED = _SESSION | _TALK | _MOMENT
"""Placeholders for what others have said: blocks that no line of the file's own may join."""

PLACEHOLDERS: Mapping[str, frozenset[str]] = {
    "system": frozenset(
        ["id", "name", "personality", "story", "sample", "interests", "phrases", "role"]
    ),
    "session": _SESSION,
    "talk": _TALK,
    "moment": frozenset(["time", *_MOMENT]),
    "assess": frozenset({"name"}),
    "compose": frozenset(["name", "language", "begin", "instructions", "reminders", "closing"]),
    "summarize": frozenset(["id", "name", "language", "words", "characters"]),
    "learn": _LEARNER,
    "reflect": _LEARNER,
}
"""The prompts there are, and what each may hold."""

FILLED: Mapping[str, str] = {
    "summarize": "name",
    "summarize_each": "name",
    "learn": "most",
    "reflect": "most",
    "forgetful": "why",
    "answer_form": "schema",
    "answer_again": "problem",
}
"""The texts of `Words` that are filled, and the placeholder that each has to hold."""

_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
_MEANT = re.compile(r"\{\s*(\w+)\s*\}")  # also where it is written so that it would not be found
_NOTE = re.compile(r"<!--.*?-->\s*", re.DOTALL)
_HEADING = re.compile(r"^(?=## )", re.MULTILINE)

Opening = Literal["asked", "silence", "newcomer", "context"]
OPENINGS: tuple[Opening, ...] = get_args(Opening)


class Template:
    """A prompt text to be filled.

    Args:
        text: Markdown with placeholders.
        known: the placeholders it may use.
        where: the file's name, for the error.

    Raises:
        UsageError: it uses a placeholder that there is not, puts what others say into a line with
            something else, leaves a note open, or holds nothing; with the file and line.
    """

    def __init__(self, text: str, known: frozenset[str], where: str) -> None:
        _check(_NOTE.sub(lambda note: "\n" * note[0].count("\n"), text), known, where)
        self._sections = [section.strip() for section in _HEADING.split(_NOTE.sub("", text))]

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
        forgetful: that nothing new can be remembered, with ``{why}``.
        summarize: the request that follows what is to be summed up, with ``{name}``.
        summarize_each: the same where that is several talks, for notes as `parting.marked` has them.
        learn: the request that follows what is to be learned from, with ``{most}``: how many findings
            there may be.
        reflect: the same after what is to be reflected on.
        answer_form: that an answer is to be JSON of a form, with ``{schema}``.
        answer_again: that it was not, with ``{problem}``.
        no_tools: that no tool can be called.
        same_language: what stands for a language that has no name here.
        languages: names of languages, by tag.
        closing: what to do at each stage of winding down.
    """

    weekdays: tuple[str, str, str, str, str, str, str]
    begin: dict[Opening, str]
    change_topic: str
    no_question: str
    forgetful: str
    summarize: str
    summarize_each: str
    learn: str
    reflect: str
    answer_form: str
    answer_again: str
    no_tools: str
    same_language: str
    languages: dict[str, str]
    closing: dict[Closing, str]

    def language(self, tag: str) -> str:
        """The name of a language by its tag (``ja`` or ``ja-JP``); empty where it has none here."""
        return self.languages.get(tag.partition("-")[0].lower(), "")


def _check(text: str, known: frozenset[str], where: str) -> None:
    """Find what is wrong in a text whose notes are blank lines."""
    if not text.strip():
        raise UsageError(f"{where}:1: holds nothing; remove the file to have the usual prompt")
    for number, line in enumerate(text.split("\n"), 1):
        if "<!--" in line:
            raise UsageError(f"{where}:{number}: a note begins here that does not end with -->")
        for found in _MEANT.finditer(line):
            name = found[1]
            if found[0] != f"{{{name}}}" or name not in known:
                problem = f"unknown placeholder {found[0]}{_elsewhere(name) or nearest(name, known)}"
                raise UsageError(f"{where}:{number}: {problem}")
            if name in QUOTED and line.strip() != found[0]:
                raise UsageError(f"{where}:{number}: {found[0]} needs a line of its own")


def _elsewhere(name: str) -> str:
    """Where a placeholder belongs, if that is just one prompt."""
    homes = [prompt for prompt, known in PLACEHOLDERS.items() if name in known]
    return f"; it belongs in '{homes[0]}'" if len(homes) == 1 else ""


def _fill_section(section: str, values: Mapping[str, str]) -> str:
    names = _PLACEHOLDER.findall(section)
    if names and not any(values[name] for name in names):
        return ""
    return _PLACEHOLDER.sub(lambda match: values[match[1]], section)
