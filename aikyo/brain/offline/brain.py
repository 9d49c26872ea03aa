"""The offline brain: reads, wants, drafts, acts."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from random import Random
from typing import Any

import trio

from ..base import Assessment, Brain, Toolbox, ToolError
from ..moment import Known, Line, Moment, Past, Someone
from ..study import Finding, Study
from .book import Cue
from .desire import desire
from .draft import Draft
from .habits import Habits, alike
from .language import tongue_named, tongues
from .learning import learn_in_steps, prepare, reflect
from .memories import asked_about, is_about_asker
from .params import fill_params
from .plan import plan
from .scene import Scene, needs_nothing, scene_of
from .summing import sum_up

__all__ = ["OfflineBrain"]

_ATTEMPTS = 8
_TOO_ALIKE = 0.4
_LONGEST_FOUND = 300
_TURN = re.compile(r"(?P<day>\d{4}-\d\d-\d\d), (?P<who>\S+) said: (?P<text>.*\S.*)")
_FACT = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d), you know(?: from (?P<who>[^:]{1,200}))?: (?P<text>.*\S.*)"
)
_BUILT_IN = frozenset({"companions", "recall", "clock", "room"})

_log = logging.getLogger(__name__)


class OfflineBrain(Brain):
    """Thinks by rules, in English and Japanese, at once and without a network.

    The same seed and the same moments give the same words. It says nothing it was not told: what it
    knows comes from its profile, from memory and from what is said.

    Args:
        random: what varies its words.
    """

    label = "offline"

    def __init__(self, random: Random) -> None:
        self._random = random
        self._habits = Habits()
        for tongue in tongues():  # read now what the first turn would wait for
            tongue.without_remarks("")
            tongue.phrase_words()
            tongue.fields(())
        prepare()

    async def assess(self, moment: Moment) -> Assessment:
        """Whether to speak, how much, and the triggers' parameters. Pure given the moment."""
        scene = scene_of(moment)
        importance = desire(scene)
        return Assessment(importance > 0, round(importance, 2), fill_params(scene))

    async def summarize(self, past: Past) -> str:
        """As `Brain.summarize`, by rule."""
        return sum_up(past)

    async def learn(self, study: Study) -> Sequence[Finding]:
        """As `Brain.learn`, by rule: what people say of themselves in so many words. A fact is written
        in the language in which it was told."""
        found: Sequence[Finding] = ()
        for step in learn_in_steps(study):
            found = step
            await trio.lowlevel.checkpoint()  # some lines take a while; nobody is to wait for all
        return found

    async def reflect(self, study: Study) -> Sequence[Finding]:
        """As `Brain.reflect`, by rule."""
        return reflect(study)

    async def compose(self, moment: Moment, toolbox: Toolbox) -> None:
        """Take the turn; at most one `speak`. If that is refused (the talk may have moved on), the
        turn is given up, and what it would have said is left for another time."""
        scene = scene_of(_as_spoken_here(moment), toolbox.specs)
        if "speak" not in scene.tools:
            return
        scene = await _look_up(await _look_around(scene, toolbox), toolbox)
        scene = await _find_out(scene, toolbox)
        draft = self._draft(scene)
        if not draft.text.strip():
            return
        for deed in draft.deeds:
            await _try(toolbox, deed.tool, deed.params)
        speech: dict[str, Any] = {"message": draft.text, "emotion": draft.emotion}
        if draft.target is not None:
            speech["to"] = [draft.target.id]
        if await _try(toolbox, "speak", speech) is not None:
            draft.keep()

    def _draft(self, scene: Scene) -> Draft:
        """The first draft that is unlike all that was said before, else the least alike of some."""
        habits = self._habits
        habits.hear(line.text for line in scene.moment.recent)
        best = plan(scene, habits, self._random)
        least = alike(best.text, habits.heard)
        for _ in range(_ATTEMPTS - 1):
            if least < _TOO_ALIKE or not best.parts:
                break
            draft = plan(scene, habits, self._random)
            likeness = alike(draft.text, habits.heard)
            if likeness < least:
                best, least = draft, likeness
        return best


def _as_spoken_here(moment: Moment) -> Moment:
    """A talk that one begins oneself is in the language of most who are there, as far as that can
    be told from how they describe themselves."""
    if moment.message is not None or moment.topic or moment.perceived:
        return moment
    described = [someone.personality for someone in moment.present if someone.personality]
    spoken = ["ja" if tongue_named("ja").fits(text) else "en" for text in described]
    others = [language for language in spoken if language != tongue_named(moment.language).book.language]
    if 2 * len(others) <= len(spoken) + 1:  # oneself is one, too
        return moment
    return replace(moment, language=others[0])


async def _look_around(scene: Scene, toolbox: Toolbox) -> Scene:
    """When it matters who is near, ask who is on the mesh: not all of them are in the conversation."""
    matters = {Cue.HERE, Cue.GO, Cue.LOOK, Cue.LIKING, Cue.OPINION} & scene.reading.cues.keys()
    if not matters or "companions" not in scene.tools:
        return scene
    found = await _try(toolbox, "companions", {}) or ""
    return replace(scene, neighbours=tuple(filter(None, map(_neighbour, found.splitlines()))))


def _neighbour(text: str) -> Someone | None:
    """A line of what the tool `companions` answers: ``id: Name. personality``."""
    ident, colon, rest = text.partition(": ")
    name, dot, personality = rest.partition(". ")
    if not colon or " " in ident or not name.strip(" ."):
        return None
    return Someone(ident, name.strip(" ."), "companion", personality if dot else "")


async def _look_up(scene: Scene, toolbox: Toolbox) -> Scene:
    """When asked to remember something, look for just that in memory."""
    what, message = asked_about(scene), scene.moment.message
    if "recall" not in scene.tools or message is None:
        return scene
    if Cue.MY_NAME in scene.reading.cues or (what and is_about_asker(what)):
        params: dict[str, Any] = {"by": message.sender, "k": 20}
    elif what:
        params = {"query": what}
    else:
        return scene
    found = await _try(toolbox, "recall", params) or ""
    known = {line.text for line in scene.memories}
    told = (_recalled(line, scene.moment) for line in found.splitlines())
    lines = [line for line in told if line and line.text not in known]
    texts = {fact.text for fact in scene.known}
    facts = (_recalled_fact(line, scene.moment) for line in found.splitlines())
    more = tuple(fact for fact in facts if fact and fact.text not in texts)
    return replace(scene, memories=(*scene.memories, *lines), known=(*scene.known, *more))


async def _find_out(scene: Scene, toolbox: Toolbox) -> Scene:
    """Ask the knowledge tools of the user's own that the profile's triggers name for this turn."""
    named = {instruction.tool for instruction in scene.moment.instructions} - _BUILT_IN
    own = [
        s.name for s in toolbox.specs if s.kind == "knowledge" and s.name in named and needs_nothing(s)
    ]
    found = [_sayable(await _try(toolbox, name, {}) or "") for name in own]
    return replace(scene, found=tuple(filter(None, found)))


def _sayable(text: str) -> str:
    """As much of what a tool answers as one says in a breath."""
    line = next(iter(text.strip().splitlines()), "").strip()
    return line if len(line) <= _LONGEST_FOUND else line[: _LONGEST_FOUND - 1].rstrip() + "…"


def _recalled(text: str, moment: Moment) -> Line | None:
    """A turn that the tool `recall` tells of: ``2026-11-20, user_mika said: what was said``."""
    found = _TURN.fullmatch(text)
    if found is None:
        return None
    who = moment.me.id if found["who"] == "you" else found["who"]
    name = who.removeprefix("companion_").removeprefix("user_")
    day = _midnight(found["day"], moment)
    return Line(id="", sender=who, name=name, text=found["text"], time=day)


def _recalled_fact(text: str, moment: Moment) -> Known | None:
    """A fact that the tool `recall` tells of: ``2026-11-20, you know from Mika: what is known``."""
    found = _FACT.fullmatch(text)
    if found is None:
        return None
    told_by = tuple(filter(None, (found["who"] or "").split(", ")))
    return Known(id="", text=found["text"], learned=_midnight(found["day"], moment), told_by=told_by)


def _midnight(day: str, moment: Moment) -> float:
    """When a day began that memory names; 0 where there is no such day."""
    try:
        return datetime.fromisoformat(day).replace(tzinfo=moment.now.tzinfo).timestamp()
    except (ValueError, OverflowError, OSError):
        return 0.0


async def _try(toolbox: Toolbox, tool: str, params: Mapping[str, Any]) -> str | None:
    """Call a tool; what it answers, or None if it was refused."""
    try:
        return await toolbox.call(tool, params)
    except ToolError as error:
        _log.info("%s was refused: %s", tool, error)
        return None
