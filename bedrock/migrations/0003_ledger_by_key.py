"""What was spent on speech stood under the id that AWS gives a model; now it stands under its key, as all else does."""

from typing import Any

from django.db import migrations


def under_their_keys(apps: Any, schema_editor: Any) -> None:
    """Sonic and Omni as one model each, whatever they were asked for."""
    entries = apps.get_model("bedrock", "Entry").objects
    for key, model_id in apps.get_model("bedrock", "CatalogueModel").objects.values_list("key", "model_id"):
        if model_id and model_id != key:
            entries.filter(model_key=model_id).update(model_key=key)


class Migration(migrations.Migration):
    dependencies = [("bedrock", "0002_regions_and_quotas")]

    operations = [migrations.RunPython(under_their_keys, migrations.RunPython.noop)]
