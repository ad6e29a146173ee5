"""The facet of what went wrong with a file: it cannot be read as it is now, or work on it failed; and where it is."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Exists, F, OuterRef, Q
from django.db.models.expressions import BaseExpression, ExpressionWrapper
from django.db.models.fields import BooleanField
from rest_framework import serializers

from files.models import File, Problem
from files.selection.facets import Facet
from files.selection.fields import FileField
from jobs import owners
from jobs.models import Job


def has_problems() -> BaseExpression:
    listed = Problem.objects.filter(root=OuterRef("root"), path=OuterRef("path"))
    failed = Job.objects.unresolved().filter(subject_kind="file", subject_id=OuterRef("pk"))
    return ExpressionWrapper(Q(Exists(listed)) | Q(Exists(failed)), output_field=BooleanField())


def problems_of(file_ids: Sequence[int]) -> Mapping[int, list[dict[str, str]]]:
    """What is wrong with each of these files: two queries, however many files."""
    found: dict[int, list[dict[str, str]]] = {}
    files = File.everything.filter(pk__in=file_ids)
    listed = Problem.objects.filter(root__files__in=files, path=F("root__files__path"))
    for file_id, kind, reason, remedy in listed.values_list("root__files__pk", "kind", "reason", "remedy"):
        found.setdefault(file_id, []).append({"kind": kind, "reason": reason, "remedy": remedy})
    failed = Job.objects.unresolved().filter(subject_kind="file", subject_id__in=file_ids).order_by("pk")
    for subject_id, kind, error, remedy in failed.values_list("subject_id", "kind", "error", "remedy"):
        found.setdefault(subject_id or 0, []).append({"kind": kind, "reason": error, "remedy": remedy})
    return found


def machines_of(file_ids: Sequence[int]) -> Mapping[int, list[str]]:
    """The machines on which each original can be read now."""
    here = File.everything.filter(pk__in=file_ids, state=File.State.AVAILABLE)
    return {file_id: [owners.host()] for file_id in here.values_list("pk", flat=True)}


class FileProblemSerializer(serializers.Serializer[Any]):
    """Something that is wrong with a file."""

    kind = serializers.CharField(help_text="What could not be read, or the kind of the job that failed.")
    reason = serializers.CharField()
    remedy = serializers.CharField()


def problem_list(**options: Any) -> FileProblemSerializer:
    return FileProblemSerializer(many=True, help_text="What is wrong with it, and what to do.", **options)


def machine_names(**options: Any) -> serializers.ListField:
    help_text = "The machines on which the original can be read now."
    return serializers.ListField(child=serializers.CharField(), help_text=help_text, **options)


HAS_PROBLEMS = Facet(
    name="has_problems",
    label="Problems",
    annotation=has_problems,
    filter_label="Cannot be read, or work on it failed",
    is_goal=False,
)
FIELDS = (
    FileField(name="problems", serializer=problem_list, values=problems_of, empty=list),
    FileField(name="available_on", serializer=machine_names, values=machines_of, empty=list),
)
