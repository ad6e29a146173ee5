"""It is said when the model in use does not read what is spoken in the library."""

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.test import Client

from embeddings.indexing import languages, spaces
from embeddings.models import Space
from jobs.models import Job
from novaproject.setup import doctor
from tests.embeddings.conftest import add_file
from transcription.models import Transcript

pytestmark = pytest.mark.django_db


@pytest.fixture
def english(settings: LazySettings) -> Space:
    """The default model's space, in use."""
    settings.EMBEDDING_PROVIDERS = {"local": "embeddings.providers.local.LocalProvider"}
    settings.EMBEDDING_PROVIDER = "local"
    return spaces.active()


def speak(*tags: str) -> None:
    for number, tag in enumerate(tags):
        file = add_file(f"{number}-{tag}.mp4")
        Transcript.objects.create(file=file, provider="whisper", language=tag, is_current=True, text="x")


def test_most_of_a_library_in_other_languages_is_told_by_the_most_frequent(english: Space) -> None:
    speak("en", "de", "de-CH", "fr", "")

    found = languages.unread(english)

    assert found is not None
    assert (found.name, found.count, found.total) == ("German", 3, 4)


def test_half_of_it_is_not_most(english: Space) -> None:
    speak("en", "en-US", "de", "fr")

    assert languages.unread(english) is None


def test_a_model_of_many_languages_reads_them_all(english: Space) -> None:
    speak("de", "fr")
    many = Space(provider="local", model="multilingual-e5-small", dimension=384)

    assert languages.unread(english) is not None
    assert languages.unread(many) is None


def test_the_doctor_says_it_with_what_to_do(english: Space) -> None:
    speak("de")

    [check] = [check for check in doctor.checks() if check.name == "Languages of the sentence model"]

    assert "German" in check.text
    assert "download_model multilingual-e5-small" in check.remedy


def test_another_model_is_fetched_from_the_setup_page(client: Client, settings: LazySettings) -> None:
    client.force_login(User.objects.create_superuser("ada"))
    assert "multilingual-e5-small, 489 MB" in client.get("/setup/").content.decode()

    client.post("/setup/text-model/", {"model": "nobody-knows-it"})
    assert not Job.objects.exists()
    client.post("/setup/text-model/", {"model": "multilingual-e5-small"})

    assert Job.objects.get().options == {"model": "multilingual-e5-small", "kind": "text"}
