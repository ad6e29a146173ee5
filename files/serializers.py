"""The library as the API shows it."""

from typing import Any

from rest_framework import serializers

from files.conf import STEPS
from files.models import File, Problem, Proxy, Root
from files.selection import fields as file_fields
from files.selection.facets import facets, flag
from jobs.web.strict_fields import StrictFields

#: What a folder can be told.
ROOT_RULES = ("steps", "language", "languages", "vocabulary", "audio_track", "never_send", "scan_minutes")


class FlagField(serializers.BooleanField):
    """Whether a file has a facet; read without a query where the file was read with its facets."""

    def __init__(self, facet: str, **options: Any) -> None:
        self.facet = facet
        super().__init__(source="*", read_only=True, **options)

    def to_representation(self, value: Any) -> bool:
        return flag(value, self.facet)


def _shown(field: file_fields.FileField) -> serializers.Field[Any, Any, Any, Any]:
    """A field that a floor above registered; read without a query where the file was read with these."""
    shown = field.serializer(read_only=True)
    shown.get_attribute = lambda instance: file_fields.value(instance, field.name)  # type: ignore[method-assign]
    return shown


class FileSerializer(serializers.ModelSerializer[File]):
    """A media file of the library."""

    latitude = serializers.FloatField(read_only=True, allow_null=True, help_text="Degrees, south negative.")
    longitude = serializers.FloatField(read_only=True, allow_null=True, help_text="Degrees, west negative.")
    camera = serializers.CharField(read_only=True, help_text="Maker and model; empty where the file does not say.")

    class Meta:
        model = File
        fields = [
            "id", "name", "root", "path", "media_type", "state", "missing_since", "size_bytes", "duration_s", "width",
            "height", "frame_rate", "video_codec", "audio_codec", "bit_rate", "created_at", "imported_at", "s3_key",
            "metadata", "latitude", "longitude", "camera",
        ]  # fmt: skip
        read_only_fields = fields

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """The contract's fields, and a flag for each facet and each field that is registered."""
        made = super().get_fields()
        flags = {facet.name: FlagField(facet.name, help_text=facet.label) for facet in facets()}
        return {**made, **flags, **{field.name: _shown(field) for field in file_fields.fields()}}


class FileChangeSerializer(StrictFields, serializers.Serializer[Any]):
    """What a person may change of a file: the fields that were registered with a way to write them."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return {
            field.name: field.serializer(required=False) for field in file_fields.fields() if field.write is not None
        }

    def update(self, instance: File, validated_data: dict[str, Any]) -> File:
        for field in file_fields.fields():
            if field.write is not None and field.name in validated_data:
                field.write(instance, validated_data[field.name])
        file_fields.forget(instance)
        return instance


class RemovedFileSerializer(serializers.ModelSerializer[File]):
    """A file that was removed from the library."""

    is_upload = serializers.BooleanField(
        source="root.is_uploads", read_only=True, help_text="Its bytes are in the trash."
    )

    class Meta:
        model = File
        fields = ["id", "name", "root", "path", "media_type", "size_bytes", "duration_s", "removed_at", "is_upload"]
        read_only_fields = fields


class EmptiedSerializer(serializers.Serializer[Any]):
    deleted = serializers.IntegerField(help_text="Uploads that were deleted for good.")


class Words(serializers.ListField):
    """Several words, each on one line."""

    def __init__(self, **options: Any) -> None:
        super().__init__(child=serializers.CharField(max_length=200), max_length=1000, **options)


class RootSerializer(StrictFields, serializers.ModelSerializer[Root]):
    """A folder whose media files are in the library where they lie, and its rules."""

    steps = serializers.ListField(
        child=serializers.ChoiceField(choices=STEPS), allow_null=True, required=False,
        help_text="What an import goes on to do; null: as `IMPORT_STEPS` says.",
    )  # fmt: skip
    languages = Words(required=False, help_text="The only ones that may be recognised.")
    vocabulary = Words(required=False, help_text="Names and terms that are spoken here.")
    file_count = serializers.IntegerField(read_only=True)
    problem_count = serializers.IntegerField(read_only=True)
    size_bytes = serializers.IntegerField(read_only=True)

    class Meta:
        model = Root
        fields = [
            "id", "name", "path", "is_present", "is_uploads", "last_seen_at", "missing_since", "created_at",
            "file_count", "size_bytes", "problem_count", "scanned_at", *ROOT_RULES,
        ]  # fmt: skip
        read_only_fields = [name for name in fields if name not in ROOT_RULES]


class ProxySerializer(serializers.ModelSerializer[Proxy]):
    """A small MP4 of a file, made by us."""

    class Meta:
        model = Proxy
        fields = [
            "id", "file_id", "proxy_spec", "path", "size_bytes", "duration_s", "width", "height", "is_partial",
            "metadata", "created_at",
        ]  # fmt: skip
        read_only_fields = fields

    file_id = serializers.IntegerField(read_only=True)


class ProblemSerializer(serializers.ModelSerializer[Problem]):
    """What could not be taken in, why, and what to do."""

    class Meta:
        model = Problem
        fields = ["id", "root", "path", "kind", "reason", "remedy", "size_bytes", "times", "seen_at"]
        read_only_fields = fields


class UploadSerializer(StrictFields, serializers.Serializer[Any]):
    """One media file."""

    file = serializers.FileField(help_text="The bytes, with the file's own name.")
    make_proxy = serializers.BooleanField(default=True, help_text="Make a proxy, and what follows from it.")


class ImportSerializer(StrictFields, serializers.Serializer[Any]):
    """A folder on the server's disks."""

    path = serializers.CharField(trim_whitespace=False, help_text="Absolute path.")
    recursive = serializers.BooleanField(default=True, help_text="With the folders in it.")
    make_proxies = serializers.BooleanField(default=True)


class RelocateSerializer(StrictFields, serializers.Serializer[Any]):
    """Where a folder is now."""

    path = serializers.CharField(trim_whitespace=False, help_text="Absolute path.")
    dry_run = serializers.BooleanField(default=False, help_text="Compare a sample of its files, and change nothing.")


class RelocationSerializer(serializers.Serializer[Any]):
    """What a sample of the files says of the new place."""

    old_path = serializers.CharField()
    new_path = serializers.CharField()
    checked = serializers.IntegerField(help_text="Files that were looked at.")
    same = serializers.IntegerField(help_text="Of these, with the same content there.")
    different = serializers.ListField(child=serializers.CharField())
    absent = serializers.ListField(child=serializers.CharField())
    is_same = serializers.BooleanField(help_text="Whether the folder would be followed.")
    dry_run = serializers.BooleanField()


class ScanSerializer(StrictFields, serializers.Serializer[Any]):
    retry_problems = serializers.BooleanField(default=False, help_text="Try again what could not be read before.")


class ReconcileSerializer(StrictFields, serializers.Serializer[Any]):
    """As the command `reconcile`."""

    apply = serializers.BooleanField(default=False, help_text="Delete and correct; without it nothing is changed.")


class SelectionSerializer(StrictFields, serializers.Serializer[Any]):
    """Files by id, or everything that a filter matches."""

    file_ids = serializers.ListField(child=serializers.IntegerField(min_value=1), required=False, allow_empty=False)
    filter = serializers.DictField(
        required=False, help_text="The parameters of `GET /api/files`; an empty one means every file."
    )
    options = serializers.DictField(required=False, default=dict, help_text="What the action can be told.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("file_ids" in attrs) == ("filter" in attrs):
            raise serializers.ValidationError({"file_ids": ["Give either file_ids or filter."]})
        return attrs


class UndoneSerializer(serializers.Serializer[Any]):
    """What was taken back."""

    message = serializers.CharField()


class EstimateRequestSerializer(SelectionSerializer):
    """What is asked about an action before it is started."""

    action = serializers.CharField(help_text="As in `/api/batch/<action>`.")


class ModeQuoteSerializer(serializers.Serializer[Any]):
    """The same work in one mode, also where it cannot be had now."""

    mode = serializers.CharField()
    usd_low = serializers.DecimalField(max_digits=14, decimal_places=6, coerce_to_string=False, allow_null=True)
    usd_likely = serializers.DecimalField(max_digits=14, decimal_places=6, coerce_to_string=False, allow_null=True)
    usd_high = serializers.DecimalField(max_digits=14, decimal_places=6, coerce_to_string=False, allow_null=True)
    is_available = serializers.BooleanField()
    reason = serializers.CharField(help_text="Why it cannot be had; empty where it can.")
    note = serializers.CharField(help_text="What it gives up beside the others; empty where that is the price alone.")


class LikelySerializer(serializers.Serializer[Any]):
    """What it will most likely cost, and how that is known."""

    usd_likely = serializers.DecimalField(
        max_digits=14,
        decimal_places=6,
        coerce_to_string=False,
        allow_null=True,
        help_text="Between the two figures; null where nobody can say.",
    )
    likely_from = serializers.CharField(
        help_text="own: from this library's finished analyses; typical: from usual answers; empty: nothing to pay."
    )
    likely_count = serializers.IntegerField(help_text="How many of its own analyses it comes from.")
    likely_error = serializers.FloatField(
        allow_null=True, help_text="Half of the last hundred were off by no more: 0.08 = 8 %."
    )
    modes = ModeQuoteSerializer(many=True)


class PlanSerializer(LikelySerializer):
    """What an action would do to how many files, and what it would cost."""

    action = serializers.CharField()
    total = serializers.IntegerField()
    todo = serializers.IntegerField()
    already_done = serializers.IntegerField()
    usd_low = serializers.DecimalField(max_digits=14, decimal_places=6, coerce_to_string=False)
    usd_high = serializers.DecimalField(max_digits=14, decimal_places=6, coerce_to_string=False)
    is_unpriced = serializers.BooleanField(help_text="Nobody knows the price: the two figures say nothing then.")
    refusals = serializers.ListField(child=serializers.CharField())
    warnings = serializers.ListField(child=serializers.CharField())
    records = serializers.IntegerField(allow_null=True)
    input_tokens = serializers.IntegerField(allow_null=True)
    output_tokens = serializers.IntegerField(allow_null=True)
    expected_s = serializers.FloatField(
        allow_null=True, help_text="Seconds until it is done, at the pace of this machine's own finished jobs."
    )
    left_out = serializers.ListField(
        child=serializers.DictField(), help_text="`reason`, `count` and maybe `usd_saved` of what is passed over."
    )
