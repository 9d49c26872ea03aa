"""An Ethernet switch that breaks on command: it joins network namespaces, each a machine of its own.

`tc netem` would lose and delay frames as well, but not every kernel has it (small virtual machines and
some CI runners do not), and none of it can keep one machine from another and not from a third. So every
machine gets a TAP interface `eth0`, this process passes the frames between them, and what it does not
pass is lost as in a cable that was pulled at the far end: without a word, and with the carrier on.
TCP, ARP and multicast on both sides are the kernel's.

Usage: switch.py SEED NAMESPACE... (as root). Each line on stdin is one JSON object, the whole state from
now on, and is answered by a line with the counters::

    {"apart": [["a", "b"]], "loss": 0.05, "delay": 0.1, "slow": ["a"]}

`apart` are the pairs of machines between which no frame passes; what the machines in `slow` send is lost
with probability `loss` and delayed by `delay` seconds (as netem on their eth0 would). Ends when stdin
does; the interfaces go with it.
"""

from __future__ import annotations

import ctypes
import fcntl
import heapq
import itertools
import json
import os
import random
import select
import struct
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_TUNSETIFF = 0x400454CA
_TAP, _NO_PACKET_INFO = 0x0002, 0x1000
_NEW_NET = 0x40000000
_LARGEST = 65536
_AT_ONCE = 64  # frames of one machine before the others have their turn
_UNDER_WAY = 100_000  # frames that are being delayed; more are lost
_MAC = 6
_TO_SEVERAL = 1  # the bit of a destination's first byte


def open_taps(namespaces: Sequence[str]) -> dict[str, int]:
    """An interface `eth0` in each namespace; its file descriptor here."""
    libc = ctypes.CDLL(None, use_errno=True)

    def enter(namespace: int) -> None:
        if libc.setns(namespace, _NEW_NET):
            raise OSError(ctypes.get_errno(), "setns")

    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    taps = {}
    for name in namespaces:
        there = os.open(Path("/run/netns") / name, os.O_RDONLY)
        enter(there)
        os.close(there)
        taps[name] = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        request = struct.pack("16sH22x", b"eth0", _TAP | _NO_PACKET_INFO)
        fcntl.ioctl(taps[name], _TUNSETIFF, request)
    enter(home)
    os.close(home)
    return taps


class Switch:
    """The ports, by machine, and what is to become of a frame."""

    def __init__(self, taps: Mapping[str, int], seed: int) -> None:
        self._names = {fd: name for name, fd in taps.items()}
        self._random = random.Random(seed)
        self._learned: dict[bytes, int] = {}  # where a hardware address was last seen
        self._delayed: list[tuple[float, int, int, bytes]] = []
        self._order = itertools.count()
        self.counters = Counter[str]()
        self.obey({})

    def obey(self, state: Mapping[str, Any]) -> None:
        """From now on."""
        self._loss, self._delay = state.get("loss", 0.0), state.get("delay", 0.0)
        slow, apart = state.get("slow", ()), {frozenset(pair) for pair in state.get("apart", ())}
        self._slow = {fd for fd, name in self._names.items() if name in slow}
        self._reached = {
            fd: {
                other
                for other, far in self._names.items()
                if other != fd and frozenset((name, far)) not in apart
            }
            for fd, name in self._names.items()
        }

    def take(self, source: int) -> None:
        """Pass on what a machine has sent."""
        for _ in range(_AT_ONCE):
            try:
                frame = os.read(source, _LARGEST)
            except BlockingIOError:
                return
            self.counters["frames"] += 1
            self._learned[frame[_MAC : 2 * _MAC]] = source
            known = None if frame[0] & _TO_SEVERAL else self._learned.get(frame[:_MAC])
            reached = self._reached[source]
            to = reached if known is None else reached & {known}
            if not to:
                self.counters["cut"] += 1
            elif source not in self._slow:
                self._give(frame, to)
            elif self._random.random() < self._loss:
                self.counters["lost"] += 1
            else:
                self._put_off(frame, to)

    def release(self) -> float | None:
        """Pass on what was delayed for long enough; seconds until the next, None when there is none."""
        while self._delayed:
            wait = self._delayed[0][0] - time.monotonic()
            if wait > 0:
                return wait
            _, _, port, frame = heapq.heappop(self._delayed)
            self._give(frame, (port,))
        return None

    def _put_off(self, frame: bytes, to: set[int]) -> None:
        due = time.monotonic() + self._delay
        for port in to:
            if len(self._delayed) >= _UNDER_WAY:
                self.counters["overflow"] += 1
            else:
                heapq.heappush(self._delayed, (due, next(self._order), port, frame))

    def _give(self, frame: bytes, to: set[int] | tuple[int, ...]) -> None:
        for port in to:
            try:
                os.write(port, frame)
            except OSError:  # its interface is down
                self.counters["refused"] += 1


def main() -> None:
    """Pass frames until stdin ends."""
    seed, *namespaces = sys.argv[1:]
    taps = open_taps(namespaces)
    switch = Switch(taps, int(seed))
    poll = select.epoll()
    for port in (0, *taps.values()):
        poll.register(port, select.EPOLLIN)
    print(json.dumps({"at": time.monotonic()}), flush=True)
    commands = b""
    while True:
        wait = switch.release()
        for ready, _ in poll.poll(-1 if wait is None else wait):
            if ready:
                switch.take(ready)
                continue
            read = os.read(0, _LARGEST)
            if not read:
                return
            *lines, commands = (commands + read).split(b"\n")
            for line in lines:
                switch.obey(json.loads(line))
                print(json.dumps({"at": time.monotonic(), **switch.counters}), flush=True)


if __name__ == "__main__":
    main()
