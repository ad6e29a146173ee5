"""What need not be paid for, by what is known for free: files that show the same as another one, and videos in which
nothing changes. They are left out where somebody says so, and what that saves is told.
"""

from collections.abc import Collection
from decimal import Decimal
from itertools import groupby
from typing import Any

from django.db.models import Exists, OuterRef

from files.models import File, FileQuerySet
from nova.models import LOCAL, AnalysisResult
from nova.options import SAME, STILL, AnalysisRequest
from nova.quoting import quote
from vision.models import DuplicateGroup, DuplicateMember, FrameSelection

#: A shorter video may well be one picture and a sentence.
STILL_AT_LEAST_S = 20.0
#: What is saved is told to a hundredth of a cent.
STEP = Decimal("0.0001")


def without_known(
    selection: FileQuerySet, request: AnalysisRequest, skip: Collection[str], *, force: bool = False
) -> tuple[FileQuerySet, list[dict[str, Any]]]:
    """The files that are left, and how many were left out for which reason, with what asking of them would likely cost.

    A file counts once, for the first reason.
    """
    left_out: list[dict[str, Any]] = []
    if request.model == LOCAL:  # it is free
        return selection, left_out
    for reason in (SAME, STILL):
        if reason not in skip:
            continue
        still = selection.order_by().filter(
            Exists(FrameSelection.objects.current().filter(file=OuterRef("pk"), frame_count__lte=1)),
            media_type=File.MediaType.VIDEO,
            duration_s__gte=STILL_AT_LEAST_S,
        )
        ids = list(_same(selection) if reason == SAME else still.values_list("pk", flat=True))
        if not ids:
            continue
        quoted = quote(selection.filter(pk__in=ids), request, force=force)
        usd = quoted.usd_likely if quoted.usd_likely is not None else quoted.usd_low
        saved = None if usd is None else str(usd.quantize(STEP))
        left_out.append({"reason": reason, "count": len(ids), "usd_saved": saved})
        selection = selection.exclude(pk__in=ids)
    return selection, left_out


def _same(selection: FileQuerySet) -> set[int]:
    """Files of a selection that show what another one shows, which Nova saw or will see. Of a cut the longer stands."""
    chosen = set(selection.order_by().values_list("pk", flat=True))
    by_nova = AnalysisResult.objects.current().filter(file=OuterRef("file_id")).exclude(nova_job__model=LOCAL)
    members = (
        DuplicateMember.objects.filter(file__removed_at=None)
        .annotate(is_seen=Exists(by_nova))
        .order_by("group_id", "-file__duration_s", "-file__size_bytes", "file_id")
        .values_list("group_id", "group__kind", "file_id", "is_seen")
    )
    skipped: set[int] = set()
    standing: set[int] = set()
    for (_, kind), rows in groupby(members, key=lambda row: (row[0], row[1])):
        group = [(file_id, is_seen or file_id in skipped) for _, _, file_id, is_seen in rows]
        may_stand = group[:1] if kind == DuplicateGroup.Kind.CUT else group
        covered = [file_id for file_id, is_covered in may_stand if is_covered]
        one = next(iter(covered or [file_id for file_id, _ in may_stand if file_id in chosen]), None)
        if one is not None:
            standing.add(one)
            skipped |= {file_id for file_id, _ in group if file_id in chosen} - standing
    return skipped
