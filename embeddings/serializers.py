"""Requests and answers of the API, and the options of the batch action."""

from decimal import Decimal
from typing import Any

from django.urls import reverse
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from embeddings import registry
from embeddings.conf import conf
from embeddings.indexing.space_coverage import coverage_of, is_paid
from embeddings.indexing.spaces import paid_in
from embeddings.models import CONTENTS, Chunk, SavedQuery, Space
from embeddings.searching.search import DEFAULT_LIMIT, MAX_LIMIT, MODES, frame_of
from files.selection.resolving import resolve
from jobs.errors import WorkError
from jobs.web.strict_fields import StrictFields


class EmbedOptionsSerializer(serializers.Serializer[Any]):
    """Options of `POST /api/batch/embeddings`."""

    force = serializers.BooleanField(default=False, label="Make them again", help_text="Replace existing vectors.")
    video = serializers.BooleanField(
        default=False,
        label="Also what is seen",
        help_text="Nova indexes videos and pictures, so that words find what is seen. Charged by the second.",
    )
    space_id = serializers.PrimaryKeyRelatedField(
        queryset=Space.objects.all(),
        required=False,
        allow_null=True,
        label="Space",
        help_text="Empty: the space in use.",
        pk_field=serializers.IntegerField(),
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        space = attrs.pop("space_id", None)
        return attrs | ({"space_id": space.pk} if space is not None else {})


class GenerateSerializer(StrictFields, serializers.Serializer[Any]):
    """Body of `POST /api/nova/embeddings/generate`: exactly one of the three ids."""

    file_id = serializers.IntegerField(required=False, min_value=1)
    nova_job_id = serializers.IntegerField(required=False, min_value=1)
    transcript_id = serializers.IntegerField(required=False, min_value=1)
    force = serializers.BooleanField(default=False)
    video = serializers.BooleanField(
        default=False, help_text="Embed what is seen as well (paid); the job of this is then the answer."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        given = {"file_id", "nova_job_id", "transcript_id"} & set(attrs)
        if len(given) != 1:
            raise serializers.ValidationError("Give exactly one of file_id, nova_job_id, transcript_id.")
        return attrs


class SearchQuerySerializer(serializers.Serializer[Any]):
    """Parameters of `GET /api/search`, without the filters of the file list."""

    q = serializers.CharField(
        required=False,
        default="",
        allow_blank=True,
        help_text='Words, "phrases", beginnings (`wat*`), and `-word` for what must not be there.',
    )
    mode = serializers.ChoiceField(choices=list(MODES), default="hybrid")
    kind = serializers.ChoiceField(choices=Chunk.Kind.choices, required=False, default="")
    file_id = serializers.IntegerField(required=False, min_value=1, default=None)
    limit = serializers.IntegerField(required=False, default=DEFAULT_LIMIT, min_value=1, max_value=MAX_LIMIT)
    name = serializers.CharField(required=False, default="", help_text="Part of the file's name.")
    like = serializers.IntegerField(
        required=False, min_value=1, default=None, help_text="Instead of `q`: a hit's `chunk_id`. What means the same."
    )
    like_file = serializers.IntegerField(
        required=False,
        min_value=1,
        default=None,
        help_text="Instead of `q`: a file. Moments of others that are like it.",
    )

    like_frame = serializers.CharField(
        required=False,
        default="",
        help_text="Instead of `q`: `<file_id>@<seconds>`, a picture `@0`. Moments of others that look like it.",
    )

    def validate_like_frame(self, value: str) -> tuple[int, float] | None:
        frame = frame_of(value) if value else None
        if value and frame is None:
            raise serializers.ValidationError("Write the file's id, @ and the second, such as 12@3.5.")
        return frame

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        given = [name for name in ("q", "like", "like_file", "like_frame") if attrs[name]]
        if len(given) > 1:
            raise serializers.ValidationError(
                f"Give one of q, like, like_file and like_frame, not {' and '.join(given)}."
            )
        return attrs


#: Bytes of a picture that is looked for.
LARGEST_PICTURE = 50 * 1024 * 1024


class PictureQuerySerializer(serializers.Serializer[Any]):
    """Form of `POST /api/search/picture`; the filters of the file list are further fields."""

    picture = serializers.FileField(help_text="A picture of your own: JPEG, PNG, WebP, …")
    limit = serializers.IntegerField(required=False, default=DEFAULT_LIMIT, min_value=1, max_value=MAX_LIMIT)
    name = serializers.CharField(required=False, default="", help_text="Part of the file's name.")

    def validate_picture(self, value: Any) -> Any:
        if value.size > LARGEST_PICTURE:
            raise serializers.ValidationError(f"At most {LARGEST_PICTURE // 2**20} MB.")
        return value


class HitSerializer(serializers.Serializer[Any]):
    """A moment that answers."""

    chunk_id = serializers.IntegerField(help_text="For `like`.")
    file_id = serializers.IntegerField()
    file_name = serializers.CharField()
    kind = serializers.ChoiceField(choices=Chunk.Kind.choices)
    start_s = serializers.FloatField(allow_null=True)
    end_s = serializers.FloatField(allow_null=True)
    snippet = serializers.CharField(help_text="Safe HTML: the words are in `<mark>`, all else is escaped.")
    score = serializers.FloatField(help_text="1 is the best of this answer; cosine similarity in `semantic`.")
    why = serializers.CharField()
    url = serializers.CharField(help_text="The page of the file, opened at that second.")
    also = serializers.ListField(
        child=serializers.ChoiceField(choices=Chunk.Kind.choices), help_text="Other kinds that have this second."
    )
    still = serializers.CharField(allow_null=True, help_text="A small JPEG of what was seen; null where words were.")


class SearchAnswerSerializer(serializers.Serializer[Any]):
    """The answer of `GET /api/search`."""

    results = HitSerializer(many=True)
    notice = serializers.CharField(help_text="Why this may be less than was asked for; else empty.")
    counts = serializers.DictField(
        child=serializers.IntegerField(), help_text="Moments that have each kind; one may have several."
    )
    total = serializers.IntegerField(help_text="Moments found.")
    is_cut = serializers.BooleanField(help_text="There may be more: `total` and `counts` are what there is at least.")
    mode = serializers.ChoiceField(choices=list(MODES))
    took_s = serializers.FloatField()


class SavedSearchSerializer(StrictFields, serializers.ModelSerializer[SavedQuery]):
    """A search under a name."""

    name = serializers.CharField(max_length=200, required=False, allow_blank=True, help_text="Empty: the question.")
    q = serializers.CharField(source="text", max_length=500)
    filter = serializers.DictField(required=False, help_text="Filters of `GET /api/files` but `q` and `ordering`.")
    url = serializers.SerializerMethodField(help_text="The search page that asks it.")

    class Meta:
        model = SavedQuery
        fields = ("id", "name", "q", "mode", "filter", "created_at", "opened_at", "url")
        read_only_fields = ("created_at", "opened_at")

    def get_url(self, saved: SavedQuery) -> str:
        return f"{reverse('search')}?saved={saved.pk}"

    def validate_filter(self, value: dict[str, Any]) -> dict[str, Any]:
        """Only what a search takes now: a wrong filter is told when it is saved, not when it finds nothing."""
        try:
            resolve(filter=value)
        except WorkError as error:
            raise serializers.ValidationError(str(error)) from error
        return value

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if self.instance is None:
            attrs["name"] = attrs.get("name") or attrs["text"][:200]
        others = SavedQuery.objects.filter(name=attrs.get("name") or None)
        if self.instance is not None:
            others = others.exclude(pk=self.instance.pk)
        if others.exists():
            raise serializers.ValidationError({"name": "There is a saved search of this name."})
        return attrs


class CoverageSerializer(serializers.Serializer[Any]):
    """How much of a library's texts, or of its frames, has its vector in a space."""

    made = serializers.IntegerField()
    waiting = serializers.IntegerField()
    usd = serializers.DecimalField(
        max_digits=14,
        decimal_places=6,
        coerce_to_string=False,
        allow_null=True,
        help_text="What the rest costs at most; 0 where it is free, null where nobody knows the price.",
    )


class SpaceCostSerializer(serializers.Serializer[Any]):
    """What was paid for in a space."""

    vectors = serializers.IntegerField(help_text="How many answers were paid for; they are kept for good.")
    usd = serializers.DecimalField(max_digits=14, decimal_places=6, coerce_to_string=False)


class SpaceSerializer(serializers.ModelSerializer[Space]):
    """Where vectors can be compared: one provider, model, dimension and request format."""

    contents = serializers.ListField(child=serializers.ChoiceField(choices=CONTENTS), read_only=True)
    in_use_for = serializers.ListField(child=serializers.ChoiceField(choices=CONTENTS), read_only=True)
    is_paid = serializers.SerializerMethodField()
    problem = serializers.SerializerMethodField(help_text="Why nothing can be embedded with it now; else empty.")
    coverage = serializers.SerializerMethodField()
    cost = serializers.SerializerMethodField()

    class Meta:
        model = Space
        fields = (
            "id", "provider", "model", "dimension", "request_format", "contents", "in_use_for", "is_paid", "problem",
            "coverage", "cost", "created_at", "activated_at",
        )  # fmt: skip
        read_only_fields = fields

    def get_is_paid(self, space: Space) -> bool:
        return is_paid(space)

    def get_problem(self, space: Space) -> str:
        try:
            return registry.provider_for(space.key).problem()
        except WorkError as error:
            return f"{error} {error.remedy}".strip()

    @extend_schema_field(serializers.DictField(child=CoverageSerializer(), help_text="By content."))
    def get_coverage(self, space: Space) -> Any:
        return {content: CoverageSerializer(found).data for content, found in coverage_of(space).items()}

    @extend_schema_field(SpaceCostSerializer)
    def get_cost(self, space: Space) -> Any:
        vectors, usd = paid_in(space) if is_paid(space) else (0, Decimal(0))
        return SpaceCostSerializer({"vectors": vectors, "usd": usd}).data


class NewSpaceSerializer(StrictFields, serializers.Serializer[Any]):
    """A space to be made."""

    provider = serializers.CharField(max_length=32, help_text="`local`, `pictures` or `nova`.")
    model = serializers.CharField(max_length=128, required=False, default="", allow_blank=True)
    dimension = serializers.IntegerField(min_value=1, max_value=8192, required=False, allow_null=True, default=None)

    def validate_provider(self, value: str) -> str:
        known = sorted(conf().providers)
        if value not in known:
            raise serializers.ValidationError(f"There is no such provider. Known are: {', '.join(known)}.")
        return value


class SpacePurposeSerializer(StrictFields, serializers.Serializer[Any]):
    """What a space is built or used for."""

    def get_fields(self) -> dict[str, Any]:
        """`for` is a word of Python's."""
        return {**super().get_fields(), "for": serializers.ChoiceField(choices=CONTENTS)}


class CompareSpacesSerializer(SpacePurposeSerializer):
    """The space to compare with, and what the questions may cost."""

    with_space = serializers.PrimaryKeyRelatedField(queryset=Space.objects.all(), pk_field=serializers.IntegerField())
    max_usd = serializers.DecimalField(
        max_digits=10, decimal_places=6, required=False, allow_null=True, default=None, min_value=0
    )


class SpaceComparisonSerializer(serializers.Serializer[Any]):
    """What each of two spaces finds first for one question."""

    question = serializers.CharField()
    first = serializers.ListField(child=serializers.CharField())
    second = serializers.ListField(child=serializers.CharField())
    shared = serializers.IntegerField(help_text="How many moments both have.")
    most = serializers.IntegerField()


class NeighbourComparisonSerializer(serializers.Serializer[Any]):
    """How near each space puts what is said just before and after, over `count` texts of the transcripts."""

    count = serializers.IntegerField()
    first = serializers.FloatField(help_text="Mean reciprocal rank; 1 = always first.")
    second = serializers.FloatField()


class ComparedSpacesSerializer(serializers.Serializer[Any]):
    """The comparison; `rows` is null where the questions to paid models cost more than `max_usd`."""

    questions_to_pay = serializers.IntegerField()
    usd = serializers.DecimalField(max_digits=14, decimal_places=6, coerce_to_string=False, allow_null=True)
    rows = SpaceComparisonSerializer(many=True, allow_null=True)
    transcripts = NeighbourComparisonSerializer(
        allow_null=True, help_text="On a sample of the transcripts, at no cost; null for pictures."
    )
