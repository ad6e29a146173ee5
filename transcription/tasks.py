"""Both sides of the door to background transcription."""

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from bedrock.models import Entry
from files.models import File, Root
from files.storage import downloads
from jobs.models import Job
from jobs.progress import Progress
from jobs.queue import enqueue
from jobs.work import Work
from transcription import conf, folder_rules, paid, registry, weights_wait
from transcription.errors import ProviderNotReadyError, WeightsMissingError
from transcription.models import SubtitleSource, Transcript
from transcription.providers.base import EngineRequest
from transcription.sidecars import refresh_sidecars
from transcription.text_tracks import read_text_track
from transcription.transcribe import TranscriptionRequest, require_sound, transcribe
from transcription.writing import settle

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.contrib.auth.base_user import AbstractBaseUser


#: The kind of model that Whisper's weights are, of those that can be fetched.
SPEECH = "speech"
TRANSCRIBE, DOWNLOAD, READ_SIDECARS = "transcribe", "download_model", "read_sidecars"
READ_TEXT_TRACK = "read_text_track"
#: After a download that began by itself and came to nothing.
FETCH_AGAIN = timedelta(hours=6)
#: What a person asked for goes before what an import brought.
ASKED_PRIORITY = 5
#: So many subtitles that cannot be read a job names in its message.
NAMED_PROBLEMS = 10


def request_transcription(
    file: File, request: TranscriptionRequest, *, user: "AbstractBaseUser | None" = None
) -> "Job":
    """Enqueue a transcription. Raises NoSoundError, BadOptionError, ProviderNotReadyError."""
    require_sound(file)
    require_ready(request)
    return enqueue(TRANSCRIBE, file.pk, request.as_options(), priority=ASKED_PRIORITY, created_by=user)


def require_ready(request: TranscriptionRequest) -> None:
    """Raise what keeps this choice from being served; weights that are fetched at first use are no such thing."""
    ready = registry.get(request.provider).readiness(request.for_engine())
    if not ready.is_ready and not ready.can_prepare:
        raise ProviderNotReadyError(ready.reason, remedy=ready.remedy)


def request_automatic(file: File) -> "Job":
    """What an import goes on to do by itself: the free engine only."""
    return enqueue(TRANSCRIBE, file.pk, weights_wait.AUTOMATIC)


def transcribe_by_itself(file: File) -> None:
    """What an import goes on to do where there are no subtitles: Whisper, or the reason why there is no transcript."""
    transcript = Transcript.objects.current_for(file)
    if not file.has_audio:
        settle(file, transcript, "no sound")
    elif not folder_rules.transcribes_on_import(file.root):
        settle(file, transcript, "transcribing on import is switched off")
    elif (ready := weights_wait.readiness()).is_ready:
        request_automatic(file)
    else:
        weights_wait.notify_waiting(ready)
        settle(file, transcript, f"waiting: {ready.reason}")


def request_text_track(file: File) -> "Job":
    """Enqueue the reading of the subtitles inside a file."""
    return enqueue(READ_TEXT_TRACK, file.pk)


def run_read_text_track(work: Work) -> str:
    """The body of `read_text_track`. Where none can be read, the import goes on as if there were none."""
    file = File.objects.select_related("root").get(pk=work.subject)
    transcript = read_text_track(file, progress=work.progress, token=f"{work.job_id}-{work.attempt}")
    if transcript is None:
        transcribe_by_itself(file)
        reasons = SubtitleSource.objects.filter(file=file, origin=SubtitleSource.Origin.INSIDE).values_list("reason")
        return " ".join(["No subtitles inside could be read:", *(reason for (reason,) in reasons[:NAMED_PROBLEMS])])
    return f"{transcript.segment_count} lines, {transcript.language or 'language unknown'}"


def request_download(model: str, *, kind: str = SPEECH, user: "AbstractBaseUser | None" = None) -> "Job":
    """Enqueue the download of Whisper's weights, or of another kind of model."""
    return enqueue(
        DOWNLOAD,
        None,
        {"model": model} | ({"kind": kind} if kind != SPEECH else {}),
        priority=ASKED_PRIORITY,
        created_by=user,
    )


def run_transcribe(work: Work) -> str:
    """The body of `transcribe`."""
    file = File.objects.select_related("root").get(pk=work.subject)
    if work.options.get("is_automatic"):
        ready = weights_wait.readiness()
        if not ready.is_ready:
            weights_wait.notify_waiting(ready)
            settle(file, None, f"waiting: {ready.reason}")
            return "Waiting for Whisper's weights"
    request = TranscriptionRequest.of(work.options)
    if registry.get(request.provider).is_paid:
        paid.release_orphaned()
    transcript = transcribe(
        file,
        request,
        progress=work.progress,
        token=f"{work.job_id}-{work.attempt}",
        holder=paid.holder_of(work.job_id),
    )
    if not transcript.has_speech:
        return "No speech"
    return f"{transcript.segment_count} segments, {transcript.language or 'language unknown'}"


def fetch_by_itself() -> "Job | None":
    """Enqueue the download of Whisper's weights where they are needed and may be fetched so.

    Where that failed it is tried again after a while; a person can ask for it at any moment.
    """
    if not conf.fetches_weights() or not conf.transcribes_on_import():
        return None
    ready = weights_wait.readiness()
    before = Job.objects.filter(kind=DOWNLOAD)
    is_recent = before.filter(created_at__gt=timezone.now() - FETCH_AGAIN).exists()
    if ready.is_ready or not ready.can_prepare or is_recent or before.active().exists():
        return None
    return enqueue(DOWNLOAD, None, {"model": "", "is_automatic": True})


def tend_weights() -> None:
    """Called now and then: fetch the weights where they are needed, and transcribe what waited for them."""
    fetch_by_itself()
    weights_wait.transcribe_what_waited()


def run_download(work: Work) -> str:
    """The body of `download_model`. What nobody asked for is no failure where there is no network."""
    if work.options.get("is_automatic"):
        try:
            return fetch_weights("", work.progress)
        except WeightsMissingError as error:
            weights_wait.notify_waiting(weights_wait.readiness())
            return f"{error} It is tried again in {FETCH_AGAIN.seconds // 3600} hours."
    return downloads.fetch_model(work.options.get("kind", SPEECH), str(work.options.get("model", "")), work.progress)


def fetch_weights(model: str, progress: Progress) -> str:
    """Fetch Whisper's weights, and transcribe what waited for them."""
    registry.get(registry.DEFAULT).prepare(EngineRequest(model=model), progress)
    weights_wait.transcribe_what_waited()
    return f"The weights of “{model or 'the configured model'}” are here"


def run_read_sidecars(work: Work) -> str:
    """The body of `read_sidecars`."""
    report = refresh_sidecars(Root.objects.get(pk=work.subject), progress=work.progress)
    message = f"{report.written} {'transcript' if report.written == 1 else 'transcripts'} from subtitle files"
    if not report.unreadable:
        return message
    more = (
        f" … and {rest} more in the list of problems" if (rest := len(report.unreadable) - NAMED_PROBLEMS) > 0 else ""
    )
    reasons = " ".join(report.unreadable[:NAMED_PROBLEMS])
    return f"{message}, {len(report.unreadable)} could not be read: {reasons}{more}"


def cost_of(file_ids: "Sequence[int]") -> Decimal:
    """What transcribing these files has cost so far."""
    total: Any = Entry.objects.filter(purpose="transcription", file_id__in=file_ids).counted_usd()
    return Decimal(total)
