"""Whatever a text was made of changes, or changes back: the index equals a fresh one of the same state."""

import random
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import LazySettings
from django.utils import timezone

from embeddings.indexing import spaces
from embeddings.indexing.sources import drafts_for
from embeddings.models import Chunk, Embedding
from embeddings.searching.search import search
from embeddings.words.registry import word_index
from files.models import File
from files.signals import file_back, file_gone, media_ready
from jobs.execution.running import run_until_idle
from jobs.models import Job
from nova.analyze import TYPES, input_key
from nova.models import AnalysisResult
from tests.embeddings.conftest import add_file, say, vector_count
from transcription.models import Transcript
from transcription.writing import choose_current, correct_segments, settle

WORDS = "pump liner seam leak valve pond filter hose skimmer gravel".split()  # noqa: SIM905
STEPS, SEEDS = 14, range(4)


def state(file: File) -> set[tuple[Any, ...]]:
    return {
        (chunk.source_kind, chunk.source_id, chunk.ordinal, chunk.start_s, chunk.end_s, chunk.content_hash)
        for chunk in Chunk.objects.filter(file=file)
    }


def assert_fresh(file: File, told: str) -> None:
    """The index is what a fresh one would be, in words and in vectors."""
    file = File.everything.get(pk=file.pk)
    assert state(file) == {draft.identity for draft in drafts_for(file)}, told
    assert word_index().is_sound(), told
    made_of = {result.nova_job.input_key for result in AnalysisResult.objects.filter(file=file, is_current=True)}
    assert made_of <= {input_key(file, TYPES, {})}, told
    space = spaces.active()
    embedded = Embedding.objects.filter(space=space)
    assert set(embedded.values_list("chunk_id", "content_hash")) == set(
        Chunk.objects.of_text().values_list("pk", "content_hash")
    ), told
    assert vector_count(space.pk) == embedded.count(), told


def spoken(own: random.Random) -> list[tuple[float, float, str]]:
    return [(20.0 * n, 20.0 * n + 4, " ".join(own.choices(WORDS, k=6)) + ".") for n in range(3)]


@pytest.mark.django_db
@pytest.mark.parametrize("seed", SEEDS)
def test_the_index_is_what_a_fresh_one_would_be(
    seed: int, settings: LazySettings, django_capture_on_commit_callbacks: Any
) -> None:
    settings.IMPORT_STEPS = ["transcribe", "analyze", "embed"]
    own = random.Random(seed)
    file = add_file("talk.m4a", media_type="audio", duration_s=60.0)
    transcripts = [say(file, spoken(own), provider=f"engine-{n}") for n in range(2)]

    def correct() -> None:
        transcript = Transcript.objects.get(file=file, is_current=True)
        segment = own.choice(list(transcript.segments.all()))
        correct_segments(transcript, {segment.pk: own.choice(WORDS) + " " + own.choice(WORDS)})

    def correct_and_undo() -> None:
        transcript = Transcript.objects.get(file=file, is_current=True)
        segment = own.choice(list(transcript.segments.all()))
        before = segment.text
        correct_segments(transcript, {segment.pk: "something else entirely"})
        settle_all()
        correct_segments(transcript, {segment.pk: before})

    def switch() -> None:
        choose_current(own.choice(transcripts))

    def say_again() -> None:
        transcript = Transcript.objects.get(file=file, is_current=True)
        settle(file, transcript, "heard")

    def lose_result() -> None:
        AnalysisResult.objects.filter(file=file).order_by("?").first().delete()  # type: ignore[union-attr]

    def go_and_come_back() -> None:
        file.mark_removed()
        file_gone.send(File, file=file)
        assert state(file) == set()
        file.mark_back(File.State.AVAILABLE)
        file_back.send(File, file=file)

    def settle_all() -> None:
        for _ in range(6):
            Job.objects.filter(state=Job.State.QUEUED).update(run_after=timezone.now())
            with django_capture_on_commit_callbacks(execute=True):
                if not run_until_idle():
                    break

    media_ready.send(File, file=file, reason="")
    settle(file, transcripts[-1], "heard")
    settle_all()
    assert AnalysisResult.objects.filter(file=file, is_current=True).exists()
    assert_fresh(file, "at first")
    steps: list[Callable[[], None]] = [correct, correct_and_undo, switch, say_again, lose_result, go_and_come_back]
    done = []
    for step in own.choices(steps, k=STEPS):
        if step is lose_result and not AnalysisResult.objects.filter(file=file).exists():
            continue
        with django_capture_on_commit_callbacks(execute=True):
            step()
        settle_all()
        done.append(step.__name__)
        assert_fresh(file, f"seed {seed}: {', '.join(done)}")


@pytest.mark.django_db
def test_after_a_correction_is_undone_nothing_of_the_wrong_words_is_found(
    settings: LazySettings, django_capture_on_commit_callbacks: Any
) -> None:
    settings.IMPORT_STEPS = ["transcribe", "analyze", "embed"]
    file = add_file("talk.m4a", media_type="audio", duration_s=60.0)
    transcript = say(file, [(0.0, 5.0, "The pump is behind the pond."), (20.0, 25.0, "The liner leaks at the seam.")])
    segment = transcript.segments.first()
    assert segment is not None

    pump, zeppelin = "The pump is behind the pond.", "The zeppelin is behind the pond."
    for text in (pump, zeppelin, pump):
        with django_capture_on_commit_callbacks(execute=True):
            correct_segments(transcript, {segment.pk: text})
        for _ in range(4):
            Job.objects.update(run_after=timezone.now())
            with django_capture_on_commit_callbacks(execute=True):
                run_until_idle()
        current = AnalysisResult.objects.filter(file=file, is_current=True)
        assert current.exists()
        assert any("zeppelin" in str(result.result) for result in current) == ("zeppelin" in text)
        kinds = {kind for hit in search("zeppelin", mode="keyword").results for kind in (hit.kind, *hit.also)}
        assert kinds == ({"transcript", "summary", "chapter", "element"} if "zeppelin" in text else set())

    assert {hit.kind for hit in search("pump", mode="keyword", limit=50).results} >= {"transcript"}
    assert search("zeppelin").results == []
