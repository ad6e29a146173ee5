"""`/api/tags` and `/api/moments`."""

from typing import Any

import django_filters
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.shortcuts import get_object_or_404
from django_filters.rest_framework import FilterSet
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView

from curation.facet import TagFilter
from curation.marking import change_moment, mark_moment, remove_moment
from curation.models import FileTag, Moment, Tag, TagQuerySet
from curation.serializers import MergeSerializer, MomentSerializer, TagSerializer
from curation.tagging import delete_tag, make_tag, merge_tags, rename_tag
from jobs.web.api_base import HasPermission


def with_counts(tags: TagQuerySet) -> TagQuerySet:
    """Tags with the number of files and moments of the library that have them."""
    of_files = FileTag.objects.filter(tag=OuterRef("pk"), file__removed_at=None).order_by().values("tag")
    of_moments = Moment.objects.in_library().filter(tags=OuterRef("pk")).order_by().values("tags")
    return tags.annotate(
        file_count=Coalesce(Subquery(of_files.annotate(n=Count("pk")).values("n")), 0),
        moment_count=Coalesce(Subquery(of_moments.annotate(n=Count("pk")).values("n")), 0),
    )


class TagListFilters(FilterSet):
    """`q` completes what is typed."""

    q = django_filters.CharFilter(method="filter_start", label="Begins with, or has in it")
    ordering = django_filters.OrderingFilter(
        fields=[("folded", "name"), ("file_count", "file_count"), ("created_at", "created_at")], label="Order"
    )

    class Meta:
        model = Tag
        fields: list[str] = []

    def filter_start(self, queryset: TagQuerySet, name: str, value: str) -> TagQuerySet:
        return queryset.starting_with(value)


class TagList(generics.ListCreateAPIView[Tag]):
    """The tags of the library. POST makes one."""

    serializer_class = TagSerializer
    filterset_class = TagListFilters
    queryset = Tag.objects.all()

    def get_queryset(self) -> QuerySet[Tag]:
        return with_counts(Tag.objects.all())

    def perform_create(self, serializer: BaseSerializer[Tag]) -> None:
        wanted: dict[str, Any] = serializer.validated_data
        tag = make_tag(wanted["name"], colour=wanted.get("colour", ""))
        serializer.instance = with_counts(Tag.objects.all()).get(pk=tag.pk)


class TagDetail(generics.RetrieveUpdateDestroyAPIView[Tag]):
    """One tag. PATCH renames or colours it; DELETE takes it off everything."""

    serializer_class = TagSerializer
    http_method_names = ["get", "patch", "delete", "head", "options"]
    queryset = Tag.objects.all()

    def get_queryset(self) -> QuerySet[Tag]:
        return with_counts(Tag.objects.all())

    def perform_update(self, serializer: BaseSerializer[Tag]) -> None:
        tag, wanted = self.get_object(), serializer.validated_data
        if "name" in wanted:
            rename_tag(tag, wanted["name"])
        if "colour" in wanted:
            tag.colour = wanted["colour"]
            tag.save(update_fields=["colour"])
        serializer.instance = self.get_object()

    def perform_destroy(self, instance: Tag) -> None:
        delete_tag(instance)


class TagMerge(APIView):
    """Put another tag wherever this one is, and delete this one."""

    permission_classes = [HasPermission("curation.change_tag", "curation.delete_tag")]

    @extend_schema(request=MergeSerializer, responses=TagSerializer)
    def post(self, request: Request, pk: int) -> Response:
        tag = get_object_or_404(Tag, pk=pk)
        body = MergeSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        kept = merge_tags(tag, body.validated_data["into"])
        return Response(TagSerializer(with_counts(Tag.objects.all()).get(pk=kept.pk)).data)


class MomentFilters(FilterSet):
    file_id = django_filters.NumberFilter("file_id", label="File")
    tag = TagFilter(method="filter_tags")
    favourite = django_filters.BooleanFilter("favourite", label="Is a favourite")
    q = django_filters.CharFilter(method="filter_words", label="Words of the name or note")
    min_rating = django_filters.NumberFilter("rating", "gte", label="Rating at least", min_value=1, max_value=5)
    ordering = django_filters.OrderingFilter(
        fields=[(name, name) for name in ("id", "start_s", "name", "rating", "created_at")], label="Order"
    )

    class Meta:
        model = Moment
        fields: list[str] = []

    def filter_tags(self, queryset: QuerySet[Moment], name: str, value: list[Tag]) -> QuerySet[Moment]:
        for tag in value:
            queryset = queryset.filter(Exists(Moment.tags.through.objects.filter(moment=OuterRef("pk"), tag=tag)))
        return queryset

    def filter_words(self, queryset: QuerySet[Moment], name: str, value: str) -> QuerySet[Moment]:
        for word in value.split():
            queryset = queryset.filter(Q(name__icontains=word) | Q(note__icontains=word))
        return queryset


class MomentList(generics.ListCreateAPIView[Moment]):
    """Named ranges of seconds. POST marks one."""

    serializer_class = MomentSerializer
    filterset_class = MomentFilters
    queryset = Moment.objects.in_library().prefetch_related("tags")

    def perform_create(self, serializer: BaseSerializer[Moment]) -> None:
        wanted = dict(serializer.validated_data)
        serializer.instance = mark_moment(wanted.pop("file"), **wanted)


class MomentDetail(generics.RetrieveUpdateDestroyAPIView[Moment]):
    """One moment."""

    serializer_class = MomentSerializer
    http_method_names = ["get", "patch", "delete", "head", "options"]
    queryset = Moment.objects.in_library().select_related("file").prefetch_related("tags")

    def perform_update(self, serializer: BaseSerializer[Moment]) -> None:
        moment = self.get_object()
        wanted = {name: value for name, value in serializer.validated_data.items() if name != "file"}
        change_moment(moment, **wanted)
        serializer.instance = self.get_object()

    def perform_destroy(self, instance: Moment) -> None:
        remove_moment(instance)
