"""Answers that were paid for, kept for good, so that no audio is paid for twice."""

from collections.abc import Callable

from django.db import transaction

from bedrock.sonic import Said
from transcription.models import PaidPiece


class PaidMemory:
    """Implements `bedrock.speech.Memory` on the database."""

    def __init__(self, file_name: str = "") -> None:
        self.file_name = file_name

    def recall(self, question: str) -> list[Said] | None:
        piece = PaidPiece.objects.filter(question=question).first()
        return None if piece is None else [Said(row["at_s"], row["text"]) for row in piece.said]

    def keep(self, question: str, said: list[Said], settle: Callable[[], object]) -> None:
        rows = [{"at_s": line.at_s, "text": line.text} for line in said]
        with transaction.atomic():
            PaidPiece.objects.get_or_create(question=question, defaults={"said": rows, "file_name": self.file_name})
            settle()
