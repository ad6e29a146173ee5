"""The admin of what is not ours: tokens can be seen and ended here, and are made by `manage.py api_token`.

knox's own page shows digests and lets whoever may add tokens make one for any user, the administrator included.
"""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from knox import admin as stock
from knox.models import AuthToken

from jobs.web.admin_base import ReadOnlyAdmin

if admin.site.is_registered(stock.models.AuthToken):  # the import above did that
    admin.site.unregister(AuthToken)


@admin.register(AuthToken)
class TokenAdmin(ReadOnlyAdmin[AuthToken]):
    list_display = ("token_key", "user", "created", "expiry")
    list_select_related = ("user",)
    fields = list_display
    search_fields = ("token_key", "user__username")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Ending a token is all that can be done to it."""
        return request.user.has_perm("knox.delete_authtoken")
