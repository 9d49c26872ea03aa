"""Facts of a memory file: kept, merged, replaced, forgotten."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aikyo.memory import Fact, MemoryFile, NewFact
from aikyo.memory.facts import DAY, lexicon, senses
from tests.support.embedders import renew, vectors
from tests.support.memories import entry

T = 1_800_000_000.0


@pytest.fixture
def memory() -> Iterator[MemoryFile]:
    with MemoryFile.in_ram() as file:
        yield file


def heard(memory: MemoryFile, text: str = "something", **fields: Any) -> str:
    """Something that was heard; its uid."""
    one = entry(text, **{"sender": "user_mika", "name": "Mika"} | fields)
    assert memory.append(one)
    return one.uid


def new(text: str, *sources: str, **fields: Any) -> NewFact:
    return NewFact(text=text, sources=sources, **{"about": "user_mika"} | fields)


def learn(memory: MemoryFile, *facts: NewFact, now: float = T) -> tuple[Fact, ...]:
    return memory.facts.learn(facts, upto=0, now=now)


def texts(facts: tuple[Fact, ...]) -> list[str]:
    return [fact.text for fact in facts]


def test_a_fact_is_kept_with_what_was_found_of_it(memory: MemoryFile) -> None:
    uid = heard(memory, time=T)
    (fact,) = learn(
        memory,
        new("Mika has an exam.", uid, kind="plan", importance=6.0, happened=T + DAY, slot="exam"),
        now=T + 5,
    )
    assert (fact.number, fact.kind, fact.importance, fact.happened) == (1, "plan", 6.0, T + DAY)
    assert (fact.about, fact.slot, fact.sources, fact.ended) == ("user_mika", "exam", (uid,), None)
    assert (fact.learned, fact.confirmed) == (T + 5, T)
    assert memory.facts.all() == (fact,)
    assert memory.facts.find(["f1", fact.uid, "f2", "nothing"]) == (fact,)


def test_the_same_call_again_changes_nothing(memory: MemoryFile) -> None:
    one, two, three = (heard(memory) for _ in range(3))
    batch = (
        new("Mika lives in Tokyo.", one, slot="home"),
        new("Mika likes cats.", one),
        new("Mika loves cats.", two),
        new("Mika lives in Osaka.", three, slot="home"),
        new("Ken may have moved.", three, about="user_ken", against="f1"),
    )
    assert len(memory.facts.learn(batch, upto=3, now=T)) == 4
    before = memory.facts.all()
    assert memory.facts.learn(batch, upto=3, now=T + 100) == ()
    assert memory.facts.all() == before


def test_a_batch_and_its_mark_are_kept_whole_or_not_at_all(
    memory: MemoryFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    uid = heard(memory)
    facts = (new("Mika likes cats.", uid), new("Mika likes dogs.", uid))
    with monkeypatch.context() as patch:
        patch.setattr(memory.store, "set_mark", _failing_at(memory.store.set_mark, "learned"))
        with pytest.raises(RuntimeError):
            memory.facts.learn(facts, upto=1, now=T)
    assert memory.facts.all() == ()
    assert memory.facts.pending() == 1
    memory.facts.learn(facts, upto=1, now=T)
    assert len(memory.facts.all()) == 2
    assert memory.facts.pending() == 0


def _failing_at(set_mark: Any, name: str) -> Any:
    def failing(which: str, upto: int) -> None:
        if which == name:
            raise RuntimeError("cut off")
        set_mark(which, upto)

    return failing


def test_a_mark_never_goes_back(memory: MemoryFile) -> None:
    memory.facts.learn((), upto=7, now=T)
    memory.facts.learn((), upto=3, now=T)
    assert memory.store.mark("learned") == 7


def test_junk_is_refused_and_counted_by_reason(memory: MemoryFile) -> None:
    uid = heard(memory)
    echo = heard(memory, echo=True)
    made = learn(
        memory,
        new("Mika said hello.", uid),
        new("Does Mika like cats?", uid),
        new("Mika likes cats.", "unknown"),
        new("Mika likes dogs.", echo),
    )
    assert made == ()
    assert memory.facts.refused == {"greeting": 1, "question": 1, "no source": 2}


def test_what_stands_in_the_profile_is_not_learned(memory: MemoryFile) -> None:
    uid = heard(memory)
    facts = (new("Alice grew up in a lighthouse.", uid), new("Alice sold her boat.", uid))
    made = memory.facts.learn(
        facts, upto=1, now=T, own=["Alice grew up in a lighthouse and collects shells."]
    )
    assert texts(made) == ["Alice sold her boat."]
    assert memory.facts.refused == {"profile": 1}


def test_an_echo_is_no_evidence_of_what_it_repeats(memory: MemoryFile) -> None:
    uid, echo = heard(memory), heard(memory, echo=True)
    (fact,) = learn(memory, new("Mika likes cats.", uid))
    assert learn(memory, new("Mika likes cats.", echo)) == ()
    assert memory.facts.find([fact.uid])[0].sources == (uid,)


def test_paraphrases_are_merged_and_confirm(memory: MemoryFile) -> None:
    one, two = heard(memory, time=T), heard(memory, time=T + DAY)
    (fact,) = learn(memory, new("Mika likes cats.", one, kind="preference"))
    (again,) = learn(memory, new("Mika loves cats!", two, kind="preference", importance=7.0))
    assert (again.number, again.text, again.sources) == (1, "Mika likes cats.", (one, two))
    assert again.confirmed == T + DAY
    assert again.importance == 7.0
    assert again.half_life is not None
    assert fact.half_life is not None
    assert again.half_life > fact.half_life


def test_what_a_brain_calls_the_same_is_merged(memory: MemoryFile) -> None:
    one, two = heard(memory), heard(memory)
    (fact,) = learn(memory, new("Mika likes cats.", one))
    learn(memory, new("Cats are Mika's favourite animals.", two, same_as=fact.uid))
    assert [f.sources for f in memory.facts.all()] == [(one, two)]


def test_the_same_of_two_people_are_two_facts(memory: MemoryFile) -> None:
    uid = heard(memory)
    learn(memory, new("The twins like cats.", uid), new("The twins like cats.", uid, about="user_ken"))
    assert memory.facts.count() == 2


def test_the_same_on_two_days_are_two_events(memory: MemoryFile) -> None:
    one, two = heard(memory), heard(memory)
    learn(
        memory,
        new("Mika went to Kyoto.", one, kind="event", happened=T),
        new("Mika went to Kyoto.", two, kind="event", happened=T + 30 * DAY),
        new("Mika went to Kyoto.", two, kind="event", happened=T + DAY / 2),
    )
    assert [fact.happened for fact in memory.facts.all()] == [T, T + 30 * DAY]


def test_a_newer_fact_of_a_slot_takes_the_place_of_the_old_which_is_kept_with_its_end(
    memory: MemoryFile,
) -> None:
    one, two = heard(memory, time=T), heard(memory, time=T + DAY)
    learn(memory, new("Mika lives in Tokyo.", one, slot="home"))
    learn(memory, new("Mika lives in Osaka.", two, slot="home"))
    old, now = memory.facts.all()
    assert (old.ended, old.replaced_by) == (T + DAY, now.uid)
    assert now.ended is None
    assert texts(memory.facts.about("user_mika", now=T)) == ["Mika lives in Osaka."]


def test_a_slot_that_is_given_the_same_value_is_confirmed(memory: MemoryFile) -> None:
    one, two = heard(memory), heard(memory)
    learn(memory, new("Mika lives in Osaka.", one, slot="home"))
    learn(memory, new("Mika's home is in Osaka.", two, slot="home"))
    (fact,) = memory.facts.all()
    assert (fact.sources, fact.ended) == ((one, two), None)


def test_what_was_no_longer_so_can_become_so_again(memory: MemoryFile) -> None:
    uids = [heard(memory, time=T + day * DAY) for day in range(3)]
    for uid, town in zip(uids, ("Tokyo", "Osaka", "Tokyo"), strict=True):
        learn(memory, new(f"Mika lives in {town}.", uid, slot="home"))
    assert [(fact.text, fact.ended) for fact in memory.facts.all()] == [
        ("Mika lives in Tokyo.", T + DAY),
        ("Mika lives in Osaka.", T + 2 * DAY),
        ("Mika lives in Tokyo.", None),
    ]


def test_slots_of_others_are_left_alone(memory: MemoryFile) -> None:
    uid = heard(memory)
    learn(
        memory,
        new("Mika lives in Tokyo.", uid, slot="home"),
        new("Ken lives in Osaka.", uid, slot="home", about="user_ken"),
        new("Mika is a nurse.", uid, slot="work"),
    )
    assert all(fact.ended is None for fact in memory.facts.all())


def test_what_a_brain_says_is_replaced_ends(memory: MemoryFile) -> None:
    one, two = heard(memory), heard(memory)
    learn(memory, new("Mika likes coffee.", one))
    learn(memory, new("Mika no longer drinks coffee.", two, replaces="f1"))
    old, now = memory.facts.all()
    assert old.ended is not None
    assert old.replaced_by == now.uid


def test_a_brain_that_names_the_wrong_fact_ends_and_swallows_nothing(memory: MemoryFile) -> None:
    learn(memory, new("Ken lives in Osaka.", heard(memory, sender="user_ken"), about="user_ken"))
    learn(memory, new("Mika likes cats.", heard(memory), kind="preference"))
    learn(memory, new("Mika is allergic to nuts.", heard(memory), kind="health", same_as="f2"))
    learn(memory, new("Mika has a horse.", heard(memory), replaces="f1"))
    facts = memory.facts.all()
    assert [(len(fact.sources), fact.ended) for fact in facts] == [(1, None)] * 4


def test_what_is_said_to_be_the_same_and_over_is_over(memory: MemoryFile) -> None:
    learn(memory, new("Mika lives in Osaka.", heard(memory), slot="home"))
    one, two = heard(memory), heard(memory)
    learn(memory, new("Mika no longer lives in Osaka.", one, slot="home", same_as="f1", replaces="f1"))
    learn(memory, new("Mika lives in Osaka as a lodger.", two, same_as="f1", replaces="f1"))
    assert [fact.ended is None for fact in memory.facts.all()] == [False, True, True]


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        ("Mika lives in Osaka.", "Mika's older sister lives in Nara."),
        ("Mika is 30 years old.", "Mika's cat is 3 years old."),
        ("ミカは大阪に住んでいる。", "ミカの妹は奈良に住んでいる。"),
    ],
)
def test_what_is_true_of_a_sister_or_a_cat_ends_nothing_of_whose_they_are(
    memory: MemoryFile, mine: str, theirs: str
) -> None:
    slot = "age" if "old" in mine else "home"
    learn(memory, new(mine, heard(memory), slot=slot))
    learn(memory, new(theirs, heard(memory), slot=slot))
    learn(memory, new("Mika's home is near her mother.", heard(memory), slot="school"))
    assert [(f.slot, f.ended) for f in memory.facts.all()] == [
        (slot, None),
        ("", None),
        ("school", None),
    ]


def test_what_is_learned_late_ends_nothing_that_was_said_since(memory: MemoryFile) -> None:
    old, young = heard(memory, time=T), heard(memory, time=T + DAY)
    learn(memory, new("Mika lives in Osaka.", young, slot="home"))
    batch = new("Mika lives in Tokyo.", old, slot="home")
    learn(memory, batch)
    assert learn(memory, batch) == ()
    osaka, tokyo = memory.facts.all()
    assert (osaka.ended, tokyo.ended, tokyo.replaced_by) == (None, T + DAY, osaka.uid)


def test_enough_evidence_against_ends_a_fact_and_a_single_doubt_does_not(memory: MemoryFile) -> None:
    uids = [heard(memory) for _ in range(3)]
    learn(memory, new("Mika likes rain.", uids[0]))
    learn(memory, new("Bob says that Mika hates rain.", uids[1], about="user_bob", against="f1"))
    assert memory.facts.all()[0].ended is None
    assert memory.facts.all()[0].against == (uids[1],)
    learn(memory, new("Ken says that Mika hates rain.", uids[2], about="user_ken", against="f1"))
    assert memory.facts.all()[0].ended is not None


def test_a_reflection_rests_on_facts_and_is_merged_likewise(memory: MemoryFile) -> None:
    uid = heard(memory)
    learn(memory, new("Mika likes cats.", uid), new("Mika has a dog.", uid))
    reflection = new("Mika cares about animals.", "f1", "f2", level="reflection")
    (fact,) = memory.facts.reflect([reflection], upto=2, now=T)
    assert fact.sources == tuple(one.uid for one in memory.facts.find(["f1", "f2"]))
    assert memory.store.mark("reflected") == 2
    assert memory.facts.reflect([reflection], upto=2, now=T) == ()
    assert memory.facts.reflect([new("Mika is odd.", uid, level="reflection")], upto=2, now=T) == ()


def test_itself_tells_what_the_companion_believes_of_itself(memory: MemoryFile) -> None:
    learn(memory, new("Mika likes cats.", heard(memory)))
    memory.facts.reflect(
        [new("You and Mika are friends.", "f1", about="companion_alice", level="self", importance=8.0)],
        upto=1,
        now=T,
    )
    assert texts(memory.facts.itself(5, T)) == ["You and Mika are friends."]
    assert texts(memory.facts.after(0, 9)) == ["Mika likes cats."]


def test_threads_are_plans_that_hold_and_are_not_long_past(memory: MemoryFile) -> None:
    of_mika, of_ken = heard(memory, time=T), heard(memory, time=T, sender="user_ken")
    learn(
        memory,
        new("Mika will go to Rome.", of_mika, kind="plan", happened=T + 9 * DAY),
        new("Mika has an exam.", of_mika, kind="plan", happened=T + DAY),
        new("Mika went to a party.", of_mika, kind="plan", happened=T - 9 * DAY),
        new("Mika wants a dog.", of_mika, kind="plan"),
        new("Alice lends Ken a book.", of_ken, kind="promise", about="companion_alice"),
        new("Ken buys a house.", of_ken, kind="plan", about="user_ken", happened=T + DAY),
        new("Mika likes cats.", of_mika),
    )
    told = texts(memory.facts.threads(["user_mika"], 9, T))
    assert told == ["Mika has an exam.", "Mika will go to Rome.", "Mika wants a dog."]
    assert texts(memory.facts.threads(["user_ken"], 9, T)) == [
        "Ken buys a house.",
        "Alice lends Ken a book.",
    ]
    assert texts(memory.facts.threads(["user_mika"], 9, T + 90 * DAY)) == []


def test_forgetting_a_fact_takes_what_rests_on_it_and_lets_the_rest_be_reflected_on_anew(
    memory: MemoryFile,
) -> None:
    uid = heard(memory)
    learn(memory, *(new(f"Mika has a {pet}.", uid) for pet in ("cat", "dog", "parrot")))
    memory.facts.reflect(
        [new("Mika cares about animals.", "f1", "f2", level="reflection")], upto=3, now=T
    )
    gone = memory.facts.forget(["f2"])
    assert sorted(texts(gone)) == ["Mika cares about animals.", "Mika has a dog."]
    assert texts(memory.facts.all()) == ["Mika has a cat.", "Mika has a parrot."]
    assert memory.store.mark("reflected") == 0
    assert memory.facts.recall("dog animals", level="reflection") == ()


def test_a_number_is_never_given_twice(memory: MemoryFile) -> None:
    uid = heard(memory)
    learn(memory, new("Mika likes cats.", uid))
    memory.facts.forget(["f1"])
    (fact,) = learn(memory, new("Mika likes dogs.", uid))
    assert fact.number == 2


def test_a_fact_goes_with_its_last_source(memory: MemoryFile) -> None:
    one, two = heard(memory), heard(memory)
    learn(
        memory, new("Mika likes cats.", one), new("Mika likes cats.", two), new("Mika has a dog.", one)
    )
    gone = memory.facts.sources_gone([one])
    assert texts(gone) == ["Mika has a dog."]
    assert memory.facts.all()[0].sources == (two,)
    assert texts(memory.facts.sources_gone([two])) == ["Mika likes cats."]
    assert memory.facts.all() == ()
    assert memory.store.rows("SELECT * FROM evidence") == []


def test_nothing_of_what_was_forgotten_or_reworded_is_left_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "alice.db"
    with MemoryFile.open(path) as memory:
        memory.store.change("PRAGMA secure_delete = ON")
        uid = heard(memory)
        learn(memory, new("Mika hid the zebrafinch.", uid), new("Mika hid the quokkatail.", uid))
        memory.facts.forget(["f1"])
        memory.facts.edit("f2", "Mika hid a box.", T)
        memory.store.change("PRAGMA wal_checkpoint(TRUNCATE)")
        memory.store.change("VACUUM")
    held = path.read_bytes()
    assert b"box" in held
    assert b"zebrafinch" not in held
    assert b"quokkatail" not in held


def test_a_person_s_wording_stays_whatever_is_learned(memory: MemoryFile) -> None:
    one, two = heard(memory), heard(memory)
    learn(memory, new("Mika lives in Kobe.", one, slot="home"))
    edited = memory.facts.edit("f1", "Mika has a house in Kobe.", T + DAY)
    assert edited is not None
    assert (edited.text, edited.edited, edited.confirmed) == ("Mika has a house in Kobe.", True, T + DAY)
    learn(memory, new("Mika lives in Kobe.", two, slot="home"))
    assert texts(memory.facts.all()) == ["Mika has a house in Kobe."]
    assert [hit.fact.text for hit in memory.facts.recall("house")] == ["Mika has a house in Kobe."]
    assert memory.facts.edit("f9", "Mika has a boat.", T) is None


def test_an_edited_fact_is_not_learned_again_from_its_old_source(memory: MemoryFile) -> None:
    uid = heard(memory)
    learn(memory, new("Mika likes cats.", uid))
    memory.facts.edit("f1", "Mika likes parrots.", T)
    assert learn(memory, new("Mika likes cats.", uid)) == ()
    assert texts(memory.facts.all()) == ["Mika likes parrots."]


def test_facts_taken_to_another_file_are_the_same_there(memory: MemoryFile) -> None:
    one, two = heard(memory), heard(memory)
    learn(memory, new("Mika lives in Tokyo.", one, slot="home"))
    learn(memory, new("Mika lives in Osaka.", two, slot="home"))
    with MemoryFile.in_ram() as other:
        other.append(entry("before"))
        assert all(other.facts.put(fact) for fact in memory.facts.all())
        assert other.facts.all() == memory.facts.all()
        assert not any(other.facts.put(fact) for fact in memory.facts.all())
        assert other.facts.all() == memory.facts.all()


def test_a_fact_put_again_adds_its_evidence_and_a_person_s_wording(memory: MemoryFile) -> None:
    uid = heard(memory)
    (fact,) = learn(memory, new("Mika likes cats.", uid))
    with MemoryFile.in_ram() as other:
        other.facts.put(fact)
        other.facts.edit(fact.uid, "Mika adores cats.", T + DAY)
        (theirs,) = other.facts.all()
    assert not memory.facts.put(theirs)
    (held,) = memory.facts.all()
    assert (held.text, held.edited, held.confirmed) == ("Mika adores cats.", True, T + DAY)


def test_without_an_embedder_facts_are_found_by_words_and_concepts() -> None:
    with MemoryFile.in_ram("none") as memory:
        uid = heard(memory)
        learn(memory, new("Mika has a cat called Tofu.", uid), new("Mika is a nurse.", uid))
        assert [hit.fact.number for hit in memory.facts.recall("What is Mika's pet called?", 1)] == [1]
        assert [hit.fact.number for hit in memory.facts.recall("tofu")] == [1]
        assert vectors(memory) == [(None, ""), (None, "")]
        assert memory.facts.outdated(9) == ()


def test_a_new_lexicon_makes_old_facts_outdated(
    memory: MemoryFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    learn(memory, new("Mika has a wombat.", heard(memory)))
    assert memory.facts.outdated(9) == ()
    other = lexicon.Lexicon('[burrower]\nen = "wombat badger"\nja = ""')
    monkeypatch.setattr(senses, "lexicon", lambda: other)
    monkeypatch.setattr("aikyo.memory.facts.rows.lexicon", lambda: other)
    renew(memory)
    assert memory.store.rows("SELECT concepts FROM facts")[0][0] == f"{other.version} burrower"


def test_a_reader_beside_the_writer_sees_what_was_learned(tmp_path: Path) -> None:
    path = tmp_path / "alice.db"
    with MemoryFile.open(path) as writer, MemoryFile.read(path) as reader:
        assert reader.facts.recall("cats") == ()
        learn(writer, new("Mika likes cats.", heard(writer)))
        assert [hit.fact.text for hit in reader.facts.recall("cats")] == ["Mika likes cats."]
        writer.facts.forget(["f1"])
        assert reader.facts.recall("cats") == ()


def test_what_does_not_fit_together_in_a_file_is_told_as_damage(tmp_path: Path) -> None:
    from aikyo.memory import MemoryFileError

    path = tmp_path / "alice.db"
    with MemoryFile.open(path) as memory:
        learn(memory, new("Mika likes cats.", heard(memory)))
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE facts SET vector = x'00', concepts = 'nonsense of another day'")
    connection.close()
    with MemoryFile.open(path) as memory:
        assert [hit.fact.text for hit in memory.facts.recall("cats")] == ["Mika likes cats."]
        memory.store.change("DROP TABLE evidence")
        with pytest.raises(MemoryFileError):
            memory.facts.all()
