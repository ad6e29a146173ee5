"""Search and embedding over HTTP."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from embeddings.search import search
from embeddings.serializers import SearchAnswerSerializer, SearchQuerySerializer
from files.filters import file_filters
from jobs.rest import HasPermission

OWN = frozenset(SearchQuerySerializer().fields)
#: Parameters of REST itself, not filters.
REST = frozenset({"format"})


class SearchView(APIView):
    """Find moments by words, by meaning, or by both."""

    permission_classes = [HasPermission("embeddings.view_chunk")]

    @extend_schema(
        operation_id="search",
        parameters=[
            SearchQuerySerializer,
            OpenApiParameter("media_type", str, many=True, description="And the other filters of GET /api/files."),
        ],
        responses=SearchAnswerSerializer,
        tags=["search"],
    )
    def get(self, request: Request) -> Response:
        asked = SearchQuerySerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        answer = search(**asked.validated_data, filters=filters_of(request))
        return Response(SearchAnswerSerializer(answer).data)


def filters_of(request: Request) -> dict[str, Any]:
    """The file list's filters among the parameters; `files.selection` refuses those that it does not know."""
    given = request.query_params
    return {name: given.getlist(name) for name in given if name not in OWN | REST}


def known_filters() -> list[str]:
    """The filters that a search takes."""
    return sorted(set(file_filters().base_filters) - {"q", "ordering"})
