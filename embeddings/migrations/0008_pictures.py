"""Spaces say what they hold and what they are in use for; frames and text on screen are kinds of chunks."""

from django.db import migrations, models
from django.db.models import Q

#: The one request format until now whose spaces hold pictures as well as texts.
NOVA_FORMAT = "nova-multimodal-embed-v1"


def say_what_is_held(apps, schema_editor):
    apps.get_model("embeddings", "Space").objects.filter(request_format=NOVA_FORMAT).update(holds_pictures=True)


class Migration(migrations.Migration):

    dependencies = [
        ("embeddings", "0007_one_normaliser"),
    ]

    operations = [
        migrations.AddField("space", "holds_texts", models.BooleanField(default=True)),
        migrations.AddField("space", "holds_pictures", models.BooleanField(default=False)),
        migrations.AddField(
            "space", "is_used_for_pictures", models.BooleanField(default=False, verbose_name="in use for pictures")
        ),
        migrations.AlterField(
            "space", "is_active", models.BooleanField(default=False, verbose_name="in use for texts")
        ),
        migrations.AddConstraint(
            "space",
            models.UniqueConstraint(
                condition=Q(is_used_for_pictures=True),
                fields=("is_used_for_pictures",),
                name="spaces_one_in_use_for_pictures",
            ),
        ),
        migrations.AlterField(
            "chunk",
            "source_kind",
            models.CharField(
                choices=[
                    ("transcript", "Said"),
                    ("chapter", "Chapter"),
                    ("summary", "Summary"),
                    ("element", "Element"),
                    ("name", "Name"),
                    ("video", "Seen by Nova"),
                    ("seen", "Seen"),
                    ("on_screen", "On screen"),
                ],
                max_length=12,
                verbose_name="kind",
            ),
        ),
        migrations.RunPython(say_what_is_held, migrations.RunPython.noop),
    ]
