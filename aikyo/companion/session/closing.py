"""Closes brains that nobody thinks with any more."""

from __future__ import annotations

import logging

import trio

from ...brain import Brain

__all__ = ["close"]

log = logging.getLogger(__name__)

CLOSES_WITHIN = 0.5


async def close(brain: Brain) -> None:
    """Close a brain, within half a second, also where one is cancelled. That it fails is only logged."""
    with trio.CancelScope(shield=True), trio.move_on_after(CLOSES_WITHIN):
        try:
            await brain.aclose()
        except Exception:
            log.warning("%s could not be closed", brain.label, exc_info=True)
