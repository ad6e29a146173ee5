"""Both sides of the door to looking at frames in the background."""

from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import Exists, OuterRef, Q
from django.urls import reverse

from embeddings import conf, registry, tasks
from embeddings.indexing import pictures, spaces
from embeddings.models import KIND_CODES, Chunk, Embedding, Space
from embeddings.providers import picture_models
from embeddings.searching import seen
from embeddings.stores.registry import store
from embeddings.vectors import PictureProvider
from files.models import File, FileQuerySet
from jobs import notices
from jobs.errors import WorkError
from jobs.models import Job
from jobs.progress import NO_PROGRESS, Progress
from jobs.queue import enqueue
from jobs.work import Work
from vision.models import FrameSelection

SEE = "see"
NOTICE = "pictures-waiting"
#: What was left over is asked for in portions of so many files.
SWEEP_FILES = 500


def request_see(file: File, *, created_by: AbstractBaseUser | None = None) -> Job:
    """Ask for the frames of a file to be looked at. Raises ProviderUnavailableError where nobody sees."""
    pictures.picture_space()
    return enqueue(SEE, file.pk, created_by=created_by)


def run_see(work: Work) -> str:
    """One attempt at one file."""
    file = File.objects.filter(pk=work.subject).first()
    if file is None:
        return "The file is not in the library any more."
    space = tasks.space_of(work.options)
    token, force = f"{work.job_id}-{work.attempt}", bool(work.options.get("force"))
    return str(see(file, space=space, force=force, progress=work.progress, token=token))


def see(
    file: File,
    *,
    space: Space | None = None,
    force: bool = False,
    progress: Progress = NO_PROGRESS,
    token: str = "",
) -> pictures.LookReport:
    """Look at a file's frames. A paid space first gets what questions are judged by: it was in the price."""
    space = space or pictures.picture_space()
    if registry.provider_for(space.key).is_paid:
        seen.learn_captions(space)
    return pictures.see_file(file, space=space, force=force, progress=progress, token=token)


def unseen(files: FileQuerySet, space: Space) -> FileQuerySet:
    """The files among these that have frames, or may have, and not all of them were looked at in this space."""
    code = KIND_CODES[Chunk.Kind.SEEN]
    any_seen = Embedding.objects.filter(file_id=OuterRef("pk"), space=space, kind_code=code)
    any_waits = Chunk.objects.awaiting_pictures(space).filter(file_id=OuterRef("pk"))
    chosen = FrameSelection.objects.current().filter(file_id=OuterRef("pk"))
    has_none = Exists(chosen.filter(frame_count=0))
    is_done = Exists(chosen) & ~Exists(any_waits) & (has_none | Exists(any_seen))
    return files.filter(~is_done)


def why_not_by_itself() -> str:
    """Why frames are not looked at by themselves now; empty where they are. Keeps the one notice about it in line."""
    try:
        key = registry.picture_key()
        problem = "" if key is not None else pictures.why_nobody_sees()
        is_free = key is None or isinstance(registry.provider_for(key), PictureProvider)
    except WorkError as error:
        problem, is_free = f"{error} {error.remedy}".strip(), True
    if not is_free:
        problem = "This provider charges for frames, so it waits until somebody asks."
    elif store().problem():
        problem = f"Frames cannot be indexed: {store().problem()}."
    if problem and is_free and conf.conf().picture_provider != "off":
        notices.notify(NOTICE, problem, remedy="", url=reverse("setup") + "#pictures", level="info")
    else:
        notices.clear(NOTICE)
    return problem


def request_if_free(file: File) -> Job | None:
    """What an import goes on to do by itself: only with a free model that is there."""
    steps = file.root.steps if file.root.steps is not None else conf.conf().import_steps
    if "see" not in steps or why_not_by_itself():
        return None
    return request_see(file)


def fetch_model(model: str, progress: Progress) -> str:
    """Fetch a picture model, and look at what waited for it."""
    settings = conf.conf()
    wanted = model or settings.picture_model
    picture_models.fetch(wanted, settings.picture_model_dir, source=settings.weights_source, progress=progress)
    sweep()
    return f"The picture model “{wanted}” is here"


def sweep() -> None:
    """Ask for what has frames and was not looked at, a portion at a time: it waited for the model, or lost its job."""
    chosen = FrameSelection.objects.current().filter(frame_count__gt=0)
    if not chosen.exists() or why_not_by_itself():
        return
    space = spaces.for_pictures()
    if space is None:
        return
    failed = Job.objects.failed().filter(kind=SEE).values("subject_id")
    candidates = File.objects.filter(pk__in=chosen.values("file_id")).exclude(pk__in=failed)
    by_settings = Q(root__steps__isnull=True) if "see" in conf.conf().import_steps else Q(pk__in=[])
    wanted = candidates.filter(by_settings | Q(root__steps__icontains='"see"')).select_related("root")
    for file in unseen(wanted, space)[:SWEEP_FILES]:
        enqueue(SEE, file.pk)
