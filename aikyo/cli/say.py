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
    from ..wire import Envelope, Message

__all__ = ["say"]


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

    from ..client import Remote, Talk, find_swarm, open_stream, person, recipients

    swarm, sender = find_swarm(home), person(speaker)
    async with open_stream(swarm, topics=("messages", "events")) as stream:
        status = await Remote(swarm).status()
        talk = Talk(_message(sender, recipients(names, status), text))
        if any(companion.brain == "offline" for companion in status.companions) and not as_json:
            note("(offline brain: rule-based, no model)")
        ident = await stream.send(talk.message)
        if not wait:
            if as_json:
                print_json({"id": ident, "conversation": talk.message.conversation})
            return
        with trio.move_on_after(wait):
            async for envelope in stream:
                reply = talk.hear(envelope)
                if reply is not None:
                    _print(envelope, reply, as_json)
                if talk.rested is not None:
                    break
    if not talk.replies:
        silence = (
            f"within {wait:g} s" if talk.rested is None else f"before the talk rested ({talk.rested})"
        )
        raise AikyoError(f"no reply {silence}; `aikyo ps` shows what the companions do")


def _message(sender: str, to: tuple[str, ...], text: str) -> Message:
    import random
    import time

    from ..wire import IdMaker, Message

    new_id = IdMaker(time.time, random.Random())
    try:
        return Message(id=new_id(), sender=sender, to=to, message=text, conversation=new_id())
    except ValueError as error:
        raise UsageError(f"that cannot be said: {error}") from None


def _print(envelope: Envelope, reply: Message, as_json: bool) -> None:
    from ..text import inert
    from ..wire import bare_name

    if as_json:
        print_json(envelope)
    else:
        name = inert(bare_name(reply.sender))
        name = f"\x1b[1;36m{name}\x1b[0m" if colored(sys.stdout) else name
        print(f"{name}: {inert(reply.message, lines=True)}")
    sys.stdout.flush()
