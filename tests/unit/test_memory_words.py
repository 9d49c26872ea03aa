import sqlite3
import sys
from contextlib import closing

from hypothesis import given
from hypothesis import strategies as st

from aikyo.memory.recall.index import WORDS
from aikyo.memory.recall.stopwords import STOP_WORDS
from aikyo.memory.recall.words import MAX_TERMS, folded, index_text, match_expression, query_terms

ANY_TEXT = st.text(st.characters(), max_size=200)  # surrogates and NUL among them
KANJI = st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF)
JAPANESE = st.text(
    st.one_of(
        KANJI,
        st.characters(min_codepoint=0x3041, max_codepoint=0x3096),
        st.sampled_from("ラーメン、。 "),
    ),
    max_size=30,
)


def finds(query: str, *texts: str) -> list[int]:
    """Which of the texts FTS5 itself finds."""
    with closing(sqlite3.connect(":memory:")) as db:
        db.execute(
            "CREATE VIRTUAL TABLE words USING fts5(t, tokenize='porter unicode61 remove_diacritics 2')"
        )
        db.executemany("INSERT INTO words VALUES (?)", ((index_text(text),) for text in texts))
        expression = match_expression(query)
        if expression is None:
            return []
        rows = db.execute("SELECT rowid FROM words WHERE words MATCH ? ORDER BY rowid", (expression,))
        return [row[0] - 1 for row in rows]


@given(ANY_TEXT, ANY_TEXT)
def test_any_text_can_be_indexed_and_looked_for(text: str, query: str) -> None:
    finds(query, text)


@given(st.text(st.sampled_from("\"'*()^:-+{}[]\\ NEAR AND OR NOT\0a"), max_size=40))
def test_operators_and_quotes_of_full_text_search_are_only_text(query: str) -> None:
    finds(query, "a near miss")


@given(JAPANESE, KANJI, JAPANESE)
def test_one_kanji_is_found_wherever_it_stands(before: str, kanji: str, after: str) -> None:
    assert finds(kanji, before + kanji + after) == [0]


@given(st.lists(st.text("abcdefghij", min_size=1, max_size=8), min_size=1, max_size=20), st.data())
def test_every_word_of_a_text_finds_it(words: list[str], data: st.DataObject) -> None:
    assert finds(data.draw(st.sampled_from(words)), " ".join(words)) == [0]


@given(ANY_TEXT)
def test_a_query_is_bounded(query: str) -> None:
    assert (match_expression(query * 50) or "").count(" OR ") < MAX_TERMS


def test_a_long_query_keeps_its_first_terms() -> None:
    expression = match_expression(" ".join(f"word{number}" for number in range(1000)))
    assert expression is not None
    assert expression.split(" OR ") == [f'"word{number}"' for number in range(MAX_TERMS)]


def test_a_long_query_of_words_that_tell_nothing_is_bounded_too() -> None:
    expression = match_expression(" ".join(STOP_WORDS))
    assert expression is not None
    assert len(expression.split(" OR ")) == MAX_TERMS < len(STOP_WORDS)


def test_one_kana_is_found_wherever_it_begins_a_pair() -> None:
    assert finds("は", "母は海へ", "海へ", "それは") == [0, 2]


def test_a_run_of_kanji_and_kana_is_indexed_in_pairs_and_its_last_character() -> None:
    assert index_text("猫が好き") == "猫が が好 好き き"


def test_words_of_both_kinds_may_stand_together() -> None:
    assert finds("Python", "昨日Pythonを書いた") == [0]
    assert finds("書いた", "昨日Pythonを書いた") == [0]


def test_a_noun_is_found_with_another_particle() -> None:
    assert finds("猫は元気？", "犬が来た", "白い猫を見た") == [1]


def test_width_case_accents_and_endings_make_no_difference() -> None:
    assert finds("ＣＡＦＥ", "a café by the sea") == [0]
    assert finds("ﾗｰﾒﾝ", "ラーメンを食べた") == [0]
    assert finds("lighthouses", "the Lighthouse at night") == [0]


def test_words_that_tell_nothing_are_left_out() -> None:
    assert match_expression("What do you know about the lighthouse?") == '"lighthouse"'
    assert match_expression("灯台ですか") == '"灯台" OR "台で"'


def test_words_that_tell_nothing_are_used_when_there_are_no_others() -> None:
    assert finds("who are you", "and who are they?", "nobody came") == [0]
    assert finds("です", "そうですね", "いいえ") == [0]


def test_a_query_without_words_looks_for_nothing() -> None:
    assert match_expression("") is None
    assert match_expression(' "*" … \0 \ud800 ！') is None


def test_every_word_is_one_word_to_the_index_too() -> None:
    """Else a word between quotes would be a phrase, which the journal's index cannot look for."""
    letters = {
        letter
        for point in range(sys.maxunicode + 1)
        for letter in folded(chr(point))
        if index_text(letter)
    }
    assert len(letters) > 100_000
    with closing(sqlite3.connect(":memory:")) as db:
        db.execute(WORDS.format("words"))
        db.execute("CREATE VIRTUAL TABLE terms USING fts5vocab('words', 'instance')")
        db.executemany(
            "INSERT INTO words (rowid, text) VALUES (?, ?)",
            ((ord(letter), f"qx{letter}xq") for letter in letters),
        )
        parted = db.execute("SELECT doc FROM terms GROUP BY doc HAVING count(*) > 1").fetchall()
    assert [chr(point) for (point,) in parted] == []


@given(ANY_TEXT)
def test_every_term_can_be_looked_for_by_itself(query: str) -> None:
    with closing(sqlite3.connect(":memory:")) as db:
        db.execute(WORDS.format("words"))
        for term in query_terms(query):
            db.execute("SELECT rowid FROM words WHERE words MATCH ?", (term,)).fetchall()
