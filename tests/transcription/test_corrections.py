"""A person's words for a line over HTTP, and taking them back."""

import pytest
from django.contrib.auth.models import User
from django.test import Client
from rest_framework.test import APIClient

from embeddings.indexing.index import index_text
from tests.files.factories import make_file
from transcription.models import Segment, Transcript
from transcription.segments import SpokenSegment
from transcription.writing import NewTranscript, save_transcript

pytestmark = pytest.mark.django_db


@pytest.fixture
def api() -> APIClient:
    client = APIClient()
    client.force_authenticate(User.objects.create_superuser("ada"))
    return client


def _transcript(text: str = "The lioner seam") -> Transcript:
    said = [SpokenSegment(start_s=0, end_s=2, text=text, flags=("repeated",))]
    return save_transcript(make_file(), NewTranscript(provider="whisper", segments=said))


def test_a_correction_is_taken_back_to_what_stood_there_before(api: APIClient) -> None:
    transcript = _transcript()
    [line] = api.get(f"/api/transcripts/{transcript.pk}").json()["segments"]
    index_text(transcript.file)

    changed = api.patch(f"/api/segments/{line['id']}", {"text": "The liner seam"}).json()
    found = api.get("/api/search?q=liner&mode=keyword").json()["total"]
    undone = api.post(f"/api/segments/{line['id']}/undo").json()
    again = api.post(f"/api/segments/{line['id']}/undo")

    assert (changed["text"], changed["is_corrected"], found) == ("The liner seam", True, 1)
    assert (undone["text"], undone["is_corrected"], undone["flags"]) == ("The lioner seam", False, ["repeated"])
    assert again.status_code == 409
    assert api.get("/api/search?q=liner&mode=keyword").json()["total"] == 0


def test_a_field_that_cannot_be_corrected_is_refused(api: APIClient) -> None:
    segment = _transcript().segments.get()

    assert "txt" in api.patch(f"/api/segments/{segment.pk}", {"txt": "x", "text": "y"}).json()
    assert Segment.objects.get().text == "The lioner seam"


def test_another_transcript_is_put_in_use(api: APIClient) -> None:
    first = _transcript()
    second = save_transcript(
        first.file,
        NewTranscript(provider="sidecar", segments=[SpokenSegment(start_s=0, end_s=1, text="Hello")]),
    )

    answer = api.post(f"/api/transcripts/{first.pk}/use")

    assert second.is_current
    assert answer.json()["is_current"]
    assert Transcript.objects.current_for(first.file) == first


def test_the_page_offers_the_undo_after_a_correction(client: Client) -> None:
    client.force_login(User.objects.create_superuser("ada"))
    segment = _transcript().segments.get()

    changed = client.post(f"/segments/{segment.pk}/", {"text": "Mine"}, headers={"HX-Request": "true"})
    client.post(f"/segments/{segment.pk}/undo/")

    assert f"/segments/{segment.pk}/undo/" in changed.content.decode()
    assert Segment.objects.get().text == "The lioner seam"
