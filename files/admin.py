"""The library in the admin."""

from django.contrib import admin

from files.models import Proxy
from jobs.admin_base import ReadOnlyAdmin


@admin.register(Proxy)
class ProxyAdmin(ReadOnlyAdmin[Proxy]):
    list_display = ("path", "file", "proxy_spec", "size_bytes", "duration_s", "is_partial", "created_at")
    list_filter = ("proxy_spec", "is_partial")
    list_select_related = ("file",)
    search_fields = ("path",)
