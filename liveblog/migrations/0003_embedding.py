import uuid

from django.db import migrations, models


def name_events(apps, schema_editor):
    """Give every event there is a uuid of its own."""
    event_model = apps.get_model("liveblog", "Event")
    for event in event_model.objects.only("pk"):
        event_model.objects.filter(pk=event.pk).update(uuid=uuid.uuid4())


class Migration(migrations.Migration):

    dependencies = [
        ('liveblog', '0002_desk'),
    ]

    operations = [
        migrations.AddField(
            model_name='event',
            name='embed_sites',
            field=models.JSONField(blank=True, default=list, help_text='Origins that may frame it; none: every one.'),
        ),
        migrations.AddField(
            model_name='event',
            name='uuid',
            field=models.UUIDField(default=uuid.uuid4, editable=False, null=True),
        ),
        migrations.RunPython(name_events, migrations.RunPython.noop),
        migrations.AlterField(
            model_name='event',
            name='uuid',
            field=models.UUIDField(default=uuid.uuid4, editable=False, help_text='The same in every installation.', unique=True),
        ),
    ]
