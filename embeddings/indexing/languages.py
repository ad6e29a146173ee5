"""Whether the model in use reads what is spoken in this library."""

from collections import Counter
from dataclasses import dataclass

from django.db.models import Count

from embeddings.models import Space
from embeddings.providers import text_models
from transcription.languages import base_language, language_name
from transcription.models import Transcript


@dataclass(frozen=True, kw_only=True)
class UnreadLanguages:
    """Most transcripts are in languages that a model does not read. `name` is the most frequent of these."""

    name: str
    count: int
    total: int
    model: str


def unread(space: Space) -> UnreadLanguages | None:
    """What is spoken here and not read by the model of this space; None where it reads most of it, or where nobody
    knows what it reads."""
    model = text_models.known(space.model) if space.provider == "local" else None
    if model is None or not model.languages:
        return None
    current = Transcript.objects.filter(is_current=True, file__removed_at__isnull=True).exclude(language="")
    spoken: Counter[str] = Counter()
    for tag, count in current.order_by().values_list("language").annotate(Count("pk")):
        spoken[base_language(tag)] += count
    others = Counter({tag: count for tag, count in spoken.items() if tag not in model.languages})
    if others.total() * 2 <= spoken.total():
        return None
    [(tag, _)] = others.most_common(1)
    return UnreadLanguages(name=language_name(tag), count=others.total(), total=spoken.total(), model=space.model)
