"""JSON of frames, and the choices of what is done to them."""

from typing import Any

from django.urls import reverse
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from vision.models import DuplicateGroup, DuplicateMember, Frame


class FrameSerializer(serializers.ModelSerializer[Frame]):
    """A frame worth looking at: its number, its second, and the address of its still."""

    url = serializers.SerializerMethodField(help_text="Address of a small JPEG of it.")

    class Meta:
        model = Frame
        fields = ["n", "at_s", "url"]
        read_only_fields = fields

    def get_url(self, frame: Frame) -> str:
        return reverse("vision:frame", args=[frame.file_id, frame.n])


class FramesOptionsSerializer(serializers.Serializer[Any]):
    """What can be chosen for frames."""

    force = serializers.BooleanField(
        required=False, default=False, label="Again", help_text="Even where it was done before."
    )


class DuplicateMemberSerializer(serializers.ModelSerializer[DuplicateMember]):
    """A file of a group, as far as one chooses among them by it."""

    file_id = serializers.IntegerField(read_only=True)
    name = serializers.CharField(source="file.name", read_only=True)
    path = serializers.CharField(source="file.path", read_only=True)
    size_bytes = serializers.IntegerField(source="file.size_bytes", read_only=True)
    duration_s = serializers.FloatField(source="file.duration_s", read_only=True, allow_null=True)
    width = serializers.IntegerField(source="file.width", read_only=True, allow_null=True)
    height = serializers.IntegerField(source="file.height", read_only=True, allow_null=True)
    is_largest = serializers.BooleanField(read_only=True, help_text="No other of the group has more bytes.")

    class Meta:
        model = DuplicateMember
        fields = ["file_id", "name", "path", "size_bytes", "duration_s", "width", "height", "is_largest"]
        read_only_fields = fields


class DuplicateGroupSerializer(serializers.ModelSerializer[DuplicateGroup]):
    """Files that show the same, the largest first. Nothing is deleted by us."""

    files = serializers.SerializerMethodField()

    class Meta:
        model = DuplicateGroup
        fields = ["id", "kind", "found_at", "files"]
        read_only_fields = fields

    @extend_schema_field(DuplicateMemberSerializer(many=True))
    def get_files(self, group: DuplicateGroup) -> Any:
        members = [member for member in group.members.all() if member.file.removed_at is None]
        largest = max((member.file.size_bytes for member in members), default=0)
        for member in members:
            member.is_largest = member.file.size_bytes == largest  # type: ignore[attr-defined]
        return DuplicateMemberSerializer(members, many=True).data
