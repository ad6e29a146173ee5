"""Nova Sonic as a provider: pieces cut where it is quiet, approximate times, each paid once through the ledger."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from bedrock.errors import BusyError, LostAnswerError, OverBudgetError
from bedrock.ledger import booking
from bedrock.models import CatalogueModel, Entry
from bedrock.pricing import Usage
from bedrock.speech import sonic, transcribing
from bedrock.speech.transcriber import SonicTranscriber
from files.models import File
from files.selection import actions, resolving
from jobs.errors import Cancelled
from jobs.models import Job
from jobs.progress import NO_PROGRESS
from jobs.queue import enqueue
from tests.bedrock.sonic_stand_in import Service
from tests.transcription.factories import make_file
from tests.transcription.test_whisper import Watched
from tests.transcription.voices import silence, voice, write_wav
from transcription import conf, paid, registry
from transcription.audio import read_blocks
from transcription.errors import ProviderNotReadyError
from transcription.models import PaidPiece
from transcription.paid import PaidMemory
from transcription.providers.base import EngineRequest, TranscriptionResult
from transcription.providers.nova_sonic import NovaSonicProvider, placed, to_pcm
from transcription.receivers import on_job_ended
from transcription.transcribe import TranscriptionRequest, transcribe

pytestmark = pytest.mark.django_db

HELLO = {"words": [(2.0, "USER", "FINAL", "Good morning"), (2.1, "ASSISTANT", "FINAL", "Good morning to you!")]}
BYE = {"words": [(1.0, "USER", "FINAL", "Good bye")]}


@pytest.fixture(autouse=True)
def _everything_is_there(monkeypatch: pytest.MonkeyPatch, db: None) -> None:
    from bedrock import catalogue

    catalogue.sync()
    monkeypatch.setattr(settings, "S3_BUCKET_NAME", "bucket")
    monkeypatch.setattr("bedrock.speech.sonic_sdk.missing", list)


def provider_of(service: Service, *, piece_s: float = 300.0, **more: Any) -> NovaSonicProvider:
    speaker = SonicTranscriber(
        model_id="amazon.nova-2-sonic-v1:0",
        runtime_id="amazon.nova-2-sonic-v1:0",
        max_tokens=64,
        tokens_per_s=50,
        settings=service.settings(),
        open_stream=service.open,
        **more,
    )
    return NovaSonicProvider(sonic=speaker, piece_s=piece_s)


def request(**more: Any) -> EngineRequest:
    file = File.objects.first() or make_file()
    return EngineRequest(
        **{"duration_s": 13.0, "file_id": file.pk, "file_name": "talk.mp4", "memory": PaidMemory("talk.mp4"), **more}
    )


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    return write_wav(tmp_path / "talk.wav", voice(6), silence(1), voice(6))


#: A question of somebody else.
ASK = booking.ReservationRequest(
    question="", purpose="transcription", model_key="sonic_2", mode="realtime", usd=Decimal(1), price=None
)


def reserve_for(provider: NovaSonicProvider, talk: Path, *, holder: str, was_sent: bool = True) -> Entry:
    """As another job leaves it that asks the same now."""
    (block,) = read_blocks(talk, longest_s=300.0)
    entry = booking.reserve(replace(ASK, question=provider.sonic.question_of(to_pcm(block)), holder=holder))
    if was_sent:
        booking.sent(entry)
    return entry


def keep_answer(entry: Entry) -> None:
    PaidMemory().keep(entry.question, [sonic.SonicSegment(1.0, "Hello")])
    booking.settle(entry, usage=Usage())


def new_transcript(result: TranscriptionResult) -> list[str]:
    return [row.text for row in result.segments]


def test_pieces_are_heard_in_order_and_marked_as_approximate(talk: Path) -> None:
    service, progress = Service(HELLO, BYE), Watched()

    result = provider_of(service, piece_s=8.0).transcribe(talk, request(), progress)
    segments = list(result.segments)

    assert [row.text for row in segments] == ["Good morning", "Good bye"]
    assert segments[0].end_s == pytest.approx(2.0, abs=0.1)
    assert segments[1].end_s == pytest.approx(6.5 + 1.0, abs=0.6)
    assert result.is_approximate
    assert "no times" in result.notes[0]
    assert [round(stream.heard_s - sonic.TAIL_S) for stream in service.streams] == [6, 7]
    assert all(stream.is_input_closed for stream in service.streams)
    assert all(stream.is_closed for stream in service.streams)
    assert service.asked == [("amazon.nova-2-sonic-v1:0", "us-east-1")] * 2
    assert [f for f, _ in progress.reports] == sorted(f for f, _ in progress.reports)
    assert progress.reports[-1][0] == pytest.approx(1.0)


def test_what_the_model_says_back_is_paid_and_dropped(talk: Path) -> None:
    assert new_transcript(provider_of(Service(HELLO)).transcribe(talk, request(), NO_PROGRESS)) == ["Good morning"]

    entry = Entry.objects.get()
    assert (entry.state, entry.purpose, entry.file_id, entry.file_name) == (
        "settled",
        "transcription",
        File.objects.get().pk,
        "talk.mp4",
    )
    assert entry.usage["speech_output_tokens"] == 16
    assert entry.actual_usd is not None
    assert entry.reserved_usd is not None
    assert Decimal(0) < entry.actual_usd < entry.reserved_usd


def test_the_same_audio_is_never_paid_twice(talk: Path) -> None:
    service = Service(HELLO, BYE)
    provider = provider_of(service)

    first, second = (new_transcript(provider.transcribe(talk, request(), NO_PROGRESS)) for _ in range(2))

    assert first == second == ["Good morning"]
    assert len(service.streams) == Entry.objects.count() == PaidPiece.objects.count() == 1


def test_a_broken_stream_is_booked_and_asked_once_more(talk: Path) -> None:
    service = Service({"drops_after_s": 2.0}, HELLO)

    assert new_transcript(provider_of(service).transcribe(talk, request(), NO_PROGRESS)) == ["Good morning"]

    assert sorted(Entry.objects.values_list("state", flat=True)) == ["possibly_paid", "settled"]


def test_a_stream_that_breaks_twice_fails_with_both_booked(talk: Path) -> None:
    service = Service({"is_mute": True}, {"drops_after_s": 1.0})

    with pytest.raises(LostAnswerError):
        new_transcript(provider_of(service).transcribe(talk, request(), NO_PROGRESS))

    assert [entry.state for entry in Entry.objects.all()] == ["possibly_paid"] * 2
    assert not PaidPiece.objects.exists()


def test_a_refusal_before_the_first_sound_costs_nothing(talk: Path) -> None:
    service = Service({"refuses": BusyError("slow down")})

    with pytest.raises(BusyError):
        new_transcript(provider_of(service).transcribe(talk, request(), NO_PROGRESS))

    assert [entry.state for entry in Entry.objects.all()] == ["released"]


@pytest.mark.parametrize(
    ("said", "booked"), [((), "released"), (((1.0, "USER", "FINAL", "Good morning"),), "possibly_paid")]
)
def test_a_refusal_is_charged_only_where_something_was_answered(talk: Path, said: Any, booked: str) -> None:
    service = Service({"words": said, "drops_after_s": 2.0, "drops_with": BusyError("slow down")})

    with pytest.raises(BusyError):
        new_transcript(provider_of(service).transcribe(talk, request(), NO_PROGRESS))

    assert [entry.state for entry in Entry.objects.all()] == [booked]


@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_locked_for_a_moment_loses_no_paid_answer(
    talk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Locked(PaidMemory):
        tries = 0

        def keep(self, *about: Any) -> None:
            self.tries += 1
            if self.tries == 1:
                raise OperationalError("database is locked")
            super().keep(*about)

    monkeypatch.setattr("bedrock.ledger.paying.PAUSES_S", (0.01,))

    assert new_transcript(provider_of(Service(HELLO)).transcribe(talk, request(memory=Locked()), NO_PROGRESS)) == [
        "Good morning"
    ]

    assert [entry.state for entry in Entry.objects.all()] == ["settled"]


def test_what_another_job_asks_now_is_waited_for_and_not_paid_again(
    talk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two jobs of one file: with another language, or forced, while the first one listens."""
    monkeypatch.setattr("bedrock.speech.transcribing.REPORT_EVERY_S", 0.01)
    provider = provider_of(Service(HELLO))
    first = reserve_for(provider, talk, holder="transcription:1")

    class AnsweredMeanwhile(Watched):
        def update(self, fraction: float, message: str = "") -> None:
            if Entry.objects.filter(state="reserved").exists():
                keep_answer(first)

    assert new_transcript(provider.transcribe(talk, request(holder="transcription:2"), AnsweredMeanwhile())) == [
        "Hello"
    ]

    assert [entry.state for entry in Entry.objects.all()] == ["settled"]


def test_what_was_answered_between_the_look_and_the_call_is_taken(talk: Path) -> None:
    provider = provider_of(Service(HELLO))

    class Slow(PaidMemory):
        looks = 0

        def recall(self, question: str) -> list[sonic.SonicSegment] | None:
            self.looks += 1
            if self.looks > 1:
                return super().recall(question)
            keep_answer(reserve_for(provider, talk, holder="transcription:1"))
            return None

    assert new_transcript(provider.transcribe(talk, request(memory=Slow()), NO_PROGRESS)) == ["Hello"]


@pytest.mark.parametrize(("was_sent", "booked"), [(True, "possibly_paid"), (False, "released")])
def test_a_job_that_is_over_leaves_nothing_reserved(talk: Path, was_sent: bool, booked: str) -> None:
    """Killed in the middle of a call, then cancelled: nobody takes the reservation up."""
    dead, alive = (enqueue("transcribe", one, {"provider": "nova_sonic"}) for one in (1, 2))
    provider = provider_of(Service())
    entry = reserve_for(provider, talk, holder=paid.holder_of(dead.pk), was_sent=was_sent)
    other = booking.reserve(replace(ASK, question="other", holder=paid.holder_of(alive.pk)))
    Job.objects.filter(pk=dead.pk).update(state=Job.State.CANCELLED)
    dead.refresh_from_db()

    on_job_ended(job=dead)

    entry.refresh_from_db()
    other.refresh_from_db()
    assert (entry.state, other.state) == (booked, "reserved")


def test_a_cap_stops_it_before_it_begins(talk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "NOVA_MONTHLY_BUDGET_USD", "0.000001")
    service = Service(HELLO)

    with pytest.raises(OverBudgetError):
        new_transcript(provider_of(service).transcribe(talk, request(), NO_PROGRESS))

    assert service.streams == []


def test_a_cancel_between_pieces_keeps_what_was_paid(talk: Path) -> None:
    service = Service(HELLO, BYE)

    with pytest.raises(Cancelled):
        list(provider_of(service, piece_s=8.0).transcribe(talk, request(), Watched(cancel_after=0)).segments)

    assert {entry.state for entry in Entry.objects.all()} <= {"settled", "possibly_paid"}
    assert len(service.streams) == 1


def test_the_estimate_comes_before(talk: Path) -> None:
    provider = provider_of(Service())

    cost, nothing = provider.cost(3600.0), provider.cost(0.0)

    assert Decimal("0.05") < cost.usd_low < cost.usd_high < Decimal(5)
    assert nothing.usd_high == 0
    CatalogueModel.objects.filter(key="sonic_2").update(prices={})
    assert provider.sonic.estimate([10.0]) is None
    assert provider.cost(3600.0).is_unpriced


def test_what_nobody_knows_the_price_of_is_not_free() -> None:
    """As in a region that the price list has nothing of: a command would go on without asking."""
    make_file(duration_s=600.0)
    CatalogueModel.objects.filter(key="sonic_2").update(prices={})

    plan = actions.estimate("transcribe", resolving.resolve(filter={}), {"provider": "nova_sonic"})

    assert (plan.todo, plan.is_unpriced) == (1, True)
    assert not actions.estimate("transcribe", resolving.resolve(filter={}), {"provider": "whisper"}).is_unpriced


def test_the_estimate_covers_what_is_reserved_for_each_file() -> None:
    """Each file is asked by itself, and long ones in pieces that are cut where it is quiet: earlier than they could."""
    short = [9.0 + number / 20 for number in range(20)]
    for number, seconds in enumerate([*short, 3600.0]):
        make_file(name=f"{number}.mp4", duration_s=seconds)
    make_file(name="live.webm", duration_s=None)

    with CaptureQueriesContext(connection) as of_few:
        actions.estimate("transcribe", resolving.resolve(filter={"max_duration": "9.1"}), {"provider": "nova_sonic"})
    with CaptureQueriesContext(connection) as of_all:
        plan = actions.estimate("transcribe", resolving.resolve(filter={}), {"provider": "nova_sonic"})

    speaker = conf.sonic_transcriber()
    price = speaker.price()
    assert price is not None
    assert len(of_all) == len(of_few)
    pieces = short + [226.0] * 15 + [210.0]
    assert plan.usd_high >= sum(price.cost(speaker.worst(seconds, price)) for seconds in pieces)
    assert any("known length: 1 file" in warning for warning in plan.warnings)


def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch, talk: Path) -> None:
    monkeypatch.undo()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)

    ready = registry.get("nova_sonic").readiness(EngineRequest())

    assert not ready.is_ready
    for piece in ("S3_BUCKET_NAME", "AWS credentials", "requirements-sonic.txt"):
        assert piece in ready.reason
    with pytest.raises(ProviderNotReadyError, match="S3_BUCKET_NAME"):
        registry.get("nova_sonic").transcribe(talk, EngineRequest(), NO_PROGRESS)


def test_it_is_refused_as_an_action_where_it_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    make_file(duration_s=600.0)
    chosen = resolving.resolve(filter={})

    ready = actions.estimate("transcribe", chosen, {"provider": "nova_sonic"})
    monkeypatch.setattr(settings, "S3_BUCKET_NAME", "")
    refused = actions.estimate("transcribe", chosen, {"provider": "nova_sonic"})

    assert ready.usd_high > ready.usd_low > 0
    assert ready.refusals == []
    assert "S3_BUCKET_NAME" in refused.refusals[0]


def test_a_file_goes_the_whole_way(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folders / "media").mkdir()
    write_wav(folders / "media" / "talk.wav", voice(6))
    file = make_file(folders / "media", "talk.wav", media_type="audio", audio_codec="pcm", duration_s=6.0)
    service = Service(HELLO)
    monkeypatch.setattr(conf, "sonic_transcriber", lambda: provider_of(service).sonic)

    transcript = transcribe(file, TranscriptionRequest(provider="nova_sonic"))

    assert (transcript.provider, transcript.engine, transcript.model) == (
        "nova_sonic",
        "stream",
        "amazon.nova-2-sonic-v1:0",
    )
    assert transcript.is_approximate
    assert transcript.text == "Good morning"
    assert PaidPiece.objects.get().file_name == "talk.wav"


def test_segments_never_lie_over_each_other() -> None:
    said = [
        sonic.SonicSegment(2.0, "a" * 60),
        sonic.SonicSegment(3.0, "b" * 60),
        sonic.SonicSegment(3.0, "c"),
        sonic.SonicSegment(99.0, "d"),
    ]

    made = placed(said, offset_s=10.0, end_s=20.0)

    assert [(row.start_s, row.end_s) for row in made] == [
        (10.0, 12.0),
        (12.0, 13.0),
        (13.0, 13.0),
        (pytest.approx(20.0 - 1 / 15), 20.0),
    ]


def test_lines_of_a_model_that_writes_times_are_read() -> None:
    text = "Sure:\n[0.0] Hello there\nand more\n\n[ 12.5s ] Bye\n"

    assert transcribing.parse_lines(text) == [
        sonic.SonicSegment(0.0, "Sure:"),
        sonic.SonicSegment(0.0, "Hello there and more"),
        sonic.SonicSegment(12.5, "Bye"),
    ]
