"""What every API view of ours starts from: pages and permissions."""

from typing import TYPE_CHECKING, Any

from rest_framework.pagination import PageNumberPagination
from rest_framework.permissions import BasePermission, DjangoModelPermissions
from rest_framework.request import Request

from jobs.kept_answers import KeptPaginator

if TYPE_CHECKING:  # DRF's views read this module while they are imported themselves
    from rest_framework.views import APIView


class ApiPagination(PageNumberPagination):
    """`page` and `page_size` (up to 500)."""

    page_size_query_param = "page_size"
    max_page_size = 500
    django_paginator_class = KeptPaginator

    def paginate_queryset(self, queryset: Any, request: Request, view: "APIView | None" = None) -> list[Any] | None:
        """Pages in the list's order, or by id: `ordering=,` asks for none at all, and rows would come twice."""
        rows = queryset if queryset.ordered else queryset.order_by("pk")
        return super().paginate_queryset(rows, request, view)


class ModelPermissions(DjangoModelPermissions):
    """Django's model permissions, reading included: the stock class lets every logged-in user read all."""

    perms_map = {
        **DjangoModelPermissions.perms_map,
        "GET": ["%(app_label)s.view_%(model_name)s"],
        "HEAD": ["%(app_label)s.view_%(model_name)s"],
    }


def HasPermission(*codenames: str) -> type[BasePermission]:  # noqa: N802  (it makes a class)
    """A permission class that asks for all of these Django permissions: `HasPermission("files.view_file")`."""

    class _HasPermission(BasePermission):
        def has_permission(self, request: Request, view: "APIView") -> bool:
            user: Any = request.user
            return bool(user and user.is_authenticated and user.has_perms(codenames))

    return _HasPermission
