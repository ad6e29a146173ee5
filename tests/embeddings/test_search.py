"""Search: the right second of the right file, and honest words where there is none."""

import re

import pytest
from django.test import Client

from embeddings.errors import ExtensionUnavailableError, ProviderError, SearchError
from embeddings.indexing import index, spaces
from embeddings.models import Embedding, Space
from embeddings.searching import keyword
from embeddings.searching.search import MODES, SearchAnswer, more_like, search
from embeddings.stores import bit_matrix
from embeddings.words.registry import word_index
from files.models import File
from nova.models import NovaJob
from nova.questions.results import keep
from tests.embeddings.conftest import MakeFile, say
from tests.embeddings.fakes import WordsProvider

POND = [
    (0.0, 4.0, "The pond loses three centimetres a day."),
    (100.0, 104.0, "And there it goes, straight towards the stones."),
    (104.0, 109.0, "That is a leak at the liner seam, a hand below the skimmer."),
    (400.0, 404.0, "Un café noir, s'il vous plaît."),
]


@pytest.fixture
def pond(make_file: MakeFile) -> File:
    file = make_file("ridge-court_leak-hunt.mp4", folder="2026/Ridge Court")
    say(file, POND)
    index.index_file(file)
    return file


def found(answer: SearchAnswer) -> list[tuple[str, float | None]]:
    return [(hit.kind, hit.start_s) for hit in answer.results]


@pytest.mark.parametrize("mode", ["keyword", "semantic", "hybrid"])
def test_it_finds_the_second(pond: File, mode: str) -> None:
    [hit, *_] = search("leak at the liner seam", mode=mode).results

    assert (hit.file_id, hit.file_name, hit.kind, hit.start_s, hit.end_s) == (
        pond.pk,
        pond.name,
        "transcript",
        104,
        109,
    )
    assert "<mark>leak</mark>" in hit.snippet
    assert hit.url == f"/files/{pond.pk}/?t=104"
    assert 0 < hit.score <= 1
    assert hit.why


def test_the_player_opens_at_the_segment_of_the_word_not_of_the_chunk(pond: File) -> None:
    [hit] = search("stones", mode="keyword").results

    assert hit.start_s == 100
    assert hit.why == "the word"


@pytest.mark.parametrize("asked", ["CAFE", "café", "caf*", '"cafe noir"', "plait"])
def test_case_accents_beginnings_and_phrases(pond: File, asked: str) -> None:
    assert found(search(asked, mode="keyword")) == [("transcript", 400)]


def test_a_phrase_is_not_its_words_in_another_order(pond: File) -> None:
    assert search('"seam liner"', mode="keyword").results == []


def test_the_last_word_may_be_unfinished_while_typing(pond: File) -> None:
    assert search("lin", mode="keyword").results == []
    assert found(search("lin", mode="keyword", is_typing=True)) == [("transcript", 104)]


def test_a_word_that_must_not_be_there(pond: File) -> None:
    assert search("leak -liner", mode="hybrid").counts == {"name": 1}


def test_a_word_that_must_not_be_there_is_no_part_of_the_meaning(pond: File) -> None:
    assert search("stones -leak", mode="semantic").results == search("stones", mode="semantic").results
    with pytest.raises(SearchError, match="must not be there"):
        search("-leak")


def test_some_of_the_words_come_after_all_of_them(make_file: MakeFile) -> None:
    for name, text in (("a.mp4", "The liner is torn."), ("b.mp4", "A leak in the liner."), ("c.mp4", "A leak.")):
        say(file := make_file(name), [(0, 2, text)])
        index.index_file(file)

    answer = search("liner leak", mode="keyword")

    assert answer.results[0].file_name == "b.mp4"
    assert {hit.file_name for hit in answer.results} == {"a.mp4", "b.mp4", "c.mp4"}
    assert answer.results[0].why == "all 2 words"
    assert answer.results[1].why == "1 of 2 words"


def test_an_exact_name_always_wins(make_file: MakeFile) -> None:
    named = make_file("friday.mp4")
    index.index_file(named)
    for number in range(5):
        say(file := make_file(f"other-{number}.mp4"), [(0, 3, "Friday friday friday, it is friday.")])
        index.index_file(file)

    for asked in ("friday.mp4", "Friday"):
        assert search(asked).results[0].file_id == named.pk


def test_neighbouring_chunks_are_one_moment(make_file: MakeFile) -> None:
    say(
        file := make_file(),
        [(i * 20.0, i * 20.0 + 19, f"The pump hums, part {i}. " + "And on. " * 30) for i in range(3)],
    )
    index.index_file(file)

    answer = search("pump", mode="keyword")

    assert [(hit.start_s, hit.end_s) for hit in answer.results] == [(0, 59)]
    assert answer.total == 1


def test_far_chunks_of_one_source_are_moments_of_their_own(make_file: MakeFile) -> None:
    filler = [(i * 40.0 + 40, i * 40.0 + 60, f"Filler number {i}.") for i in range(3)]
    say(file := make_file(), [(0, 4, "The pump."), *filler, (400, 404, "The pump again.")])
    index.index_file(file)

    assert sorted(hit.start_s or 0 for hit in search("pump", mode="keyword").results) == [0, 400]


def test_what_several_sources_have_at_a_second_is_one_moment(make_file: MakeFile) -> None:
    filler = [(i * 40.0 + 70, i * 40.0 + 90, f"Filler number {i}.") for i in range(3)]
    say(
        file := make_file(),
        [(30, 34, "The pump hums in its vault below the stones."), *filler, (400, 404, "The pump is off.")],
    )
    nova_job = NovaJob.objects.create(file=file, model="local", analysis_types=["chapters"])
    chapters = [{"title": "Pump", "summary": "Pump.", "start_s": 30.5, "end_s": 60}]
    keep(nova_job, {"chapters": {"chapters": chapters}}, version="1")
    index.index_file(file)

    answer = search("pump", mode="keyword")

    [first, second] = sorted(answer.results, key=lambda hit: hit.start_s or 0)
    assert (first.start_s, second.start_s) == (30, 400)
    assert (first.kind, first.also) == ("transcript", ["chapter"])  # the words themselves, whatever ranks first
    assert second.also == []
    assert answer.counts == {"transcript": 2, "chapter": 1}
    assert (answer.total, answer.of_all_kinds) == (2, 2)
    assert [hit.start_s for hit in search("pump", mode="keyword", kind="chapter").results] == [30.5]


def test_a_narrow_filter_never_starves_the_answer(make_file: MakeFile) -> None:
    for number in range(60):
        say(file := make_file(f"clip-{number}.mp4"), [(0, 3, f"The pump hums in clip {number}.")])
        index.index_file(file)
    wanted = File.objects.get(name="clip-7.mp4")

    for mode in ("keyword", "semantic", "hybrid"):
        assert {hit.file_id for hit in search("pump hums", mode=mode, file_id=wanted.pk).results} == {wanted.pk}
    assert {hit.file_name for hit in search("pump", name="clip-1").results} == {
        "clip-1.mp4",
        *(f"clip-1{n}.mp4" for n in range(10)),
    }
    assert search("pump", filters={"media_type": "audio"}).results == []


def test_a_kind_is_a_filter_too(pond: File) -> None:
    assert {hit.kind for hit in search("leak", kind="name").results} == {"name"}


def test_counts_are_of_moments_by_kind(pond: File) -> None:
    answer = search("leak", limit=1)

    assert len(answer.results) == 1
    assert answer.counts == {"transcript": 1, "name": 1}
    assert (answer.total, answer.file_count) == (2, 1)


@pytest.mark.parametrize("mode", MODES)
def test_where_not_all_was_looked_at_counts_are_what_there_is_at_least(
    pond: File, mode: str, monkeypatch: pytest.MonkeyPatch, admin_client: Client
) -> None:
    assert not search("leak", mode=mode).is_cut

    monkeypatch.setattr("embeddings.searching.search.POOL", 1)

    assert search("leak", mode=mode).is_cut
    page = " ".join(admin_client.get("/search/", {"q": "leak", "mode": mode}).content.decode().split())
    assert "All 1+" in page
    assert "1–1 of 1 or more" in page


@pytest.mark.parametrize("mode", ["semantic", "hybrid"])
def test_nothing_close_is_an_answer(pond: File, mode: str) -> None:
    answer = search("zebra xylophone", mode=mode)

    assert answer.results == []
    assert answer.has_weaker


def test_a_removed_file_is_not_found(pond: File) -> None:
    pond.mark_removed()

    assert search("leak").results == []


@pytest.mark.parametrize(
    "asked",
    ['" OR 1=1 --', "AND", "NEAR(a b)", "🎬", "a\0b", "text:leak", "(((", "*", "-", "w" * 10_000, "leak " * 2000],
)
@pytest.mark.parametrize("mode", ["keyword", "semantic", "hybrid"])
def test_odd_questions_are_answered(pond: File, asked: str, mode: str) -> None:
    search(asked, mode=mode)


@pytest.mark.parametrize("asked", ["🎬", "***", '")(', "\ufffd"])
@pytest.mark.parametrize("mode", ["semantic", "hybrid"])
def test_signs_alone_are_not_put_to_the_model(pond: File, asked: str, mode: str) -> None:
    WordsProvider.asked.clear()

    answer = search(asked, mode=mode)

    assert (answer.results, answer.notice) == ([], "There is no word or number in this question.")
    assert WordsProvider.asked == []


@pytest.mark.parametrize(
    "wrong",
    [{"q": ""}, {"q": "   "}, {"q": "\0"}, {"mode": "magic"}, {"kind": "poem"}, {"limit": 0}, {"limit": 100_000}],
)
def test_a_question_that_cannot_be_asked_is_refused_with_words(db: None, wrong: dict[str, object]) -> None:
    with pytest.raises(SearchError) as caught:
        search(**{"q": "leak", **wrong})  # type: ignore[arg-type]

    assert caught.value.remedy


def test_when_the_model_fails_words_answer_and_a_notice_says_so(pond: File) -> None:
    WordsProvider.failing = ProviderError("The model is away.", remedy="Try later.")

    answer = search("leak")

    assert answer.results
    assert answer.notice == "Found by words only. The model is away. Try later."
    with pytest.raises(ProviderError):
        search("leak", mode="semantic")


@pytest.mark.sqlite("an extension that this Python may not load")
def test_without_the_extension_words_answer(pond: File, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("embeddings.stores.vec0._problem", "this Python's sqlite3 cannot load extensions")

    answer = search("leak")

    assert answer.results
    assert "cannot load extensions" in answer.notice
    with pytest.raises(ExtensionUnavailableError, match="Semantic search is off"):
        search("leak", mode="semantic")


def test_common_words_are_not_ranked(pond: File, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyword, "COMMON_AT_LEAST", 0)
    monkeypatch.setattr(keyword, "COMMON_SHARE", 0.0)

    assert found(search("liner", mode="keyword")) == [("transcript", 104)]


@pytest.mark.parametrize(
    ("asked", "second", "why"),
    [
        ("what is a pump", 0, "the word"),
        ("pump valve", 200, "1 of 2 words"),
        ("pump cavitation", 0, "1 of 2 words"),
        ("why does the pump valve stick", 200, "2 of 3 words"),
    ],
)
def test_words_that_are_everywhere_are_found_in_a_sentence_too(
    make_file: MakeFile, monkeypatch: pytest.MonkeyPatch, asked: str, second: float, why: str
) -> None:
    monkeypatch.setattr(keyword, "COMMON_AT_LEAST", 3)
    monkeypatch.setattr(keyword, "COMMON_SHARE", 0.0)  # of how many, depends on the ids that tests before gave away
    for number in range(5):
        say(file := make_file(f"clip-{number}.mp4"), [(0, 3, "The pump hums."), (200, 203, "Every valve will stick.")])
        index.index_text(file)

    [first, *_] = search(asked, mode="keyword").results

    assert (first.file_name, first.start_s, first.why) == ("clip-4.mp4", second, why)


def test_a_beginning_that_is_everywhere_is_not_ranked(make_file: MakeFile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyword, "COMMON_AT_LEAST", 3)
    monkeypatch.setattr(keyword, "COMMON_SHARE", 0.0)  # of how many, depends on the ids that tests before gave away
    for number in range(5):
        say(file := make_file(f"clip-{number}.mp4"), [(0, 3, "The pump hums.")])
        index.index_text(file)
    monkeypatch.setattr(word_index(), "best", lambda *args, **kwargs: pytest.fail("ranked"))

    assert len(search("pu", mode="keyword", is_typing=True).results) == 5


def test_a_sentence_is_found_by_its_telling_words(pond: File) -> None:
    assert found(search("where is there a skimmer in it", mode="keyword"))[0] == ("transcript", 104)


def test_more_like_a_moment_are_moments_of_other_files(pond: File, make_file: MakeFile) -> None:
    say(other := make_file("mill-yard.mp4"), [(7, 9, "A leak at the liner seam, again.")])
    index.index_file(other)
    [hit, *_] = search("leak at the liner seam", file_id=pond.pk).results

    assert [(result.file_id, result.start_s) for result in more_like(chunk_id=hit.chunk_id).results][:1] == [
        (other.pk, 7)
    ]
    assert {result.file_id for result in more_like(file_id=pond.pk).results} == {other.pk}
    with pytest.raises(SearchError, match="no file 999999"):
        more_like(file_id=999_999)


def test_a_long_file_does_not_hide_what_is_like_it(make_file: MakeFile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("embeddings.searching.search.POOL", 3)
    monkeypatch.setattr("embeddings.searching.semantic.RESCORED", 6)
    say(long := make_file("long.mp4"), [(i * 60.0, i * 60.0 + 3, f"The pump hums, part {i}.") for i in range(20)])
    say(other := make_file("other.mp4"), [(5, 9, "Here, too, the old pump hums a little.")])
    for file in (long, other):
        index.index_file(file)

    assert {hit.file_id for hit in more_like(file_id=long.pk).results} == {other.pk}


def test_the_matrix_follows_what_others_write(pond: File, make_file: MakeFile) -> None:
    space = spaces.active()
    before = bit_matrix.snapshot_of(space)

    say(other := make_file("new.mp4"), [(1, 2, "A brand new sentence.")])
    index.index_file(other)
    grown = bit_matrix.snapshot_of(space)
    index.remove_file(pond.pk)
    shrunk = bit_matrix.snapshot_of(space)

    assert len(grown) == len(before) + 2
    assert sorted(shrunk.ids.tolist()) == sorted(Embedding.objects.values_list("id", flat=True))
    assert bit_matrix.snapshot_of(space) is shrunk


def test_a_restored_database_is_read_anew(pond: File) -> None:
    space = spaces.active()
    held = bit_matrix.snapshot_of(space)
    Space.objects.filter(pk=space.pk).update(generation=0)

    assert bit_matrix.snapshot_of(space) is not held
    assert bit_matrix.snapshot_of(space).ids.tolist() == held.ids.tolist()


@pytest.mark.parametrize("has_faiss", [True, False])
def test_both_ways_of_the_coarse_pass_agree(pond: File, monkeypatch: pytest.MonkeyPatch, has_faiss: bool) -> None:
    if not has_faiss:
        monkeypatch.setattr(bit_matrix, "HAS_FAISS", False)

    assert found(search("leak at the liner seam", mode="semantic"))[0] == ("transcript", 104)


def test_snippets_are_safe_html(make_file: MakeFile) -> None:
    say(file := make_file(), [(0, 3, "<script>alert('leak')</script> & more")])
    index.index_file(file)

    [hit, *_] = search("leak", mode="keyword").results

    assert re.sub("</?mark>", "", hit.snippet).count("<") == 0
    assert "&lt;script&gt;" in hit.snippet
