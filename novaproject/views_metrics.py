"""`GET /metrics` for Prometheus: off until METRICS_TOKEN is set."""

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache

from novaproject import metrics


@login_not_required
@never_cache
def show(request: HttpRequest) -> HttpResponse:
    """The measures, for who sends `Authorization: Bearer METRICS_TOKEN`."""
    if not settings.METRICS_TOKEN:
        return HttpResponse("Metrics are off. Set METRICS_TOKEN.\n", status=403, content_type="text/plain")
    sent = request.headers.get("Authorization", "")
    if not constant_time_compare(sent.encode(), f"Bearer {settings.METRICS_TOKEN}".encode()):
        headers = {"WWW-Authenticate": "Bearer"}
        return HttpResponse("Send METRICS_TOKEN.\n", status=401, content_type="text/plain", headers=headers)
    return HttpResponse(metrics.text(), content_type=metrics.CONTENT_TYPE)
