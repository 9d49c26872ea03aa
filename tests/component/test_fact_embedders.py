"""Facts with embedders that take their time, change, or fail."""

from __future__ import annotations

import logging
import threading
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import pytest
import trio

from aikyo.cli import main
from aikyo.config import load_settings
from aikyo.embeddings import Embedder, choose_embedder, minilm
from aikyo.errors import AikyoError, UsageError
from aikyo.memory import Memory, MemoryFile, NewFact
from aikyo.memory.facts import FactHit
from aikyo.paths import Home
from tests.support.embedders import Listing, broken, renew, vectors
from tests.support.memories import entry

T = 1_800_000_000.0
OCEAN = "Mika drew the ocean."
CATS = "Mika found two kittens."


def learn(memory: MemoryFile, *texts: str) -> None:
    heard = entry()
    memory.append(heard)
    facts = [NewFact(text=text, about="user_mika", sources=(heard.uid,)) for text in texts]
    assert len(memory.facts.learn(facts, upto=0, now=T)) == len(texts)


def best(memory: MemoryFile, query: str) -> FactHit:
    return memory.facts.recall(query, 1)[0]


def by_sense(memory: MemoryFile, query: str) -> list[str]:
    return [hit.fact.text for hit in memory.facts.recall(query) if "sense" in hit.ways]


def test_a_slow_embedder_is_not_asked_while_facts_are_kept_but_later() -> None:
    listing = Listing()
    with MemoryFile.in_ram(listing.as_embedder()) as memory:
        learn(memory, OCEAN, CATS)
        memory.facts.edit("f2", "Mika found a kitten.", T)
        assert listing.texts == []
        assert best(memory, "ocean").fact.text == OCEAN  # by its words
        assert by_sense(memory, "the sea") == []
        assert renew(memory) == 2
        assert by_sense(memory, "the sea") == [OCEAN]
        assert renew(memory) == 0


def test_a_quick_embedder_is_asked_at_once() -> None:
    with MemoryFile.in_ram(Listing().as_embedder(is_quick=True)) as memory:
        learn(memory, OCEAN)
        assert by_sense(memory, "the sea") == [OCEAN]
        assert renew(memory) == 0


def test_vectors_of_another_embedder_are_not_compared_and_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "alice.db"
    with MemoryFile.open(path, embedder=Listing().as_embedder("old", is_quick=True)) as memory:
        learn(memory, OCEAN, CATS)
    with MemoryFile.open(path, embedder=Listing().as_embedder("new")) as memory:
        assert best(memory, "kittens").fact.text == CATS
        assert by_sense(memory, "the sea") == []
        assert renew(memory) == 2
        assert by_sense(memory, "the sea") == [OCEAN]
        assert [name for _, name in vectors(memory)] == ["new", "new"]
    with MemoryFile.open(path, embedder="none") as memory:
        assert best(memory, "kittens").fact.text == CATS
        renew(memory)
        assert vectors(memory) == [(None, ""), (None, "")]


def test_a_fact_that_was_reworded_meanwhile_does_not_get_its_old_sense() -> None:
    with MemoryFile.in_ram(Listing().as_embedder()) as memory:
        learn(memory, OCEAN)
        outdated = memory.facts.outdated(9)
        memory.facts.edit("f1", "Mika drew a boat.", T)
        memory.facts.renew(memory.facts.senses_of(outdated))
        assert by_sense(memory, "the sea") == []
        assert renew(memory) == 1
        assert by_sense(memory, "a ship") == ["Mika drew a boat."]


def test_an_embedder_that_does_not_run_is_told_once_and_words_do(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING), MemoryFile.in_ram(broken()) as memory:
        learn(memory, OCEAN)
        assert renew(memory) == 0
        assert best(memory, "ocean").fact.text == OCEAN
    assert [record.getMessage() for record in caplog.records] == [
        "no embeddings: it does not run here; memories are found by words alone"
    ]


async def test_neither_reading_nor_writing_waits_for_an_embedder(tmp_path: Path) -> None:
    asked, answered = threading.Event(), threading.Event()

    def meanwhile() -> None:
        asked.set()
        assert answered.wait(30)

    embedder = Listing(meanwhile=meanwhile).as_embedder()
    async with Memory.open(tmp_path / "alice.db", embedder=embedder) as memory:
        await memory.write(lambda file: learn(file, OCEAN))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(memory.make_senses)
            with trio.fail_after(25):
                await trio.to_thread.run_sync(asked.wait)
                await memory.append(entry("while it thinks"))
                assert len(await memory.recent(None, 1)) == 1
            answered.set()
        assert await memory.read(lambda file: by_sense(file, "the sea")) == [OCEAN]


def installed(monkeypatch: pytest.MonkeyPatch, *, is_there: bool) -> None:
    monkeypatch.setattr(minilm, "is_installed", lambda: is_there)


def name_of(embedder: Embedder | None) -> str:
    return embedder.name if embedder else ""


def test_auto_is_the_best_that_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, is_there=True)
    assert name_of(choose_embedder()) == name_of(choose_embedder("minilm")) == "minilm"
    installed(monkeypatch, is_there=False)
    assert name_of(choose_embedder()) == name_of(choose_embedder("wordllama")) == "wordllama"
    monkeypatch.setattr("aikyo.embeddings.wordllama.is_installed", lambda: False)
    assert choose_embedder() is choose_embedder("none") is None
    with pytest.raises(UsageError, match="wordllama is not installed"):
        choose_embedder("wordllama")


def test_a_setting_that_asks_for_what_is_not_installed_is_told_with_its_place_and_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(monkeypatch, is_there=False)
    (tmp_path / "aikyo.toml").write_text('embedder = "minilm"\n')
    with pytest.raises(UsageError, match=r"aikyo\.toml:1:12: .*not installed.*install") as caught:
        settings(tmp_path, checks={"embedder": choose_embedder})
    assert minilm.COMMAND in str(caught.value)


def settings(folder: Path, **fields: Any) -> Any:
    return load_settings(Home(folder / "home"), cwd=folder, environ={}, flags={}, **fields)


def test_search_uses_the_embedder_of_the_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    installed(monkeypatch, is_there=False)
    monkeypatch.chdir(tmp_path)
    home = Home(tmp_path / "home")
    home.memory("alice").parent.mkdir(parents=True)
    with MemoryFile.open(home.memory("alice"), embedder="wordllama") as memory:
        learn(memory, OCEAN)
    found = {}
    for setting, code in (("auto", 0), ("none", 0), ("minilm", 2)):
        monkeypatch.setenv("AIKYO_EMBEDDER", setting)
        with pytest.raises(SystemExit) as caught:
            main(["memory", "search", "alice", "the sea", "--explain", "--home", str(home.root)])
        assert caught.value.code == code
        found[setting] = capsys.readouterr()
    assert "sense" in found["auto"].out
    assert OCEAN in found["none"].out
    assert "sense" not in found["none"].out
    assert "minilm is not installed" in found["minilm"].err


def test_without_its_packages_minilm_says_what_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minilm, "find_spec", lambda _: None)
    minilm.load_embedder.cache_clear()
    assert not minilm.is_installed()
    with pytest.raises(AikyoError, match="not installed") as caught:
        minilm.load_embedder()
    assert minilm.COMMAND in str(caught.value)


def test_another_file_in_the_place_of_minilms_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for file in ("model.onnx", "vocab.txt"):
        (tmp_path / file).write_bytes(b"something else")
    spec = ModuleSpec("theirs", None, origin=str(tmp_path / "__init__.py"))
    monkeypatch.setattr(minilm, "find_spec", lambda _: spec)
    minilm.load_embedder.cache_clear()
    with pytest.raises(AikyoError, match=r"model\.onnx is not the file it should be"):
        minilm.load_embedder()


needs_minilm = pytest.mark.skipif(not minilm.is_installed(), reason="the extra is not installed")


@needs_minilm
def test_minilm_finds_what_has_no_word_in_common() -> None:
    with MemoryFile.in_ram("minilm") as memory:
        learn(memory, "Mika repairs violins for a living.", "Mika is scared of thunder.")
        renew(memory)
        assert by_sense(memory, "Which instruments does she mend?")[0].startswith("Mika repairs")


@needs_minilm
@pytest.mark.parametrize("text", ["", "   ", "half a pair: \ud83d", "sea " * 5000, "猫が好き"])
def test_minilm_gives_a_vector_of_unit_length_or_none_for_any_text(text: str) -> None:
    vector = minilm.load_embedder()(text)
    assert len(vector) == minilm.DIMENSIONS
    length = sum(x * x for x in vector) ** 0.5
    assert abs(length - (1 if text.strip() else 0)) < 1e-4
