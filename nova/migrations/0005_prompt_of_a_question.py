from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("nova", "0004_batch_place")]

    operations = [
        migrations.AddField(
            model_name="question",
            name="prompt_version",
            # The only one that there was before.
            field=models.CharField(
                blank=True, default="nova-1", help_text="Of the prompt that its key is of.", max_length=40
            ),
            preserve_default=False,
        ),
    ]
