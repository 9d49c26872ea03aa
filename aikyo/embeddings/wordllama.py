"""The sense of a text as a vector, by a static table that comes with wordllama: no model, no network.

The table is read where it lies, mapped into memory: what one process touches is shared with the others.
wordllama's own code is never imported, since it would call a hub and set up logging.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path

from ..errors import AikyoError

__all__ = ["DIMENSIONS", "is_installed", "load_embedder"]

DIMENSIONS = 256

_LONGEST = 2000  # characters; a vector is a mean, which more words hardly change
_REMEMBERED = 64  # texts: the companions of one process all hear the same
_TABLE = Path("weights", "l2_supercat_256.safetensors")
_TOKENS = Path("tokenizers", "l2_supercat_tokenizer_config.json")


def is_installed() -> bool:
    """Whether the table may be there."""
    return find_spec("wordllama") is not None


@cache
def load_embedder() -> Callable[[str], tuple[float, ...]]:
    """The embedder of this process: gives a text's vector of `DIMENSIONS` floats and unit length, or of
    zeros for a text without words.

    Takes about 0.3 s and 40 MB the first time, so call it in a thread then; later it gives the same
    embedder at once. The embedder may be called from any thread, takes about 0.1 ms and reads the first
    2,000 characters of a text.

    Raises:
        AikyoError: the table is not there or cannot be read.
    """
    folder = _folder()
    try:
        import numpy as np
        from safetensors import safe_open
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(folder / _TOKENS))
        with safe_open(folder / _TABLE, framework="numpy") as file:
            rows = file.get_slice("embedding.weight")
    except Exception as error:  # each library raises its own, and OSError
        raise AikyoError(f"no embeddings: wordllama's table in {folder}: {error}") from error
    tokenizer.no_padding()
    tokenizer.no_truncation()

    @lru_cache(_REMEMBERED)
    def embed(text: str) -> tuple[float, ...]:
        vector = np.zeros(DIMENSIONS, np.float32)
        for token in tokenizer.encode(text, add_special_tokens=False).ids:
            vector += rows[token]
        length = np.linalg.norm(vector)
        return tuple((vector / length if length else vector).tolist())

    # half a surrogate pair is no text to the tokenizer
    return lambda text: embed(text[:_LONGEST].encode(errors="replace").decode())


def _folder() -> Path:
    found = find_spec("wordllama")
    if found is None or found.origin is None:
        raise AikyoError("no embeddings: wordllama is not installed")
    return Path(found.origin).parent
