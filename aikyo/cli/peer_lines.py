"""Who is on the mesh, as lines: short and wrapped for a terminal, whole for a pipe. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..wire import MeshStatus, PeerStatus

__all__ = ["peer_lines"]

_STATES = ("own", "connected", "beyond", "unreachable", "away", "refused", "blocked")
_COLORS = {"connected": "32", "beyond": "36", "unreachable": "33", "refused": "31", "blocked": "31"}
_SHORT = 8
_SHOWN = 3
_HEADINGS = ("WHO", "STATE", "SINCE", "FOUND", "PEER")
_MORE_HEADINGS = ("WITH", "WHERE", "RUNS", "WHY")


def peer_lines(status: MeshStatus, now: float, *, width: int | None, color: bool = False) -> list[str]:
    """How others can join, and everybody who is known, one after the other.

    Args:
        status: who is there.
        now: seconds since the epoch.
        width: cells of a terminal: what does not fit goes below its row. None: one line each, all whole.
        color: with ANSI colours.
    """
    peers = sorted(status.peers, key=lambda one: (_STATES.index(one.state), _called(one)))
    lines = _ways_in(status, every=width is None)
    rows = [_row(one, now) for one in peers]
    if width is None:
        more = [_rest_of_row(one) for one in peers]
        table = [_HEADINGS + _MORE_HEADINGS, *(a + b for a, b in zip(rows, more, strict=True))]
        lines += _columns(table)
    else:
        short = [(*row[:-1], _short(row[-1])) for row in rows]
        heading, *shown = _columns([_HEADINGS, *short], first=max(8, width - 45))
        lines.append(heading)
        for one, line in zip(peers, shown, strict=True):
            code = _COLORS.get(one.state)
            lines.append(f"\x1b[{code}m{line}\x1b[0m" if color and code else line)
            lines += _below(one, width)
    if all(one.state == "own" for one in peers):
        lines += ["", *_alone(status, width)]
    return lines


def _ways_in(status: MeshStatus, *, every: bool) -> list[str]:
    """What to call elsewhere to join this mesh; on a terminal only by the first node, the firehose's."""
    addresses = sorted(status.addresses, key=_is_loopback)
    if not every:
        node = addresses[0].rpartition("/")[2] if addresses else ""
        addresses = [one for one in addresses if one.endswith(node)][:_SHOWN]
    if not addresses:
        return []
    flags = f" --mesh {status.mesh}" if status.mesh else ""
    flags += " --network-key FILE" if status.private else ""
    ways = (f"aikyo up{flags} --bootstrap {address}" for address in addresses)
    return ["Others can join from anywhere that reaches this machine:", *ways, ""]


def _is_loopback(address: str) -> bool:
    return address.startswith(("/ip4/127.", "/ip6/::1/"))


def _alone(status: MeshStatus, width: int | None) -> list[str]:
    from ..text import wrap

    same = " --network-key FILE (the same file)" if status.private else ""
    text = (
        "Nobody else is on the mesh yet. On this network others are found by themselves: start "
        f"`aikyo up{f' --mesh {status.mesh}' if status.mesh else ''}{same}` on another machine. "
        "From elsewhere they join as said above."
    )
    return [text] if width is None else wrap(text, width)


def _row(one: PeerStatus, now: float) -> tuple[str, ...]:
    since = _ago(now - one.since) if one.since else "-"
    found = one.found if one.found not in ("", "own") else "-"
    return (_called(one), one.state, since, found, one.peer or "-")


def _rest_of_row(one: PeerStatus) -> tuple[str, ...]:
    where = ",".join(map(_inert, one.addresses))
    return tuple(cell or "-" for cell in (_with(one), where, _inert(one.agent), _why(one)))


def _below(one: PeerStatus, width: int) -> list[str]:
    """What a terminal shows under a row, of those that are not ours."""
    from ..text import wrap

    if one.state == "own":
        return []
    where = [_place(address) for address in one.addresses if one.peer]  # else it stands for the name
    more = f" and {len(where) - _SHOWN} more" if len(where) > _SHOWN else ""
    parts = [
        f"at {', '.join(where[:_SHOWN])}{more}" if where else "",
        f"connected with {_with(one)}" if one.neighbours else "",
        _why(one),
    ]
    return [f"  {line}" for part in parts if part for line in wrap(part, width - 2)]


def _called(one: PeerStatus) -> str:
    from ..wire import bare_name

    if one.companion or one.name:
        return _inert(bare_name(one.companion) or one.name)
    if one.peer == "" and one.addresses:
        return _inert(one.addresses[0])
    return "a firehose" if one.state in {"own", "connected"} else "unknown"


def _with(one: PeerStatus) -> str:
    from ..wire import bare_name

    return ", ".join(_inert(bare_name(ident)) for ident in one.neighbours)


def _why(one: PeerStatus) -> str:
    counted = ", ".join(f"{_inert(reason)} {count}" for reason, count in sorted(one.counters.items()))
    return " ".join(filter(None, (_inert(one.reason), f"({counted})" if counted else "")))


def _short(peer: str) -> str:
    """The end of a peer id: they all begin alike."""
    return f"…{peer[-_SHORT:]}" if len(peer) > _SHORT else peer


def _place(address: str) -> str:
    """``/ip4/192.168.1.7/tcp/4001`` → ``192.168.1.7:4001``; anything else as it is."""
    parts = _inert(address).split("/")
    return f"{parts[2]}:{parts[4]}" if len(parts) >= 5 and parts[3] == "tcp" else _inert(address)


def _columns(rows: list[tuple[str, ...]], first: int | None = None) -> list[str]:
    """Lines whose columns stand under each other; the first is cut to so many cells."""
    from rich.cells import cell_len

    from ..text import clip

    if first is not None:
        rows = [(clip(row[0], first), *row[1:]) for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in rows
    ]


def _ago(seconds: float) -> str:
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= size:
            return f"{seconds // size:.0f}{unit}"
    return f"{max(seconds, 0):.0f}s"


def _inert(text: str) -> str:
    from ..text import inert

    return inert(text)
