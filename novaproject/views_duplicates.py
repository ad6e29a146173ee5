"""The page of files that show the same: which is the largest, which has a transcript. Nothing is deleted here."""

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from files.selection import facets
from vision.models import DuplicateGroup
from vision.tasks import request_duplicates

GROUPS = 25


@require_safe
@permission_required(("files.view_file", "vision.view_duplicategroup"), raise_exception=True)
def duplicates(request: HttpRequest) -> HttpResponse:
    groups = DuplicateGroup.objects.prefetch_related("members__file__root")
    page = Paginator(groups, GROUPS).get_page(request.GET.get("page"))
    files = [member.file for group in page for member in group.members.all()]
    facets.fill(files)
    shown = [(group, [member.file for member in group.members.all()]) for group in page]
    context = {
        "page": page,
        "groups": [
            (group, [(file, file.size_bytes == max(one.size_bytes for one in of_group)) for file in of_group])
            for group, of_group in shown
        ],
        "may_find": request.user.has_perm("vision.add_duplicategroup"),
    }
    return render(request, "novaproject/duplicates.html", context)


@require_POST
@permission_required(("files.view_file", "vision.add_duplicategroup"), raise_exception=True)
def find(request: HttpRequest) -> HttpResponse:
    """Look through the library as a job, as `manage.py duplicates` does."""
    request_duplicates(created_by=cast("Any", request.user))
    messages.success(request, "Finding duplicates. They appear here when it is done.")
    return redirect("duplicates")
