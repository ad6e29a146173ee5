"""A row for each queue from the start: claims lock it, and what is not there cannot be locked."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def make_rows(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    queues = apps.get_model("jobs", "QueueState").objects
    for name in ("fast", "long"):
        queues.get_or_create(name=name)


class Migration(migrations.Migration):
    dependencies = [("jobs", "0004_request_hash_and_process")]
    operations = [migrations.RunPython(make_rows, migrations.RunPython.noop)]
