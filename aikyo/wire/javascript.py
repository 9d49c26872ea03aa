"""A Message as the TypeScript aikyo hashes it: ``JSON.stringify`` of what its schema leaves of it.

JavaScript writes numbers, strings and the keys of an object in its own way and order (ECMAScript 2024,
sections 6.1.6.1.20, 10.1.11 and 25.5.2); to come to the same hash, every byte must be the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any, NoReturn

__all__ = ["Hashed", "hashed", "stringify"]

_EXACT = 15  # digits of a whole number that a float holds, whichever they are
_ARRAY_INDEX = re.compile(r"0|[1-9][0-9]{0,9}")
_MAX_ARRAY_INDEX = 2**32 - 2
_UNSAFE = re.compile(r'["\\\x00-\x1f\ud800-\udfff]')
_SHORT = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


@dataclass(frozen=True, slots=True)
class Hashed:
    """What the election needs of a message.

    Attributes:
        to: its recipients, as they are listed.
        text: the bytes that are hashed.
    """

    to: tuple[str, ...]
    text: bytes


@lru_cache(maxsize=4)  # every companion of the process hears the same, and it may be a megabyte
def hashed(raw: bytes | str, *, enveloped: bool = True) -> Hashed | None:
    """What a TypeScript companion hashes of a message, or None for what its schema refuses.

    Args:
        raw: the JSON as it was on the wire, where ``1.0`` is still ``1.0``.
        enveloped: whether `raw` is the whole call, or its ``params`` alone.
    """
    try:
        found = json.loads(
            raw.decode() if isinstance(raw, bytes) else raw,
            parse_int=_whole,
            parse_constant=_refuse,
            object_pairs_hook=_object,
        )
        if enveloped:
            found = _params(found)
        valid = _validated(found)
        if valid is None:
            return None
        call = {"jsonrpc": "2.0", "method": "message.send", "params": valid}
        return Hashed(tuple(valid["to"]), stringify(call).encode())
    except (ValueError, RecursionError):
        return None


def stringify(value: object) -> str:
    """``JSON.stringify`` of what was read from JSON, with keys in their order.

    Raises:
        TypeError: JSON has no such value.
    """
    write = _WRITE.get(type(value))
    if write is None:
        raise TypeError(f"JSON has no {type(value).__name__}")
    return write(value)


def _whole(digits: str) -> int | float:
    """JavaScript has floats alone; what those hold exactly is quicker to write as it is."""
    return int(digits) if len(digits) <= _EXACT and digits != "-0" else float(digits)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object's properties in JavaScript's order: array indices by value, then as they came. Of two
    with one key the last holds, at the place of the first."""
    found = dict(pairs)
    indices = [key for key in found if _is_index(key)]
    if not indices:
        return found
    return {key: found[key] for key in sorted(indices, key=int)} | found


def _is_index(key: str) -> bool:
    return _ARRAY_INDEX.fullmatch(key) is not None and int(key) <= _MAX_ARRAY_INDEX


def _params(call: object) -> object:
    """The params of a call that has these three members and no other; else None."""
    if not isinstance(call, dict) or call.keys() != {"jsonrpc", "method", "params"}:
        return None
    if (call["jsonrpc"], call["method"]) != ("2.0", "message.send"):
        return None
    return call["params"]


def _validated(params: object) -> dict[str, Any] | None:
    """The params in the schema's order, unknown ones left out; None where the schema refuses them."""
    if not isinstance(params, dict):
        return None
    valid = {name: params.get(name) for name in ("id", "from", "to", "message")}
    to = valid["to"]
    if not isinstance(to, list) or not all(isinstance(one, str) for one in to):
        return None
    if not all(isinstance(valid[name], str) for name in ("id", "from", "message")):
        return None
    if "metadata" in params:
        metadata = params["metadata"]
        if not isinstance(metadata, dict):
            return None
        # The schema puts a record together anew, where this key would be no property
        valid["metadata"] = {key: one for key, one in metadata.items() if key != "__proto__"}
    return valid


def _string(text: str) -> str:
    return '"' + _UNSAFE.sub(_escaped, text) + '"'


def _escaped(found: re.Match[str]) -> str:
    return _SHORT.get(found[0]) or f"\\u{ord(found[0]):04x}"


def _number(value: float) -> str:
    """``Number::toString``: the fewest digits that give the number again, in JavaScript's layout."""
    if value in (float("inf"), float("-inf")):
        return "null"
    if value == 0:
        return "0"
    shortest = repr(value)
    if "e" not in shortest:
        return shortest.removesuffix(".0")
    decimal = Decimal(shortest)
    sign = "-" if value < 0 else ""
    digits = "".join(map(str, decimal.as_tuple().digits)).rstrip("0")
    point = decimal.adjusted() + 1  # digits before the decimal point
    if len(digits) <= point <= 21:
        return sign + digits.ljust(point, "0")
    if 0 < point <= 21:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{fraction}e{point - 1:+d}"


_WRITE: dict[type, Callable[[Any], str]] = {
    type(None): lambda _: "null",
    bool: lambda value: "true" if value else "false",
    str: _string,
    int: lambda value: _number(float(value)) if abs(value) >= 10**_EXACT else str(value),
    float: _number,
    list: lambda value: "[" + ",".join(map(stringify, value)) + "]",
    dict: lambda value: (
        "{" + ",".join(f"{_string(key)}:{stringify(one)}" for key, one in value.items()) + "}"
    ),
}
