"""Questions as people type them, and the snippets that answer them."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embeddings.searching import snippets
from embeddings.words import query
from embeddings.words.normalise import fold
from embeddings.words.query import Term, WordFilter, WordQuery
from embeddings.words.registry import word_index


def shape(terms: Iterable[Term]) -> list[str]:
    """Terms in short: quotes for what is quoted, a star for a beginning, a minus for what must not be there."""
    marks = [("-" if t.is_excluded else "", '"' if t.is_quoted else "", "*" if t.is_prefix else "") for t in terms]
    return [
        f"{minus}{quote}{' '.join(term.words)}{quote}{star}"
        for term, (minus, quote, star) in zip(terms, marks, strict=True)
    ]


@pytest.mark.parametrize(
    ("typed", "is_typing", "expected"),
    [
        ("leak liner", False, ["leak", "liner"]),
        ('"liner seam" leak', False, ['"liner seam"', "leak"]),
        ("“liner seam” leak", False, ['"liner seam"', "leak"]),
        ("wat*", False, ["wat*"]),
        ("w*", False, ["w"]),
        ("leak lin", True, ["leak", "lin*"]),
        ("leak ", True, ["leak"]),
        ('"leak"', True, ['"leak"']),
        ("pond -winter", False, ["pond", "-winter"]),
        ("liner-seam", False, ["liner seam"]),
        ("leak Leak", False, ["leak"]),
        ("AND OR NOT NEAR(a b) col:x ^y", False, ["and", "or", "not", "near a", "b", "col x", "y"]),
        ('"unfinished phrase', False, ['"unfinished phrase"']),
        ('"" *** ---', False, []),
        ("🎬", False, []),
        ("nul\0byte", False, ["nul", "byte"]),
        ("학교에서", False, ["학 교", "교 에", "에 서"]),
    ],
)
def test_a_question_becomes_terms(typed: str, is_typing: bool, expected: list[str]) -> None:
    assert shape(query.parse(typed, is_typing=is_typing).terms) == expected


@pytest.mark.parametrize(
    ("typed", "form"),
    [
        ("pumps", ("pump",)),
        ("e-mail", ("email",)),
        ("co-operations", ("cooperation",)),
        ("10bit", ("10", "bit")),
        ("U.S.A.", ("usa",)),
        ("batteries", ("battery",)),
    ],
)
def test_a_word_has_other_forms_that_will_do(typed: str, form: tuple[str, ...]) -> None:
    [term] = query.parse(typed).terms

    assert form in term.forms


@pytest.mark.parametrize("typed", ['"pumps"', "-pumps", "pumps*", "学校"])
def test_what_is_asked_exactly_has_no_other_form(typed: str) -> None:
    assert [term.forms for term in query.parse(typed).terms] == [()]


@pytest.mark.django_db
@given(st.text(max_size=200), st.booleans())
def test_no_question_is_a_syntax_error(typed: str, is_typing: bool) -> None:
    asked = query.parse(typed, is_typing=is_typing)

    for is_any in (False, True):
        terms = WordQuery(asked.wanted, is_any=is_any, required=asked.quoted, excluded=asked.excluded)
        assert word_index().best(terms, WordFilter(), limit=1) == {}


def test_a_very_long_question_is_cut() -> None:
    asked = query.parse("word " * 10_000 + "x")

    assert len(asked.text) <= query.MAX_CHARS
    assert len(query.parse(" ".join(f"w{i}" for i in range(500))).terms) == query.MAX_TERMS


@pytest.mark.parametrize(
    ("one", "other"), [("CAFÉ", "cafe"), ("naïve", "NAIVE"), ("Straße", "STRASSE"), ("ΟΔΥΣΣΕΥΣ", "οδυσσεύς")]
)
def test_case_and_accents_fold(one: str, other: str) -> None:
    assert fold(one) == fold(other)


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
        ("two pumps by e-mail", "pump email", "two <mark>pumps</mark> by <mark>e-mail</mark>"),
        ("der Straße entlang", "strasse", "der <mark>Straße</mark> entlang"),
        ("the quad\u00adcopter flew", "quadcopter", "the <mark>quad\u00adcopter</mark> flew"),
        ("two pumps", '"pump"', "two pumps"),
        ("학교에서 한국어를", "학교", "<mark>학교</mark>에서 한국어를"),
        ("a 10-bit video", "10bit", "a <mark>10-bit</mark> video"),
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
