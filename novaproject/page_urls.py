"""Addresses of the pages that are composed at the top: home, library, files, import, setup."""

from django.urls import path

from novaproject import views

urlpatterns = [
    path("", views.home, name="home"),
]
