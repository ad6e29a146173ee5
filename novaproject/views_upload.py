"""Uploading single files from the pages. A script sends to the API instead, for its progress."""

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from files.errors import UploadRefusedError
from files.import_tasks import upload_now
from jobs.errors import WorkError
from novaproject.templatetags import human


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(("files.view_file", "files.add_file"), raise_exception=True)
def upload(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return render(request, "novaproject/upload.html")
    user = request.user if request.user.is_authenticated else None
    sent = request.FILES.getlist("file")
    try:
        if not sent:
            raise UploadRefusedError("No file came with the form.", remedy="Choose one and send it again.")
        for one in sent:
            upload_now(one, make_proxy="make_proxy" in request.POST, created_by=user)
    except WorkError as error:
        context = {"problem": f"{error} {error.remedy}".strip()}
        return render(request, "novaproject/upload.html", context, status=400)
    messages.success(request, f"{human.count_of(len(sent), 'file is,files are')} in the library.")
    return redirect("library")
