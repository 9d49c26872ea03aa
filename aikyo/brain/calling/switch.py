"""The switch that keeps everything from asking a model beyond this machine, as tests need it."""

from __future__ import annotations

import os
from ipaddress import ip_address
from urllib.parse import urlsplit

from ...errors import UsageError

__all__ = ["ONLY_LOCAL", "refuse_remote"]

ONLY_LOCAL = "AIKYO_ONLY_LOCAL_MODELS"
"""The variable of the environment that turns it on, being ``1``."""


def refuse_remote(url: str) -> None:
    """See that the server at `url` may be asked; called where a client of one is made.

    Raises:
        UsageError: the switch is on, and the server is not on this machine's loopback.
    """
    if os.environ.get(ONLY_LOCAL, "").strip().lower() in {"", "0", "no", "off", "false"}:
        return
    host = urlsplit(url).hostname or ""
    if not _is_loopback(host):
        raise UsageError(
            f"{ONLY_LOCAL} is set, which lets no model at {host or 'an unknown host'} be asked"
        )


def _is_loopback(host: str) -> bool:
    name = host.rstrip(".").lower()
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")
