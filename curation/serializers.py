"""JSON of tags, collections and moments, and the choices of what is done to a selection."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from curation.models import (
    HIGHEST_RATING,
    LOWEST_RATING,
    NAME_CHARS,
    NOTE_CHARS,
    TAG_CHARS,
    Collection,
    CollectionItem,
    Moment,
    Tag,
)
from curation.suggesting import DEFAULT_LIMIT, MAX_LIMIT
from files.models import File
from jobs.web.strict_fields import StrictFields
from transcription.segments import SPEAKER_CHARS

#: More tags than this on one thing order nothing.
MAX_TAGS = 200


def tag_names(**options: Any) -> serializers.ListField:
    child = serializers.CharField(max_length=TAG_CHARS)
    return serializers.ListField(child=child, max_length=MAX_TAGS, help_text="Names of tags.", **options)


def rating(**options: Any) -> serializers.IntegerField:
    return serializers.IntegerField(
        min_value=LOWEST_RATING, max_value=HIGHEST_RATING, allow_null=True, help_text="1 to 5; null: none.", **options
    )


def note(**options: Any) -> serializers.CharField:
    return serializers.CharField(allow_blank=True, max_length=NOTE_CHARS, help_text="In your own words.", **options)


class TagSerializer(StrictFields, serializers.ModelSerializer[Tag]):
    """A tag, and how many files and moments of the library have it."""

    file_count = serializers.IntegerField(read_only=True)
    moment_count = serializers.IntegerField(read_only=True)
    name = serializers.CharField(max_length=TAG_CHARS, help_text="Unique, however it is written.")

    class Meta:
        model = Tag
        fields = ["id", "name", "colour", "file_count", "moment_count", "created_at"]
        read_only_fields = ["id", "created_at"]


class MergeSerializer(StrictFields, serializers.Serializer[Any]):
    """The tag that takes the other one's place."""

    into = serializers.PrimaryKeyRelatedField(
        queryset=Tag.objects.all(), pk_field=serializers.IntegerField(), help_text="Id of the tag that stays."
    )


class TagNamesField(serializers.ListField):
    """The tags of a moment by name."""

    def __init__(self, **options: Any) -> None:
        child = serializers.CharField(max_length=TAG_CHARS)
        super().__init__(child=child, max_length=MAX_TAGS, help_text="Names of tags.", **options)

    def to_representation(self, data: Any) -> list[str]:
        return [tag.name for tag in data.all()]


class MomentSerializer(StrictFields, serializers.ModelSerializer[Moment]):
    """A range of seconds of a file that somebody named."""

    file_id = serializers.PrimaryKeyRelatedField(
        source="file", queryset=File.objects.all(), pk_field=serializers.IntegerField()
    )
    start_s = serializers.FloatField(min_value=0, help_text="Seconds from the start of the file.")
    end_s = serializers.FloatField(min_value=0)
    rating = rating(required=False)
    tags = TagNamesField(required=False)
    url = serializers.SerializerMethodField(help_text="The page of the file, opened at the moment.")

    class Meta:
        model = Moment
        fields = [
            "id", "file_id", "start_s", "end_s", "name", "note", "tags", "rating", "favourite", "url", "created_at",
            "updated_at",
        ]  # fmt: skip
        read_only_fields = ["id", "created_at", "updated_at"]

    def get_url(self, moment: Moment) -> str:
        return moment.get_absolute_url()


class CollectionSerializer(StrictFields, serializers.ModelSerializer[Collection]):
    """Files and moments in an order that a person chose."""

    item_count = serializers.IntegerField(read_only=True, help_text="Without those of removed files.")

    class Meta:
        model = Collection
        fields = ["id", "name", "note", "item_count", "created_at", "updated_at"]
        read_only_fields = ["id", "created_at", "updated_at"]


class ItemSerializer(serializers.ModelSerializer[CollectionItem]):
    """A file or a moment at its place in a collection."""

    file_id = serializers.IntegerField(read_only=True)
    moment_id = serializers.IntegerField(read_only=True, allow_null=True)
    file_name = serializers.CharField(source="file.name", read_only=True)
    moment = MomentSerializer(read_only=True, allow_null=True)

    class Meta:
        model = CollectionItem
        fields = ["n", "position", "file_id", "file_name", "moment_id", "moment", "added_at"]
        read_only_fields = fields
        extra_kwargs = {"n": {"help_text": "Its number in this collection, whatever the order."}}


class NewItemSerializer(StrictFields, serializers.Serializer[Any]):
    """A file or a moment to put into a collection."""

    file_id = serializers.PrimaryKeyRelatedField(
        queryset=File.objects.all(), pk_field=serializers.IntegerField(), required=False
    )
    moment_id = serializers.PrimaryKeyRelatedField(
        queryset=Moment.objects.filter(file__removed_at=None), pk_field=serializers.IntegerField(), required=False
    )
    position = serializers.IntegerField(min_value=0, required=False, help_text="Counted from 0; without it: last.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("file_id" in attrs) == ("moment_id" in attrs):
            raise serializers.ValidationError({"file_id": ["Give either file_id or moment_id."]})
        return attrs


class OrderSerializer(StrictFields, serializers.Serializer[Any]):
    """The whole order of a collection."""

    items = serializers.ListField(
        child=serializers.IntegerField(min_value=1), max_length=100_000, help_text="The `n` of every item, each once."
    )


class NamesSerializer(StrictFields, serializers.Serializer[Any]):
    """What speakers are called."""

    names = serializers.DictField(
        child=serializers.CharField(max_length=SPEAKER_CHARS, allow_blank=True),
        allow_empty=False,
        help_text='A name for each tag, such as `{"speaker_1": "Ada"}`; an empty one takes the name away.',
    )
    everywhere = serializers.BooleanField(default=False, help_text="In every file with the same tag, later ones too.")


class SpeakerSerializer(serializers.Serializer[Any]):
    """Somebody who speaks."""

    tag = serializers.CharField(help_text="As the transcript or the analysis has it.")
    name = serializers.CharField(help_text="As a person named them; else empty.")
    line_count = serializers.IntegerField(help_text="Lines of the transcript in use.")
    role = serializers.CharField(help_text="As the analysis has it; else empty.")


class SpeakersSerializer(serializers.Serializer[Any]):
    """Who speaks in a file."""

    names = serializers.SerializerMethodField(help_text="What each tag is called; without a name it is the tag.")
    speakers = SpeakerSerializer(many=True)
    other_files = serializers.IntegerField(default=0, help_text="Other files that follow in the background.")

    def get_names(self, answer: dict[str, Any]) -> dict[str, str]:
        return {speaker.tag: speaker.shown for speaker in answer["speakers"]}


class TagOptionsSerializer(serializers.Serializer[Any]):
    """What can be chosen for tagging."""

    add = tag_names(required=False, default=list, label="Add tags")
    remove = tag_names(required=False, default=list, label="Remove tags")


@extend_schema_field(int)
class CollectionChoice(serializers.ChoiceField):
    """A collection by its id; which there are is asked when it is shown or read."""

    blank_label = "–"

    def __init__(self, **options: Any) -> None:
        super().__init__(choices=[], **options)

    def offered(self) -> list[tuple[int, str]]:
        return list(Collection.objects.values_list("pk", "name"))

    def to_internal_value(self, data: Any) -> Any:
        number = int(data) if isinstance(data, int) or (isinstance(data, str) and data.isdecimal()) else 0
        if not Collection.objects.filter(pk=number).exists():
            self.fail("invalid_choice", input=data)
        return number


class CollectOptionsSerializer(serializers.Serializer[Any]):
    """What can be chosen for collecting."""

    collection = CollectionChoice(label="Collection", required=False, help_text="An existing one.")
    new_collection = serializers.CharField(
        label="Or a new one", required=False, max_length=NAME_CHARS, help_text="It is created with this name."
    )
    take_out = serializers.BooleanField(
        default=False, label="Take out instead", help_text="Take these files out of the collection."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("collection" in attrs) == ("new_collection" in attrs):
            raise serializers.ValidationError({"collection": ["Choose a collection, or name a new one."]})
        return attrs


class SuggestionsQuerySerializer(serializers.Serializer[Any]):
    """How suggestions are asked for."""

    words = serializers.CharField(
        required=False, default="", allow_blank=True, max_length=200, help_text="What it looks like; its name if empty."
    )
    limit = serializers.IntegerField(required=False, default=DEFAULT_LIMIT, min_value=1, max_value=MAX_LIMIT)


class SuggestionSerializer(serializers.Serializer[Any]):
    """A file that a tag could be meant for."""

    n = serializers.IntegerField(help_text="The file's id; names the suggestion.")
    file_id = serializers.IntegerField(source="file.pk")
    file_name = serializers.CharField(source="file.name")
    at_s = serializers.FloatField(allow_null=True, help_text="Where it is; null for a picture.")
    confidence = serializers.FloatField(help_text="From .5, just enough, towards 1.")
    reason = serializers.CharField()
    still = serializers.CharField(allow_null=True, help_text="Address of a JPEG; null where it is not a picture.")
    url = serializers.CharField()


class LabelScoreSerializer(serializers.Serializer[Any]):
    """How often somebody was right about files that a person labelled."""

    count = serializers.IntegerField(help_text="Labels: the tag, or refused.")
    right = serializers.IntegerField()
    positive = serializers.IntegerField()
    negative = serializers.IntegerField()
    found = serializers.IntegerField(help_text="Of those that have the tag.")
    wrong = serializers.IntegerField(help_text="Of those for which it was refused.")


class NovaScoreSerializer(LabelScoreSerializer):
    """The same for what Nova said."""

    usd = serializers.DecimalField(max_digits=14, decimal_places=6, coerce_to_string=False)

    def to_representation(self, instance: Any) -> Any:
        shown = LabelScoreSerializer(instance.score).data
        return {**shown, "usd": instance.usd}


class DoubtSerializer(serializers.Serializer[Any]):
    """Suggestions that are not sure, and what asking Nova about these alone costs and saves."""

    file_ids = serializers.ListField(child=serializers.IntegerField(), help_text="For `POST /api/batch/nova`.")
    usd_likely = serializers.DecimalField(max_digits=14, decimal_places=6, coerce_to_string=False, allow_null=True)
    usd_saved = serializers.DecimalField(
        max_digits=14, decimal_places=6, coerce_to_string=False, allow_null=True, help_text="Beside asking about all."
    )


class SuggestionsSerializer(serializers.Serializer[Any]):
    """What a tag could be meant for, and how often such suggestions were right."""

    results = SuggestionSerializer(source="suggestions", many=True)
    held_out = LabelScoreSerializer(
        source="own", allow_null=True, help_text="Each labelled file left out in turn; null of too few."
    )
    nova = NovaScoreSerializer(allow_null=True, help_text="What Nova named on the same files; null without analyses.")
    doubt = DoubtSerializer(allow_null=True, help_text="Null where all of them are sure.")
    notice = serializers.CharField()
