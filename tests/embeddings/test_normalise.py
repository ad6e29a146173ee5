"""One normaliser for index and question: words are found however they are typed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embeddings.indexing import index
from embeddings.models import Chunk
from embeddings.searching.search import search
from embeddings.words.normalise import indexed, words, words_of
from embeddings.words.registry import word_index
from tests.embeddings.conftest import MakeFile, say

#: (what is said, what is typed): the second finds the first.
FOUND = [
    ("the quad\u00adcopter hovers", "quadcopter"),
    ("a café in Łódź", "Lodz"),
    ("along the Straße", "strasse"),
    ("along the strasse", "Straße"),
    ("bridges near Ørsted", "orsted"),
    ("his whole œuvre", "oeuvre"),
    ("a fable of Æsop", "aesop"),
    ("ılık in Diyarbakır", "DIYARBAKIR"),
    ("İstanbul at night", "istanbul"),
    ("send me an e-mail", "email"),
    ("send me an email", "e-mail"),
    ("the co-operation report", "cooperation"),
    ("footage in 10-bit", "10bit"),
    ("footage in 10bit", "10-bit"),
    ("the rabbit320 clip", "rabbit"),
    ("the rabbit320 clip", "320"),
    ("the rabbit 320 clip", "rabbit320"),
    ("pumps and batteries", "pump"),
    ("pumps and batteries", "battery"),
    ("one battery is left", "batteries"),
    ("in the U.S.A. today", "USA"),
    ("학교에서 배웁니다", "학교"),
    ("ﬁnal words of the oﬃce", "office"),
    ("ＡＢＣ１２３ wide", "abc123"),
    ("pure H₂O", "H2O"),
    ("an area of 5 m²", "m2"),
    ("مُحَمَّد قال", "محمد"),
    ("שָׁלוֹם לכולם", "שלום"),
    ("xin chào Đà Nẵng", "da nang"),
    ("the wi\u2011fi password", "wifi"),
    ("ΟΔΥΣΣΕΥΣ lands", "Οδυσσεύς"),
    ("ёлка в углу", "елка"),
    ("O’Connor speaks", "oconnor"),
    ("at 1,000 nits", "1000"),
    ("zwei Hunde und ein Boot werden gesehen", "Hund"),
    ("der Hund und das Boot", "Hunde"),
    ("wir haben die Häuser nicht gesehen", "Haus"),
    ("die Pumpen sind nicht da", "Pumpe"),
    ("des bateaux au port", "bateau"),
    ("deux chevaux blancs", "cheval"),
    ("las canciones nuevas", "cancion"),
    ("las luces del puerto", "luz"),
    ("हिन्दी में बात", "हिन्दी"),
]


@pytest.mark.parametrize(("said", "typed"), FOUND)
def test_a_word_is_found_however_it_is_typed_and_is_marked(make_file: MakeFile, said: str, typed: str) -> None:
    file = make_file("a.mp4")
    say(file, [(0.0, 2.0, said)])
    index.index_text(file)

    [hit] = search(typed, mode="keyword").results

    assert hit.start_s == 0.0
    assert "<mark>" in hit.snippet


@pytest.mark.parametrize(
    ("said", "typed"),
    [
        ("a plan of the house", "plane"),
        ("the number of the bus", "numb"),
        ("a glass of water", "glas"),
        ("two pumps", '"pump"'),
        ("send an e-mail", '"email"'),
        ("version 3.5 of it", "35"),
        ("ドアの鍵", "トア"),
        ("कुल मिलाकर", "कल"),
    ],
)
def test_another_word_is_not_found(make_file: MakeFile, said: str, typed: str) -> None:
    file = make_file("a.mp4")
    say(file, [(0.0, 2.0, said)])
    index.index_text(file)

    assert search(typed, mode="keyword").results == []


def test_what_is_typed_the_same_comes_first(make_file: MakeFile) -> None:
    for name, said in (
        ("a.mp4", "pump pump pumped by one old pump"),
        ("b.mp4", "pumps of all kinds and many more words"),
    ):
        file = make_file(name)
        say(file, [(0.0, 5.0, said)])
        index.index_text(file)

    assert [hit.file_name for hit in search("pumps", mode="keyword").results] == ["b.mp4", "a.mp4"]
    assert [hit.file_name for hit in search("pump", mode="keyword").results] == ["a.mp4", "b.mp4"]


@given(st.text(max_size=60))
def test_what_is_normalised_stays_as_it_is(text: str) -> None:
    once = " ".join(words_of(text))

    assert words_of(once) == words_of(" ".join(words_of(once)))
    assert all(text[word.start : word.end] for word in words(text))


@given(st.text(alphabet=st.characters(max_codepoint=127), max_size=60))
def test_the_index_reads_plain_ascii_as_the_normaliser_does(text: str) -> None:
    assert indexed(text).words == indexed(text.lower()).words == " ".join(words_of(text))


@pytest.mark.django_db
def test_index_and_chunks_agree_for_any_text(make_file: MakeFile) -> None:
    file = make_file("a.mp4")
    say(file, [(float(place), place + 0.5, said) for place, (said, _) in enumerate(FOUND)])
    index.index_text(file)

    assert word_index().is_sound()
    index.remove_file(file.pk)
    assert word_index().is_sound()
    assert not Chunk.objects.exists()


@pytest.mark.parametrize("mode", ["keyword", "semantic", "hybrid"])
def test_what_is_in_quotes_is_exact_in_every_mode(make_file: MakeFile, mode: str) -> None:
    for name, said in (("a.mp4", "the seam of the liner leaks"), ("b.mp4", "a leak at the liner seam again")):
        file = make_file(name)
        say(file, [(0.0, 5.0, said)])
        index.index_file(file)

    assert [hit.file_name for hit in search('"liner seam"', mode=mode).results] == ["b.mp4"]
    assert [hit.file_name for hit in search('leaks "the liner seam"', mode=mode).results] == ["b.mp4"]
    assert search('"seam liner"', mode=mode).results == []
