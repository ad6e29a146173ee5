"""Addresses of this floor's pages."""

from django.urls import URLPattern, URLResolver, path

from embeddings import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("search/", views.search_page, name="search"),
    path("search/moment/<int:pk>/", views.moment, name="search-moment"),
]
