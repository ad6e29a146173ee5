"""Everything that is known of one file, composed from all floors for its page."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.urls import reverse

from embeddings.models import Space
from files import humanize
from files.media import derived
from files.models import File, FileQuerySet, Proxy
from files.selection.facets import Action, facets
from nova.exports.formats import FORMATS
from nova.models import LOCAL, AnalysisResult
from nova.questions.results import NOTHING_SAID, current_for
from nova.types.built_in import BUILT_IN
from nova.types.spec import as_rows
from nova.types.views import StretchesView, TextView, ThingsView, TimeRange, View
from novaproject.api import paths as api_paths
from novaproject.pages.cards import poster_url
from novaproject.player import Lane, Mark, Player, PlayerCue, Source, Track, marks, seconds
from novaproject.templatetags import human
from transcription.folder_rules import languages_of
from transcription.languages import NAMES, base_language, language_name
from transcription.models import SIDECAR, TEXT_TRACK, Segment, Transcript
from transcription.segments import REPEATED, SILENT

#: Beyond these many lanes the timeline is a wall.
_LANES = 3
#: How sure an analysis is, in words and with the colour of its badge.
_CERTAINTY = {"low": ("low, check it", "warn"), "high": ("high", "ok")}


@dataclass(frozen=True, kw_only=True)
class FileLocation:
    """A stretch of time as a link."""

    start_s: float
    end_s: float

    @property
    def t(self) -> str:
        return seconds(self.start_s)

    @property
    def end(self) -> str:
        return seconds(self.end_s)

    @property
    def length_s(self) -> float:
        return self.end_s - self.start_s


@dataclass(frozen=True, kw_only=True)
class Element:
    """A thing, topic or person that an analysis found, and where; `level` is the colour of `sure`."""

    name: str
    kind: str
    where: list[FileLocation]
    sure: str = ""
    level: str = "off"
    detail: str = ""
    is_lane: bool = False


@dataclass(frozen=True, kw_only=True)
class Chapter:
    number: int
    title: str
    where: FileLocation
    summary: str = ""
    key_points: Sequence[str] = ()

    @property
    def heading(self) -> str:
        """`3. Dye test`; a chapter without a title of its own is just `Chapter 3`."""
        return self.title if self.title == f"Chapter {self.number}" else f"{self.number}. {self.title}"

    @property
    def keywords(self) -> Sequence[str]:
        """The key points where they are single words, as the local model gives them: a line is enough for those."""
        return [] if any(" " in point.strip() for point in self.key_points) else self.key_points


def source_of(file: File, proxies: Sequence[Proxy]) -> tuple[list[Source], str]:
    """What the player plays, and that in words. Proxies go first: they play everywhere and need no drive."""
    here = file.state == File.State.AVAILABLE
    if file.state == File.State.MISSING:
        where = "The original is not where it lay."
    else:
        where = f"The original is on {file.root.name}, {'connected' if here else 'which is away now'}."
    whole = [proxy for proxy in proxies if not proxy.is_partial] or list(proxies)
    if whole:
        best = max(whole, key=lambda proxy: (proxy.height or 0, proxy.created_at))
        url = api_paths.proxy_stream(best.pk)
        return [Source(url=url, content_type="video/mp4")], f"Playing the proxy {best.proxy_spec}. {where}"
    if not here:
        gone = (
            "was not found where it lay"
            if file.state == File.State.MISSING
            else f"is on {file.root.name}, which is away"
        )
        return [], f"The original {gone}, and there is no proxy. Connect the drive to watch it."
    if playable_type := humanize.playable_type(file.name):
        url = api_paths.stream(file.pk)
        return [Source(url=url, content_type=playable_type)], f"Playing the original on {file.root.name}."
    if file.media_type == File.MediaType.AUDIO:
        return [], "Browsers cannot play this kind of sound. Its transcript and search work all the same."
    return [], "Browsers cannot play this kind of file. Its proxy is not made yet: it plays here as soon as it is."


def actions_for(file: File, actions: Sequence[Action]) -> dict[str, Action]:
    """The actions that can do something for this file, by name: a sound needs no proxy, a picture says nothing."""
    if not file.is_playable:
        mine = File.objects.filter(pk=file.pk)
        possible = {facet.action.name for facet in facets() if facet.action and mine.filter(facet.applies).exists()}
        return {action.name: action for action in actions if action.name in possible}
    idle = {"proxy"} if file.media_type == File.MediaType.AUDIO else set()
    if not file.audio_codec:
        idle.add("transcribe")
    # The page has forms of its own for what is said of one file.
    return {action.name: action for action in actions if action.name not in idle | {"tag", "collect", "remove"}}


def _like_frame(file: File) -> str:
    """Where what looks like a frame of this file is found, up to the second; empty where nobody looks at pictures."""
    if file.media_type == File.MediaType.AUDIO or Space.objects.for_pictures() is None:
        return ""
    return f"{reverse('search')}?like_frame={file.pk}@"


def player_for(
    file: File,
    *,
    start_s: float,
    transcript: Transcript | None,
    chapters: Sequence[Chapter] = (),
    elements: Sequence[Element] = (),
    moments: Sequence[tuple[float, float, str]] = (),
) -> Player:
    sources, note = source_of(file, list(Proxy.objects.shown().filter(file=file)))
    duration_s = file.duration_s or 0.0
    marked = marks(moments, duration_s=duration_s)
    tracks = []
    if transcript is not None and transcript.has_speech:
        url = api_paths.captions(transcript.pk)
        tracks.append(Track(url=url, label=transcript.language or "Captions", language=transcript.language))
    return Player(
        title=file.name,
        page_url=reverse("file-page", args=[file.pk]),
        media_type="video" if file.media_type == "audio" and tracks else file.media_type,
        sources=sources,
        tracks=tracks,
        poster=poster_url(file),
        scrub=api_paths.sprite_index(file.pk) if sources and duration_s and derived.sprite_vtt_path(file) else "",
        like_frame=_like_frame(file) if sources else "",
        duration_s=duration_s,
        start_s=start_s,
        frame_rate=seconds(file.frame_rate or 25),
        chapters=marks(
            [(chapter.where.start_s, chapter.where.end_s, chapter.title) for chapter in chapters], duration_s=duration_s
        ),
        lanes=[*_lanes(elements, duration_s, transcript), *([Lane(label="Moments", marks=marked)] if marked else [])],
        note=note,
    )


def _lanes(elements: Sequence[Element], duration_s: float, transcript: Transcript | None) -> list[Lane]:
    lanes = []
    if transcript is not None:
        speech = speech_marks(transcript, duration_s)
        if speech:
            lanes.append(Lane(label="Speech", marks=speech))
    drawn = [element for element in elements if element.is_lane and element.where]
    for element in drawn[:_LANES]:
        spans = [(location.start_s, location.end_s, element.name) for location in element.where]
        lanes.append(Lane(label=element.name, marks=marks(spans, duration_s=duration_s)))
    return [lane for lane in lanes if lane.marks]


def speech_marks(transcript: Transcript, duration_s: float, *, gap_s: float = 2.0) -> list[Mark]:
    """Where somebody speaks, but for what an engine made up; pauses shorter than `gap_s` are not drawn."""
    spans: list[tuple[float, float, str]] = []
    spoken = transcript.segments.filter(flags=[])
    for start_s, end_s in spoken.order_by("start_s").values_list("start_s", "end_s"):
        if spans and start_s - spans[-1][1] < gap_s:
            spans[-1] = (spans[-1][0], max(spans[-1][1], end_s), "")
        else:
            spans.append((start_s, end_s, ""))
    return marks(spans, duration_s=duration_s)


def hearing_of(file: File, transcript: Transcript | None) -> dict[str, Any]:
    """In which language a file was heard, how sure that is, and in which others it can be heard again."""
    if transcript is None or transcript.provider in (SIDECAR, TEXT_TRACK):
        return {}
    spoken_here = languages_of(file.root)
    others = [tag for tag in spoken_here if base_language(tag) != base_language(transcript.language)]
    is_uncertain = transcript.is_language_uncertain
    return {
        "language": language_name(transcript.language),
        "other_languages": [(tag, language_name(tag)) for tag in others],
        "all_languages": sorted(NAMES.items(), key=lambda entry: entry[1]),
        "uncertain_count": uncertain_in_folder(file).count() if is_uncertain else 0,
    }


def uncertain_in_folder(file: File) -> FileQuerySet:
    """The files of this file's folder, and of those below it, whose language was guessed and may be wrong."""
    uncertain = Transcript.objects.current().language_uncertain().values("file_id")
    return File.objects.filter(root=file.root, pk__in=uncertain).under(file.path.rpartition("/")[0])


#: Flags of a segment, for people.
DOUBTS = {REPEATED: "said over and over", SILENT: "nothing is heard there"}


def cues_of(transcript: Transcript | None) -> list[PlayerCue]:
    if transcript is None:
        return []
    return [cue_of(segment) for segment in transcript.segments.all()]


def cue_of(segment: Segment) -> PlayerCue:
    return PlayerCue(
        segment_id=segment.pk,
        start_s=segment.start_s,
        end_s=segment.end_s,
        text=segment.text,
        is_corrected=segment.is_corrected,
        can_undo=segment.before is not None,
        doubt=", ".join(DOUBTS.get(flag, flag) for flag in segment.flags),
        speaker=segment.shown_speaker,
    )


@dataclass(frozen=True, kw_only=True)
class AnalysisFinding:
    """One thing that an analysis type of the user's own found; `where` is None where it names no moment."""

    part: str
    name: str
    text: str
    where: FileLocation | None


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One result, ready to be printed by `novaproject/_panel_….html`, which knows what `content` is."""

    id: str
    heading: str
    template: str
    content: Any
    made_by: str = ""


@dataclass(frozen=True, kw_only=True)
class Analysis:
    """The current results of all analysis types, ready to be printed."""

    panels: list[Panel]
    chapters: list[Chapter] = field(default_factory=list)
    elements: list[Element] = field(default_factory=list)
    is_empty: bool = False
    #: What was corrected in Nova's replies, and what the local model could not see.
    notes: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def analysis_of(file: File) -> Analysis:
    """What its analyses say of a file: the built-in types in their order, then the user's own."""
    results = current_for(file)
    panels: list[Panel] = []
    first = next(iter(BUILT_IN))
    for name in [*BUILT_IN, *(name for name in results if name not in BUILT_IN)]:
        spec = BUILT_IN.get(name)
        row = results.get(name)
        view: View = TextView("")
        if row is not None:
            view = spec.view(row.result) if spec else as_rows(row.result)
        layout, content = _content(view)
        if content or name == first:  # the first panel says where nothing is there yet, and what to do
            panels.append(
                Panel(
                    id=name if spec else f"other-{len(panels) + 1}",
                    heading=name.capitalize() if spec else name,
                    template=f"novaproject/_panel_{layout}.html",
                    content=content,
                    made_by=_maker(row) if row and spec else "",
                )
            )
    return Analysis(
        panels=panels,
        chapters=next((panel.content for panel in panels if panel.template.endswith("_stretches.html")), []),
        elements=[item for panel in panels if panel.template.endswith("_things.html") for item in panel.content],
        is_empty=not results,
        notes=notes_of(row for row in results.values() if row.nova_job.model != LOCAL),
        faults=notes_of(row for row in results.values() if row.nova_job.model == LOCAL),
    )


def notes_of(rows: Iterable[AnalysisResult]) -> list[str]:
    """Each note once; that nothing is said is said by the summary."""
    return sorted({str(note) for row in rows for note in row.notes} - {NOTHING_SAID})


def exports_of(analysis: Analysis) -> list[tuple[str, str]]:
    """The formats in which it can be saved, and what they are called."""
    return [(name, format.label) for name, format in FORMATS.items() if analysis.chapters or not format.is_of_chapters]


def _content(view: View) -> tuple[str, Any]:
    """Which template prints a view, and what that is given."""
    if isinstance(view, TextView):
        return "text", view.text
    if isinstance(view, StretchesView):
        return "stretches", [
            Chapter(
                number=number,
                title=stretch.title,
                where=_location(stretch.range),
                summary=stretch.text,
                key_points=stretch.points,
            )
            for number, stretch in enumerate(view.stretches, start=1)
        ]
    if isinstance(view, ThingsView):
        elements = []
        for thing in view.things:
            sure, level = _CERTAINTY.get(thing.certainty, (thing.certainty, "off"))
            where = [_location(span) for span in thing.ranges]
            elements.append(
                Element(
                    name=thing.name, kind=thing.kind, where=where, sure=sure, level=level, detail=thing.detail,
                    is_lane=thing.is_lane,
                )
            )  # fmt: skip
        return "things", elements
    return "rows", [
        AnalysisFinding(
            part=part.replace("_", " "),
            name=name,
            text=text,
            where=None if start_s == "" else _location(TimeRange.of({"start_s": start_s, "end_s": end_s or start_s})),
        )
        for part, name, start_s, end_s, text in view.rows
    ]


def _maker(row: AnalysisResult) -> str:
    job = row.nova_job
    who = "Local, from cuts and words" if job.model == LOCAL else f"{job.model}, {job.get_mode_display().lower()}"
    return f"{who}, {human.day(row.created_at)}"


def _location(span: TimeRange) -> FileLocation:
    return FileLocation(start_s=span.start_s, end_s=span.end_s)
