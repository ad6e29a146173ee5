"""API routes of `embeddings`, mounted under `/api/`."""

from django.urls import URLPattern, URLResolver, path

from embeddings import api

app_name = "embeddings"
urlpatterns: list[URLPattern | URLResolver] = [
    path("search", api.SearchView.as_view(), name="search"),
    path("search/picture", api.PictureSearchView.as_view(), name="search-picture"),
    path("nova/embeddings/generate", api.GenerateView.as_view(), name="generate"),
]
