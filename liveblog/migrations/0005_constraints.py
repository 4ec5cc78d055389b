
import django.db.models.functions.comparison
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('liveblog', '0004_mend'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='event',
            options={'ordering': (models.OrderBy(models.F('starts_at'), descending=True, nulls_last=True), '-pk')},
        ),
        migrations.AlterModelOptions(
            name='update',
            options={'ordering': ('event_id', 'published_at', 'number')},
        ),
        migrations.AlterModelOptions(
            name='version',
            options={'ordering': ('update_id', 'number')},
        ),
        migrations.AddIndex(
            model_name='update',
            index=models.Index(fields=['event', 'published_at', 'number'], name='update_desk_place'),
        ),
        migrations.AddIndex(
            model_name='update',
            index=models.Index(condition=models.Q(('withdrawn_at', None)), fields=['published_at', 'id'], name='update_newest'),
        ),
        migrations.AddIndex(
            model_name='update',
            index=models.Index(condition=models.Q(('withdrawn_at__isnull', False)), fields=['withdrawn_at', 'id'], name='update_withdrawn'),
        ),
        migrations.AddIndex(
            model_name='waiting',
            index=models.Index(models.F('event'), models.OrderBy(models.F('needs_approval'), descending=True), django.db.models.functions.comparison.Coalesce('due_at', 'submitted_at'), models.F('id'), condition=models.Q(('rejected_at', None)), name='waiting_queue'),
        ),
        migrations.AddIndex(
            model_name='waiting',
            index=models.Index(condition=models.Q(('rejected_at__isnull', False)), fields=['event', 'author', 'rejected_at', 'id'], name='waiting_rejected'),
        ),
        migrations.AddConstraint(
            model_name='event',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('ended_at__isnull', False), ('status', 'ended')), models.Q(('ended_at__isnull', True), ('status__in', ('draft', 'upcoming', 'live'))), _connector='OR'), name='event_ended_at', violation_error_code='ended_at', violation_error_message='An event that has ended says when, and no other does.'),
        ),
        migrations.AddConstraint(
            model_name='event',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('pause_note', ''), ('paused_at__isnull', True)), models.Q(models.Q(('pause_note', ''), _negated=True), ('paused_at__isnull', False), ('status', 'live')), _connector='OR'), name='event_paused_at', violation_error_code='paused_at', violation_error_message='A pause has a time and a note, and only a live event is paused.'),
        ),
        migrations.AddConstraint(
            model_name='event',
            constraint=models.CheckConstraint(condition=models.Q(('closing_note', ''), ('status', 'ended'), _connector='OR'), name='event_closing_note', violation_error_code='closing_note', violation_error_message='Only an event that has ended has a closing note.'),
        ),
        migrations.AddConstraint(
            model_name='event',
            constraint=models.CheckConstraint(condition=models.Q(('status', 'draft'), ('first_public_at__isnull', False), _connector='OR'), name='event_first_public_at', violation_error_code='first_public_at', violation_error_message='An event that readers can see says since when.'),
        ),
        migrations.AddConstraint(
            model_name='event',
            constraint=models.CheckConstraint(condition=models.Q(('head_revision__lte', models.F('revision'))), name='event_head_revision', violation_error_code='head_revision', violation_error_message='The head has no later revision than the event.'),
        ),
        migrations.AddConstraint(
            model_name='event',
            constraint=models.CheckConstraint(condition=models.Q(('reload_revision__lte', models.F('revision'))), name='event_reload_revision', violation_error_code='reload_revision', violation_error_message='Pages reload at no later revision than the event’s.'),
        ),
        migrations.AddConstraint(
            model_name='event',
            constraint=models.CheckConstraint(condition=models.Q(('pinned_number__isnull', True), models.Q(('pinned_number__gte', 1), ('pinned_number__lte', models.F('last_number'))), _connector='OR'), name='event_pinned_number', violation_error_code='pinned_number', violation_error_message='The pinned update is one of the event’s.'),
        ),
        migrations.AddConstraint(
            model_name='update',
            constraint=models.CheckConstraint(condition=models.Q(('number__gte', 1)), name='update_number', violation_error_code='number', violation_error_message='Updates are numbered from 1.'),
        ),
        migrations.AddConstraint(
            model_name='update',
            constraint=models.CheckConstraint(condition=models.Q(('erased_at__isnull', True), models.Q(('body', ''), ('body_html', ''), ('body_text', ''), ('headline', ''), ('withdrawn_at__isnull', False)), _connector='OR'), name='update_erased_at', violation_error_code='erased_at', violation_error_message='What was erased is withdrawn and says nothing.'),
        ),
        migrations.AddConstraint(
            model_name='update',
            constraint=models.CheckConstraint(condition=models.Q(('withdrawn_by__isnull', True), ('withdrawn_at__isnull', False), _connector='OR'), name='update_withdrawn_by', violation_error_code='withdrawn_by', violation_error_message='Nobody has withdrawn what is not withdrawn.'),
        ),
        migrations.AddConstraint(
            model_name='update',
            constraint=models.CheckConstraint(condition=models.Q(('content_revision__lte', models.F('revision'))), name='update_content_revision', violation_error_code='content_revision', violation_error_message='What it says has no later revision than the update.'),
        ),
        migrations.AddConstraint(
            model_name='waiting',
            constraint=models.CheckConstraint(condition=models.Q(('needs_approval', True), ('due_at__isnull', False), ('rejected_at__isnull', False), _connector='OR'), name='waiting_due_at', violation_error_code='due_at', violation_error_message='It waits for approval or for a time.'),
        ),
        migrations.AddConstraint(
            model_name='waiting',
            constraint=models.CheckConstraint(condition=models.Q(('reason', ''), ('rejected_at__isnull', False), _connector='OR'), name='waiting_reason', violation_error_code='reason', violation_error_message='Only what was rejected has a reason for it.'),
        ),
        migrations.AlterConstraint(
            model_name='event',
            name='event_ends_after_it_starts',
            constraint=models.CheckConstraint(condition=models.Q(('ends_at__isnull', True), ('starts_at__isnull', True), ('ends_at__gt', models.F('starts_at')), _connector='OR'), name='event_ends_after_it_starts', violation_error_code='ends_at', violation_error_message='The end must be later than the start.'),
        ),
    ]
