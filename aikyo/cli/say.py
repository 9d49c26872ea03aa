"""`aikyo say`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import AikyoError, UsageError
from ..paths import Home
from .common import DebugOption, HomeOption, JsonOption, print_json
from .terminal import colored, note, read_text, run

if TYPE_CHECKING:
    from ..client import Talk
    from ..wire import Event, Message, SwarmStatus

__all__ = ["say"]

_PS = "`aikyo ps` shows what the companions do"
_WAYS_OUT = {
    "closed": "say it again to begin another",
    "nobody-wanted": "ask somebody by name, or ask something",
    "limit": "turns_per_talk and turns_per_hour in aikyo.toml set how many",
    "interrupted": "say it again",
    "no-quorum": "`aikyo ps` shows who is there",
    "quiet": "to end that: aikyo quiet {} --mode normal",
    "brain-failed": "`aikyo ps` shows what is wrong",
    "spent": "`aikyo usage` shows what was spent, and the caps",
}
"""By the reason why a talk rests; ``{}`` is whom it was said to."""

_TROUBLES = {"brain-failed", "spent"}
"""Reasons that the companions themselves tell more of."""


def say(
    words: Annotated[
        list[str], typer.Argument(metavar="NAME... TEXT", help="To whom (or `all`), and what.")
    ],
    *,
    speaker: Annotated[
        str | None, typer.Option("--from", metavar="USER", help="Who you are. Default: your login name.")
    ] = None,
    wait: Annotated[float, typer.Option(min=0, metavar="SECONDS", help="How long to wait.")] = 30,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Say it and be gone.")] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Say something to companions, and print what they answer until the talk rests.

    TEXT `-` is read from stdin.

    Example: aikyo say alice bob "Shall we go?"
    """
    *names, text = words
    if not names:
        raise UsageError('say to whom, and what: aikyo say alice "hello"')
    text = read_text(text)
    if not text.strip():
        raise UsageError("there is nothing to say: the text is empty")
    wait = 0 if no_wait else wait
    run(lambda: _say(Home.locate(home), names, text, speaker=speaker, wait=wait, as_json=as_json))


async def _say(
    home: Home, names: list[str], text: str, *, speaker: str | None, wait: float, as_json: bool
) -> None:
    import trio

    from ..client import Remote, Talk, Telling, find_swarm, open_stream, person, recipients

    swarm, sender = find_swarm(home), person(speaker)
    live = sys.stdout.isatty() and not as_json
    topics = ("messages", "events", "deltas") if live else ("messages", "events")
    async with open_stream(swarm, topics=topics) as stream:
        status = await Remote(swarm).status()
        talk = Talk(_message(sender, recipients(names, status), text))
        if any(companion.brain == "offline" for companion in status.companions) and not as_json:
            note("(offline brain: rule-based, no model)")
        ident = await stream.send(talk.message)
        if not wait:
            if as_json:
                print_json({"id": ident, "conversation": talk.message.conversation})
            return
        telling = Telling(talk, color=colored(sys.stdout))
        try:
            with trio.move_on_after(wait):
                async for envelope in stream:
                    if not as_json:
                        _write(telling.hear(envelope))
                    elif talk.hear(envelope) is not None:
                        print_json(envelope)
                        sys.stdout.flush()
                    if talk.rested is not None:
                        break
        finally:
            _write(telling.end())
    if talk.quieted and not as_json:
        for who, event in talk.quieted.items():
            note(_quietness(who, event))
    if not talk.replies and not talk.quieted:
        now = await Remote(swarm).status() if talk.rested in _TROUBLES else status
        raise AikyoError(_troubles(talk, now) or _silence(talk, names, wait, status))


def _troubles(talk: Talk, status: SwarmStatus) -> str:
    """Whose brain could not answer, and why, as they say it themselves."""
    from ..text import inert

    by_reason: dict[str, list[str]] = {}
    for one in status.companions:
        asked = not talk.message.to or one.id in talk.message.to
        if asked and one.activity == "resting" and one.reason:
            by_reason.setdefault(inert(one.reason), []).append(one.name)
    told = [f"{_rest(names)}: {reason}" for reason, names in by_reason.items()]
    if told and talk.rested == "spent":
        told.append(_WAYS_OUT["spent"])
    return "no reply: " + "; ".join(told) if told else ""


def _rest(names: list[str]) -> str:
    """``alice, bob and carol rest``."""
    *others, last = names
    return f"{', '.join(others)} and {last} rest" if others else f"{last} rests"


def _silence(talk: Talk, names: list[str], wait: float, status: SwarmStatus) -> str:
    """Why there was no reply, and the way out; `status` is as it was before."""
    from ..deeds import REASONS

    if talk.rested is None:
        return f"no reply within {wait:g} s; {_PS}"
    reason = REASONS.get(talk.rested, talk.rested)
    way_out = _WAYS_OUT.get(talk.rested, _PS).format(names[0] if len(names) == 1 else "all")
    if talk.rested == "quiet" and (waiting := _wait_to_be_called(talk.message, status)):
        way_out = f"call {waiting} by name; {way_out}"
    return f"no reply: {reason} ({talk.rested}); {way_out}"


def _wait_to_be_called(message: Message, status: SwarmStatus) -> str:
    """The name of somebody it was said to who speaks only when turned to."""
    for one in status.companions:
        if one.quiet == "mention-only" and (not message.to or one.id in message.to):
            return one.name
    return ""


def _quietness(who: str, event: Event) -> str:
    import time

    from ..deeds import quietness
    from ..text import inert
    from ..wire import bare_name

    name, mode = inert(bare_name(who)), event.mode or "normal"
    told = f"{name} {quietness(mode, event.until or 0, time.time())}"
    return told if mode == "normal" else f"{told}; to end it: aikyo quiet {name} --mode normal"


def _message(sender: str, to: tuple[str, ...], text: str) -> Message:
    import random
    import time

    from ..wire import IdMaker, Message

    new_id = IdMaker(time.time, random.Random())
    try:
        return Message(id=new_id(), sender=sender, to=to, message=text, conversation=new_id())
    except ValueError as error:
        raise UsageError(f"that cannot be said: {error}") from None


def _write(text: str) -> None:
    from ..text import encodable

    if text:
        print(encodable(text, sys.stdout.encoding or "utf-8"), end="", flush=True)
