"""All addresses: pages, API, admin."""

from django.contrib import admin
from django.contrib.auth.decorators import login_not_required, login_required
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularAPIView

from novaproject import views_metrics
from novaproject.admin_index import grouped
from novaproject.api_export import ExportDownload, LibraryExportView
from novaproject.health import HealthView
from novaproject.views_api import ApiRoot, DocsView

api: list[URLPattern | URLResolver] = [
    path("", include("jobs.urls")),  # first: `batch/5` is a batch, `batch/proxy` an action on files
    path("", include("curation.urls")),
    path("", include("files.urls")),
    path("", include("transcription.urls")),
    path("", include("vision.urls")),
    path("", include("bedrock.urls")),
    path("", include("nova.urls")),
    path("", include("embeddings.urls")),
    path("export", LibraryExportView.as_view(), name="export"),
    path("export/<int:pk>", ExportDownload.as_view(), name="export-download"),
    path("", ApiRoot.as_view(), name="api-root"),
    path("health", HealthView.as_view(), name="health"),
    path("schema", SpectacularAPIView.as_view(), name="schema"),
    path("docs", DocsView.as_view(url_name="schema"), name="docs"),
]

admin.site.site_header = admin.site.site_title = "novaproject"
admin.site.index_title = "Administration"
admin.site.get_app_list = grouped(admin.site.get_app_list)  # type: ignore[method-assign]
admin.site.enable_nav_sidebar = False  # the lists need the width; the header and the breadcrumbs lead everywhere
# One login page; somebody logged in without the right to the admin still gets the admin's own, which says so.
admin.site.login = login_required(admin.site.login)  # type: ignore[method-assign]

urlpatterns: list[URLPattern | URLResolver] = [
    path("login/", login_not_required(LoginView.as_view(template_name="novaproject/login.html")), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("api", ApiRoot.as_view(schema=None)),  # the same as `api/`, which the schema names
    path("api/", include(api)),
    path("metrics", views_metrics.show, name="metrics"),
    path("admin/", admin.site.urls),
    path("", include("jobs.page_urls")),
    path("", include("novaproject.page_urls")),
    path("", include("bedrock.page_urls")),
    path("", include("embeddings.page_urls")),
    path("", include("curation.page_urls")),
]
handler404 = "novaproject.api.errors.not_found"
