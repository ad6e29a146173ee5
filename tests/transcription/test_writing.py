"""A transcript is written whole, with a person's corrections kept, and the floors above hear of it."""

import pytest
from django.db import IntegrityError, transaction
from pytest_django import DjangoCaptureOnCommitCallbacks

from tests.transcription.factories import make_file, new_transcript, segment, settled
from transcription.models import Segment, Transcript
from transcription.segments import Word
from transcription.writing import choose_current, correct_segments, delete_transcript, save_transcript

pytestmark = pytest.mark.django_db


def test_writes_segments_text_and_counts(django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks) -> None:
    file = make_file()
    word = Word(start_s=0.0, end_s=0.4, text="hello", confidence=0.5)
    segments = [segment("hello there", words=(word,), confidence=0.5), segment("thanks", 2, 4, flags=("silence",))]

    with settled() as news, django_capture_on_commit_callbacks(execute=True):
        transcript = save_transcript(file, new_transcript(segments=segments, took_s=1.5))

    assert news == [(file.pk, transcript.pk, "")]
    transcript.refresh_from_db()
    assert (transcript.text, transcript.segment_count, transcript.word_count) == ("hello there", 2, 2)
    assert (transcript.confidence, transcript.took_s, transcript.is_current) == (0.5, 1.5, True)
    assert transcript.segment_values() == segments
    assert [s.text for s in transcript.spoken()] == ["hello there"]
    assert str(transcript) == "talk.mp4 · whisper base (faster-whisper)"


def test_a_second_run_replaces_the_first_and_keeps_corrections() -> None:
    file = make_file()
    first = save_transcript(file, new_transcript("helo", "wrld", "again"))
    correct_segments(first, {first.segments.get(index=1).pk: " the  world "})

    second = save_transcript(file, new_transcript("hello", "woorld", "anew"))

    assert second.pk == first.pk
    assert [(s.text, s.is_corrected) for s in second.segments.all()] == [
        ("hello", False),
        ("the world", True),
        ("anew", False),
    ]
    assert second.text == "hello the world anew"


def test_another_engine_takes_over_what_was_corrected() -> None:
    file = make_file()
    first = save_transcript(file, new_transcript("helo", "wurld"))
    correct_segments(first, {first.segments.get(index=0).pk: "hello"})

    second = save_transcript(file, new_transcript("hallow", "world", model="small"))
    beside = save_transcript(file, new_transcript("hollow", "word", model="tiny"), make_current=False)

    assert (second.text, beside.text) == ("hello world", "hollow word")
    assert [row.is_corrected for row in second.segments.all()] == [True, False]


def test_a_correction_reaches_the_text_and_the_floors_above(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    file = make_file()
    transcript = save_transcript(file, new_transcript(segments=[segment("wrong", flags=("repetition",))]))

    with settled() as news, django_capture_on_commit_callbacks(execute=True):
        correct_segments(transcript, {transcript.segments.get().pk: "right"})

    transcript.refresh_from_db()
    assert transcript.text == "right"
    assert news == [(file.pk, transcript.pk, "corrected")]


def test_one_transcript_of_a_file_is_current(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    file = make_file()
    base = save_transcript(file, new_transcript("one"))
    small = save_transcript(file, new_transcript("two", model="small"))
    sidecar = save_transcript(file, new_transcript("three", provider="sidecar"), make_current=False)

    assert Transcript.objects.current_for(file) == small
    with settled() as news, django_capture_on_commit_callbacks(execute=True):
        choose_current(base)
    assert Transcript.objects.current_for(file) == base
    assert news[-1] == (file.pk, base.pk, "chosen")
    assert Transcript.objects.made_by("sidecar", "faster-whisper", "base").get() == sidecar
    with pytest.raises(IntegrityError), transaction.atomic():
        Transcript.objects.update(is_current=True)


def test_a_file_without_speech_says_so(django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks) -> None:
    file = make_file()

    with settled() as news, django_capture_on_commit_callbacks(execute=True):
        transcript = save_transcript(file, new_transcript())

    assert not transcript.has_speech
    assert transcript.notes == ["No speech."]
    assert news == [(file.pk, transcript.pk, "no speech")]


def test_a_failure_in_the_middle_leaves_the_old_transcript_whole() -> None:
    file = make_file()
    save_transcript(file, new_transcript("kept"))

    with pytest.raises(IntegrityError), transaction.atomic():
        save_transcript(file, new_transcript(segments=[segment("new"), segment("ends before it starts", 5, 4)]))

    assert [row.text for row in Segment.objects.all()] == ["kept"]
    assert Transcript.objects.get().text == "kept"


def test_when_one_is_deleted_the_latest_other_takes_its_place(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    file = make_file()
    base = save_transcript(file, new_transcript("one"))
    small = save_transcript(file, new_transcript("two", model="small"))

    with settled() as news, django_capture_on_commit_callbacks(execute=True):
        delete_transcript(small)
        delete_transcript(Transcript.objects.get(pk=base.pk))

    assert news == [(file.pk, base.pk, "deleted"), (file.pk, None, "deleted")]
    assert correct_segments(base, {1: "gone"}) == 0
