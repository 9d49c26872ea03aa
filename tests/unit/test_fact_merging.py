"""Which facts say the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aikyo.memory.facts.merging import gist, same, same_value

SAME = [
    ("Mika likes cats.", "Mika loves cats"),
    ("Mika likes cats.", "Mika really likes cats a lot."),
    ("Mika likes cats.", "Mika is fond of cats."),
    ("Mika likes jazz.", "Mika is a big fan of jazz."),
    ("Mika likes swimming.", "Mika enjoys swimming."),
    ("Mika hates natto.", "Mika can't stand natto."),
    ("Mika hates natto.", "Mika does not like natto."),
    ("Mika doesn't like natto.", "Mika dislikes natto."),
    ("Mika has a cat called Tofu.", "Mika owns a cat named Tofu."),
    ("Mika lives in Osaka.", "Mika is living in Osaka now."),
    ("Ken works as a teacher.", "Ken is a teacher."),
    ("Ken works at a bank.", "Ken is working for a bank."),
    ("Ken wants to buy a house.", "Ken would like to buy a house."),
    ("Ken is going to visit Rome.", "Ken plans to visit Rome."),
    ("Sara is twelve years old.", "Sara is 12."),
    ("Sara is from Lisbon.", "Sara comes from Lisbon."),
    ("Sara is allergic to nuts.", "Sara has an allergy to nuts."),
    ("Mika gave Ken a book.", "Mika gave a book to Ken."),
    ("Mika's mum is a nurse.", "Mika's mother is a nurse."),
    ("ミカは猫が好きだ。", "ミカは猫が大好きです。"),
    ("ミカは猫が好きだ。", "ミカはネコが好き"),
    ("ミカは横浜に住んでいる。", "ミカは横浜に住んでいます。"),
    ("ミカは横浜に住んでいる。", "ミカは今は横浜で暮らしている。"),
    ("ミカはトーフという猫を飼っている。", "ミカはトーフという名前の猫を飼ってる"),
    ("ケンは納豆が嫌いだ。", "ケンは納豆が大嫌いです。"),
    ("ケンは銀行で働いている。", "ケンは銀行に勤めています。"),
    ("ケンの父親は医者だ。", "ケンのお父さんは医者です。"),
    ("Mika's cat is called Tofu.", "Mika's cat's name is Tofu."),
    ("Mika has a cat called Tofu.", "The name of Mika's cat is Tofu."),
    ("Mika's got a cat.", "Mika has a cat."),
    ("ミカの猫はトーフという名前だ。", "ミカの猫の名前はトーフだ。"),
    ("ミカはトーフという猫を飼っている。", "ミカの猫はトーフといいます。"),
]

NOT_SAME = [
    ("Mika likes cats.", "Mika likes dogs."),
    ("Mika likes cats.", "Mika dislikes cats."),
    ("Mika likes cats.", "Mika doesn't like cats."),
    ("Mika likes cats.", "Ken likes cats."),
    ("Mika likes cats.", "Mika liked cats."),
    ("Mika likes cats.", "Mika no longer likes cats."),
    ("Mika likes Ken.", "Ken likes Mika."),
    ("Mika likes cats.", "Mika likes cats more than dogs."),
    ("Mika has a cat.", "Mika wants a cat."),
    ("Mika has a cat.", "Mika had a cat."),
    ("Mika has a cat.", "Mika has no cat."),
    ("Mika has a cat.", "Mika has two cats."),
    ("Mika has two cats.", "Mika has three cats."),
    ("Mika has a black cat.", "Mika has a white cat."),
    ("Mika lives in Tokyo.", "Mika lived in Tokyo."),
    ("Mika lives in Tokyo.", "Mika works in Tokyo."),
    ("Mika lives in Tokyo.", "Mika wants to live in Tokyo."),
    ("Ken can swim.", "Ken can't swim."),
    ("Ken is Mika's brother.", "Mika is Ken's brother."),
    ("Ken's brother Haruto likes Sara.", "Ken's brother Sara likes Haruto."),
    ("Ken goes to Rome.", "Ken is going to Rome."),
    ("ミカは猫が好きだ。", "ミカは犬が好きだ。"),
    ("ミカは猫が好きだ。", "ミカは猫が嫌いだ。"),
    ("ミカは猫が好きだ。", "ミカは猫が好きではない。"),
    ("ミカは猫が好きだ。", "ミカは猫が好きだった。"),
    ("ミカは猫を飼っている。", "ミカは猫を飼いたい。"),
    ("ミカは猫を飼っている。", "ミカは猫を飼っていた。"),
    ("ミカは猫を飼っている。", "ミカは猫を飼っていない。"),
    ("ミカは横浜に住んでいる。", "ミカは横浜に勤めている。"),
    ("ミカはケンが好きだ。", "ケンはミカが好きだ。"),
    ("Mika prefers tea to coffee.", "Mika prefers coffee to tea."),
    ("Mika likes tea but not coffee.", "Mika likes coffee but not tea."),
    ("Mika has two cats and three dogs.", "Mika has three cats and two dogs."),
    ("Mika's dog bit her cat.", "Mika's cat bit her dog."),
    ("Mika has few friends.", "Mika has a few friends."),
    ("Mika is going to have a baby.", "Mika plans to have a baby."),
    ("Ken has a kid.", "Ken has kids."),
    ("Mika's cat is called Tofu.", "Mika's dog is called Tofu."),
    ("Mika's cat is called Tofu.", "Mika's cat was called Tofu."),
    ("ミカの猫の名前はトーフだ。", "ミカの犬の名前はトーフだ。"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_paraphrases_have_one_gist(one: str, other: str) -> None:
    assert same(one, other)


@pytest.mark.parametrize(("one", "other"), NOT_SAME)
def test_what_differs_in_any_point_has_another_gist(one: str, other: str) -> None:
    assert not same(one, other)


@given(st.text(max_size=200))
def test_any_text_has_a_gist_and_is_the_same_as_itself(text: str) -> None:
    assert same(text, f" {text} ")
    assert gist(text) == gist(text)


def test_two_facts_of_one_slot_may_give_it_one_value() -> None:
    assert same_value("Mika lives in Osaka.", "Mika's home is in Osaka.", ["mika"])
    assert same_value("Mika's birthday is on 14 May.", "Mika was born on May 14.", ["mika"])
    assert same_value("ミカは大阪に住んでいる。", "ミカの家は大阪にある。", ["ミカ"])
    assert not same_value("Mika lives in Osaka.", "Mika lives in Kyoto.", ["mika"])
    assert not same_value("ミカは大阪に住んでいる。", "ミカは京都に住んでいる。", ["ミカ"])
    assert not same_value("Mika works at home.", "Mika works in a shop.", ["mika"])


@pytest.mark.parametrize(
    "other",
    [
        "Mika no longer lives in Osaka.",
        "Mika left Osaka.",
        "Mika lived in Osaka.",
        "Mika moved away from Osaka.",
        "Mika wants to live in Osaka.",
        "Mika works in Osaka as a driver.",
        "ミカはもう大阪に住んでいない。",
        "ミカは大阪に住んでいた。",
        "ミカは大阪を離れた。",
        "ミカは大阪に住みたい。",
    ],
)
def test_what_is_over_or_more_gives_no_slot_the_same_value(other: str) -> None:
    one = "Mika lives in Osaka." if other.isascii() else "ミカは大阪に住んでいる。"
    assert same_value(one, one, ["mika", "ミカ"])
    assert not same_value(one, other, ["mika", "ミカ"])
