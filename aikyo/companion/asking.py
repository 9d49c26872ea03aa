"""Questions of a companion's tools to clients and other companions: a Query, and its first result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
import trio

from ..brain import ToolError
from ..wire import Query, QueryResult, WireError, encode
from .world import World

__all__ = ["Asking"]

MAX_OPEN = 8
"""Questions of one companion that wait for an answer at once."""

MAX_WAIT = 120.0


@dataclass(slots=True)
class _Question:
    query: Query
    answered: trio.Event = field(default_factory=trio.Event)
    result: QueryResult | None = None


class Asking:
    """The open questions of one companion.

    Args:
        world: all that the companion is handed.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._open: dict[str, _Question] = {}

    @property
    def open(self) -> int:
        """How many questions wait for an answer."""
        return len(self._open)

    async def ask(
        self,
        kind: str,
        body: Mapping[str, Any],
        *,
        to: tuple[str, ...],
        timeout: float,
        known: tuple[str, ...] = (),
    ) -> dict[str, Any]:
        """Publish a Query and wait for the first valid result; see `Here.ask`. Cancelled, nothing of the
        question is left.

        Args:
            kind: what is asked for.
            body: what to tell those who are asked.
            to: their ids or names; empty: everybody.
            timeout: seconds to wait at the most.
            known: ids of people who may be meant by name.

        Raises:
            ToolError: the question is none, nobody answered in time, or the answer is that it failed.
        """
        if not 0 < timeout <= MAX_WAIT:
            raise ToolError(f"ask: a timeout is over 0 and at most {MAX_WAIT:g} seconds")
        if len(self._open) >= MAX_OPEN:
            raise ToolError(f"ask: {MAX_OPEN} questions wait for an answer already")
        question = _Question(self._query(kind, body, self._ids(to, known)))
        ident = question.query.id
        self._open[ident] = question
        try:
            with trio.move_on_after(timeout):
                await self._world.publish(question.query)
                await question.answered.wait()
        except WireError as error:
            raise ToolError(f"ask: {error}") from None
        finally:
            del self._open[ident]
        match question.result:
            case None:
                raise ToolError(f"nobody has answered {kind!r} within {timeout:g} s")
            case QueryResult(success=False, error=why):
                raise ToolError(f"{kind!r} failed: {why or 'it was not said why'}")
            case result:
                return result.body

    def hear(self, result: QueryResult, peer: str) -> None:
        """Take in a result; one that nobody has asked for, or from whom it was not asked, is ignored.

        Args:
            result: what was heard.
            peer: peer id of its signed author. People are behind any peer that is no companion's.
        """
        question = self._open.get(result.id)
        if question is None or question.result is not None:
            return
        asked, author = question.query.to, self._world.roster.held_by(peer)
        by_person = author is None and any(map(self._world.is_person, asked))
        if not asked or by_person or author in asked:
            question.result = result
            question.answered.set()

    def _ids(self, names: tuple[str, ...], known: tuple[str, ...]) -> tuple[str, ...]:
        ids = self._world.ids_by_name(known)
        return tuple(ids.get(name.casefold(), name) for name in names)

    def _query(self, kind: str, body: Mapping[str, Any], to: tuple[str, ...]) -> Query:
        query = Query(
            id=f"q-{self._world.new_id()}",
            sender=self._world.me,
            to=to,
            type=kind,
            body=dict(body),
        )
        try:  # its limits are those of what comes in
            return msgspec.json.decode(encode(query)[1], type=Query)
        except (TypeError, ValueError, RecursionError) as error:
            raise ToolError(f"ask: {error}") from None
