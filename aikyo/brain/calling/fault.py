"""One request to a model that came to nothing."""

from __future__ import annotations

from ..base import BrainFault, Usage

__all__ = ["CONNECT_SECONDS", "FIRST_SECONDS", "NEXT_SECONDS", "CallFault"]

CONNECT_SECONDS = 5.0
"""Until there is a connection."""

FIRST_SECONDS = 40.0
"""Until something comes of an answer; a server may have to load the model first."""

NEXT_SECONDS = 20.0
"""Until more of it comes, be it a sign of life; some send no words while a tool may be being called."""


class CallFault(Exception):  # noqa: N818 - told as a BrainError, never seen by itself
    """One attempt has failed.

    Args:
        kind: what went wrong.
        told: the same in a line for people, with the way out.
        wait: seconds that the server asks us to wait, if it does.
        may_pass: whether it may well go when it is tried again at once.
        usage: what the attempt has cost all the same.
    """

    def __init__(
        self,
        kind: BrainFault,
        told: str,
        *,
        wait: float | None = None,
        may_pass: bool = False,
        usage: Usage | None = None,
    ) -> None:
        super().__init__(told)
        self.kind = kind
        self.told = told
        self.wait = wait
        self.may_pass = may_pass
        self.usage = usage or Usage(calls=1)
