"""Home, library, the page between a selection and the work, and the file page."""

import re
import wave
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models import BooleanField, ExpressionWrapper, Q
from django.http import QueryDict
from django.template import Context
from django.test import Client
from rest_framework import serializers

from bedrock.models import Entry
from files.importing.roots import mark_absent
from files.models import File
from files.selection import facets
from files.selection.facets import Action, ActionPlan, Badge, Facet
from jobs import registry
from jobs.models import Batch, Job
from jobs.notices import notify
from jobs.queue import create_batch, enqueue
from jobs.registry import Kind
from jobs.web.option_forms import form_from_serializer
from nova.models import NovaJob
from nova.questions.results import keep
from novaproject.pages import library_query
from novaproject.pages.file_page import speech_marks
from tests.files.factories import make_derived, make_file, make_problem, make_proxy_row, make_root
from tests.pages import as_read
from transcription.models import Segment, Transcript

pytestmark = pytest.mark.django_db
HOSTILE = "<img src=x onerror=alert(1)>.mp4"


@pytest.fixture
def ada(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("ada"))
    return client


class PolishOptions(serializers.Serializer[Any]):
    shine = serializers.ChoiceField(choices=[("soft", "Soft"), ("bright", "Bright")], default="soft")
    parts = serializers.MultipleChoiceField(choices=[("a", "Front"), ("b", "Back")], default={"a"})
    force = serializers.BooleanField(default=False, help_text="Also what shines already")
    grit = serializers.IntegerField(default=80, min_value=10)
    words = serializers.ListField(child=serializers.CharField(), default=list)
    note = serializers.CharField(required=False, allow_blank=True)


def plan_polish(selection: Any, options: Any) -> ActionPlan:
    total = selection.count()
    return ActionPlan(
        total=total,
        todo=total if options["grit"] < 500 else 0,
        usd_low=Decimal("0.87"),
        usd_high=Decimal("1.05"),
        refusals=["The cap would be passed."] if options["grit"] == 99 else [],
        warnings=["63 records short."],
    )


@pytest.fixture
def polish(monkeypatch: pytest.MonkeyPatch) -> Iterator[Action]:
    """A facet with an action of the test's own."""
    action = Action(
        name="polish",
        label="Polish",
        job_kind="polish",
        options=PolishOptions,
        permission="files.change_file",
        plan=plan_polish,
    )
    facet = Facet(
        name="is_long",
        label="Long",
        annotation=is_long,
        badge=lambda file: Badge(text="Long") if facets.flag(file, "is_long") else None,
        action=action,
    )
    monkeypatch.setattr(facets, "_facets", {"is_long": facet})
    registry.register(
        Kind(
            name="polish",
            label="Polish",
            queue="fast",
            run=lambda work: None,
            subject_kind="file",
            permission="files.change_file",
        )
    )
    yield action
    registry.unregister("polish")


def is_long() -> Any:
    return ExpressionWrapper(Q(duration_s__gt=600), output_field=BooleanField())


# --- home -----------------------------------------------------------------------------------------------------------


def test_an_empty_library_says_the_next_step_and_what_is_missing(ada: Client, settings: Any, tmp_path: Path) -> None:
    settings.IMPORT_ROOTS = [tmp_path]

    page = as_read(ada.get("/"))

    assert "Your library is empty" in page
    assert 'name="path"' in page
    assert "Vector search" in page


def test_home_counts_what_is_there(ada: Client) -> None:
    make_file(duration_s=5400.0, size_bytes=2_000_000_000)
    make_file(media_type="audio", duration_s=1800.0, size_bytes=1_000_000_000)

    page = as_read(ada.get("/"))

    assert "1 video, 1 sound" in page
    assert "2 h" in page
    assert "3.0 GB" in page


def test_home_shows_batches_jobs_notices_and_drives_that_are_away(ada: Client, polish: Action) -> None:
    file = make_file()
    make_file(make_root(name="Archive B", is_present=False), state="offline")
    batch = create_batch("Polish two", "polish")
    done, waiting = enqueue("polish", file.pk, batch=batch), enqueue("polish", file.pk, {"x": 1}, batch=batch)
    Job.objects.filter(pk=done.pk).update(state="succeeded")
    assert waiting.is_active
    enqueue("polish", file.pk, {"alone": True})
    notify("weights", "Waiting for weights.", remedy="Copy them.")

    page = as_read(ada.get("/"))

    assert "Polish two" in page
    assert "<b>1</b> of 2" in page
    assert "waiting for its turn" in page
    assert "Waiting for weights." in page
    assert "Archive B is not connected." in page
    assert "1 original cannot" in page


def test_home_offers_the_next_step_for_what_is_missing(ada: Client, polish: Action) -> None:
    make_file(duration_s=60)

    page = as_read(ada.get("/"))

    assert "Next: polish 1 file" in page
    assert "$0.8700–$1.05, and nothing starts" in page
    assert "/library/do/polish/?all=1&amp;is_long=false" in page


def test_a_drive_that_is_away_is_said_once(ada: Client) -> None:
    root = make_root(name="Archive B")
    make_file(root)
    mark_absent(root)

    page = as_read(ada.get("/"))

    assert "Archive B is not connected." in page
    assert "is away (" not in page


def test_home_offers_no_step_that_is_being_done(ada: Client, polish: Action) -> None:
    first, _second = make_file(), make_file(path="second.mp4")
    enqueue("polish", first.pk)

    assert "Next:" not in as_read(ada.get("/"))


def test_the_page_of_analyses_calls_models_by_their_names(ada: Client) -> None:
    NovaJob.objects.create(model="lite", analysis_types=["summary"], mode="flex")

    assert "Nova 2 Lite, flex: summary" in as_read(ada.get("/nova/"))


def test_only_what_nova_sees_is_missing_an_analysis_by_it(ada: Client) -> None:
    make_file()
    make_file(media_type="image", path="pond.jpg")
    make_file(media_type="audio", path="talk.mp3")

    by_nova = {one.name: one for one in ada.get("/").context["coverage"]}["has_nova_analysis"]

    assert by_nova.missing == 2
    assert by_nova.missing_url == "/library/?has_nova_analysis=false&media_type=video&media_type=image"


def test_who_may_only_look_is_led_nowhere_that_is_closed(client: Client) -> None:
    bea = User.objects.create_user("bea")
    bea.user_permissions.add(Permission.objects.get(codename="view_file"))
    client.force_login(bea)
    assert 'name="path"' not in as_read(client.get("/"))  # nothing to import with, in the empty library
    file = make_file()

    pages = [as_read(client.get(path)) for path in ("/", "/library/", f"/files/{file.pk}/")]

    links = {link for page in pages for link in re.findall(r'href="(/[^"?#]*)', page) if "/static/" not in link}
    assert {link: client.get(link).status_code for link in sorted(links) if client.get(link).status_code == 403} == {}
    assert not any("data-pick" in page for page in pages)


def test_an_empty_library_offers_one_way_in_only(ada: Client) -> None:
    page = as_read(ada.get("/library/"))

    assert page.count('href="/import/"') == 1
    assert "0 files" not in page


def test_the_list_of_what_runs_stops_asking_when_nothing_does(ada: Client, polish: Action) -> None:
    idle = ada.get("/running/")
    assert (idle.status_code, idle["HX-Refresh"]) == (286, "true")

    enqueue("polish", make_file().pk)

    assert ada.get("/running/").status_code == 200


# --- library --------------------------------------------------------------------------------------------------------


def test_the_library_shows_cards_with_badges_and_totals(ada: Client, polish: Action) -> None:
    make_file(path="2026/09 Ridge Court/leak.mp4", duration_s=1104, size_bytes=2_100_000_000)

    page = as_read(ada.get("/library/"))

    assert "leak.mp4" in page
    assert "2026/09 Ridge Court" in page
    assert "18:24" in page
    assert '<span class="badge ok">Long</span>' in page


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", {"koi.mp4", "bird.wav"}),
        ("?q=koi", {"koi.mp4"}),
        ("?media_type=audio", {"bird.wav"}),
        ("?is_long=true", {"koi.mp4"}),
        ("?is_long=false", {"bird.wav"}),
        ("?min_duration=700", {"koi.mp4"}),
        ("?view=list&max_duration=600", {"bird.wav"}),
        ("?created_after=2999-01-01", set()),
    ],
)
def test_filters_narrow_the_library(ada: Client, polish: Action, query: str, names: set[str]) -> None:
    make_file(path="koi.mp4", duration_s=700)
    make_file(path="bird.wav", media_type="audio", duration_s=12)

    answer = ada.get(f"/library/{query}")

    assert {card.file.name for card in answer.context["cards"]} == names


def test_a_filter_that_cannot_be_read_shows_nothing_and_says_so(ada: Client) -> None:
    make_file()

    answer = ada.get("/library/?min_size=lots")

    assert answer.context["cards"] == []
    assert b'role="alert"' in answer.content


def test_chips_take_one_filter_away_each(polish: Action) -> None:
    query = QueryDict(
        "q=koi&min_size=1500000&min_duration=60&is_long=true&max_size=x&media_type=video&page=3&view=list"
    )

    chips = {chip.text: chip.url for chip in library_query.chips(query)}

    assert set(chips) == {
        "Words: koi",
        "Type: video",
        "Larger than: 1.5 MB",
        "Smaller than: x",
        "Longer than: 1 min",
        "Long: yes",
    }
    assert "q=" not in chips["Words: koi"]
    assert "page=" not in chips["Words: koi"]
    assert "view=list" in chips["Words: koi"]


@pytest.mark.parametrize(
    ("current", "last", "numbers"),
    [(1, 1, [1]), (1, 3, [1, 2, 3]), (10, 22, [1, 2, None, 9, 10, 11, None, 21, 22]), (2, 6, [1, 2, 3, None, 5, 6])],
)
def test_the_pager_leaves_gaps(current: int, last: int, numbers: list[int | None]) -> None:
    assert library_query.page_numbers(current, last) == numbers


def test_the_library_asks_the_database_a_fixed_number_of_times(
    ada: Client, polish: Action, django_assert_max_num_queries: Any
) -> None:
    root = make_root()
    for _ in range(12):
        make_file(root)

    with django_assert_max_num_queries(18):
        ada.get("/library/")


def test_a_poster_is_shown_once_it_is_made(ada: Client, folders: Path) -> None:
    file = make_file()
    without = as_read(ada.get("/library/"))
    make_derived(file, poster=b"jpeg")

    with_poster = as_read(ada.get("/library/"))

    assert f"/api/files/{file.pk}/thumbnail" not in without
    assert f"/api/files/{file.pk}/thumbnail" in with_poster


# --- actions --------------------------------------------------------------------------------------------------------


def test_an_action_says_what_it_would_do_before_it_is_done(ada: Client, polish: Action) -> None:
    files = [make_file(), make_file()]

    page = as_read(ada.get("/library/do/polish/", {"file": [file.pk for file in files]}))

    assert "Polish: 2 files" in page
    assert "$0.8700–$1.05" in page
    assert "63 records short." in page
    assert not Batch.objects.exists()


def test_an_action_starts_with_the_options_of_the_form(ada: Client, polish: Action) -> None:
    file = make_file()

    answer = ada.post(
        "/library/do/polish/", {"file": file.pk, "shine": "bright", "parts": ["a", "b"], "grit": "120", "words": "x, y"}
    )

    batch = Batch.objects.get()
    assert answer.status_code == 302
    assert batch.options["shine"] == "bright"
    assert set(batch.options["parts"]) == {"a", "b"}
    assert (batch.options["grit"], batch.options["force"], batch.options["words"]) == (120, False, ["x", "y"])
    assert batch.jobs.get().subject_id == file.pk


def test_everything_that_matches_is_selected_by_its_filter(ada: Client, polish: Action) -> None:
    make_file(path="koi.mp4")
    make_file(path="bird.wav")

    ada.post("/library/do/polish/", {"all": "1", "q": "koi", "shine": "soft", "parts": "a"})

    assert Batch.objects.get().jobs.count() == 1


def test_an_option_that_is_called_like_a_filter_filters_nothing(ada: Client) -> None:
    """The language of an answer was taken for that of the files: of a whole library nothing was left to analyse."""
    make_file(path="koi.mp4", duration_s=9.0)
    make_file(path="bird.mp4", duration_s=9.0)
    page = ada.get("/library/do/nova/?all=1&q=koi").content.decode()
    hidden = dict(re.findall(r'<input type="hidden" name="(all|matching)" value="([^"]*)">', page))
    options = {"model": "local", "mode": "realtime", "analysis_types": ["summary"], "summary_depth": "brief",
               "language": "auto"}  # fmt: skip
    assert hidden == {"all": "1", "matching": "q=koi"}

    plan = ada.get("/library/do/nova/plan/", {**hidden, **options}).content.decode()
    ada.post("/library/do/nova/", {**hidden, **options})

    assert "1 file will be worked on" in plan
    assert [job.subject_id for job in Batch.objects.get().jobs.all()] == [NovaJob.objects.get(file__path="koi.mp4").pk]


def test_wrong_options_come_back_with_words(ada: Client, polish: Action) -> None:
    file = make_file()

    page = ada.post("/library/do/polish/", {"file": file.pk, "shine": "soft", "parts": "a", "grit": "3"})

    assert b"greater than or equal to 10" in page.content
    assert not Batch.objects.exists()


def test_a_refusal_is_shown_and_nothing_starts(ada: Client, polish: Action) -> None:
    file = make_file()

    page = ada.post("/library/do/polish/", {"file": file.pk, "shine": "soft", "parts": "a", "grit": "99"})

    assert b"The cap would be passed." in page.content
    assert not Batch.objects.exists()


@pytest.mark.parametrize("selection", [{}, {"file": "x"}, {"file": "424242"}, {"all": "1", "min_size": "x"}])
def test_a_selection_that_cannot_be_read_goes_back_to_the_library(
    ada: Client, polish: Action, selection: dict[str, str]
) -> None:
    answer = ada.get("/library/do/polish/", selection, follow=True)

    assert answer.redirect_chain == [("/library/", 302)]
    assert answer.context["messages"]
    assert b"note bad" in answer.content
    assert b'role="alert"' in ada.get("/library/do/polish/plan/", selection).content


def test_the_plan_follows_the_options(ada: Client, polish: Action) -> None:
    file = make_file()
    asked: dict[str, str | int] = {"file": file.pk, "shine": "soft", "parts": "a"}

    few = as_read(ada.get("/library/do/polish/plan/", {**asked, "grit": "80"}))
    none = as_read(ada.get("/library/do/polish/plan/", {**asked, "grit": "500"}))
    wrong = as_read(ada.get("/library/do/polish/plan/", {**asked, "grit": "1"}))

    assert "1 file will be worked on" in few
    assert "Nothing left to do" in none
    assert "Check the options" in wrong


def test_actions_need_their_permission(client: Client, polish: Action) -> None:
    bea = User.objects.create_user("bea")
    bea.user_permissions.add(Permission.objects.get(codename="view_file"))
    client.force_login(bea)
    file = make_file()

    assert client.post("/library/do/polish/", {"file": file.pk}).status_code == 403
    assert "Polish" not in as_read(client.get("/library/"))


def test_an_unknown_action_is_not_found(ada: Client) -> None:
    assert ada.get("/library/do/juggle/", {"all": "1"}).status_code == 404


def test_options_become_inputs_of_the_right_kind(polish: Action) -> None:
    form = form_from_serializer(polish.options)

    kinds = {bound.name: bound.widget_type for bound in form()}
    assert kinds == {
        "shine": "radioselect",
        "parts": "checkboxselectmultiple",
        "force": "checkbox",
        "grit": "number",
        "words": "text",
        "note": "text",
    }
    sent = form(QueryDict("shine=soft&parts=b&grit=70&words=oak, ash,"))
    assert sent.is_valid(), sent.errors
    assert sent.options() == {"shine": "soft", "parts": ["b"], "force": False, "grit": 70, "words": ["oak", "ash"]}
    assert form(QueryDict("parts=b&grit=7")).problems() == "Grit Ensure this value is greater than or equal to 10."


# --- file page ------------------------------------------------------------------------------------------------------


def make_transcript(file: File, *lines: tuple[float, float, str]) -> Transcript:
    transcript = Transcript.objects.create(
        file=file,
        provider="whisper",
        model="base",
        language="en",
        text=" ".join(text for *_, text in lines),
        is_current=True,
    )
    for index, (start_s, end_s, text) in enumerate(lines):
        Segment.objects.create(transcript=transcript, index=index, start_s=start_s, end_s=end_s, text=text)
    return transcript


def test_the_file_page_plays_the_proxy_from_the_second_asked_for(ada: Client) -> None:
    file = make_file()
    proxy = make_proxy_row(file)
    make_transcript(file, (3, 5, "It is Friday."), (30, 31, "The end."))

    page = as_read(ada.get(f"/files/{file.pk}/?t=3.5"))

    assert 'data-start="3.5"' in page
    assert f"/api/proxies/{proxy.pk}/stream" in page
    assert 'data-seek="30"' in page
    assert "It is Friday." in page
    assert "format=vtt" in page
    assert "Playing the proxy 720p15." in page


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({}, "Playing the original on"),
        ({"path": "clip.mts"}, "Browsers cannot play this kind of file"),
        ({"state": "offline"}, "there is no proxy. Connect the drive"),
        ({"media_type": "audio", "path": "talk.mp3"}, "<audio"),
        ({"media_type": "audio", "path": "talk.wma"}, "Browsers cannot play this kind of sound"),
        ({"media_type": "image", "path": "pond.jpg", "duration_s": None, "audio_codec": ""}, 'alt="pond.jpg"'),
    ],
)
def test_the_player_says_what_it_plays_or_why_not(ada: Client, fields: dict[str, Any], text: str) -> None:
    file = make_file(**fields)

    assert text in as_read(ada.get(f"/files/{file.pk}/"))


def test_a_file_is_offered_only_what_can_be_done_to_it(ada: Client) -> None:
    def offered(**fields: Any) -> set[str]:
        actions = ada.get(f"/files/{make_file(**fields).pk}/").context["actions"]
        return {action.name for action in actions}

    everything = offered()
    assert {"proxy", "transcribe", "nova"} <= everything
    assert offered(media_type="audio", path="talk.mp3") == everything - {"proxy"}
    assert offered(path="silent.mp4", audio_codec="") == everything - {"transcribe"}
    of_picture = offered(media_type="image", path="pond.jpg", audio_codec="")
    assert "nova" in of_picture
    assert not of_picture & {"proxy", "transcribe"}


def test_a_transcript_that_waits_for_the_weights_says_so(ada: Client, settings: Any, tmp_path: Path) -> None:
    settings.WHISPER_MODEL_DIR = tmp_path

    page = as_read(ada.get(f"/files/{make_file().pk}/"))

    assert "It waits: The weights of Whisper" in page
    assert "Fetch Whisper’s weights" in page


def test_an_absent_original_names_its_drive(ada: Client) -> None:
    file = make_file(make_root(name="Archive B", is_present=False), state="offline")
    make_proxy_row(file)

    page = as_read(ada.get(f"/files/{file.pk}/"))

    assert "Archive B is not connected." in page
    assert "/api/proxies/" in page


def test_jobs_and_costs_of_a_file(ada: Client, polish: Action) -> None:
    file = make_file()
    job = enqueue("polish", file.pk)
    Job.objects.filter(pk=job.pk).update(state="failed", error="It broke.", remedy="Mend it.")
    Entry.objects.create(
        question="q1",
        purpose="analysis",
        model_key="lite",
        mode="flex",
        analysis_type="summary",
        file_id=file.pk,
        state="settled",
        month="2026-11",
        reserved_usd=Decimal("0.06"),
        actual_usd=Decimal("0.0571"),
        counted_usd=Decimal("0.0571"),
        usage={"input_tokens": 318_000, "output_tokens": 3400},
    )

    page = as_read(ada.get(f"/files/{file.pk}/"))

    assert "It broke. Mend it." in page
    assert "lite, flex: summary" in page
    assert "$0.0571" in page
    assert "318,000 input tokens" in page


def test_a_line_is_corrected_in_place(ada: Client) -> None:
    transcript = make_transcript(make_file(), (3, 5, "It is Fryday."))
    segment = transcript.segments.get()
    address = f"/segments/{segment.pk}/"

    with_script = ada.post(address, {"text": "It is Friday."}, headers={"HX-Request": "true"})
    without = ada.post(address, {"text": " "})

    segment.refresh_from_db()
    assert (segment.text, segment.is_corrected) == ("It is Friday.", True)
    assert b"Saved" in with_script.content
    assert without["Location"] == f"/files/{transcript.file_id}/?edit=1#line-{segment.pk}"
    assert b">It is Friday.</textarea>" in ada.get(f"/files/{transcript.file_id}/?edit=1").content
    assert ada.get(address).status_code == 405


def test_what_an_engine_made_up_is_marked_until_it_is_corrected(ada: Client) -> None:
    transcript = make_transcript(make_file(duration_s=60.0), (3, 5, "It is Friday."), (40, 45, "Thanks for watching!"))
    made_up = transcript.segments.get(index=1)
    Segment.objects.filter(pk=made_up.pk).update(flags=["silence"])
    address = f"/files/{transcript.file_id}/"

    page, form = (as_read(ada.get(address + query)) for query in ("", "?edit=1"))
    lane = speech_marks(transcript, 60.0)
    captions = as_read(ada.get(f"/api/transcripts/{transcript.pk}/captions.vtt"))

    assert page.count("doubtful: nothing is heard there") == form.count("doubtful: nothing is heard there") == 1
    assert [mark.start_s for mark in lane] == [3.0]
    assert f"/api/transcripts/{transcript.pk}/captions.vtt" in page
    assert "It is Friday." in captions
    assert "watching" not in captions
    ada.post(f"/segments/{made_up.pk}/", {"text": "See you on Monday."})
    assert "doubtful" not in as_read(ada.get(address))
    assert [mark.start_s for mark in speech_marks(transcript, 60.0)] == [3.0, 40.0]


def test_lines_are_corrected_only_by_those_who_may(client: Client) -> None:
    bea = User.objects.create_user("bea")
    bea.user_permissions.add(Permission.objects.get(codename="view_file"))
    client.force_login(bea)
    transcript = make_transcript(make_file(), (3, 5, "It is Friday."))

    answer = client.post(f"/segments/{transcript.segments.get().pk}/", {"text": "No."})

    assert answer.status_code == 403
    assert "Correct" not in as_read(client.get(f"/files/{transcript.file_id}/?edit=1"))


def test_the_player_alone_is_a_fragment(ada: Client) -> None:
    file = make_file()

    page = as_read(ada.get(f"/files/{file.pk}/player/?t=12"))

    assert "data-player" in page
    assert "<html" not in page


def test_exact_copies_are_named_on_the_page_of_a_file(ada: Client) -> None:
    file, copy, other = (make_file(full_hash=name) for name in ("same", "same", "other"))

    page = as_read(ada.get(f"/files/{file.pk}/"))

    assert f'href="/files/{copy.pk}/"' in page
    assert f'href="/files/{other.pk}/"' not in page


def test_home_tells_of_files_that_could_not_be_taken_in(ada: Client) -> None:
    make_problem(make_file().root)

    page = as_read(ada.get("/"))

    assert "1 file could not be imported." in page
    assert 'href="/problems/"' in page


def test_removing_says_first_what_stays_and_then_does_it(ada: Client, folders: Path) -> None:
    original = folders / "videos" / "clip.mp4"
    original.parent.mkdir()
    original.write_bytes(b"film")
    file = make_file(make_root(original.parent), "clip.mp4")
    make_proxy_row(file)
    url = f"/files/{file.pk}/remove/"

    page = as_read(ada.get(f"/files/{file.pk}/"))
    asked = as_read(ada.get(url))
    still_there = File.objects.filter(pk=file.pk).exists()
    done = ada.post(url, follow=True)

    assert f'href="{url}" data-action' in page
    assert "The original stays where it is" in asked
    assert str(original) in asked
    assert "1 proxy is deleted (100 kB)" in asked
    assert still_there
    assert "was removed from the library. The original stays where it is." in done.content.decode()
    assert not File.objects.filter(pk=file.pk).exists()
    assert original.read_bytes() == b"film"
    assert ada.get(url).status_code == 404


def test_removing_an_upload_speaks_of_the_trash(ada: Client) -> None:
    file = make_file(make_root(is_uploads=True))

    assert "go to the trash" in as_read(ada.get(f"/files/{file.pk}/remove/"))


def test_only_those_who_may_delete_files_are_offered_to_remove_them(client: Client) -> None:
    file = make_file()
    user = User.objects.create_user("grace")
    user.user_permissions.set(Permission.objects.filter(codename="view_file"))
    client.force_login(user)

    assert "Remove from library" not in as_read(client.get(f"/files/{file.pk}/"))
    assert client.post(f"/files/{file.pk}/remove/").status_code == 403
    assert File.objects.filter(pk=file.pk).exists()


def test_a_removed_file_is_not_found(ada: Client) -> None:
    file = make_file()
    file.mark_removed()

    assert ada.get(f"/files/{file.pk}/").status_code == 404


def test_a_hostile_name_is_only_ever_text(ada: Client, polish: Action) -> None:
    file = make_file(path=f"<b>dir/{HOSTILE}")
    enqueue("polish", file.pk)

    for path in ("/", "/library/", "/library/?view=list", f"/library/?q={HOSTILE}", f"/files/{file.pk}/"):
        page = as_read(ada.get(path))
        assert "<img src=x" not in page, path
        assert "<b>dir" not in page, path


# --- upload ---------------------------------------------------------------------------------------------------------


def test_an_upload_of_nothing_is_explained(ada: Client) -> None:
    answer = ada.post("/upload/", {})

    assert answer.status_code == 400
    assert b"Choose one and send it again." in answer.content


def test_an_upload_that_is_no_media_is_refused_and_leaves_nothing(ada: Client, folders: Path) -> None:
    answer = ada.post("/upload/", {"file": SimpleUploadedFile("tool.exe", b"MZ" + b"0" * 500)})

    assert answer.status_code == 400
    assert b'role="alert"' in answer.content
    assert not File.everything.exists()


def test_an_upload_lands_in_the_library(ada: Client, folders: Path) -> None:
    sound = folders / "beep.wav"
    with wave.open(str(sound), "wb") as out:
        out.setparams((1, 2, 8000, 0, "NONE", ""))
        out.writeframes(b"\0\0" * 8000)

    with sound.open("rb") as stream:
        answer = ada.post("/upload/", {"file": stream, "make_proxy": "on"}, follow=True)

    assert answer.redirect_chain == [("/library/", 302)]
    assert b"1 file is in the library." in answer.content
    assert File.objects.get().name == "beep.wav"


# --- import ---------------------------------------------------------------------------------------------------------


def test_look_first_counts_and_changes_nothing(ada: Client, settings: Any, tmp_path: Path) -> None:
    settings.IMPORT_ROOTS = [tmp_path]
    (tmp_path / "a.mp4").write_bytes(b"x" * 2000)
    (tmp_path / "notes.txt").write_text("no")

    page = as_read(ada.post("/import/", {"path": str(tmp_path), "recursive": "on", "look": "1"}))

    assert "Found 1 media file by name, 2.0 kB in all." in page
    assert not Job.objects.exists()


def test_an_import_is_queued(ada: Client, settings: Any, tmp_path: Path) -> None:
    settings.IMPORT_ROOTS = [tmp_path]

    answer = ada.post("/import/", {"path": str(tmp_path), "recursive": "on"})

    assert answer["Location"] == "/"
    assert Job.objects.get().options == {"path": str(tmp_path), "recursive": True, "make_proxies": False}


@pytest.fixture
def importer(client: Client) -> Client:
    """Somebody who may import, but is no administrator."""
    person = User.objects.create_user("ivy")
    person.user_permissions.set(Permission.objects.filter(codename__in=["view_file", "add_file"]))
    client.force_login(person)
    return client


@pytest.mark.parametrize("look", [{}, {"look": "1"}])
def test_a_folder_outside_the_import_roots_is_refused(
    importer: Client, settings: Any, tmp_path: Path, look: dict[str, str]
) -> None:
    settings.IMPORT_ROOTS = [tmp_path / "only-here"]

    answer = importer.post("/import/", {"path": str(tmp_path), **look})

    assert answer.status_code == 400
    assert b"administrator" in answer.content or b"IMPORT_ROOTS" in answer.content
    assert not Job.objects.exists()


def test_an_administrator_imports_any_folder(ada: Client, settings: Any, tmp_path: Path) -> None:
    settings.IMPORT_ROOTS = []

    looked = as_read(ada.post("/import/", {"path": str(tmp_path), "look": "1"}))
    ada.post("/import/", {"path": str(tmp_path)})

    assert "Nothing was changed" in looked
    assert Job.objects.get().kind == "import_directory"


def test_a_missing_folder_is_named(ada: Client) -> None:
    answer = ada.post("/import/", {"path": "/no/such/folder"})

    assert answer.status_code == 400
    assert b'role="alert"' in answer.content


def test_without_import_roots_the_page_says_whom_to_ask(importer: Client, settings: Any) -> None:
    settings.IMPORT_ROOTS = []

    assert "Ask an administrator to add one" in as_read(importer.get("/import/"))


def test_running_job_counts_stand_in_the_header(ada: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    from novaproject.templatetags import novaproject_nav

    monkeypatch.setattr(novaproject_nav, "reverse", lambda name: f"/{name}/")
    job = Job.objects.create(kind="x", queue="fast", fingerprint="f", state="running")
    request = SimpleNamespace(path="/batches/3/")
    user = SimpleNamespace(is_staff=False, has_perm=lambda name: name != "bedrock.view_entry")

    items = {item.label: item for item in novaproject_nav.main_nav(Context({"request": request, "user": user}))}

    assert job.pk
    assert (items["Jobs"].count, items["Jobs"].is_current) == (1, True)
    assert items.keys() & {"Admin", "Spend"} == set()


# --- analyses -------------------------------------------------------------------------------------------------------


def keep_results(file: File, model: str = "local", **results: dict[str, Any]) -> None:
    nova_job = NovaJob.objects.create(file=file, model=model, analysis_types=list(results), mode="flex")
    keep(nova_job, results, version="1", notes=["Chapter 7 ended after the clip."])


def test_the_file_page_shows_summary_chapters_and_elements(ada: Client) -> None:
    file = make_file(duration_s=1104.0)
    keep_results(
        file,
        "lite",
        summary={"text": "A seam is open at 3:42."},
        chapters={
            "chapters": [
                {
                    "title": "Why <it> leaks",
                    "start_s": 0,
                    "end_s": 108,
                    "summary": "Down overnight.",
                    "key_points": ["3 cm"],
                },
                {"start_s": 108.5, "end_s": 1104},
            ]
        },
        elements={
            "equipment": [
                {"name": "EPDM liner", "time_ranges": [{"start_s": 18, "end_s": 60}], "confidence": 0.9},
                {"name": "Dye bottle", "confidence": "low"},
            ],
            "topics": [{"topic": "Leak detection", "importance": "medium", "time_ranges": []}],
            "speakers": [{"speaker_id": "S1", "role": "Presenter", "speaking_percentage": 81.4}],
        },
        water_feature={"kind": "pond"},
    )

    page = as_read(ada.get(f"/files/{file.pk}/"))

    assert 'data-seek="222">3:42</a>' in page
    assert "1. Why &lt;it&gt; leaks" in page
    assert ">Chapter 2<" in page
    assert "2. Chapter 2" not in page
    assert 'data-seek="108.5"' in page
    assert "EPDM liner" in page
    assert "low, check it" in page
    assert "speaks 81 % of the time" in page
    assert "lite, flex" in page
    assert "Corrected in the reply: Chapter 7 ended after the clip." in page
    assert '<th scope="row">kind</th>' in page
    assert "pond</td>" in page


def test_the_player_fragment_has_the_chapters(ada: Client) -> None:
    file = make_file(duration_s=100.0)
    keep_results(file, chapters={"chapters": [{"title": "All of it", "start_s": 0, "end_s": 100}]})

    assert "Chapter 1, 0:00: All of it" in as_read(ada.get(f"/files/{file.pk}/player/"))


def test_the_nova_page_puts_cost_beside_estimate(ada: Client) -> None:
    file = make_file(path=HOSTILE)
    facts = {"file": file, "analysis_types": ["summary"]}
    NovaJob.objects.create(**facts, model="local", status="completed")
    NovaJob.objects.create(
        **facts, model="lite", mode="flex", status="failed", error="Refused.", cost_usd="0.05", estimated_usd="0.06"
    )
    NovaJob.objects.create(file=None, model="lite", mode="batch", status="waiting")

    page = as_read(ada.get("/nova/"))
    failed = as_read(ada.get("/nova/?status=failed"))

    assert "No analysis is running, 1 waits for a full batch" in page
    assert "a file that left the library" in page
    assert "<img src=x" not in page
    assert "estimated $0.0600" in failed
    assert "Refused." in failed
    assert "free</span></span>" not in failed
    assert "On this machine 1" in page
    assert "Local (this machine): summary" not in page  # thousands of them would hide what costs money
    assert "Local (this machine): summary" in as_read(ada.get("/nova/?status=local"))
    assert ada.get("/nova/?status=nonsense").status_code == 200
