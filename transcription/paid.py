"""Answers that were paid for, kept for good, so that no audio is paid for twice."""

from bedrock.ledger import booking
from bedrock.models import Entry
from bedrock.speech.sonic import SonicSegment
from bedrock.speech.transcriber import PURPOSE
from jobs.models import Job
from transcription.models import PaidPiece

#: What the ledger calls a job of ours, before its id: two jobs of one file never take each other's calls for dead ones.
HOLDER = "transcription:"


def holder_of(job_id: int) -> str:
    return f"{HOLDER}{job_id}"


def release_orphaned() -> None:
    """Let go of reservations whose job is over: its worker died, then it failed or was cancelled."""
    reserved = list(Entry.objects.filter(purpose=PURPOSE, state=Entry.State.RESERVED).exclude(holder=""))
    ids = [int(one.holder.removeprefix(HOLDER)) for one in reserved if one.holder.startswith(HOLDER)]
    alive = {holder_of(pk) for pk in Job.objects.active().filter(pk__in=ids).values_list("pk", flat=True)}
    booking.abandon(one for one in reserved if one.holder not in alive)


class PaidMemory:
    """Implements `bedrock.speech.transcribing.ReplyMemory` on the database."""

    def __init__(self, file_name: str = "") -> None:
        self.file_name = file_name

    def recall(self, question: str) -> list[SonicSegment] | None:
        piece = PaidPiece.objects.filter(question=question).first()
        return None if piece is None else [SonicSegment(**row) for row in piece.said]

    def keep(self, question: str, segments: list[SonicSegment]) -> None:
        rows = [{"at_s": segment.at_s, "text": segment.text, "note": segment.note} for segment in segments]
        PaidPiece.objects.get_or_create(question=question, defaults={"said": rows, "file_name": self.file_name})
