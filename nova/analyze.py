"""Analysing a file by the free local model: the verb behind every door."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import astuple
from pathlib import Path
from typing import Any

from django.db import transaction

from files.errors import FilesError
from files.importing.problems import problem_of_file
from files.media.proxy_lookup import proxy_path
from files.models import File, Proxy
from files.storage.originals import as_local_path
from jobs.errors import Cancelled, LeaseLost
from jobs.progress import NO_PROGRESS, Progress
from nova.errors import AnalysisError, NotAnalysableError, NovaError, UnknownTypeError
from nova.local import shots
from nova.local.clip import ClipFacts, SpokenLine
from nova.models import LOCAL, NovaJob
from nova.notifications import announce
from nova.questions import preparing, results
from nova.types.built_in import BUILT_IN
from nova.types.shapes import check
from transcription.models import Transcript

#: Of the local model; a new one makes its older results stale.
LOCAL_VERSION = "local-1"
TYPES = tuple(name for name, spec in BUILT_IN.items() if any(spec.is_local(medium) for medium in spec.media))
#: The share of the work that looking for cuts is.
CUTS_SHARE = 0.95


def prepare(
    file: File, *, types: Sequence[str] = TYPES, options: Mapping[str, Any] | None = None, force: bool = False
) -> NovaJob:
    """The row of a local analysis: a new one to be made, or the one that is there or under way for the same input.

    Raises UnknownTypeError, NotAnalysableError.
    """
    unknown = [name for name in types if name not in BUILT_IN]
    if unknown or not types:
        named = f"There is no analysis type {unknown[0]!r}." if unknown else "No analysis type is named."
        raise UnknownTypeError(named, remedy=f"Known are {', '.join(TYPES)}.")
    types = [name for name in types if BUILT_IN[name].is_local(file.media_type)]
    if not types:
        raise NotAnalysableError("The local model can make nothing of this file for what is asked.")
    transcript = Transcript.objects.current_for(file)
    if file.media_type == File.MediaType.AUDIO and not (transcript and transcript.spoken()):
        raise NotAnalysableError(
            "There is nothing to analyse: a sound without a transcript.", remedy="Transcribe it first."
        )
    key = input_key(file, types, options or {})
    same = NovaJob.objects.filter(file=file, model=LOCAL, input_key=key)
    known = same.filter(status__in=NovaJob.OPEN if force else [*NovaJob.OPEN, NovaJob.Status.COMPLETED]).first()
    return known or NovaJob.objects.create(
        file=file,
        content_hash=file.full_hash,
        model=LOCAL,
        analysis_types=sorted(types),
        options=dict(options or {}),
        input_key=key,
    )


def input_key(file: File, types: Sequence[str], options: Mapping[str, Any]) -> str:
    """A hash of all that the local model looks at: another transcript or a newer model makes another question."""
    if file.media_type == File.MediaType.IMAGE:
        facts = astuple(preparing.picture_facts(file))
        known = [LOCAL_VERSION, file.sampled_hash, sorted(types), dict(options), facts]
        return hashlib.sha256(json.dumps(known, sort_keys=True, default=str).encode()).hexdigest()
    transcript = Transcript.objects.current_for(file)
    lines = transcript.spoken() if transcript else []
    spoken = [(line.start_s, line.end_s, line.text) for line in lines]
    parts = [LOCAL_VERSION, file.sampled_hash, file.duration_s, sorted(types), dict(options), spoken]
    # What was analysed without a picture is analysed anew when there is one.
    parts += picture_faults(file)
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def analyze(nova_job: NovaJob, *, progress: Progress = NO_PROGRESS) -> NovaJob:
    """Make the analysis that the row asks for. Raises NovaError after it is noted on the row, and Cancelled."""
    file = nova_job.file
    if file is None:
        raise NotAnalysableError("The file left the library before it was analysed.")
    nova_job.start()
    try:
        is_picture = file.media_type == File.MediaType.IMAGE
        facts, clip = preparing.picture_facts(file), None if is_picture else clip_of(file, progress)
        depth = str(nova_job.options.get("summary_depth") or "standard")
        made: dict[str, dict[str, Any]] = {}
        for spec in filter(None, (BUILT_IN[name].for_medium(file.media_type) for name in nova_job.analysis_types)):
            if clip is not None and spec.make_locally is not None:
                made[spec.name] = spec.make_locally(clip, depth)
            elif clip is None and spec.describe_locally is not None:
                made[spec.name] = spec.describe_locally(facts, depth)
        for name, result in made.items():
            check(name, result, BUILT_IN[name].schema)
    except LeaseLost:  # another worker does it now
        raise
    except Cancelled:
        nova_job.cancel()
        raise
    except (NovaError, FilesError) as exc:
        if exc.retryable:  # its job comes back to it
            nova_job.note_error(str(exc))
        else:
            nova_job.fail(str(exc))
        raise
    with transaction.atomic():
        notes = [results.NOTHING_SAID] if clip and not clip.lines else []
        results.keep(nova_job, made, version=LOCAL_VERSION, notes=[*notes, *(clip.faults if clip else ())])
        nova_job.complete()
        transaction.on_commit(lambda: announce(file, nova_job))
    return nova_job


def clip_of(file: File, progress: Progress) -> ClipFacts:
    """What the local model is given: cuts, transcript and length, and what it could not see.

    Raises AnalysisError where there is neither a picture that can be read nor a word.
    """
    transcript = Transcript.objects.current_for(file)
    spoken = transcript.spoken() if transcript else []
    lines = [SpokenLine(segment.start_s, segment.end_s, segment.text) for segment in spoken]
    cuts: list[shots.Cut] = []
    faults = picture_faults(file)
    try:
        if file.media_type == File.MediaType.VIDEO:
            cuts = find_cuts(file, progress)
    except AnalysisError as error:
        if not lines:
            raise
        faults = [*(faults or [str(error)]), "Only what is said was analysed."]
    last_s = max([line.end_s for line in lines] + [cut.at_s for cut in cuts] + [0.0])
    return ClipFacts(
        duration_s=max(file.duration_s or 0.0, last_s),
        cuts=[(cut.at_s, cut.strength) for cut in cuts],
        lines=lines,
        name=file.name,
        language=transcript.language if transcript else "",
        faults=faults,
    )


def picture_faults(file: File) -> list[str]:
    """Why a video's picture cannot be shown, or not all of it, in the words of the list of problems."""
    problem = problem_of_file(file) if file.media_type == File.MediaType.VIDEO else None
    return [problem.reason] if problem else []


def find_cuts(file: File, progress: Progress) -> list[shots.Cut]:
    """From the proxy where there is one: it is small, and it is there when the drive is not. Raises AnalysisError."""
    part = PartProgress(progress, CUTS_SHARE)
    proxy = Proxy.objects.shown().filter(file=file).order_by("size_bytes").first()
    path: Path | None = proxy_path(proxy) if proxy else None
    if path is not None and path.is_file():
        return shots.find_cuts(path, duration_s=file.duration_s, progress=part)
    with as_local_path(file) as original:
        return shots.find_cuts(original, duration_s=file.duration_s, progress=part)


class PartProgress:
    """Progress of a part of the work."""

    def __init__(self, whole: Progress, share: float) -> None:
        self._whole, self._share = whole, share

    def update(self, fraction: float, message: str = "") -> None:
        self._whole.update(fraction * self._share, message)

    def check(self) -> None:
        self._whole.check()
