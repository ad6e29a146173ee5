"""What a person says of one file: rating, favourite, note. The file itself is never written to."""

from typing import Any

from django.db import transaction
from django.utils import timezone

from curation.models import Annotation
from curation.searchable import index_note
from files.models import File


def annotate_file(file: File, **changes: Any) -> Annotation:
    """Set `rating` (1 to 5, None = none), `favourite` or `note` of a file."""
    with transaction.atomic():
        File.everything.hold(file.pk)
        defaults = {**changes, "updated_at": timezone.now()}
        annotation, _ = Annotation.objects.update_or_create(file=file, defaults=defaults)
        if "note" in changes:
            index_note(file)
    return annotation
