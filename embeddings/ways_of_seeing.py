"""The ways in which what is seen becomes findable, side by side: the local model, Nova frame by frame, and Nova on the
whole video. Each fills one space; what it costs and gives up is said before.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from math import ceil
from typing import Any

from django.db.models import Exists, OuterRef, Sum

from bedrock.pricing import Usage, text_tokens
from embeddings import picture_tasks, registry, tasks
from embeddings.indexing import media_embedding, pictures, spaces
from embeddings.indexing.costs import cost_of_media, price_of
from embeddings.models import KIND_CODES, Chunk, Embedding, PictureFloor, Space, Viewing
from embeddings.searching.captions import UNRELATED
from embeddings.vectors import PictureProvider, SpaceKey
from files.models import File, FileQuerySet
from files.selection.facets import ModeQuote
from jobs.errors import WorkError
from vision.conf import frame_seconds
from vision.models import Frame, FrameSelection

LOCAL, FRAMES, VIDEO = "local", "frames", "video"
LABELS = {
    LOCAL: "This machine, frame by frame",
    FRAMES: "Nova, frame by frame",
    VIDEO: "Nova, the whole video",
}
#: What each has, and what it lacks beside the others.
NOTES = {
    LOCAL: "Free, and nothing leaves this machine. No sound, and nothing that only motion tells.",
    FRAMES: "The same frames, sent to AWS. No sound, and nothing that only motion tells.",
    VIDEO: "Sound and motion too, in pieces of five seconds: entering is told from leaving. A picture costs the same.",
}
#: Frames of a video whose frames are not chosen yet: at least one every FRAME_SECONDS, and in a lively one this often.
LIVELY = 2


@dataclass(frozen=True, kw_only=True)
class SeeingCost:
    """What a way of looking costs, in dollars; 0 where it is free, or unpriced."""

    low: Decimal = Decimal(0)
    high: Decimal = Decimal(0)
    is_unpriced: bool = False
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class WayOfSeeing:
    """One way, and the space that it fills: maybe one that there is not yet."""

    how: str
    key: SpaceKey

    @property
    def is_paid(self) -> bool:
        return self.how != LOCAL

    @property
    def _space(self) -> Space:
        """The space of this way, not saved where there is none yet."""
        return spaces.known(self.key) or Space(**asdict(self.key))

    @property
    def job_kind(self) -> str:
        return tasks.EMBED_MEDIA if self.how == VIDEO else picture_tasks.SEE

    def problem(self) -> str:
        """Why it cannot be had now, and what to do; empty where it can."""
        try:
            if self.how == VIDEO:
                media_embedding.check_ready(self._space)
            elif self.how == FRAMES:
                media_embedding.media_provider(self._space)
            return registry.provider_for(self.key).problem()
        except WorkError as error:
            return f"{error} {error.remedy}".strip()

    def job_options(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Of each job. The space in use is not named, so that a job joins one that an import asked for."""
        is_named = bool(options.get("how") or options.get("space_id"))
        space = spaces.get_or_make(self.key) if is_named else None
        is_again = bool(options.get("force")) and self.how != VIDEO
        return tasks.options_of(force=is_again, space=space)

    def remaining(self, visible: FileQuerySet, options: Mapping[str, Any]) -> FileQuerySet:
        """The files among these that are not looked at in this way. A video that Nova saw whole is not sent again."""
        space = spaces.known(self.key)
        if space is None:
            return visible
        if self.how == VIDEO:
            return media_embedding.lacking(visible, space)
        if options.get("force"):
            return visible
        todo = picture_tasks.unseen(visible, space)
        if self.how == LOCAL:
            return todo
        whole = Viewing.objects.filter(
            space=space, content_hash=OuterRef("full_hash"), state__in=media_embedding.UNDER_WAY
        )
        return todo.exclude(Exists(whole), media_type=File.MediaType.VIDEO)

    def cost(self, files: FileQuerySet) -> SeeingCost:
        """What looking at these files costs."""
        if not self.is_paid:
            return SeeingCost()
        space = self._space
        price = price_of(space)
        if price is None:
            return SeeingCost(is_unpriced=True, warnings=[f"No price is known for {self.key.model}."])
        if self.how == VIDEO:
            media = cost_of_media(space, files)
            return SeeingCost(low=media.usd_low, high=media.usd_high, warnings=_twice(space, files))
        least, most = _frames_to_pay(space, files)
        captions = Usage()
        if most and not PictureFloor.objects.filter(space=space.pk).exists():
            captions = Usage(input_tokens=sum(text_tokens(text).high for text in UNRELATED))
        guess = "Some frames are not chosen yet: how many there will be is a guess." if least != most else ""
        return SeeingCost(
            low=price.cost(Usage(images=least)),
            high=price.cost(Usage(images=most)) + price.cost(captions),
            warnings=[guess] if guess else [],
        )

    def quote(self, visible: FileQuerySet, options: Mapping[str, Any], *, is_chosen: bool) -> ModeQuote:
        """The same selection in this way, for the table of all of them."""
        cost = self.cost(self.remaining(visible, options))
        reason = self.problem()
        return ModeQuote(
            mode=self.how,
            label=LABELS[self.how],
            usd_low=None if cost.is_unpriced else cost.low,
            usd_likely=None if cost.is_unpriced else cost.low,
            usd_high=None if cost.is_unpriced else cost.high,
            is_available=not reason,
            reason=reason,
            note=NOTES[self.how],
            is_chosen=is_chosen,
        )


def chosen(options: Mapping[str, Any]) -> WayOfSeeing:
    """The way that these options name; the space in use for pictures where they name none.

    Raises ProviderUnavailableError where nobody sees.
    """
    if options.get("how"):
        return WayOfSeeing(how=options["how"], key=_key_of(options["how"]))
    wanted = options.get("space_id")
    space = Space.objects.get(pk=wanted) if wanted else pictures.picture_space()
    is_free = isinstance(registry.provider_for(space.key), PictureProvider)
    return WayOfSeeing(how=LOCAL if is_free else FRAMES, key=space.key)


def every(way: WayOfSeeing | None = None) -> list[WayOfSeeing]:
    """All ways that the settings know, and this one in its place."""
    found = []
    for how in LABELS:
        if way is not None and way.how == how:
            found.append(way)
            continue
        with suppress(WorkError):  # its settings are wrong, which the checks say at start-up
            found.append(WayOfSeeing(how=how, key=_key_of(how)))
    return found


def _key_of(how: str) -> SpaceKey:
    """The space of a way: of Nova's the one in use, if there is one, so that one space holds all that it saw."""
    if how == LOCAL:
        return registry.default_key("pictures")
    for space in (Space.objects.for_pictures(), Space.objects.active()):
        if space is not None and space.provider == "nova" and space.holds_pictures:
            return space.key
    return registry.default_key("nova")


def _frames_to_pay(space: Space, files: FileQuerySet) -> tuple[int, int]:
    """How many frames of these files have no vector in this space, at least and at most."""
    of_files = files.order_by().values("pk")
    chosen_files = FrameSelection.objects.current().filter(file__in=of_files).values("file_id")
    made = Embedding.objects.filter(space=space.pk, file__in=chosen_files, kind_code=KIND_CODES[Chunk.Kind.SEEN])
    known = max(0, Frame.objects.filter(file__in=chosen_files).count() - made.count())
    unchosen = files.order_by().exclude(pk__in=chosen_files)
    photos = unchosen.filter(media_type=File.MediaType.IMAGE).count()
    seconds = unchosen.filter(media_type=File.MediaType.VIDEO).aggregate(total=Sum("duration_s"))["total"] or 0.0
    guessed = ceil(seconds / frame_seconds())
    return known + photos + guessed, known + photos + LIVELY * guessed


def _twice(space: Space, files: FileQuerySet) -> list[str]:
    """What is paid for in another form already: the whole video has more, so it may be asked for all the same."""
    of_frames = Embedding.objects.filter(space=space.pk, file_id=OuterRef("pk"), kind_code=KIND_CODES[Chunk.Kind.SEEN])
    count = files.filter(Exists(of_frames), media_type=File.MediaType.VIDEO).count()
    if not count:
        return []
    said = "1 video has" if count == 1 else f"{count:,} videos have"
    return [f"{said} its frames in this space already; the whole video adds sound and motion, at its full price."]
