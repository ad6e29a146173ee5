"""Everything that is known of one file, composed from all floors for its page."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.urls import reverse

from files import humanize
from files.media import derived
from files.models import File, Proxy
from files.selection.facets import Action
from nova.exports.formats import rows
from nova.models import LOCAL, AnalysisResult
from nova.questions.results import NOTHING_SAID, current_for
from novaproject import api_paths
from novaproject.pages.cards import poster_url
from novaproject.player import Lane, Mark, Player, PlayerCue, Source, Track, marks
from novaproject.templatetags import human
from transcription.models import Segment, Transcript
from transcription.segments import REPEATED, SILENT

_LANES = 3


@dataclass(frozen=True, kw_only=True)
class FileLocation:
    """A stretch of time as a link."""

    start_s: float
    end_s: float
    t: str


@dataclass(frozen=True, kw_only=True)
class Element:
    """A thing, topic or person that an analysis found, and where."""

    name: str
    kind: str
    where: list[FileLocation]
    sure: str = ""
    level: str = "off"
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class Chapter:
    number: int
    title: str
    start_s: float
    end_s: float
    t: str
    end: str
    summary: str = ""
    key_points: list[str] = field(default_factory=list)

    @property
    def heading(self) -> str:
        """`3. Dye test`; a chapter without a title of its own is just `Chapter 3`."""
        return self.title if self.title == f"Chapter {self.number}" else f"{self.number}. {self.title}"

    @property
    def length_s(self) -> float:
        return self.end_s - self.start_s

    @property
    def keywords(self) -> list[str]:
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
        return {}
    idle = {"proxy"} if file.media_type == File.MediaType.AUDIO else set()
    if not file.audio_codec:
        idle.add("transcribe")
    return {action.name: action for action in actions if action.name not in idle}


def player_for(
    file: File,
    *,
    start_s: float,
    transcript: Transcript | None,
    chapters: Sequence[Chapter] = (),
    elements: Sequence[Element] = (),
) -> Player:
    sources, note = source_of(file, list(Proxy.objects.shown().filter(file=file)))
    duration_s = file.duration_s or 0.0
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
        duration_s=duration_s,
        start_s=start_s,
        chapters=marks([(one.start_s, one.end_s, one.title) for one in chapters], duration_s=duration_s),
        lanes=_lanes(elements, duration_s, transcript),
        note=note,
    )


def _lanes(elements: Sequence[Element], duration_s: float, transcript: Transcript | None) -> list[Lane]:
    lanes = []
    if transcript is not None:
        speech = speech_marks(transcript, duration_s)
        if speech:
            lanes.append(Lane(label="Speech", marks=speech))
    equipment = [one for one in elements if one.kind == "equipment" and one.where]
    for one in equipment[:_LANES]:
        spans = [(place.start_s, place.end_s, one.name) for place in one.where]
        lanes.append(Lane(label=one.name, marks=marks(spans, duration_s=duration_s)))
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


#: Flags of a segment, for people.
DOUBTS = {REPEATED: "said over and over", SILENT: "nothing is heard there"}


def cues_of(transcript: Transcript | None) -> list[PlayerCue]:
    if transcript is None:
        return []
    return [cue_of(one) for one in transcript.segments.all()]


def cue_of(segment: Segment) -> PlayerCue:
    return PlayerCue(
        segment_id=segment.pk,
        start_s=segment.start_s,
        end_s=segment.end_s,
        text=segment.text,
        is_corrected=segment.is_corrected,
        doubt=", ".join(DOUBTS.get(flag, flag) for flag in segment.flags),
    )


@dataclass(frozen=True, kw_only=True)
class AnalysisFinding:
    """One thing that an analysis type of the user's own found; `where` is None where it names no moment."""

    part: str
    name: str
    text: str
    where: FileLocation | None


@dataclass(frozen=True, kw_only=True)
class Analysis:
    """The current results of all analysis types, ready to be printed."""

    summary: str = ""
    chapters: list[Chapter] = field(default_factory=list)
    elements: list[Element] = field(default_factory=list)
    others: list[tuple[str, list[AnalysisFinding]]] = field(default_factory=list)
    made_by: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def analysis_of(file: File) -> Analysis:
    results = current_for(file)
    told = {name: row.result for name, row in results.items()}
    return Analysis(
        summary=str((told.get("summary") or {}).get("text") or ""),
        chapters=chapters_of(told.get("chapters")),
        elements=elements_of(told.get("elements")),
        others=[
            (name, findings_of(result))
            for name, result in told.items()
            if name not in ("summary", "chapters", "elements")
        ],
        made_by={name: _maker(row) for name, row in results.items()},
        notes=sorted(
            {str(note) for row in results.values() for note in row.notes} - {NOTHING_SAID}
        ),  # the summary says so
    )


def exports_of(analysis: Analysis) -> list[tuple[str, str]]:
    """The forms in which it can be saved, and what they are called."""
    everything = [("json", "JSON"), ("csv", "CSV")]
    return everything + [("vtt", "chapters as VTT"), ("edl", "EDL"), ("otio", "OTIO")] * bool(analysis.chapters)


def findings_of(result: dict[str, Any]) -> list[AnalysisFinding]:
    """A result of any shape as rows, times as places to seek to."""
    return [
        AnalysisFinding(
            part=part.replace("_", " "),
            name=name,
            text=text,
            where=None if start_s == "" else _where({"start_s": start_s, "end_s": end_s or start_s}),
        )
        for part, name, start_s, end_s, text in rows(result, "")
    ]


def _maker(row: AnalysisResult) -> str:
    job = row.nova_job
    who = "Local, from cuts and words" if job.model == LOCAL else f"{job.model}, {job.get_mode_display().lower()}"
    return f"{who}, {human.day(row.created_at)}"


def chapters_of(result: dict[str, Any] | None) -> list[Chapter]:
    """The chapters of an analysis, in order."""
    found = []
    for number, one in enumerate((result or {}).get("chapters", []), start=1):
        place = _where(one)
        found.append(
            Chapter(
                number=number,
                title=str(one.get("title") or f"Chapter {number}"),
                start_s=place.start_s,
                end_s=place.end_s,
                t=place.t,
                end=Mark(start_s=place.end_s, end_s=place.end_s).t,
                summary=str(one.get("summary") or ""),
                key_points=[str(point) for point in one.get("key_points") or []],
            )
        )
    return found


def elements_of(result: dict[str, Any] | None) -> list[Element]:
    """The elements of an analysis as one list: equipment, topics, speakers."""
    told = result or {}
    found = [
        Element(
            name=str(one.get("name", "")),
            kind="equipment",
            where=_places(one),
            detail=str(one.get("category") or ""),
            **_sure(one.get("confidence")),
        )
        for one in told.get("equipment", [])
    ]
    found += [
        Element(
            name=str(one.get("topic", "")),
            kind="topic",
            where=_places(one),
            detail=str(one.get("description") or ""),
            **_sure(one.get("importance")),
        )
        for one in told.get("topics", [])
    ]
    found += [
        Element(
            name=str(one.get("role") or one.get("speaker_id", "")),
            kind="speaker",
            where=_places(one),
            detail=_share(one.get("speaking_percentage")),
        )
        for one in told.get("speakers", [])
    ]
    return [one for one in found if one.name]


def _share(value: object) -> str:
    return f"speaks {value:.0f} % of the time" if isinstance(value, int | float) else ""


def _sure(value: object) -> dict[str, str]:
    """How sure the analysis is, in words."""
    if isinstance(value, int | float):
        value = "high" if value >= 0.75 else "medium" if value >= 0.4 else "low"
    word = str(value or "").lower()
    if word == "low":
        return {"sure": "low, look yourself", "level": "warn"}
    return {"sure": word, "level": "ok" if word == "high" else "off"}


def _places(one: dict[str, Any]) -> list[FileLocation]:
    return [_where(span) for span in one.get("time_ranges") or []]


def _where(span: dict[str, Any]) -> FileLocation:
    start_s = float(span.get("start_s") or 0.0)
    end_s = float(span.get("end_s") or start_s)
    return FileLocation(start_s=start_s, end_s=end_s, t=Mark(start_s=start_s, end_s=end_s).t)
