from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("embeddings", "0002_full_text")]

    operations = [
        migrations.RemoveConstraint(model_name="cachedquery", name="queries_one_per_text"),
        migrations.RenameModel(old_name="CachedQuery", new_name="PaidVector"),
        migrations.AlterModelOptions(name="paidvector", options={"ordering": ["-id"]}),
        migrations.AlterModelTable(name="paidvector", table="paid_vectors"),
        migrations.RenameField(model_name="paidvector", old_name="used_at", new_name="created_at"),
        migrations.AddField(
            model_name="paidvector",
            name="purpose",
            field=models.CharField(
                choices=[("index", "To be found"), ("query", "Question")], default="query", max_length=8
            ),
        ),
        migrations.AlterField(
            model_name="paidvector",
            name="space",
            field=models.ForeignKey(
                on_delete=models.deletion.CASCADE, related_name="paid_vectors", to="embeddings.space"
            ),
        ),
        migrations.AddConstraint(
            model_name="paidvector",
            constraint=models.UniqueConstraint(
                fields=("space", "purpose", "text_hash"), name="paid_vectors_one_per_text"
            ),
        ),
    ]
