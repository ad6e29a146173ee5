"""`/api/tags/{id}/suggestions`: files that a tag could be meant for, accepted or refused one by one."""

from typing import Any, cast

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from curation.models import Tag
from curation.serializers import SuggestionsQuerySerializer, SuggestionsSerializer
from curation.suggesting import accept, refuse, suggest, take_back
from files.models import File
from jobs.web.api_base import HasPermission
from jobs.web.strict_fields import takes_nothing

MAY_TAG = HasPermission("curation.view_tag", "files.change_file", "files.view_file")


class TagSuggestions(APIView):
    """What could be of this tag, best first, and how often such suggestions were right on files that were labelled.

    Words that are given (`words`) are asked of a paid picture space at the price of a question.
    """

    permission_classes = [HasPermission("curation.view_tag", "files.view_file", "embeddings.view_chunk")]
    query_parameters = tuple(SuggestionsQuerySerializer().fields)

    @extend_schema(
        operation_id="tags_suggestions", parameters=[SuggestionsQuerySerializer], responses=SuggestionsSerializer
    )
    def get(self, request: Request, pk: int) -> Response:
        asked = SuggestionsQuerySerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        found = suggest(get_object_or_404(Tag, pk=pk), **asked.validated_data)
        return Response(SuggestionsSerializer(cast("Any", found)).data)


class SuggestionAccept(APIView):
    """Put the tag on the file."""

    permission_classes = [MAY_TAG]

    @extend_schema(operation_id="tags_suggestions_accept", request=None, responses={204: None})
    @takes_nothing
    def post(self, request: Request, pk: int, n: int) -> Response:
        accept(get_object_or_404(Tag, pk=pk), get_object_or_404(File, pk=n))
        return Response(status=204)


class SuggestionRefuse(APIView):
    """Say that the file is not of this tag: it is not suggested again."""

    permission_classes = [MAY_TAG]

    @extend_schema(operation_id="tags_suggestions_refuse", request=None, responses={204: None})
    @takes_nothing
    def post(self, request: Request, pk: int, n: int) -> Response:
        refuse(get_object_or_404(Tag, pk=pk), get_object_or_404(File, pk=n))
        return Response(status=204)


class SuggestionTakeBack(APIView):
    """Undo what was accepted or refused."""

    permission_classes = [MAY_TAG]

    @extend_schema(operation_id="tags_suggestions_take_back", request=None, responses={204: None})
    @takes_nothing
    def post(self, request: Request, pk: int, n: int) -> Response:
        take_back(get_object_or_404(Tag, pk=pk), get_object_or_404(File, pk=n))
        return Response(status=204)
