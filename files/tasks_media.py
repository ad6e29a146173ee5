"""Making proxies in the background: the options of the job, and its body."""

from typing import Any

from files import conf
from files.errors import FfmpegFailedError, MediaError, UnreadableError
from files.importing import problems
from files.media.proxying import make_proxy, remove_attempts
from files.models import IS_DAMAGED, File
from files.storage.naming import shown
from jobs.registry import LONG, Kind
from jobs.work import Work

MAKE_PROXY = "make_proxy"


def proxy_options(*, spec: str = "", audio_track: int | None = None) -> dict[str, Any]:
    """The job's options, defaults left out, so that the same request is the same job."""
    options: dict[str, Any] = {}
    if spec and spec != conf.proxy_profile():
        options["spec"] = spec
    if audio_track is not None:
        options["audio_track"] = audio_track
    return options


def run_make_proxy(work: Work) -> str:
    """The body of the job; returns what to tell."""
    file = File.objects.select_related("root").filter(pk=work.subject).first()
    if file is None:
        return "The file is no longer in the library."
    if work.attempt > 1:
        remove_attempts(file, work.job_id)
    try:
        proxy = make_proxy(
            file,
            spec=work.options.get("spec", ""),
            audio_track=work.options.get("audio_track"),
            progress=work.progress,
            token=f"{work.job_id}-{work.attempt}",
        )
    except (MediaError, FfmpegFailedError) as error:
        if not error.retryable:
            problems.note_of_file(file, error.code, str(error), error.remedy)
        raise
    made = "Poster" if file.media_type == File.MediaType.IMAGE else "Sound"
    if proxy is None and file.metadata.get(IS_DAMAGED):
        reason = f"{shown(file.name)} is cut off or damaged: what is left of it is shown."
        problems.note_of_file(file, "damaged", reason, UnreadableError.remedy)
        return f"{made} is ready, but {reason}"
    if proxy is not None and proxy.is_partial:
        source_s = proxy.metadata["source_duration_s"]
        cut = f"the source is cut short: {proxy.duration_s:.0f} of {source_s:.0f} s."
        problems.note_of_file(file, "cut_short", f"{shown(file.name)}: {cut}", UnreadableError.remedy)
        return f"{proxy.proxy_spec} is ready, but {cut}"
    problems.solve_of_file(file)
    if proxy is None:
        return f"{made} is ready."
    if file.has_audio and proxy.metadata.get("audio_track") is None:
        return f"{proxy.proxy_spec} is ready, without sound: the sound track is empty or damaged."
    return f"{proxy.proxy_spec} is ready."


MAKE_PROXY_KIND = Kind(
    name=MAKE_PROXY,
    label="Make proxy",
    queue=LONG,
    run=run_make_proxy,
    subject_kind="file",
    permission="files.change_file",
    needs_free_disk=True,
    is_told_later=True,
)
