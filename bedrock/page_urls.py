"""Addresses of the pages of `bedrock`."""

from django.urls import path, re_path

from bedrock import views

urlpatterns = [
    path("spend/", views.spend_page, name="spend"),
    path("spend/models/<slug:key>/accept-estimate", views.accept_estimate, name="accept-estimate"),
    re_path(
        r"^spend/models/(?P<key>[-\w]+)/(?P<profile>global|nearest)-profile$",
        views.choose_profile,
        name="choose-profile",
    ),
]
