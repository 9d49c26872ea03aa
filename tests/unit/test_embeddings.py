"""Vectors of texts, from the table that comes with wordllama."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.machinery import ModuleSpec
from math import sqrt
from operator import mul
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aikyo.embeddings import DIMENSIONS, load_embedder, wordllama
from aikyo.errors import AikyoError


@pytest.fixture
def _afresh() -> Iterator[None]:
    load_embedder.cache_clear()
    yield
    load_embedder.cache_clear()


def cosine(one: str, other: str) -> float:
    embed = load_embedder()
    return sum(map(mul, embed(one), embed(other)))


@given(st.text(max_size=80))
@example("half a pair: \ud83d")
def test_a_vector_has_unit_length_or_none(text: str) -> None:
    vector = load_embedder()(text)
    assert len(vector) == DIMENSIONS
    assert abs(sqrt(sum(x * x for x in vector)) - (1 if text else 0)) < 1e-4


def test_alike_in_sense_is_near() -> None:
    for one, near, far in (
        ("My telescope broke.", "The telescope is damaged.", "Bread rises slowly."),
        ("雨が降っています。", "朝から雨が降っているね。", "パンを焼きました。"),
    ):
        assert cosine(one, near) > cosine(one, far) + 0.1


def test_only_the_beginning_of_a_long_text_is_read() -> None:
    embed = load_embedder()
    assert embed("sea " * 500 + "mountain " * 5000) == embed("sea " * 500)


def test_threads_get_the_same_as_one_alone() -> None:
    texts = [f"Number {n} of many 海 {n * n}" for n in range(200)]
    alone = [load_embedder()(text) for text in texts]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(load_embedder(), texts)) == alone


def test_is_loaded_once_in_a_process() -> None:
    assert load_embedder() is load_embedder()


def test_neither_import_nor_use_runs_wordllamas_own_code() -> None:
    code = (
        "import sys; from aikyo.embeddings import load_embedder; slow = 'numpy' in sys.modules;"
        "load_embedder()('hello'); print(slow, 'wordllama' in sys.modules)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert run.stdout.split() == ["False", "False"]


@pytest.mark.usefixtures("_afresh")
def test_without_the_table_the_error_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wordllama, "find_spec", lambda _: None)
    with pytest.raises(AikyoError, match="wordllama is not installed"):
        load_embedder()


@pytest.mark.usefixtures("_afresh")
@pytest.mark.parametrize("content", [None, b"", b"\xff" * 64])
def test_a_damaged_table_is_an_error_of_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None
) -> None:
    good, table = wordllama._folder(), tmp_path / wordllama._TABLE
    for file in (table, tmp_path / wordllama._TOKENS):
        file.parent.mkdir()
    (tmp_path / wordllama._TOKENS).write_bytes((good / wordllama._TOKENS).read_bytes())
    if content is not None:
        table.write_bytes(content)
    spec = ModuleSpec("wordllama", None, origin=str(tmp_path / "__init__.py"))
    monkeypatch.setattr(wordllama, "find_spec", lambda _: spec)
    with pytest.raises(AikyoError, match="no embeddings") as caught:
        load_embedder()
    assert "\n" not in str(caught.value)
