import uuid

from django.db import migrations, models


class Migration(migrations.Migration):
    """Name the key of an open desk for what it is now, in the same column: nothing changes in the database."""

    dependencies = [
        ('liveblog', '0005_constraints'),
    ]

    operations = [
        migrations.AlterField(
            model_name='attendance',
            name='socket',
            field=models.UUIDField(db_column='socket', default=uuid.uuid4, help_text='The key that the page made for itself.', unique=True),
        ),
        migrations.RenameField(
            model_name='attendance',
            old_name='socket',
            new_name='page',
        ),
    ]
