"""The log: warnings and tracebacks go to a rotated file in the home, never to the terminal."""

from __future__ import annotations

import logging
import logging.handlers
import os
from io import TextIOWrapper
from typing import cast

from ..errors import UsageError
from ..paths import Home

__all__ = ["log_to_home"]

MAX_BYTES = 1 << 20
KEPT = 3


class _PrivateFile(logging.handlers.RotatingFileHandler):
    """Rotated files that nobody else may read: they can hold what was said."""

    def _open(self) -> TextIOWrapper:
        file = open(  # noqa: SIM115 - the handler closes it
            self.baseFilename,
            self.mode,
            encoding=self.encoding,
            opener=lambda path, flags: os.open(path, flags, 0o600),
        )
        return cast("TextIOWrapper", file)


def log_to_home(home: Home, *, debug: bool = False) -> None:
    """Send the root logger's records to `HOME/aikyo.log`. To be called before libp2p is imported,
    which would otherwise give the root logger a handler of its own."""
    try:
        handler = _PrivateFile(home.log, maxBytes=MAX_BYTES, backupCount=KEPT, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {home.log} ({error.strerror}); choose another --home") from None
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("aikyo").setLevel(logging.DEBUG if debug else logging.INFO)
