"""JSON of frames, and the choices of what is done to them."""

from typing import Any

from django.urls import reverse
from rest_framework import serializers

from vision.models import Frame


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
        required=False, default=False, label="Again", help_text="Also where they are chosen already."
    )
