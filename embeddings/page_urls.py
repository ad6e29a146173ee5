"""Addresses of this floor's pages."""

from django.urls import URLPattern, URLResolver, path

from embeddings import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("search/", views.search_page, name="search"),
    path("search/saved/", views.save_search, name="search-save"),
    path("search/saved/<int:pk>/open/", views.open_search, name="search-open"),
    path("search/saved/<int:pk>/forget/", views.forget_search, name="search-forget"),
    path("search/saved/<int:pk>/new/", views.new_in_search, name="search-new"),
    path("search/moment/<int:pk>/", views.moment, name="search-moment"),
]
