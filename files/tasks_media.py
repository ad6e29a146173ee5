"""Making proxies in the background: the options of the job, and its body."""

from typing import Any

from files import conf
from files.media.proxying import make_proxy, remove_attempts
from files.models import File
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
    proxy = make_proxy(
        file,
        spec=work.options.get("spec", ""),
        audio_track=work.options.get("audio_track"),
        progress=work.progress,
        token=f"{work.job_id}-{work.attempt}",
    )
    if proxy is None:
        return "Poster is ready." if file.media_type == File.MediaType.IMAGE else "Sound is ready."
    if proxy.is_partial:
        source_s = proxy.metadata["source_duration_s"]
        return f"{proxy.proxy_spec} is ready, but the source is cut short: {proxy.duration_s:.0f} of {source_s:.0f} s."
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
