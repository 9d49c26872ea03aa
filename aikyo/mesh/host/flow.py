"""Whether what one of our nodes publishes gets to all of the others. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping

__all__ = ["flows_to_all"]

_OUTSIDE = ""


def flows_to_all(passes: Mapping[str, Collection[str]]) -> bool:
    """Whether every one of our nodes is given, directly or by others, what any of them publishes.

    What the peers of other processes pass on among themselves is not seen: they are taken for one.

    Args:
        passes: each of our nodes, by peer id, and the peers that it passes everything on to.
    """
    links = {
        own: {peer if peer in passes else _OUTSIDE for peer in peers} for own, peers in passes.items()
    }
    links[_OUTSIDE] = {own for own, peers in links.items() if _OUTSIDE in peers}
    start = next(iter(passes), _OUTSIDE)
    reached, ahead = {start}, [start]
    while ahead:
        here = ahead.pop()
        for peer in links[here] - reached:
            if _OUTSIDE in (here, peer) or here in links[peer]:  # it agrees to the link
                reached.add(peer)
                ahead.append(peer)
    return reached >= passes.keys()
