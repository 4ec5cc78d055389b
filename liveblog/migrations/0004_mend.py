"""Mends the rows that the constraints of the next migration refuse, which an import could leave, and logs each.

The constraints come in a migration of their own: PostgreSQL alters no table in the transaction that has changed its rows.
"""

import logging

from django.db import migrations
from django.db.models import F, Q
from django.utils import timezone

logger = logging.getLogger("liveblog.migrations")

STATUSES = ("draft", "upcoming", "live", "ended")
PAUSED = Q(paused_at__isnull=False) & ~Q(pause_note="")
NOT_PAUSED = Q(paused_at__isnull=True, pause_note="")
EMPTY = {"headline": "", "body": "", "body_html": "", "body_text": ""}


def mend(apps, schema_editor):
    """Make every row one that pages can show; open pages of its event then fetch themselves anew."""
    models = {name: apps.get_model("liveblog", name) for name in ("Event", "Update", "Waiting")}
    mended = set()
    for event, what in _mended_events(models["Event"]):
        logger.warning("Mended the event “%s”: %s", event.slug, what)
        mended.add(event.pk)
    for update, what in _mended_updates(models["Update"]):
        logger.warning("Mended update %s of “%s”: %s", update.number, update.event.slug, what)
        mended.add(update.event_id)
    for waiting, what in _mended_waiting(models["Waiting"]):
        logger.warning("Mended what waits in “%s” under %s: %s", waiting.event.slug, waiting.key, what)
    _reload_readers(models["Event"], mended)


def _mended_events(model):
    """Mend events, and yield each with what was done."""
    for event in model.objects.exclude(status__in=STATUSES):
        yield _set(event, f"its status “{event.status}” is none; it is a draft", status="draft")
    for event in model.objects.filter(status="ended", ended_at__isnull=True):
        yield _set(event, f"it ended at no time; now at that of its last change, {_said(event.changed_at)}",
                   ended_at=event.changed_at)
    for event in model.objects.exclude(status="ended").filter(ended_at__isnull=False):
        yield _set(event, f"it is {event.status} and said that it ended {_said(event.ended_at)}", ended_at=None)
    for event in model.objects.exclude(NOT_PAUSED).exclude(PAUSED, status="live"):
        yield _set(event, f"half a pause was taken away: {event.pause_note!r}, since {_said(event.paused_at)}",
                   pause_note="", paused_at=None)
    for event in model.objects.exclude(status="ended").exclude(closing_note=""):
        yield _set(event, f"it is {event.status}, and its closing note was taken away: {event.closing_note!r}",
                   closing_note="")
    for event in model.objects.exclude(status="draft").filter(first_public_at__isnull=True):
        yield _set(event, f"readers see it since no time; now since its last change, {_said(event.changed_at)}",
                   first_public_at=event.changed_at)
    for event in model.objects.filter(Q(head_revision__gt=F("revision")) | Q(reload_revision__gt=F("revision"))):
        revision = max(event.head_revision, event.reload_revision)
        yield _set(event, f"its revision {event.revision} was below that of its parts, {revision}", revision=revision)
    for event in model.objects.filter(Q(pinned_number=0) | Q(pinned_number__gt=F("last_number"))):
        yield _set(event, f"update {event.pinned_number}, which was pinned, can’t be", pinned_number=None)


def _mended_updates(model):
    """Mend updates, and yield each with what was done."""
    updates = model.objects.select_related("event")
    for update in updates.filter(number=0):
        event = update.event
        _set(event, "", last_number=event.last_number + 1)
        yield _set(update, "its number was 0", number=event.last_number)
    for update in updates.filter(erased_at__isnull=False, withdrawn_at__isnull=True):
        yield _set(update, "it was erased and not withdrawn; now it is both", withdrawn_at=update.erased_at)
    for update in updates.filter(erased_at__isnull=False).exclude(**EMPTY):
        yield _set(update, "it was erased and still had a text; now it has none", **EMPTY)
    for update in updates.filter(withdrawn_by__isnull=False, withdrawn_at__isnull=True):
        yield _set(update, f"person {update.withdrawn_by_id} had withdrawn it, and it is not withdrawn",
                   withdrawn_by=None)
    for update in updates.filter(content_revision__gt=F("revision")):
        yield _set(update, "its text was of a later revision than the update", content_revision=update.revision)


def _mended_waiting(model):
    """Mend what waits, and yield each with what was done."""
    waiting = model.objects.select_related("event").filter(rejected_at__isnull=True)
    for one in waiting.filter(needs_approval=False, due_at__isnull=True):
        yield _set(one, "it waited for nothing; now for approval", needs_approval=True)
    for one in waiting.exclude(reason=""):
        yield _set(one, "the reason of a rejection was taken away, which it has not had", reason="")


def _said(moment):
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment else "no time"


def _set(row, what, **fields):
    for name, value in fields.items():
        setattr(row, name, value)
    row.save(update_fields=fields)
    return row, what


def _reload_readers(model, mended):
    for event in model.objects.filter(pk__in=mended):
        event.revision += 1
        event.head_revision = event.reload_revision = event.revision
        event.changed_at = timezone.now()
        event.save(update_fields=["revision", "head_revision", "reload_revision", "changed_at"])


class Migration(migrations.Migration):

    dependencies = [
        ('liveblog', '0003_embedding'),
    ]

    operations = [
        migrations.RunPython(mend, migrations.RunPython.noop),
    ]
