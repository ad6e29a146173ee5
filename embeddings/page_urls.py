"""Addresses of this floor's pages."""

from django.urls import URLPattern, URLResolver, path

from embeddings import views, views_spaces

urlpatterns: list[URLPattern | URLResolver] = [
    path("search/", views.search_page, name="search"),
    path("search/saved/", views.save_search, name="search-save"),
    path("search/saved/<int:pk>/open/", views.open_search, name="search-open"),
    path("search/saved/<int:pk>/forget/", views.forget_search, name="search-forget"),
    path("search/saved/<int:pk>/new/", views.new_in_search, name="search-new"),
    path("search/picture/", views.search_by_picture, name="search-by-picture"),
    path("search/moment/<int:pk>/", views.moment, name="search-moment"),
    path("spaces/", views_spaces.spaces_page, name="spaces"),
    path("spaces/add/", views_spaces.space_add, name="space-add"),
    path("spaces/compare/", views_spaces.spaces_compare, name="spaces-compare"),
    path("spaces/<int:pk>/build/", views_spaces.space_build, name="space-build"),
    path("spaces/<int:pk>/use/", views_spaces.space_use, name="space-use"),
    path("spaces/<int:pk>/delete/", views_spaces.space_delete, name="space-delete"),
]
