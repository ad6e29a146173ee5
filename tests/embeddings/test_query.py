"""Questions as people type them, and the snippets that answer them."""

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embeddings.searching import snippets
from embeddings.words import query


@pytest.mark.parametrize(
    ("typed", "is_typing", "expected"),
    [
        ("leak liner", False, '"leak" AND "liner"'),
        ('"liner seam" leak', False, '"liner seam" AND "leak"'),
        ("wat*", False, '"wat"*'),
        ("w*", False, '"w"'),
        ("leak lin", True, '"leak" AND "lin"*'),
        ("leak ", True, '"leak"'),
        ("pond -winter", False, '("pond") NOT ("winter")'),
        ("liner-seam", False, '"liner seam"'),
        ("leak leak", False, '"leak"'),
        ("AND OR NOT NEAR(a b) col:x ^y", False, '"AND" AND "OR" AND "NOT" AND "NEAR a" AND "b" AND "col x" AND "y"'),
        ('"unfinished phrase', False, '"unfinished phrase"'),
        ('"" *** ---', False, ""),
        ("🎬", False, ""),
        ("nul\0byte", False, '"nul" AND "byte"'),
    ],
)
def test_a_question_becomes_an_expression(typed: str, is_typing: bool, expected: str) -> None:
    asked = query.parse(typed, is_typing=is_typing)

    assert query.all_of(asked.wanted, asked.excluded) == expected


def test_any_of_joins_with_or() -> None:
    asked = query.parse("leak liner -x")

    assert query.any_of(asked.wanted, asked.excluded) == '("leak" OR "liner") NOT ("x")'


@given(st.text(max_size=200), st.booleans())
def test_no_question_is_a_syntax_error(typed: str, is_typing: bool) -> None:
    asked = query.parse(typed, is_typing=is_typing)
    database = sqlite3.connect(":memory:")
    database.execute("CREATE VIRTUAL TABLE t USING fts5(text, tokenize='unicode61 remove_diacritics 2')")

    for expression in (query.all_of(asked.wanted, asked.excluded), query.any_of(asked.wanted, asked.excluded)):
        if expression:
            database.execute("SELECT rowid FROM t WHERE t MATCH ?", [expression.encode("utf-8", "replace").decode()])
    database.close()


def test_a_very_long_question_is_cut() -> None:
    asked = query.parse("word " * 10_000 + "x")

    assert len(asked.text) <= query.MAX_CHARS
    assert len(query.parse(" ".join(f"w{i}" for i in range(500))).terms) == query.MAX_TERMS


@given(st.text(max_size=80))
def test_folding_keeps_each_character_in_its_place(text: str) -> None:
    assert len(query.fold(text)) == len(text)


@pytest.mark.parametrize(("one", "other"), [("CAFÉ", "cafe"), ("naïve", "NAIVE"), ("Straße", "straße")])
def test_case_and_accents_fold(one: str, other: str) -> None:
    assert query.fold(one) == query.fold(other)


def marked(text: str, typed: str) -> str:
    return snippets.snippet(text, snippets.find(text, query.parse(typed).wanted))


@pytest.mark.parametrize(
    ("text", "typed", "expected"),
    [
        ("A leak at the liner.", "LEAK liner", "A <mark>leak</mark> at the <mark>liner</mark>."),
        ("Un café noir", "cafe", "Un <mark>café</mark> noir"),
        ("the liner seam, the liner", '"liner seam"', "the <mark>liner seam</mark>, the liner"),
        ("water waterfall wet", "wat*", "<mark>water</mark> <mark>waterfall</mark> wet"),
        ('<b>leak</b> & "co"', "leak", "&lt;b&gt;<mark>leak</mark>&lt;/b&gt; &amp; &quot;co&quot;"),
        ("nothing of it", "leak", "nothing of it"),
    ],
)
def test_words_are_marked_and_all_else_is_escaped(text: str, typed: str, expected: str) -> None:
    assert marked(text, typed) == expected


def test_a_snippet_shows_the_densest_place() -> None:
    text = "leak " + "far away words " * 40 + "the leak is at the liner seam" + " and then on" * 40

    shown = marked(text, "leak liner seam")

    assert "<mark>leak</mark> is at the <mark>liner</mark> <mark>seam</mark>" in shown
    assert shown.startswith("…")
    assert shown.endswith("…")
    assert len(shown) < snippets.SNIPPET_CHARS + 60


@given(st.text(max_size=600), st.text(max_size=20))
def test_a_snippet_never_lets_markup_through(text: str, typed: str) -> None:
    shown = marked(text, typed).replace("<mark>", "").replace("</mark>", "")

    assert "<" not in shown
    assert ">" not in shown


def test_it_counts_the_terms_that_are_there() -> None:
    assert snippets.find("a leak at the seam", query.parse("leak liner seam").wanted).terms_found == 2
    assert snippets.find("nothing", query.parse("leak").wanted).first is None
