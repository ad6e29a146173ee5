from django.db import migrations, models
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast


def take_over_guesses(apps, schema_editor):
    """How sure earlier guesses were stood among the metadata, where nobody could search for it."""
    probability = Cast(KeyTextTransform('language_probability', 'metadata'), models.FloatField())
    guessed = apps.get_model('transcription', 'Transcript').objects.filter(
        language_probability__isnull=True, metadata__language_probability__isnull=False
    )
    guessed.update(language_probability=probability)


class Migration(migrations.Migration):

    dependencies = [
        ('transcription', '0005_corrections_can_be_undone'),
    ]

    operations = [
        migrations.RunPython(take_over_guesses, migrations.RunPython.noop),
    ]
