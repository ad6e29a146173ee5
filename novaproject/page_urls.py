"""Addresses of the pages that are composed at the top: home, library, files, import, setup."""

from django.urls import path

from novaproject import views, views_setup

urlpatterns = [
    path("", views.home, name="home"),
    path("setup/", views_setup.setup, name="setup"),
]
