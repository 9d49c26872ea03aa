"""`aikyo context`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import UsageError
from ..paths import Home
from .common import DebugOption, HomeOption, JsonOption, print_json
from .terminal import read_text, run

if TYPE_CHECKING:
    from ..wire import Context

__all__ = ["context"]


def context(
    name: Annotated[str, typer.Argument(help="A companion, or `all`.")],
    text: Annotated[
        str | None, typer.Argument(metavar="[TEXT]", help="What is going on; `-` reads stdin.")
    ] = None,
    *,
    image: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A picture: PNG, JPEG, GIF or WebP.")
    ] = None,
    speaker: Annotated[
        str | None, typer.Option("--from", metavar="USER", help="Who you are. Default: your login name.")
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Give a companion something to perceive: a text or a picture.

    Example: aikyo context alice "It has started to rain."
    """
    if text is not None and image is None:
        shown = _text(read_text(text), speaker)
    elif image is not None and text is None:
        shown = _picture(image, speaker)
    else:
        raise UsageError("give either a TEXT or an --image FILE")
    ident = run(lambda: _context(Home.locate(home), None if name == "all" else name, shown))
    if as_json:
        print_json({"id": ident})
    else:
        print("every companion perceives it" if name == "all" else f"{name} perceives it")


async def _context(home: Home, name: str | None, shown: Context) -> str:
    from ..client import Remote, find_swarm

    return await Remote(find_swarm(home)).perceive(shown, name)


def _text(text: str, speaker: str | None) -> Context:
    from ..client import person
    from ..wire import Context

    if not text.strip():
        raise UsageError("there is nothing to perceive: the text is empty")
    try:
        return Context(sender=person(speaker), type="text", context=text)
    except ValueError as error:
        raise UsageError(f"that cannot be perceived: {error}") from None


def _picture(path: Path, speaker: str | None) -> Context:
    import base64

    from ..client import person
    from ..wire import MAX_PICTURE, Context

    try:
        with path.open("rb") as file:
            data = file.read(MAX_PICTURE + 1)
    except OSError as error:
        raise UsageError(f"cannot read {path} ({(error.strerror or str(error)).lower()})") from None
    if len(data) > MAX_PICTURE:
        raise UsageError(f"{path} is over the limit of {MAX_PICTURE >> 10} KiB; make it smaller")
    return Context(sender=person(speaker), type="image", context=base64.b64encode(data).decode())
