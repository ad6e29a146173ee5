"""From a settled transcript to results: by itself, by the API, once for the same input."""

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from files.importing.problems import note_of_file, solve_of_file
from files.models import File
from jobs.execution.running import run_until_idle
from jobs.models import Job
from jobs.subjects import SubjectDescription, describe
from nova.analyze import analyze, prepare
from nova.errors import UnknownTypeError
from nova.local import shots
from nova.models import LOCAL, AnalysisResult, NovaJob
from nova.questions.results import NOTHING_SAID, current_for, keep
from nova.signals import analysis_ready
from nova.tasks import request_local
from novaproject.pages.file_page import analysis_of
from tests.files.factories import make_file, make_root
from tests.media import run_ffmpeg
from transcription.models import Transcript
from transcription.segments import SpokenSegment
from transcription.signals import transcript_settled
from transcription.writing import NewTranscript, save_transcript

pytestmark = pytest.mark.django_db(transaction=True)


def make_two_scenes(path: Path) -> Path:
    """Two seconds of one picture, two of another, with a tone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = "lavfi", "-i"
    run_ffmpeg(
        *("-f", *picture, "color=c=navy:s=320x180:d=2:r=25", "-f", *picture, "color=c=orange:s=320x180:d=2:r=25"),
        *(
            "-f",
            *picture,
            "sine=d=4",
            "-filter_complex",
            "[0:v][1:v]concat=n=2:v=1:a=0[v]",
            "-map",
            "[v]",
            "-map",
            "2:a",
        ),
        *("-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac", path),
    )
    return path


@pytest.fixture
def clip(folders: Path, tmp_path: Path) -> File:
    root = make_root(tmp_path / "media")
    path = make_two_scenes(root.local_path / "two.mp4")
    return make_file(root, "two.mp4", duration_s=4.0, media_type="video", size_bytes=path.stat().st_size)


@pytest.fixture
def settled() -> Any:
    """What was told to the floor above: (file id, id of the analysis or None, reason)."""
    told: list[tuple[int, int | None, str]] = []

    def listen(*, file: File, nova_job: NovaJob | None, reason: str, **_: Any) -> None:
        told.append((file.pk, nova_job.pk if nova_job else None, reason))

    analysis_ready.connect(listen)
    yield told
    analysis_ready.disconnect(listen)


def _say(file: File, *texts: str) -> Transcript:
    speeches = [SpokenSegment(start_s=index, end_s=index + 0.9, text=text) for index, text in enumerate(texts)]
    return save_transcript(
        file, NewTranscript(provider="sidecar", engine="", model="", language="en", segments=speeches)
    )


def test_cuts_are_found_where_the_picture_changes(tmp_path: Path) -> None:
    path = make_two_scenes(tmp_path / "two.mp4")

    cuts = shots.find_cuts(path, duration_s=4)

    assert len(cuts) == 1
    assert abs(cuts[0].at_s - 2.0) < 0.1


def test_cuts_of_a_bare_stream_are_counted_by_its_frames(tmp_path: Path) -> None:
    """An original without a container, and without a proxy: no frame of it has a time."""
    path = make_two_scenes(tmp_path / "two.mp4")
    run_ffmpeg("-i", path, "-c:v", "copy", "-an", "-f", "h264", tmp_path / "two.h264")

    (cut,) = shots.find_cuts(tmp_path / "two.h264", duration_s=4)

    assert abs(cut.at_s - 2.0) < 0.3


def test_a_settled_transcript_leads_to_all_three_results(clip: File, settled: list[Any]) -> None:
    transcript_settled.send(sender=None, file=clip, transcript=None, reason="no speech")
    run_until_idle()

    found = current_for(clip)
    assert set(found) == {"summary", "chapters", "elements"}
    assert [round(one["start_s"]) for one in found["chapters"].result["chapters"]] == [0]
    assert settled[-1] == (clip.pk, NovaJob.objects.get().pk, "")


def test_the_same_question_is_answered_once(clip: File) -> None:
    first, job = request_local(clip)
    run_until_idle()
    second, again = request_local(clip)

    assert job is not None
    assert again is None
    assert first.pk == second.pk


def test_an_analysis_that_is_under_way_is_joined(clip: File) -> None:
    first, job = request_local(clip)
    second, other = request_local(clip)

    assert (first.pk, job and job.pk) == (second.pk, other and other.pk)


def test_its_job_leads_to_the_page_of_its_file(clip: File) -> None:
    _, job = request_local(clip)
    assert job is not None

    assert describe([job])[job.pk] == SubjectDescription(label="two.mp4", url=f"/files/{clip.pk}/", file_id=clip.pk)
    NovaJob.objects.update(file=None)
    assert describe([job])[job.pk] == SubjectDescription(label="a file that left the library")


def test_force_makes_it_again(clip: File) -> None:
    first, _ = request_local(clip)
    run_until_idle()
    second, job = request_local(clip, force=True)

    assert job is not None
    assert first.pk != second.pk


def test_a_new_transcript_is_another_question(clip: File) -> None:
    first, _ = request_local(clip)
    run_until_idle()
    _say(clip, "Lanterns float on the pond.", "Nobody wants to go home.")

    second, job = request_local(clip)
    run_until_idle()

    assert job is not None
    assert first.pk != second.pk
    assert "Lanterns" in current_for(clip)["summary"].result["text"]
    assert AnalysisResult.objects.filter(file=clip, type="summary", is_current=True).count() == 1


def test_a_free_result_never_takes_the_place_of_a_paid_one(clip: File) -> None:
    summary = {"text": "Paid for.", "depth": "brief", "language": "en", "word_count": 2}
    paid = NovaJob.objects.create(file=clip, model="lite", analysis_types=["summary"])
    keep(paid, {"summary": summary}, version="p1")

    request_local(clip)
    run_until_idle()

    assert current_for(clip)["summary"].nova_job == paid
    assert current_for(clip)["chapters"].nova_job.model == LOCAL


def test_a_failure_is_on_the_row_and_settles(clip: File, settled: list[Any]) -> None:
    nova_job, _ = request_local(clip)
    clip.local_path.write_bytes(b"no video at all" * 100)

    run_until_idle()

    nova_job.refresh_from_db()
    assert nova_job.status == NovaJob.Status.FAILED
    assert nova_job.error
    assert Job.objects.get(kind="analyze").state == Job.State.FAILED
    assert settled[-1][:2] == (clip.pk, None)


def test_a_drive_that_is_away_is_waited_for(clip: File, settled: list[Any]) -> None:
    nova_job, job = request_local(clip)
    clip.local_path.rename(clip.local_path.with_suffix(".away"))

    run_until_idle()

    nova_job.refresh_from_db()
    assert job is not None
    job.refresh_from_db()
    assert (nova_job.status, job.state) == (NovaJob.Status.IN_PROGRESS, Job.State.QUEUED)
    assert nova_job.error
    assert settled == []


def test_an_image_is_described_by_what_its_file_says(folders: Path, settled: list[Any]) -> None:
    image = make_file(media_type="image", metadata={"camera": "Pentax K-1"})

    transcript_settled.send(sender=None, file=image, transcript=None, reason="not for images")
    run_until_idle()

    nova_job = NovaJob.objects.get()
    assert nova_job.analysis_types == ["summary"]
    assert "Pentax K-1" in nova_job.results.get().result["text"]
    assert [entry[:1] for entry in settled] == [(image.pk,)]


def test_a_step_that_is_off_settles(clip: File, settled: list[Any], settings: Any) -> None:
    settings.IMPORT_STEPS = ["proxy"]

    transcript_settled.send(sender=None, file=clip, transcript=None, reason="")

    assert settled[0][:2] == (clip.pk, None)
    assert not Job.objects.exists()


@pytest.mark.parametrize("types", [["horoscope"], []])
def test_an_unknown_type_is_refused_with_the_known_ones(clip: File, types: list[str]) -> None:
    with pytest.raises(UnknownTypeError) as caught:
        prepare(clip, types=types)

    assert "summary, chapters, elements" in caught.value.remedy


def test_a_sound_without_a_transcript_settles_and_fails_nothing(folders: Path, settled: list[Any]) -> None:
    sound = make_file(media_type="audio")

    transcript_settled.send(sender=None, file=sound, transcript=None, reason="waiting")

    assert settled == [(sound.pk, None, "There is nothing to analyse: a sound without a transcript.")]
    assert not Job.objects.filter(kind="analyze").exists()


def test_a_sound_with_a_transcript_is_analysed(folders: Path) -> None:
    sound = make_file(media_type="audio")
    _say(sound, "Lanterns float on the pond.")

    analyze(prepare(sound))

    assert current_for(sound)["summary"].result["text"] == "Lanterns float on the pond."


def test_results_made_without_a_word_say_so(clip: File) -> None:
    request_local(clip)
    run_until_idle()

    assert current_for(clip)["chapters"].notes == [NOTHING_SAID]


def _break_the_picture(file: File) -> None:
    """Nothing is left behind the table of contents: the file still says that it is a video."""
    path = file.root.local_path / file.path
    content = path.read_bytes()
    start = content.index(b"mdat") + 4
    path.write_bytes(content[:start] + bytes(len(content) - start))


def test_a_video_without_a_picture_that_can_be_read_is_not_analysed(clip: File, settled: list[Any]) -> None:
    _break_the_picture(clip)

    request_local(clip)
    run_until_idle()

    job = Job.objects.get(kind="analyze")
    assert job.state == Job.State.FAILED
    assert "two.mp4" in job.error
    assert settled[-1][:2] == (clip.pk, None)
    assert not AnalysisResult.objects.exists()


def test_of_such_a_video_the_words_are_analysed_and_the_reason_is_told(clip: File, member: Client) -> None:
    _break_the_picture(clip)
    _say(clip, "Lanterns float on the pond.")
    note_of_file(clip, "ffmpeg", "ffmpeg could not convert the file: no frame in it.")

    request_local(clip)
    run_until_idle()

    assert current_for(clip)["summary"].result["text"] == "Lanterns float on the pond."
    told = ["ffmpeg could not convert the file: no frame in it.", "Only what is said was analysed."]
    assert current_for(clip)["summary"].notes == told
    assert analysis_of(clip).faults == sorted(told)
    assert analysis_of(clip).notes == []


def test_once_there_is_a_picture_it_is_analysed_anew(clip: File) -> None:
    note_of_file(clip, "ffmpeg", "ffmpeg could not convert the file: no frame in it.")
    request_local(clip)
    run_until_idle()
    solve_of_file(clip)

    _, job = request_local(clip)
    run_until_idle()

    assert job is not None
    assert current_for(clip)["summary"].notes == [NOTHING_SAID]


@pytest.fixture
def member(client: Client) -> Client:
    user = User.objects.create_user("ada")
    names = ["add_novajob", "view_novajob", "view_analysisresult"]
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    client.force_login(user)
    return client


def test_the_api_starts_tells_and_shows(clip: File, member: Client) -> None:
    started = member.post("/api/nova/analyze", {"file_id": clip.pk}, content_type="application/json")
    run_until_idle()
    status = member.get(f"/api/nova/status/{started.json()['nova_job_id']}").json()
    results = member.get(f"/api/nova/results/{started.json()['nova_job_id']}").json()

    assert started.status_code == 202
    assert status["status"] == "completed"
    assert status["progress"] == 1
    assert results["summary"].startswith("A clip of 4 s")
    assert results["chapters"][0]["start_s"] == 0
    assert set(results["results"]) == {"summary", "chapters", "elements"}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "file_id"),
        ({"file_id": 1, "analysis_types": []}, "analysis_types"),
        ({"file_id": 1, "analysis_types": ["horoscope"]}, "analysis_types"),
        ({"file_id": 1, "model": "micro"}, "model"),
        ({"file_id": 1, "mode": "sideways"}, "mode"),
    ],
)
def test_a_bad_request_names_the_field(member: Client, body: dict[str, Any], field: str) -> None:
    answer = member.post("/api/nova/analyze", body, content_type="application/json")

    assert answer.status_code == 400
    assert field in answer.json()


def test_a_file_that_is_not_there_is_404(member: Client) -> None:
    answer = member.post("/api/nova/analyze", {"file_id": 4711}, content_type="application/json")

    assert answer.status_code == 404


def test_without_permission_nothing_starts(clip: File, client: Client) -> None:
    client.force_login(User.objects.create_user("guest"))

    assert client.post("/api/nova/analyze", {"file_id": clip.pk}, content_type="application/json").status_code == 403
    assert client.get("/api/nova/jobs").status_code == 403
    assert not NovaJob.objects.exists()


def test_the_list_needs_the_same_number_of_queries_for_many(
    member: Client, folders: Path, django_assert_num_queries: Any
) -> None:
    for _ in range(20):
        NovaJob.objects.create(file=make_file(), model=LOCAL, analysis_types=["summary"])

    with django_assert_num_queries(7):
        answer = member.get("/api/nova/jobs?status=submitted&mode=realtime")

    assert answer.json()["count"] == 20
