"""Addresses of the pages of `bedrock`."""

from django.urls import path

from bedrock import views

urlpatterns = [
    path("spend/", views.spend_page, name="spend"),
    path("spend/models/<slug:key>/accept-estimate", views.accept_estimate, name="accept-estimate"),
]
