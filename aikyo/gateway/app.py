"""The routes. What each takes and answers is written down in docs/reference/http.md."""

from __future__ import annotations

import base64
from collections.abc import Callable, Collection
from http import HTTPStatus
from typing import Annotated, TypeVar, cast, get_args

import msgspec
import trio
from msgspec import Meta, Raw, Struct
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from ..door import refusal
from ..errors import UsageError, nearest
from ..guests import ForbiddenSenderError, from_person, with_fields
from ..memory.care import Wish
from ..mesh.members.pins import MAX_NOTE
from ..pictures import picture_type
from ..spans import seconds_of
from ..wire import (
    MAX_ID,
    MAX_MESSAGE,
    MAX_QUIET,
    MAX_SETTING,
    SETTABLE,
    CompanionStatus,
    Context,
    QuietMode,
    UsageBy,
    WireError,
    companion_id,
    decode,
)
from .control import Control
from .problems import HANDLERS, Problem, answer, problem

__all__ = ["make_app"]

BODY_DEADLINE = 15.0
SENDER = "user_gateway"
"""Whom a context is from when the request does not say."""

_BYS = get_args(UsageBy)
T = TypeVar("T")


def make_app(control: Control, *, new_id: Callable[[], str], origins: Collection[str]) -> Starlette:
    """The gateway as an ASGI application.

    Args:
        control: the swarm.
        new_id: gives an id to a context that has none.
        origins: the origins of our own page, the only ones that may call.
    """
    routes = _Routes(control, new_id)
    return Starlette(
        routes=[
            Route("/healthz", routes.health),
            Route("/companions", routes.companions),
            Route("/peers", routes.peers),
            Route("/why", routes.why),
            Route("/usage", routes.usage),
            Route("/peers/block", routes.block, methods=["POST"]),
            Route("/peers/unblock", routes.unblock, methods=["POST"]),
            Route("/peers/forget", routes.forget, methods=["POST"]),
            Route("/stop", routes.stop_all, methods=["POST"]),
            Route("/context", routes.context, methods=["POST"]),
            Route("/companions/{name}/stop", routes.stop, methods=["POST"]),
            Route("/companions/{name}/restart", routes.restart, methods=["POST"]),
            Route("/companions/{name}/settings", routes.settings, methods=["POST"]),
            Route("/companions/{name}/session", routes.session, methods=["POST"]),
            Route("/companions/{name}/context", routes.context, methods=["POST"]),
            Route("/companions/{name}/memory/forget", routes.forget_memory, methods=["POST"]),
            Route("/companions/{name}/memory/edit", routes.edit_memory, methods=["POST"]),
            Route("/quiet", routes.quiet, methods=["POST"]),
            Route("/companions/{name}/quiet", routes.quiet, methods=["POST"]),
        ],
        middleware=[Middleware(_Door, origins=origins)],
        exception_handlers=HANDLERS,
    )


class _Door:
    """Turns away requests under a foreign `Host` or from a foreign page (see `aikyo.door`)."""

    def __init__(self, app: ASGIApp, *, origins: Collection[str]) -> None:
        self._app = app
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            reason = refusal(headers.get("host"), headers.getlist("origin"), self._origins)
            if reason is not None:
                await problem(HTTPStatus.FORBIDDEN, reason)(scope, receive, send)
                return
        await self._app(scope, receive, send)


class _Routes:
    def __init__(self, control: Control, new_id: Callable[[], str]) -> None:
        self._control = control
        self._new_id = new_id

    async def health(self, _request: Request) -> Response:
        return answer({"status": "ok"})

    async def companions(self, _request: Request) -> Response:
        return answer(self._control.status())

    async def peers(self, _request: Request) -> Response:
        return answer(self._control.peers.status())

    async def why(self, request: Request) -> Response:
        meant = request.query_params.get("message", "")[:MAX_ID] or None
        try:
            return answer(self._control.why(meant, after=request.query_params.get("after") == "true"))
        except UsageError as error:
            raise Problem(HTTPStatus.NOT_FOUND, str(error)) from None

    async def usage(self, request: Request) -> Response:
        asked = request.query_params
        by = cast(UsageBy, asked.get("by", "companion"))
        if by not in _BYS:
            detail = f"`by` is {by[:80]!r}{nearest(by, _BYS)}"
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail)
        try:
            seconds = seconds_of(asked.get("since", "24h"), "`since`")
        except UsageError as error:
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, str(error)) from None
        companion = asked.get("companion", "")[:MAX_ID] or None
        try:
            return answer(await self._control.usage(seconds=seconds, by=by, companion=companion))
        except UsageError as error:
            raise Problem(HTTPStatus.NOT_FOUND, str(error)) from None

    async def block(self, request: Request) -> Response:
        meant = await _read_whom(request)
        return answer({"peer": self._control.peers.block(meant.who, meant.note)})

    async def unblock(self, request: Request) -> Response:
        meant = await _read_whom(request)
        return answer({"peer": self._control.peers.unblock(meant.who)})

    async def forget(self, request: Request) -> Response:
        meant = await _read_whom(request)
        return answer({"companion": self._control.peers.forget(meant.who)})

    async def stop_all(self, _request: Request) -> Response:
        # Stopping ends this server too: the answer is sent before
        response = answer({"stopping": True}, HTTPStatus.ACCEPTED)
        response.background = BackgroundTask(self._control.stop, None)
        return response

    async def stop(self, request: Request) -> Response:
        companion = self._named(request)
        await self._control.stop(companion.name)
        return answer({"companion": companion.name})

    async def restart(self, request: Request) -> Response:
        companion = self._named(request)
        problem = await self._control.restart(companion.name)
        return answer({"companion": companion.name, **({"problem": problem} if problem else {})})

    async def settings(self, request: Request) -> Response:
        companion = self._named(request)
        wishes = _read_wishes(await _read_body(request))
        return answer(await self._control.change(companion.name, wishes))

    async def session(self, request: Request) -> Response:
        return answer(await self._control.renew(self._named(request).name))

    async def forget_memory(self, request: Request) -> Response:
        companion = self._named(request)
        wish = _read(await _read_body(request), Wish)
        return answer(await self._control.forget(companion.name, wish))

    async def edit_memory(self, request: Request) -> Response:
        companion = self._named(request)
        meant = _read(await _read_body(request), _Correction)
        return answer(await self._control.edit(companion.name, meant.id, meant.text))

    async def context(self, request: Request) -> Response:
        to = (self._named(request).id,) if "name" in request.path_params else ()
        context, body = _read_context(await _read_body(request), to, self._new_id)
        try:
            await self._control.perceive(context, body)
        except WireError as error:
            raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, error.detail) from None
        return answer({"id": context.id}, HTTPStatus.ACCEPTED)

    async def quiet(self, request: Request) -> Response:
        companion = self._named(request) if "name" in request.path_params else None
        wish = _read_quiet(await _read_body(request))
        seconds = None if wish.minutes is None else 60 * wish.minutes
        await self._control.quiet(companion.name if companion else None, wish.mode, seconds)
        return answer(
            {
                **({"companion": companion.name} if companion else {}),
                "mode": wish.mode,
                "until": self._quiet_until(companion, wish.mode),
            }
        )

    def _quiet_until(self, companion: CompanionStatus | None, mode: QuietMode) -> float:
        """When `mode` is over, in seconds since the epoch; 0: when it is changed."""
        now = self._control.status().companions
        asked = (one for one in now if companion is None or one.name == companion.name)
        return max((one.quiet_until for one in asked if one.quiet == mode), default=0)

    def _named(self, request: Request) -> CompanionStatus:
        name = request.path_params["name"]
        companions = self._control.status().companions
        for named in (name, companion_id(name)):
            for companion in companions:
                if named in (companion.name, companion.id):
                    return companion
        names = (companion.name for companion in companions)
        raise Problem(
            HTTPStatus.NOT_FOUND, f"no companion {name[:80]!r} in this swarm{nearest(name, names)}"
        )


class _Whom(Struct, forbid_unknown_fields=True):
    """A peer or a companion, as a person names it; `note` is why, for people."""

    who: Annotated[str, Meta(min_length=1, max_length=MAX_ID)]
    note: Annotated[str, Meta(max_length=MAX_NOTE)] = ""


class _Correction(Struct, forbid_unknown_fields=True):
    """What a memory is to say in the place of what it says."""

    id: Annotated[str, Meta(min_length=1, max_length=MAX_ID)]
    text: str


class _Quiet(Struct, forbid_unknown_fields=True):
    """How quiet to be, and for how many minutes; None: until it is changed."""

    mode: QuietMode
    minutes: Annotated[float, Meta(gt=0, le=MAX_QUIET / 60)] | None = None


async def _read_whom(request: Request) -> _Whom:
    return _read(await _read_body(request), _Whom)


def _read_quiet(body: bytes) -> _Quiet:
    wish = _read(body, _Quiet)
    if wish.mode == "normal" and wish.minutes is not None:
        detail = "`minutes` goes with quiet or mention-only: normal has no end"
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail)
    return wish


_Wish = Annotated[str, Meta(max_length=MAX_SETTING)]


def _read_wishes(body: bytes) -> dict[str, str]:
    """What is to be set; an empty text, as null, takes back what was."""
    wishes = _read(body, dict[str, _Wish | None])
    for key, value in wishes.items():
        if key not in SETTABLE:
            detail = f"nothing is called '{key[:80]}'{nearest(key, SETTABLE)}"
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail)
        if value and not value.isprintable():
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"`{key}` takes one line of text")
    if not wishes:
        detail = f"nothing is to be set; name one of {', '.join(SETTABLE)}"
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail)
    return {key: (value or "").strip() for key, value in wishes.items()}


def _read(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, str(error)) from None
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise Problem(HTTPStatus.BAD_REQUEST, f"not JSON: {error}") from None


async def _read_body(request: Request) -> bytes:
    """The JSON body, at most `MAX_MESSAGE` bytes of it, within `BODY_DEADLINE` seconds."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Problem(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            f"send Content-Type: application/json, not {kind[:80] or 'nothing'}",
        )
    body = bytearray()
    size = 0
    with trio.move_on_after(BODY_DEADLINE) as waiting:
        try:
            async for chunk in request.stream():
                size += len(chunk)
                # What is too much is read to its end all the same: many clients hear only then
                if size <= MAX_MESSAGE:
                    body += chunk
        except ClientDisconnect:
            raise Problem(HTTPStatus.BAD_REQUEST, "the body was cut off") from None
    if size > MAX_MESSAGE:
        raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a body is at most {MAX_MESSAGE} bytes")
    if waiting.cancelled_caught:
        raise Problem(HTTPStatus.REQUEST_TIMEOUT, f"the body did not come within {BODY_DEADLINE:g} s")
    return bytes(body)


def _read_context(body: bytes, to: tuple[str, ...], new_id: Callable[[], str]) -> tuple[Context, Raw]:
    """The context, and the same with the fields that we do not know."""
    try:
        (decoded,) = decode(Context.topic, body, new_id=new_id)
        decoded = from_person(decoded, SENDER)
    except ForbiddenSenderError as error:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, str(error)) from None
    except WireError as error:
        status = (
            HTTPStatus.BAD_REQUEST if error.reason == "not-json" else HTTPStatus.UNPROCESSABLE_ENTITY
        )
        raise Problem(status, error.detail) from None
    context = decoded.payload
    assert isinstance(context, Context)
    kind = _picture_type(context) if context.type == "image" else context.media_type
    context = msgspec.structs.replace(context, to=to, media_type=kind)
    return context, with_fields(decoded, context).body


def _picture_type(context: Context) -> str:
    kind = picture_type(base64.b64decode(context.context[:64]))
    if kind is None:
        detail = "the picture is no PNG, JPEG, GIF or WebP"
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail)
    if context.media_type not in (None, kind):
        detail = f"the picture is {kind}, but `mediaType` says {context.media_type}"
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail)
    return kind
