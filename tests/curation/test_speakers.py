"""People who speak have names: in one file or in all, in search, subtitles and exports, and on the page."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from rest_framework.test import APIClient

from curation.tasks import INDEX_SPEAKERS
from embeddings.indexing import index
from embeddings.models import Chunk
from files.models import File
from jobs.execution.running import run_until_idle
from jobs.models import Job
from nova.exports.current import text_of
from nova.models import NovaJob
from nova.questions.results import keep
from tests.files.factories import make_file
from tests.pages import as_read
from transcription.models import SpeakerName, Transcript
from transcription.segments import SpokenSegment
from transcription.subtitles.reader import read_bytes
from transcription.writing import NewTranscript, save_transcript

pytestmark = pytest.mark.django_db

VTT = b"""WEBVTT

00:00.000 --> 00:02.000
<v Ada K.>The pond is deep.

00:02.000 --> 00:04.000
<v Bob>It is.

00:04.000 --> 00:06.000
Nobody is named here.
"""


@pytest.fixture
def api() -> APIClient:
    client = APIClient()
    client.force_authenticate(User.objects.create_superuser("ada"))
    return client


def with_speakers(*speakers: str, file: File | None = None) -> Transcript:
    segments = [
        SpokenSegment(start_s=n * 2.0, end_s=n * 2.0 + 2, text=f"Line {n}", speaker=speaker)
        for n, speaker in enumerate(speakers)
    ]
    transcript = save_transcript(file or make_file(), NewTranscript(provider="sidecar", segments=segments))
    index.index_text(transcript.file)
    return transcript


def analysed(file: File, *speakers: dict[str, Any]) -> None:
    nova_job = NovaJob.objects.create(file=file, model="lite", analysis_types=["elements"], mode="flex")
    keep(nova_job, {"elements": {"equipment": [], "topics": [], "speakers": list(speakers)}}, version="1")
    index.index_text(file)


def texts(file: File) -> str:
    return "\n".join(Chunk.objects.filter(file=file).order_by("pk").values_list("text", flat=True))


def test_subtitle_files_say_who_speaks() -> None:
    in_vtt = read_bytes(VTT).segments
    ass = b"[Events]\nDialogue: 0,0:00:01.00,0:00:02.00,Default,Ada K.,0,0,0,,The pond is deep.\n"

    assert [segment.speaker for segment in in_vtt] == ["Ada K.", "Bob", ""]
    assert [segment.text for segment in in_vtt] == ["The pond is deep.", "It is.", "Nobody is named here."]
    assert [segment.speaker for segment in read_bytes(ass).segments] == ["Ada K."]


def test_a_speaker_is_named_in_this_file_alone(api: APIClient) -> None:
    here, elsewhere = with_speakers("speaker_1", "Bob"), with_speakers("speaker_1")

    answer = api.patch(f"/api/files/{here.file_id}/speakers", {"names": {"speaker_1": "Ada Byron"}}, format="json")

    assert answer.json()["names"] == {"speaker_1": "Ada Byron", "Bob": "Bob"}
    shown = [line["speaker"] for line in api.get(f"/api/transcripts/{here.pk}").json()["segments"]]
    assert shown == ["Ada Byron", "Bob"]
    assert "Ada Byron: Line 0" in texts(here.file)
    assert "speaker_1: Line 0" in texts(elsewhere.file)


def test_a_speaker_is_named_in_every_file_with_the_same_tag(api: APIClient) -> None:
    here, elsewhere, own = with_speakers("speaker_1"), with_speakers("speaker_1"), with_speakers("speaker_1")
    other_tag = with_speakers("speaker_2")
    api.patch(f"/api/files/{own.file_id}/speakers", {"names": {"speaker_1": "Eve"}}, format="json")

    body = {"names": {"speaker_1": "Ada"}, "everywhere": True}
    answer = api.patch(f"/api/files/{here.file_id}/speakers", body, format="json").json()
    run_until_idle()

    assert answer["other_files"] == 2
    assert [texts(transcript.file).count("Ada") for transcript in (here, elsewhere, own, other_tag)] == [1, 1, 0, 0]
    assert Job.objects.filter(kind=INDEX_SPEAKERS, state=Job.State.SUCCEEDED).count() == 2
    later = with_speakers("speaker_1")
    assert "Ada: Line 0" in texts(later.file)


def test_nova_speakers_are_named_too(api: APIClient) -> None:
    file = make_file()
    analysed(file, {"speaker_id": "speaker_1", "role": "presenter", "time_ranges": [{"start_s": 1, "end_s": 3}]})

    api.patch(f"/api/files/{file.pk}/speakers", {"names": {"speaker_1": "Ada"}}, format="json")

    assert "Speaker: Ada, presenter" in texts(file)
    assert ",Ada," in text_of(file, "csv")
    found = api.get("/api/files?speaker=ADA").json()["results"]
    assert [row["id"] for row in found] == [file.pk]


def test_a_name_is_given_again_by_the_name_that_is_shown_and_taken_away(api: APIClient) -> None:
    transcript = with_speakers("speaker_1")
    address = f"/api/files/{transcript.file_id}/speakers"

    api.patch(address, {"names": {"speaker_1": "Ada"}}, format="json")
    again = api.patch(address, {"names": {"Ada": "Bea"}}, format="json").json()["names"]
    gone = api.patch(address, {"names": {"Bea": ""}}, format="json").json()["names"]

    assert (again, gone) == ({"speaker_1": "Bea"}, {"speaker_1": "speaker_1"})
    assert not SpeakerName.objects.exists()


@pytest.mark.parametrize(
    ("body", "field"),
    [({"names": {"nobody": "Ada"}}, "names"), ({"names": {}}, "names"), ({"names": {"a": "b"}, "all": True}, "all")],
)
def test_what_cannot_be_named_is_refused_by_name(api: APIClient, body: dict[str, Any], field: str) -> None:
    transcript = with_speakers("speaker_1")

    answer = api.patch(f"/api/files/{transcript.file_id}/speakers", body, format="json")

    assert answer.status_code == 400
    assert field in answer.json()


def test_files_are_filtered_by_who_speaks(api: APIClient) -> None:
    named, by_tag, for_all, other = (with_speakers(tag) for tag in ("speaker_1", "Ada", "speaker_2", "speaker_1"))
    api.patch(f"/api/files/{named.file_id}/speakers", {"names": {"speaker_1": "ada"}}, format="json")
    body = {"names": {"speaker_2": "ADA"}, "everywhere": True}
    api.patch(f"/api/files/{for_all.file_id}/speakers", body, format="json")

    found = {row["id"] for row in api.get("/api/files?speaker=Ada").json()["results"]}

    assert found == {named.file_id, by_tag.file_id, for_all.file_id}
    assert api.get("/api/files?speaker=").json()["count"] == 4
    assert other.file_id not in found


def test_subtitles_name_who_speaks(api: APIClient) -> None:
    transcript = with_speakers("speaker_1", "speaker_1", "Bob <b>")
    api.patch(f"/api/files/{transcript.file_id}/speakers", {"names": {"speaker_1": "Ada"}}, format="json")

    written = {
        kind: api.get(f"/api/transcripts/{transcript.pk}/download?format={kind}").content.decode()
        for kind in ("srt", "vtt", "txt", "json")
    }

    assert "\nAda: Line 0\n" in written["srt"]
    assert "\nLine 1\n" in written["srt"]
    assert "<v Ada>Line 1" in written["vtt"]
    assert "<v Bob &lt;b&gt;>Line 2" in written["vtt"]
    assert written["txt"].startswith("Ada: Line 0\nLine 1\nBob <b>: Line 2")
    assert '"speaker": "Ada"' in written["json"]


def test_a_person_says_who_speaks_a_line_and_undoes_it(api: APIClient) -> None:
    transcript = with_speakers("", "speaker_1")
    line = transcript.segments.first()
    assert line is not None

    said = api.patch(f"/api/segments/{line.pk}", {"speaker": "Ada"}, format="json").json()
    save_transcript(
        transcript.file, NewTranscript(provider="sidecar", segments=[SpokenSegment(start_s=0, end_s=2, text="x")])
    )
    kept = transcript.segments.get(index=0)
    undone = api.post(f"/api/segments/{kept.pk}/undo")

    assert (said["speaker"], said["text"], said["is_corrected"]) == ("Ada", "Line 0", True)
    assert (kept.speaker, kept.text) == ("Ada", "Line 0")
    assert undone.status_code == 409  # what was transcribed anew has nothing to go back to


def test_the_page_names_speakers_and_filters_by_them(client: Client) -> None:
    client.force_login(User.objects.create_superuser("ada"))
    transcript = with_speakers("speaker_1", "Bob")
    page = f"/files/{transcript.file_id}/"

    client.post(f"{page}speakers/", {"tag": ["speaker_1", "Bob"], "name": ["Ada", ""]})

    html = as_read(client.get(page))
    assert SpeakerName.objects.get().name == "Ada"
    assert '<a class="strong" href="/library/?speaker=Ada">Ada</a>' in html
    assert "<b>Ada</b> Line 0" in html


def test_whoever_only_looks_sees_names_and_changes_none(client: Client) -> None:
    viewer = User.objects.create_user("eve")
    rights = Permission.objects.filter(codename__in=["view_file", "view_transcript"])
    viewer.user_permissions.set(rights)
    client.force_login(viewer)
    transcript = with_speakers("speaker_1")

    page = as_read(client.get(f"/files/{transcript.file_id}/"))
    sent = client.post(f"/files/{transcript.file_id}/speakers/", {"tag": "speaker_1", "name": "Eve"})

    assert "speaker_1" in page
    assert "Save names" not in page
    assert sent.status_code == 403
    assert not SpeakerName.objects.exists()
