"""API routes of `embeddings`, mounted under `/api/`."""

from django.urls import URLPattern, URLResolver, path

from embeddings import api, api_spaces

app_name = "embeddings"
urlpatterns: list[URLPattern | URLResolver] = [
    path("search", api.SearchView.as_view(), name="search"),
    path("search/picture", api.PictureSearchView.as_view(), name="search-picture"),
    path("searches", api.SavedSearchList.as_view(), name="searches"),
    path("searches/<int:pk>", api.SavedSearchDetail.as_view(), name="saved-search"),
    path("searches/<int:pk>/new", api.SavedSearchNew.as_view(), name="saved-search-new"),
    path("searches/<int:pk>/opened", api.SavedSearchOpened.as_view(), name="saved-search-opened"),
    path("spaces", api_spaces.SpaceList.as_view(), name="spaces"),
    path("spaces/<int:pk>", api_spaces.SpaceDetail.as_view(), name="space"),
    path("spaces/<int:pk>/build", api_spaces.SpaceBuild.as_view(), name="space-build"),
    path("spaces/<int:pk>/use", api_spaces.SpaceUse.as_view(), name="space-use"),
    path("spaces/<int:pk>/compare", api_spaces.SpaceCompare.as_view(), name="space-compare"),
    path("nova/embeddings/generate", api.GenerateView.as_view(), name="generate"),
]
