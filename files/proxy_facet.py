"""The facet of this floor: whether a file has a proxy, and the action that makes them."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.db.models import BooleanField, Exists, ExpressionWrapper, OuterRef, Q, Value
from django.db.models.lookups import Exact, IsNull
from django.urls import reverse
from rest_framework import serializers

from files import conf
from files.errors import FilesError
from files.media import profiles
from files.media.derived import read_made
from files.models import IS_VIDEO, File, FileQuerySet, Proxy
from files.selection.facets import Action, ActionPlan, Badge, Facet, enqueue_selection, flag
from files.tasks_media import MAKE_PROXY, proxy_options

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from jobs.models import Batch

#: Beyond so many a dialog would wait for the disk; the jobs themselves find out.
LOOKED_AT_MOST = 2000


class ProxyOptions(serializers.Serializer[Any]):
    """What can be chosen for new proxies."""

    profile = serializers.CharField(
        required=False,
        default="",
        allow_blank=True,
        max_length=16,
        label="Profile",
        help_text="Height and frames per second, such as 720p15. Default: as in the settings.",
    )
    audio_track = serializers.IntegerField(
        required=False,
        default=None,
        allow_null=True,
        min_value=0,
        max_value=63,
        label="Sound track",
        help_text="Counted from 0. Default: the file’s own default track.",
    )

    def validate_profile(self, value: str) -> str:
        try:
            return profiles.parse(value).name if value else ""
        except FilesError as error:
            raise serializers.ValidationError(f"{error} {error.remedy}") from error


def plan(selection: FileQuerySet, options: Mapping[str, Any]) -> ActionPlan:
    """How many proxies there are to make. Pictures get a poster only."""
    total = selection.count()
    spec = options.get("profile") or conf.proxy_profile()
    made = has_current_proxy(spec)
    done = 0
    if options.get("audio_track") is None:
        # Sounds and pictures have no proxy: what was made of them lies on the disk, where a plan looks at some only.
        others = selection.exclude(IS_VIDEO).order_by().values_list("pk", flat=True)
        without_proxy = sum(read_made(file_id) is not None for file_id in others[:LOOKED_AT_MOST])
        done = selection.filter(made).count() + without_proxy
    stale = selection.filter(has_stale_proxy(spec)).count()
    away = selection.exclude(state=File.State.AVAILABLE).exclude(made).count()
    warnings = []
    if stale:
        warnings.append(f"{stale:,} have a proxy of another profile, or of what the file was before.")
    if away:
        warnings.append(f"{away:,} cannot be read now (offline or missing); they will fail until they are back.")
    return ActionPlan(total=total, todo=total - done, already_done=done, warnings=warnings)


def start(selection: FileQuerySet, options: Mapping[str, Any], batch: "Batch", user: "User | None") -> None:
    """A job for each file; what is there already and whole is left as it is."""
    wanted = proxy_options(spec=options.get("profile", ""), audio_track=options.get("audio_track"))
    enqueue_selection(MAKE_PROXY, selection, wanted, batch, user)


def badge(file: File) -> Badge | None:
    if flag(file, "has_proxy"):
        return Badge(text="Proxy", url=f"{reverse('file-page', args=[file.pk])}#proxies")
    return None


def has_proxy() -> Exists:
    return Exists(Proxy.objects.filter(file_id=OuterRef("pk")))


def has_current_proxy(spec: str) -> Exists:
    """Whether there is a proxy of this profile, made from the content that the file has now."""
    # As `Proxy.objects.shown()`, asked of the file that is there already: to join it again took twice the time.
    content = OuterRef("sampled_hash")
    is_current = Q(source_hash="") | Q(source_hash=content) | Q(Exact(content, Value("")))
    is_in_library = IsNull(OuterRef("removed_at"), True)
    return Exists(Proxy.objects.filter(is_current, is_in_library, file_id=OuterRef("pk"), proxy_spec=spec))


def has_stale_proxy(spec: str = "") -> "ExpressionWrapper[Q]":
    """Whether there are proxies, but none of this profile (else the settings') and of the present content."""
    current = has_current_proxy(spec or conf.proxy_profile())
    return ExpressionWrapper(Q(has_proxy()) & ~Q(current), output_field=BooleanField())


def stale_badge(file: File) -> Badge | None:
    if not flag(file, "has_stale_proxy"):
        return None
    title = f"Its proxy is of another profile than {conf.proxy_profile()}, or of what the file was before: make it anew"
    return Badge(text="Stale proxy", url=f"{reverse('file-page', args=[file.pk])}#proxies", level="warn", title=title)


HAS_PROXY = Facet(
    name="has_proxy",
    label="Proxy",
    annotation=has_proxy,
    applies=IS_VIDEO,
    filter_label="Has a proxy",
    badge=badge,
    action=Action(
        name="proxy",
        label="Make proxies",
        job_kind=MAKE_PROXY,
        options=ProxyOptions,
        permission="files.change_file",
        plan=plan,
        start=start,
        batch_label="Make proxies for {files}",
    ),
)

HAS_STALE_PROXY = Facet(
    name="has_stale_proxy",
    label="Stale proxy",
    annotation=has_stale_proxy,
    applies=IS_VIDEO,
    filter_label="Has a stale proxy",
    badge=stale_badge,
    is_goal=False,
)
