"""API and admin: the same verbs, with permissions, captions, downloads and corrections."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks
from rest_framework.test import APIClient

from files.models import File
from files.selection import actions, facets, resolving
from jobs.models import Batch, Job
from novaproject.setup import doctor
from tests.transcription.factories import make_file, new_transcript, segment, settled
from transcription.models import Segment, Transcript
from transcription.providers import engines
from transcription.writing import save_transcript

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _whisper(folders: Path, models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "WHISPER_MODEL_DIR", models)


@pytest.fixture
def api(django_user_model: type[User]) -> APIClient:
    client = APIClient()
    client.force_authenticate(django_user_model.objects.create_superuser("boss"))
    return client


def transcript_of(name: str = "talk.mp4", *texts: str) -> Transcript:
    return save_transcript(
        make_file(name=name), new_transcript(*(texts or ("Hello <b> & --> there",)), notes=["On the CPU."])
    )


# --- reading ------------------------------------------------------------------------------------------------------


def test_a_transcript_comes_with_its_segments(api: APIClient) -> None:
    transcript = transcript_of()

    body = api.get(f"/api/transcripts/{transcript.pk}").json()

    assert body["file_id"] == transcript.file_id
    assert (body["provider"], body["engine"], body["model"], body["language"]) == (
        "whisper",
        "faster-whisper",
        "base",
        "en",
    )
    assert body["is_current"] is True
    assert body["segments"] == [
        {
            "id": transcript.segments.get().pk,
            "index": 0,
            "start_s": 0.0,
            "end_s": 2.0,
            "text": "Hello <b> & --> there",
            "words": None,
        }
        | {"confidence": None, "language": "", "speaker": "", "is_corrected": False, "flags": []}
    ]


def test_the_list_is_narrowed_by_file_and_needs_few_queries(
    api: APIClient, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    transcripts = [transcript_of(f"talk{number}.mp4", "one", "two") for number in range(5)]

    with django_assert_num_queries(3):
        everything = api.get("/api/transcripts?segments=true").json()
    with django_assert_num_queries(1):  # their number is known by now
        short = api.get("/api/transcripts").json()
    assert api.get("/api/transcripts?segments=false").json() == short
    one = api.get(f"/api/transcripts?file_id={transcripts[2].file_id}").json()

    assert everything["count"] == 5
    assert [len(row["segments"]) for row in everything["results"]] == [2] * 5
    assert "segments" not in short["results"][0]
    assert [row["id"] for row in one["results"]] == [transcripts[2].pk]


def test_what_left_the_library_is_not_shown(api: APIClient) -> None:
    transcript = transcript_of()
    transcript.file.mark_removed()

    assert api.get("/api/transcripts").json()["count"] == 0
    assert api.get(f"/api/transcripts/{transcript.pk}").status_code == 404
    assert api.get(f"/api/transcripts/{transcript.pk}/download").status_code == 404


@pytest.mark.parametrize(
    ("kind", "media", "piece"),
    [
        ("srt", "application/x-subrip", "00:00:00,000 --> 00:00:02,000\nHello ‹b> & → there"),
        ("vtt", "text/vtt", "Hello &lt;b&gt; &amp; --&gt; there"),
        ("txt", "text/plain", "Hello <b> & --> there\n"),
        ("json", "application/json", '"text": "Hello <b> & --> there"'),
    ],
)
def test_downloads_as_a_file(api: APIClient, kind: str, media: str, piece: str) -> None:
    transcript = transcript_of("Tälk “1”.mp4")

    answer = api.get(f"/api/transcripts/{transcript.pk}/download?format={kind}")

    assert answer.status_code == 200
    assert answer["Content-Type"].startswith(media)
    assert answer["Content-Disposition"].startswith("attachment; filename*=utf-8''T%C3%A4lk")
    assert f".en.{kind}" in answer["Content-Disposition"]
    assert piece in answer.content.decode()


def test_an_unknown_format_is_refused(api: APIClient) -> None:
    answer = api.get(f"/api/transcripts/{transcript_of().pk}/download?format=docx")

    assert answer.status_code == 400
    assert "srt" in answer.json()["format"][0]


def test_captions_leave_out_what_was_made_up(api: APIClient) -> None:
    file = make_file()
    transcript = save_transcript(
        file, new_transcript(segments=[segment("Hello"), segment("Subscribe!", 2, 4, flags=("silence",))])
    )

    answer = api.get(reverse("transcription:captions", args=[transcript.pk]))

    assert answer["Content-Type"].startswith("text/vtt")
    assert b"Hello" in answer.content
    assert b"Subscribe" not in answer.content


# --- asking -------------------------------------------------------------------------------------------------------


def test_providers_say_whether_they_are_ready(api: APIClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ready = {row["name"]: row for row in api.get("/api/transcription/providers").json()}
    monkeypatch.setattr(settings, "WHISPER_MODEL_DIR", tmp_path)
    missing = {row["name"]: row for row in api.get("/api/transcription/providers").json()}
    monkeypatch.setattr(engines.FasterWhisper, "is_installed", lambda self: False)
    monkeypatch.setattr(engines.OpenAIWhisper, "is_installed", lambda self: False)
    absent = {row["name"]: row for row in api.get("/api/transcription/providers").json()}

    assert ready["whisper"]["is_ready"] is True
    assert "base" in next(o for o in ready["whisper"]["options"] if o["name"] == "model")["choices"]
    assert "download_model base" in missing["whisper"]["remedy"]
    assert "not installed" in absent["whisper"]["reason"]


def test_the_doctor_says_the_same(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(settings, "WHISPER_MODEL_DIR", tmp_path)

    found = {check.name: check for check in doctor.checks()}

    assert "download_model base" in found["Whisper, on this machine"].remedy
    assert "S3_BUCKET_NAME" in found["Amazon Nova Sonic (paid)"].text
    assert not found["Amazon Nova Sonic (paid)"].is_bad


def test_asking_answers_with_a_job_and_joins_the_same_request(api: APIClient) -> None:
    file = make_file()
    asked = {"file_id": file.pk, "provider": "whisper", "model": "base", "language": "EN", "force": True}

    first, second = (api.post("/api/transcription/transcribe", asked) for _ in range(2))

    assert first.status_code == 202
    assert (first.json()["kind"], first.json()["file_id"]) == ("transcribe", file.pk)
    assert first.json()["id"] == second.json()["id"]
    assert Job.objects.get().options == {"model": "base", "language": "en", "force": True}


@pytest.mark.parametrize(
    ("asked", "status", "where"),
    [
        ({"provider": "nobody"}, 400, "provider"),
        ({"language": "not a language"}, 400, "language"),
        ({"audio_track": -1}, 400, "audio_track"),
        ({"engine": "slow-whisper"}, 400, "engine"),
        ({"file_id": 10**9}, 404, "detail"),
        ({"file_id": None}, 400, "file_id"),
        ({"model": "enormous"}, 409, "detail"),
        ({"model": "/etc/passwd"}, 409, "detail"),
    ],
)
def test_what_cannot_be_served_is_refused(api: APIClient, asked: dict[str, Any], status: int, where: str) -> None:
    answer = api.post("/api/transcription/transcribe", {"file_id": make_file().pk, **asked}, format="json")

    assert answer.status_code == status
    assert where in answer.json()
    assert not Job.objects.exists()


def test_a_file_without_sound_is_refused(api: APIClient) -> None:
    answer = api.post("/api/transcription/transcribe", {"file_id": make_file(audio_codec="").pk})

    assert answer.status_code == 400
    assert "no sound" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("method", "path", "permission"),
    [
        ("get", "/api/transcription/providers", "view_transcript"),
        ("get", "/api/transcripts", "view_transcript"),
        ("get", "/api/transcripts/{id}", "view_transcript"),
        ("get", "/api/transcripts/{id}/download", "view_transcript"),
        ("get", "/api/transcripts/{id}/captions.vtt", "view_transcript"),
        ("post", "/api/transcription/transcribe", "add_transcript"),
    ],
)
def test_each_door_needs_its_permission(django_user_model: type[User], method: str, path: str, permission: str) -> None:
    transcript = transcript_of()
    user = django_user_model.objects.create_user("reader")
    client = APIClient()
    path = path.format(id=transcript.pk)
    body = {"file_id": transcript.file_id} if method == "post" else {}
    assert getattr(client, method)(path, body).status_code == 401

    client.force_authenticate(user)
    assert getattr(client, method)(path, body).status_code == 403
    user.user_permissions.add(Permission.objects.get(codename=permission))
    client.force_authenticate(django_user_model.objects.get(pk=user.pk))

    assert getattr(client, method)(path, body).status_code in (200, 202)


# --- the action ---------------------------------------------------------------------------------------------------


def test_the_plan_counts_what_is_to_do(api: APIClient) -> None:
    done = make_file(name="done.mp4", sampled_hash="d")
    save_transcript(done, new_transcript("done", source_hash="d", metadata={"asked_language": "", "audio_track": None}))
    make_file(name="new.mp4")
    make_file(name="mute.mp4", audio_codec="")
    make_file(name="still.jpg", media_type="image", audio_codec="")
    chosen = resolving.resolve(filter={})

    plan, forced = actions.estimate("transcribe", chosen, {}), actions.estimate("transcribe", chosen, {"force": True})
    german = actions.estimate("transcribe", chosen, {"language": "de"})

    assert (plan.total, plan.todo, plan.already_done) == (4, 1, 1)
    assert not plan.usd_high
    assert plan.warnings == ["2 of 4 files have no sound."]
    assert (forced.todo, forced.already_done) == (2, 0)
    assert german.todo == 2


def test_a_provider_that_cannot_work_refuses_the_action(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    make_file()
    chosen = resolving.resolve(filter={})
    monkeypatch.setattr(settings, "WHISPER_MODEL_DIR", tmp_path)

    fetched, impossible = (actions.estimate("transcribe", chosen, {"model": name}) for name in ("base", "enormous"))
    monkeypatch.setattr(engines.FasterWhisper, "is_installed", lambda self: False)
    monkeypatch.setattr(engines.OpenAIWhisper, "is_installed", lambda self: False)
    absent = actions.estimate("transcribe", chosen, {})

    assert "fetched first" in fetched.warnings[0]
    assert fetched.refusals == []
    assert "enormous" in impossible.refusals[0]
    assert "pip install" in absent.refusals[0]


def test_a_batch_over_a_filter_takes_what_is_missing() -> None:
    transcript_of("done.mp4")
    new = make_file(name="new.mp4")

    actions.start_action("transcribe", resolving.resolve(filter={"has_transcript": False}), {"model": "small"})

    assert [job.subject_id for job in Batch.objects.get().jobs.all()] == [new.pk]
    assert Job.objects.get().options == {"model": "small"}


def test_the_library_shows_a_badge_and_filters(api: APIClient) -> None:
    transcript = transcript_of()
    bare = make_file(name="bare.mp4")
    rows = {file.pk: file for file in facets.annotate(File.objects.all())}

    (badge,) = [badge for badge in facets.badges(rows[transcript.file_id]) if badge.text == "Transcript"]
    assert badge.url == reverse("file-page", args=[transcript.file_id]) + "#transcript"
    assert "Transcript" not in [badge.text for badge in facets.badges(rows[bare.pk])]
    found = api.get("/api/files?has_transcript=true").json()["results"]
    assert [row["id"] for row in found] == [transcript.file_id]
    assert found[0]["has_transcript"] is True


# --- the admin ----------------------------------------------------------------------------------------------------


def test_a_segment_is_corrected_and_search_follows(
    admin_client: Client, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    transcript = transcript_of("talk.mp4", "helo", "world")
    url = reverse("admin:transcription_transcript_change", args=[transcript.pk])
    rows = list(transcript.segments.all())
    form = {"language": "en", "segments-TOTAL_FORMS": 2, "segments-INITIAL_FORMS": 2}
    for number, (row, text) in enumerate(zip(rows, ("hello", "world"), strict=True)):
        prefix = f"segments-{number}"
        form |= {f"{prefix}-id": row.pk, f"{prefix}-transcript": transcript.pk, f"{prefix}-text": text}

    with settled() as news, django_capture_on_commit_callbacks(execute=True):
        answer = admin_client.post(url, form)

    assert answer.status_code == 302, answer.content.decode()
    assert [(s.text, s.is_corrected) for s in transcript.segments.all()] == [("hello", True), ("world", False)]
    transcript.refresh_from_db()
    assert transcript.text == "hello world"
    assert news == [(transcript.file_id, transcript.pk, "corrected")]


def test_a_line_of_a_long_transcript_is_corrected_on_its_page(admin_client: Client) -> None:
    transcript = transcript_of("long.mp4", *[f"line {number}" for number in range(1250)])
    url = reverse("admin:transcription_transcript_change", args=[transcript.pk])
    last = transcript.segments.get(index=1249)

    page = admin_client.get(f"{url}?from=1200").content.decode()
    form = {"language": "en", "segments-TOTAL_FORMS": 1, "segments-INITIAL_FORMS": 1, "_continue": "1"}
    form |= {"segments-0-id": last.pk, "segments-0-transcript": transcript.pk, "segments-0-text": "the last line"}
    answer = admin_client.post(f"{url}?from=1200", form)

    assert '<a href="?from=1200#segments-group">1201–1250</a>' in page
    assert 'name="segments-49-text"' in page
    assert 'name="segments-50-text"' not in page
    assert answer["Location"] == f"{url}?from=1200"
    assert transcript.segments.get(index=1249).text == "the last line"
    assert admin_client.get(f"{url}?from=many").status_code == 200


def test_the_pages_of_the_admin_open_with_few_queries(
    admin_client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    transcripts = [transcript_of(f"talk{number}.mp4", *["word"] * 20) for number in range(8)]

    with django_assert_max_num_queries(14):
        listing = admin_client.get(reverse("admin:transcription_transcript_changelist"), {"q": "word"})
    with django_assert_max_num_queries(10):
        page = admin_client.get(reverse("admin:transcription_transcript_change", args=[transcripts[0].pk]))
    segments = admin_client.get(reverse("admin:transcription_segment_changelist"))

    assert listing.status_code == page.status_code == segments.status_code == 200
    assert f"/files/{transcripts[0].file_id}/?t=2.0" in page.content.decode()
    assert "download?format=srt" in page.content.decode()
    assert admin_client.get(reverse("admin:transcription_transcript_add")).status_code == 403


def test_choosing_and_deleting_in_the_admin(admin_client: Client) -> None:
    base = transcript_of()
    small = save_transcript(base.file, new_transcript("two", model="small"))

    admin_client.post(
        reverse("admin:transcription_transcript_changelist"),
        {"action": "make_current", "_selected_action": [base.pk]},
    )
    assert Transcript.objects.current_for(base.file) == base
    admin_client.post(reverse("admin:transcription_transcript_delete", args=[base.pk]), {"post": "yes"})

    assert Transcript.objects.current_for(base.file) == small
    assert Segment.objects.count() == 1


def test_the_schema_describes_it_without_warnings(api: APIClient) -> None:
    schema = api.get("/api/schema?format=json")

    paths = json.loads(schema.content)["paths"]
    assert "/api/transcripts/{id}/download" in paths
    assert "segments" in json.dumps(paths["/api/transcripts"])
