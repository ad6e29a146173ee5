"""Filters of the list of jobs."""

from decimal import Decimal

import django_filters
from django.db.models import QuerySet

from jobs.models import Job
from jobs.subjects import of_file

#: What a list of jobs may be ordered by.
ORDERINGS = ("id", "created_at", "started_at", "finished_at", "priority", "progress")


class JobFilter(django_filters.FilterSet):
    """`state` may be given more than once."""

    state = django_filters.MultipleChoiceFilter(choices=Job.State.choices)
    kind = django_filters.CharFilter()
    file_id = django_filters.NumberFilter(method="about_file", label="Jobs about this file.")
    batch = django_filters.NumberFilter(field_name="batches", label="Jobs of this batch.")
    ordering = django_filters.OrderingFilter(fields=[(name, name) for name in ORDERINGS])

    class Meta:
        model = Job
        fields = ("state", "kind", "file_id", "batch")

    def about_file(self, jobs: QuerySet[Job], name: str, value: Decimal) -> QuerySet[Job]:
        return jobs.filter(of_file(int(value))) if value == int(value) else jobs.none()
