"""The hash of a request is called so; the column keeps its name. And a key says which process answers it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("jobs", "0003_idempotency_keys")]
    operations = [
        migrations.AlterField(
            model_name="idempotencykey",
            name="wish",
            field=models.CharField(db_column="wish", help_text="A hash of what was asked.", max_length=64),
        ),
        migrations.RenameField(model_name="idempotencykey", old_name="wish", new_name="request_hash"),
        migrations.AddField(
            model_name="idempotencykey",
            name="process",
            field=models.CharField(
                blank=True, default="", help_text="What answers it: host, process and start time.", max_length=255
            ),
            preserve_default=False,
        ),
    ]
