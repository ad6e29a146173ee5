"""People who speak: which tags a file's transcript and analyses have for them, and what a person calls them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Q

from curation.errors import NoSuchSpeakerError
from curation.models import folded
from curation.searchable import index_speakers
from files.models import File, FileQuerySet
from nova.models import AnalysisResult
from transcription.models import Segment, SpeakerName, Transcript


@dataclass(frozen=True, kw_only=True)
class Speaker:
    """Somebody who speaks in a file: the tag that its transcript or an analysis uses, and the name that is shown."""

    tag: str
    name: str = ""
    line_count: int = 0
    role: str = ""

    @property
    def shown(self) -> str:
        return self.name or self.tag


def speakers_of(file: File) -> list[Speaker]:
    """Everybody who speaks in the file, in the order in which they begin."""
    lines: dict[str, int] = {}
    of_file = Segment.objects.filter(transcript__in=Transcript.objects.current().filter(file=file)).exclude(speaker="")
    for tag in of_file.order_by("start_s").values_list("speaker", flat=True):
        lines[tag] = lines.get(tag, 0) + 1
    roles: dict[str, str] = {}
    for result in AnalysisResult.objects.filter(file=file, is_current=True).values_list("result", flat=True):
        for speaker in result.get("speakers") or []:
            if isinstance(speaker, Mapping) and speaker.get("speaker_id"):
                roles.setdefault(str(speaker["speaker_id"]), str(speaker.get("role") or ""))
    names = SpeakerName.objects.names_for(file.pk)
    return [
        Speaker(tag=tag, name=names.get(tag, ""), line_count=lines.get(tag, 0), role=roles.get(tag, ""))
        for tag in dict.fromkeys([*lines, *roles])
    ]


def name_speakers(file: File, names: Mapping[str, str], *, everywhere: bool = False) -> FileQuerySet:
    """Name speakers of a file, given by their tags or present names; an empty name takes the name away.

    `everywhere` names them in each file that has the tag, now or later, unless a file has a name of its own. Search
    follows in this file at once. Returns the other files to index anew. Raises NoSuchSpeakerError.
    """
    speakers = speakers_of(file)
    by_word = {speaker.tag: speaker.tag for speaker in speakers}
    for speaker in speakers:
        by_word.setdefault(speaker.shown, speaker.tag)
    if unknown := [word for word in names if word not in by_word]:
        known = ", ".join(by_word) or "none"
        raise NoSuchSpeakerError(f"Nobody in this file is called {', '.join(unknown)}.", remedy=f"Known are: {known}.")
    with transaction.atomic():
        for word, name in names.items():
            tag, cleaned = by_word[word], " ".join(name.split())
            SpeakerName.objects.filter(file=file, tag=tag).delete()
            if everywhere:
                SpeakerName.objects.filter(file=None, tag=tag).delete()
            if cleaned:
                SpeakerName.objects.create(file=None if everywhere else file, tag=tag, name=cleaned)
        index_speakers(file)
    if not everywhere:
        return File.objects.none()
    return File.objects.exclude(pk=file.pk).filter(_with_tags([by_word[word] for word in names]))


def spoken_by(text: str) -> Q:
    """Files in which somebody of this name or tag speaks, however it is written."""
    wanted = folded(text)
    tags = Segment.objects.exclude(speaker="").order_by().values_list("speaker", flat=True).distinct()
    matching = Q(pk__in=[])
    same = {tag for tag in tags if folded(tag) == wanted} | {text.strip()}
    for row in SpeakerName.objects.select_related("file"):
        if folded(row.name) != wanted:
            continue
        if row.file is not None:
            matching |= Q(pk=row.file.pk)
        else:
            others = SpeakerName.objects.filter(tag=row.tag).exclude(file=None).values("file_id")
            matching |= _with_tags([row.tag]) & ~Q(pk__in=others)
    return matching | _with_tags(sorted(same))


def _with_tags(tags: list[str]) -> Q:
    """Files whose transcript or analysis in use has one of these tags."""
    matching = Q(pk__in=Transcript.objects.current().filter(segments__speaker__in=tags).values("file_id"))
    for needle in {text for tag in tags for text in (json.dumps(tag), json.dumps(tag, ensure_ascii=False))}:
        # As text: a database keeps JSON with or without escapes.
        results = AnalysisResult.objects.filter(is_current=True, result__speakers__icontains=needle)
        matching |= Q(pk__in=results.values("file_id"))
    return matching
