"""Control of a running swarm through its gateway."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import TypeVar
from urllib.parse import quote, urlencode

import msgspec
import trio
from msgspec import Struct

from ..errors import UsageError
from ..memory.care import Corrected, Forgotten, Wish
from ..text import inert
from ..wire import (
    CompanionStatus,
    Context,
    MeshStatus,
    QuietMode,
    SwarmFile,
    SwarmStatus,
    TurnRecord,
    UsageBy,
    UsageReport,
    bare_name,
)
from .errors import ClientError, no_swarm
from .http import HttpError, request

__all__ = ["Remote"]


_MAX_DETAIL = 500
_SWAPS_WITHIN = 70.0  # a little more than the swarm waits for a session itself
_FORGETS_WITHIN = 300.0  # a large memory is written anew, and its backups are
T = TypeVar("T")


class _Answer(Struct):
    id: str = ""
    peer: str = ""
    companion: str = ""
    until: float = 0
    detail: str = ""
    problem: str = ""


class Remote:
    """The swarm, as its gateway gives it.

    Every call raises `ClientError` when the swarm does not answer within `timeout` seconds, and
    `UsageError` when it answers that the call is wrong.

    Args:
        swarm: from `find_swarm`.
        timeout: seconds for one call.
    """

    def __init__(self, swarm: SwarmFile, *, timeout: float = 10.0) -> None:
        self._url = swarm.gateway.rstrip("/")
        self._timeout = timeout

    async def status(self) -> SwarmStatus:
        """What runs now."""
        return self._read(await self._call("GET", "/companions"), SwarmStatus)

    async def peers(self) -> MeshStatus:
        """Who is on the mesh, where others can join it, and who is refused."""
        return self._read(await self._call("GET", "/peers"), MeshStatus)

    async def block(self, who: str, note: str = "") -> str:
        """Shut out whom a person calls `who`, saying why in `note`; returns its peer id."""
        return (await self._about("block", who, note)).peer

    async def unblock(self, who: str) -> str:
        """Let in again whom a person calls `who`; returns its peer id."""
        return (await self._about("unblock", who)).peer

    async def forget(self, name: str) -> str:
        """Free the id of a companion that is away; returns the id."""
        return (await self._about("forget", name)).companion

    async def stop(self, name: str | None = None) -> None:
        """End the companion `name`; or with None the swarm, which only begins to end before this
        returns (see `wait_until_gone`)."""
        await self._call("POST", "/stop" if name is None else _path(name, "stop"))

    async def restart(self, name: str) -> str:
        """Start the companion `name` anew, with what stands in its profile now; what is wrong with that,
        if anything is: then it starts as it was."""
        answer = await self._call("POST", _path(name, "restart"))
        return inert(self._read(answer, _Answer).problem[:_MAX_DETAIL])

    async def change(self, name: str, wishes: Mapping[str, str]) -> CompanionStatus:
        """Set something for the companion `name` until the swarm ends; wait until it is so.

        Args:
            name: whom.
            wishes: by the keys of `SETTABLE`; an empty text takes back what was set.

        Returns:
            What is so now.
        """
        body = msgspec.json.encode(wishes)
        answer = await self._call("POST", _path(name, "settings"), body, timeout=_SWAPS_WITHIN)
        return self._read(answer, CompanionStatus)

    async def renew(self, name: str) -> CompanionStatus:
        """Give the companion `name` a new session and wait until it has it; what is so now."""
        answer = await self._call("POST", _path(name, "session"), timeout=_SWAPS_WITHIN)
        return self._read(answer, CompanionStatus)

    async def forget_memory(self, name: str, wish: Wish) -> Forgotten:
        """Have the companion `name` forget something for good; what went, and what did not."""
        body = msgspec.json.encode(wish)
        answer = await self._call("POST", _path(name, "memory/forget"), body, timeout=_FORGETS_WITHIN)
        return self._read(answer, Forgotten)

    async def edit_memory(self, name: str, ident: str, text: str) -> Corrected:
        """Correct what the companion `name` remembers; what came of it."""
        body = msgspec.json.encode({"id": ident, "text": text})
        answer = await self._call("POST", _path(name, "memory/edit"), body, timeout=_FORGETS_WITHIN)
        return self._read(answer, Corrected)

    async def quiet(
        self, name: str | None = None, mode: QuietMode = "quiet", minutes: float | None = None
    ) -> float:
        """Have the companion `name`, or with None every one, be that quiet from now on.

        Args:
            name: whom.
            mode: how quiet.
            minutes: for how long, at most a day; None: until it is changed.

        Returns:
            When that is over, in seconds since the epoch; 0: when it is changed.
        """
        body = {"mode": mode} if minutes is None else {"mode": mode, "minutes": minutes}
        path = "/quiet" if name is None else _path(name, "quiet")
        return self._read(await self._call("POST", path, msgspec.json.encode(body)), _Answer).until

    async def perceive(self, context: Context, name: str | None = None) -> str:
        """Give `context` to the companion `name`, or with None to every one; returns its id."""
        path = "/context" if name is None else _path(name, "context")
        answer = await self._call("POST", path, msgspec.json.encode(context))
        return self._read(answer, _Answer).id

    async def why(self, message: str | None = None, *, after: bool = False) -> TurnRecord:
        """The turn that led to a message (its id or a part of it; None: the latest); with `after` the
        turn that it opened, also where it was an answer itself."""
        asked = {"message": message} if message is not None else {}
        asked |= {"after": "true"} if after else {}
        query = f"?{urlencode(asked)}" if asked else ""
        return self._read(await self._call("GET", f"/why{query}"), TurnRecord)

    async def usage(
        self, since: str = "24h", by: UsageBy = "companion", name: str | None = None
    ) -> UsageReport:
        """What was spent on thinking in the last ``30m``, ``24h`` or ``7d``, say, by `name`
        or, with None, by all."""
        asked = {"since": since, "by": by} | ({"companion": name} if name is not None else {})
        return self._read(await self._call("GET", f"/usage?{urlencode(asked)}"), UsageReport)

    async def _about(self, what: str, who: str, note: str = "") -> _Answer:
        body = msgspec.json.encode({"who": who, "note": note})
        return self._read(await self._call("POST", f"/peers/{what}", body), _Answer)

    def _read(self, answer: bytes, kind: type[T]) -> T:
        try:
            return msgspec.json.decode(answer, type=kind)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            raise ClientError(no_swarm(self._url)) from None

    async def _call(
        self, method: str, path: str, body: bytes | None = None, *, timeout: float = 0
    ) -> bytes:
        try:
            with trio.fail_after(max(timeout, self._timeout)):
                status, answer = await request(method, self._url + path, body)
        except (HttpError, trio.TooSlowError):
            raise ClientError(f"the swarm does not answer at {self._url}") from None
        if status < HTTPStatus.MULTIPLE_CHOICES:
            return answer
        detail = _detail(answer)
        if not detail:
            raise ClientError(no_swarm(self._url))
        wrong = HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR
        raise (UsageError if wrong else ClientError)(detail)


def _path(name: str, what: str) -> str:
    return f"/companions/{quote(bare_name(name), safe='')}/{what}"


def _detail(answer: bytes) -> str:
    """What a gateway says is wrong, as it does with every error; nothing if this is none."""
    try:
        detail = msgspec.json.decode(answer, type=_Answer).detail
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        detail = ""
    return inert(detail[:_MAX_DETAIL])
