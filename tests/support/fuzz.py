"""What strangers may send: valid bytes gone wrong, and JSON of every shape."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from hypothesis import strategies as st

__all__ = ["deep_json", "json_texts", "json_values", "mutations", "within_seconds"]

_NASTY = (
    *(b"\x00", b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\xf4\x90\x80\x80", b"\x1b[2J"),
    *(b"\\ud800", b"\\udc00", b"\\u0000", b'"', b"\\", b"[", b"]", b"{", b"}", b",", b":", b"\n", b"\r"),
    *(b"null", b"true", b"NaN", b"Infinity", b"-0", b"1e999", b"1e-999", b"9" * 400, b"-1", b"0.0"),
    *(b"[" * 2000, b'{"a":' * 300, b'"id":""', b'"jsonrpc":"2.0"', b"x" * 300, "\u202e\u0301".encode()),
)

text = st.text(max_size=40)
numbers = st.one_of(
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.sampled_from([0, -1, 2**31, 2**53 + 1, 2**63, 2**64, 1e308, -1e308, 5e-324, 1e300]),
)

json_values = st.recursive(
    st.none() | st.booleans() | numbers | text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
    max_leaves=10,
)
"""Anything that JSON can hold, and NaN and half surrogate pairs beside."""

json_texts = json_values.map(json.dumps)


def deep_json(depth: int) -> str:
    """Arrays and objects in turns, `depth` of them."""
    opening = '[{"a":' * (depth // 2) + "[" * (depth % 2)
    closing = "]" * (depth % 2) + "}]" * (depth // 2)
    return opening + ("" if depth % 2 else "0") + closing


@st.composite
def mutations(draw: st.DrawFn, valid: Sequence[bytes]) -> bytes:
    """One of `valid` with one to six faults: bytes changed, lost, doubled or put in between."""
    data = bytearray(draw(st.sampled_from(valid)))
    for _ in range(draw(st.integers(1, 6))):
        start = draw(st.integers(0, len(data)))
        end = min(start + draw(st.integers(0, 12)), len(data))
        match draw(st.sampled_from(["change", "lose", "double", "nasty", "number"])):
            case "change":
                data[start:end] = draw(st.binary(min_size=end - start, max_size=end - start))
            case "lose":
                del data[start:end]
            case "double":
                data[start:start] = data[start:end] * draw(st.integers(1, 40))
            case "nasty":
                data[start:end] = draw(st.sampled_from(_NASTY))
            case "number":
                data[start:end] = str(draw(numbers)).encode()
    return bytes(data)


@contextmanager
def within_seconds(limit: float) -> Iterator[None]:
    """Fail when the block takes more of this thread's time than that; other processes do not count."""
    began = time.thread_time()
    yield
    used = time.thread_time() - began
    assert used < limit, f"took {used:.1f} s of the processor, over {limit:g} s"
