"""Whom a sentence means by "I": what people ask of themselves names nobody. Pure."""

from __future__ import annotations

import re
import unicodedata

__all__ = ["asked_by", "is_of_oneself"]

_FIRST_PERSON = re.compile(
    r"\b(?:i|my|me|mine|myself|we|our|us)\b"
    r"|私(?![立鉄服物用塾])|わたし|あたし|僕|ぼく|俺|おれ|(?<![のいるた])うち(?:の|は|で|に|って)"
)


def is_of_oneself(text: str) -> bool:
    """Whether it says "I" or "my", in English or Japanese."""
    return _FIRST_PERSON.search(unicodedata.normalize("NFKC", text).casefold()) is not None


def asked_by(name: str, text: str) -> str:
    """`text` as memory is to be searched for it: "my cat", where Mika asks, is Mika's.

    Args:
        name: of who said it; empty where nobody did.
        text: what was said.
    """
    return f"{name}: {text}" if name and is_of_oneself(text) else text
