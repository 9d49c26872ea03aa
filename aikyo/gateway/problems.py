"""Answers: JSON, and for every error a problem detail (RFC 9457) that says what to do about it."""

from __future__ import annotations

from http import HTTPStatus

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from ..errors import AikyoError, UsageError

__all__ = ["HANDLERS", "Problem", "answer", "problem"]

_HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


class Problem(Exception):  # noqa: N818 - it is the caller's error, not ours
    """The request is answered with `status`, and `str()` as its detail."""

    def __init__(self, status: HTTPStatus, detail: str) -> None:
        super().__init__(detail)
        self.status = status


def answer(value: object, status: HTTPStatus = HTTPStatus.OK) -> Response:
    """Any plain value (Structs, dicts) as JSON."""
    return Response(msgspec.json.encode(value), status, _HEADERS, "application/json")


def problem(status: int, detail: str, headers: dict[str, str] | None = None) -> Response:
    """An error as a problem detail of the type `about:blank`: the status says what kind it is."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    return Response(
        msgspec.json.encode(body), status, {**_HEADERS, **(headers or {})}, "application/problem+json"
    )


def _ours(_request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return problem(error.status, str(error))


def _foreseen(_request: Request, error: Exception) -> Response:
    status = HTTPStatus.CONFLICT if isinstance(error, UsageError) else HTTPStatus.SERVICE_UNAVAILABLE
    return problem(status, str(error))


def _routing(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    detail = f"{request.method} {request.url.path[:200]}: {error.detail.lower()}"
    return problem(error.status_code, detail, dict(error.headers or {}))


def _bug(_request: Request, _error: Exception) -> Response:
    return problem(500, "a bug in aikyo; the swarm's log shows where")


HANDLERS = {Problem: _ours, AikyoError: _foreseen, HTTPException: _routing, Exception: _bug}
"""For starlette: how each class of error is answered. What is unforeseen is logged by the server."""
