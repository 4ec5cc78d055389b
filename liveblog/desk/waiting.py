"""What can be done with something that isn’t public yet: look, edit, approve, reject, take back."""

import uuid
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from liveblog.desk.access import AuthorRequest, deny, desk_of, read_or_write
from liveblog.desk.forms import UpdateForm, WallClockField, read_in_zone, refusals_shown, status_of, wall_clock
from liveblog.desk.page import Item
from liveblog.desk.queue import Queued, queue_context, within_reach
from liveblog.models import Event, Overtaken, Role, Update, Waiting

CHANGED = "It was changed meanwhile and has not been published. Look at it again first."


class WaitingForm(UpdateForm):
    """The text of a waiting update and when it is due, by the clocks of the event's zone."""

    at = WallClockField(required=False, label="Publish at")
    version = forms.IntegerField(
        min_value=1,
        widget=forms.HiddenInput(attrs={"autocomplete": "off"}),
        error_messages={"required": "This form was damaged. Open it anew.", "invalid": "This form was damaged."},
    )

    def __init__(self, data: Any = None, *, waiting: Waiting) -> None:
        self.waiting = waiting
        shown = {
            "headline": waiting.headline,
            "body": waiting.body,
            "at": wall_clock(waiting.due_at, waiting.event.zone),
            "version": waiting.version,
        }
        super().__init__(data, initial=shown)
        ends = "Empty: as soon as it is approved." if waiting.needs_approval else "A time to come."
        self.fields["at"].help_text = f"{ends} By the clocks of {waiting.event.zone.key}."

    def clean_at(self) -> datetime | None:
        """Read the time by the clocks of the event's zone; one left as it was keeps its seconds."""
        typed, due_at, zone = self.cleaned_data["at"], self.waiting.due_at, self.waiting.event.zone
        if typed is None:
            if not self.waiting.needs_approval:
                raise ValidationError("Set a time, or publish it now.")
            return None
        if due_at is not None and wall_clock(due_at, zone) == wall_clock(typed.replace(tzinfo=zone), zone):
            return due_at
        due_at = read_in_zone(typed, zone)
        if due_at <= timezone.now():
            raise ValidationError("This time has passed. Choose a later one, or publish it now.")
        return due_at

    def save(self, *, needs_approval: bool) -> bool:
        """Change it; return whether it was accepted, else ``errors`` says why. Raises ``Overtaken``."""
        if self.is_valid():
            sent = self.cleaned_data
            with refusals_shown(self):
                self.waiting.edit(
                    headline=sent["headline"],
                    body=sent["body"],
                    due_at=sent["at"],
                    needs_approval=needs_approval,
                    version=sent["version"],
                )
        return not self.errors


class ApprovalForm(forms.Form):
    """Which version an editor has seen and wants published, and whether now or when it is due."""

    version = forms.IntegerField(required=False, min_value=1)
    now = forms.BooleanField(required=False)


class RejectionForm(forms.Form):
    """Why it is rejected, or that its author wants it off their list."""

    reason = forms.CharField(required=False)
    remove = forms.BooleanField(required=False)


@never_cache
@read_or_write
@desk_of(Role.CONTRIBUTOR)
def waiting(request: AuthorRequest, event: Event, key: uuid.UUID) -> HttpResponse:
    """Show something that waits, and change it; nobody's change is overwritten unseen."""
    found = _find(request, event, key)
    if found is None:
        return _tell_published(request, event, key)
    form = WaitingForm(request.POST if request.method == "POST" else None, waiting=found)
    clash = None
    if request.method == "POST":
        needs_approval = event.needs_approval_of(request.role)
        try:
            if form.save(needs_approval=needs_approval):
                message = "Saved. It waits for an editor’s word." if needs_approval else "Saved."
                return _show_queue(request, event, message)
        except Overtaken as overtaken:
            clash = overtaken.update
            form = WaitingForm({**request.POST.dict(), "version": str(clash.version)}, waiting=found)
            form.is_valid()
    context = {
        "event": event,
        "form": form,
        "clash": clash,
        "item": Queued.of(found, event, request.role, request.user),
        "query": "",
    }
    status = 409 if clash else status_of(form) if form.errors else 200
    return render(request, "liveblog/desk/waiting.html", context, status=status)


@never_cache
@require_POST
@desk_of(Role.CONTRIBUTOR)
def publish_waiting(request: AuthorRequest, event: Event, key: uuid.UUID) -> HttpResponse:
    """Approve it, or publish it before its time; tell the second of two editors that it is published."""
    found = _find(request, event, key)
    if found is None:
        return _tell_published(request, event, key)
    if not Queued.of(found, event, request.role, request.user).may_publish:
        return deny(request, Role.EDITOR)
    form = ApprovalForm(request.POST)
    if not form.is_valid():
        return _show_queue(request, event, "This form was damaged. Open the desk anew.", status=422)
    publish_or_approve = found.publish if form.cleaned_data["now"] else found.approve
    try:
        update = publish_or_approve(version=form.cleaned_data["version"])
    except Overtaken:
        return _show_queue(request, event, CHANGED, status=409)
    except ValidationError as error:
        return _show_queue(request, event, " ".join(error.messages), status=409)
    message = "Published." if update else "Approved: it is published when its time comes."
    return _show_queue(request, event, message, update=update)


@never_cache
@require_POST
@desk_of(Role.CONTRIBUTOR)
def reject_waiting(request: AuthorRequest, event: Event, key: uuid.UUID) -> HttpResponse:
    """Reject it with a reason; its author takes it back like this, and erases a rejected one."""
    found = _find(request, event, key)
    if found is None:
        return _tell_published(request, event, key)
    form = RejectionForm(request.POST)
    if not form.is_valid():
        return _show_queue(request, event, "This reason can’t be stored. Write it differently.", status=422)
    is_own = found.author_id == request.user.pk
    if form.cleaned_data["remove"] and is_own and found.rejected_at:
        found.erase()
        return _show_queue(request, event, "Removed.")
    if found.rejected_at:
        return _show_queue(request, event, "It was rejected already.")
    try:
        found.reject(reason="" if is_own else form.cleaned_data["reason"])
    except ValidationError as error:
        return _show_queue(request, event, " ".join(error.messages), status=409)
    return _show_queue(request, event, "Taken back." if is_own else "Rejected. Its author sees that, with the reason.")


def _find(request: AuthorRequest, event: Event, key: uuid.UUID) -> Waiting | None:
    return within_reach(event, request.role, request.user).filter(key=key).first()


def _tell_published(request: AuthorRequest, event: Event, key: uuid.UUID) -> HttpResponse:
    """Tell somebody who could see it that it is published already; else answer 404."""
    update = event.updates.filter(key=key).first()
    if update is None or not (request.role.may(Role.EDITOR) or update.author_id == request.user.pk):
        raise Http404
    return _show_queue(request, event, f"It is published already, as update {update.number}.", update=update)


def _show_queue(
    request: AuthorRequest, event: Event, message: str, *, update: Update | None = None, status: int = 200
) -> HttpResponse:
    """Show the queue as it is now, and the update if one was published."""
    if not request.htmx:
        (messages.success if status == 200 else messages.error)(request, message)
        return redirect(f"{reverse('desk', args=[event.slug])}#{f'item-{update.number}' if update else 'queue'}")
    event.refresh_from_db()
    context: dict[str, Any] = {
        "event": event,
        "role": request.role,
        "item": update and Item.of(event.updates.get(pk=update.pk), request),
        "said": message,
        **queue_context(event, request.role, request.user),
    }
    return render(request, "liveblog/desk/queue.html#acted", context, status=status)
