"""A server that speaks Chat Completions: where it is, whether it costs money, which models it has."""

from __future__ import annotations

import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any
from urllib.parse import urlsplit

import msgspec

from ...errors import UsageError
from ..calling.fault import CONNECT_SECONDS
from ..calling.switch import refuse_remote
from ..calling.words import one_line

__all__ = ["OPENAI", "ChatServer"]

OPENAI = "https://api.openai.com/v1"
"""Where requests go when no other server is named."""

_LOCAL_NAMES = (".local", ".lan", ".internal", ".home.arpa", ".localhost")
_NOT_FOR_TALK = ("embed", "rerank", "whisper", "tts", "bge-", "minilm", "clip-", "guard", "moderation")
_MAX_LIST = 4 << 20
_LIST_SECONDS = 10.0
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class ChatServer:
    """Where to ask, and with what key.

    Attributes:
        url: its base, as ``http://localhost:11434/v1``.
        key: sent with each request; "" for none.
    """

    url: str = OPENAI
    key: str = field(default="", repr=False)

    @property
    def host(self) -> str:
        """Its name or address."""
        return urlsplit(self.url).hostname or ""

    @property
    def is_local(self) -> bool:
        """Whether it is on this machine or this network, so that asking costs no money."""
        name = self.host.lower().rstrip(".")
        address = _address(name)
        if address is None:
            return "." not in name or name.endswith(_LOCAL_NAMES)
        return address.is_private or address.is_loopback

    @property
    def headers(self) -> dict[str, str]:
        """What goes with each request. Nothing is to be packed, so that what comes is no longer than it
        looks."""
        plain = {"accept-encoding": "identity"}
        return {**plain, "authorization": f"Bearer {self.key}"} if self.key else plain

    def client_options(self) -> dict[str, Any]:
        """How to make a client for it. On this network no proxy is asked, wherever the environment
        has one; no redirect is followed, since the key would follow as well."""
        return {"headers": self.headers, "trust_env": not self.is_local, "follow_redirects": False}

    def find_model(self) -> str:
        """The model to take where none is named: the only one, or on this network the first that is
        for talk. Asks the server, for some seconds at most; blocks.

        Raises:
            UsageError: it cannot be told, and how to name one; or only models of this machine may be
                asked, and it is none.
        """
        names = self._models()
        fit = [name for name in names if not any(word in name.lower() for word in _NOT_FOR_TALK)]
        if len(fit) == 1 or (fit and self.is_local):
            return fit[0]
        if not fit:
            raise UsageError(f"{self.host} has no model yet; load one there, or set `model`")
        shown = ", ".join(fit[:_SHOWN]) + (", …" if len(fit) > _SHOWN else "")
        raise UsageError(f"{self.host} has several models; set `model` to one of them: {shown}")

    def _models(self) -> Sequence[str]:
        import httpx2

        refuse_remote(self.url)
        deadline = time.monotonic() + _LIST_SECONDS
        way_out = "; set `model` (or --model), and check OPENAI_BASE_URL"
        timeout = httpx2.Timeout(CONNECT_SECONDS)
        try:
            with (
                httpx2.Client(timeout=timeout, **self.client_options()) as client,
                client.stream("GET", f"{self.url}/models") as response,
            ):
                body = bytearray()
                for chunk in response.iter_bytes():
                    body += chunk
                    if len(body) > _MAX_LIST or time.monotonic() > deadline:
                        break
        except (httpx2.TransportError, httpx2.DecodingError):
            raise UsageError(f"cannot reach {self.host} to ask for its models; is it running?") from None
        if response.status_code in {401, 403}:
            refused = "refused the key" if self.key else "wants a key"
            raise UsageError(f"{self.host} {refused}; check OPENAI_API_KEY")
        if response.status_code != 200:
            raise UsageError(f"{self.host} lists no models (HTTP {response.status_code}){way_out}")
        try:
            listed = msgspec.json.decode(body.decode(errors="replace"))["data"] or ()
            return [one_line(each["id"], self.key) for each in listed if each["id"]]
        except (msgspec.DecodeError, RecursionError, TypeError, KeyError, AttributeError):
            raise UsageError(f"{self.host} lists no models{way_out}") from None


def _address(host: str) -> IPv4Address | IPv6Address | None:
    """The address that a host is, if it is one, also where it is written as 0x7f000001 or 127.1, which
    a system takes as well."""
    try:
        address = ip_address(host)
    except ValueError:
        try:
            return IPv4Address(socket.inet_aton(host))
        except (OSError, ValueError):
            return None
    return getattr(address, "ipv4_mapped", None) or address
