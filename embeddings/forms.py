"""The search box and its filters."""

from datetime import timedelta
from typing import Any

from django import forms
from django.utils import timezone

from embeddings.models import Chunk, SavedQuery
from embeddings.searching.search import DEFAULT_LIMIT, MAX_LIMIT, frame_of
from files.models import Root

MODES = [("hybrid", "Words and meaning"), ("keyword", "Exact words"), ("semantic", "Meaning")]
FILMED = [("", "Any time"), ("30", "Last 30 days"), ("365", "Last 12 months")]
#: SQLite's integers have 64 bits.
LARGEST_ID = 2**63 - 1


class SearchForm(forms.Form):
    """What the page's address says. Wrong values fall back rather than hide the answer."""

    q = forms.CharField(required=False, max_length=20_000)
    mode = forms.ChoiceField(required=False, choices=MODES)
    kind = forms.ChoiceField(required=False, choices=[("", "All"), *Chunk.Kind.choices])
    directory = forms.ChoiceField(required=False)
    filmed = forms.ChoiceField(required=False, choices=FILMED)
    limit = forms.IntegerField(required=False, min_value=1, max_value=MAX_LIMIT)
    at = forms.IntegerField(required=False, min_value=1, max_value=LARGEST_ID)
    like = forms.IntegerField(required=False, min_value=1, max_value=LARGEST_ID)
    like_file = forms.IntegerField(required=False, min_value=1, max_value=LARGEST_ID)
    like_frame = forms.CharField(required=False, max_length=40)
    typing = forms.BooleanField(required=False)
    saved = forms.ModelChoiceField(SavedQuery.objects.all(), required=False)
    since = forms.DateTimeField(required=False)
    #: Whether who asks may be charged for a question in a paid space.
    may_pay: bool = False
    #: Whether who asks sees whole transcripts.
    may_read: bool = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        roots = Root.objects.values_list("path", "name")
        self.fields["directory"] = forms.ChoiceField(required=False, choices=[("", "Anywhere"), *roots])
        self.full_clean()

    def clean_like_frame(self) -> tuple[int, float] | None:
        text = self.cleaned_data["like_frame"]
        return frame_of(text) if text else None

    def value(self, name: str) -> Any:
        return self.cleaned_data.get(name)

    @property
    def saved_search(self) -> SavedQuery | None:
        """The saved search that the address names, unless another question does."""
        return None if self.value("q") else self.value("saved")

    @property
    def question(self) -> str:
        return self.saved_search.text if self.saved_search else self.value("q") or ""

    @property
    def mode_asked(self) -> str:
        return self.value("mode") or (self.saved_search.mode if self.saved_search else "hybrid")

    @property
    def limit_asked(self) -> int:
        return self.value("limit") or DEFAULT_LIMIT

    def filters(self) -> dict[str, Any]:
        """The filters of the file list that this asks for."""
        found: dict[str, Any] = dict(self.saved_search.filter) if self.saved_search else {}
        if self.value("directory"):
            found["directory"] = self.value("directory")
        if self.value("filmed"):
            found["created_after"] = (timezone.now() - timedelta(days=int(self.value("filmed")))).isoformat()
        return found
