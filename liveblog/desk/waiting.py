"""What can be done with something that isn’t public yet: look, edit, approve, reject, take back."""

import uuid
from datetime import datetime
from functools import wraps
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from liveblog.desk.access import AuthorRequest, View, deny, desk_of, pace, read_or_write, sent_data
from liveblog.desk.forms import (
    CONFLICT,
    UpdateForm,
    WallClockField,
    carry_out,
    read_in_zone,
    reasons_of,
    status_of,
    wall_clock,
)
from liveblog.desk.html_in_texts import BECAME_MARKDOWN, text_to_edit
from liveblog.desk.page import Item
from liveblog.desk.queue import Queue, Queued, within_reach
from liveblog.models import Event, Overtaken, Role, Update, Waiting

CHANGED = "It was changed meanwhile and has not been published. Look at it again first."


class WaitingForm(UpdateForm):
    """The text of a waiting update and when it is due, by the clocks of the event's zone."""

    data: QueryDict

    at = WallClockField(required=False, label="Publish at")
    version = forms.IntegerField(
        min_value=1,
        widget=forms.HiddenInput(attrs={"autocomplete": "off"}),
        error_messages={"required": "This form was damaged. Open it anew.", "invalid": "This form was damaged."},
    )

    def __init__(self, data: QueryDict | None = None, *, waiting: Waiting) -> None:
        self.waiting = waiting
        shown = {
            "headline": waiting.headline,
            "body": text_to_edit(waiting.body, waiting.body_html),
            "at": wall_clock(waiting.due_at, waiting.event.zone),
            "version": waiting.version,
        }
        super().__init__(data, initial=shown)
        if shown["body"] != waiting.body:
            self.fields["body"].help_text = BECAME_MARKDOWN
        ends = "Empty: as soon as it is approved." if waiting.needs_approval else "A time to come."
        self.fields["at"].help_text = f"{ends} By the clocks of {waiting.event.zone.key}."

    def clean_at(self) -> datetime | None:
        """Read the time by the clocks of the event's zone; one left as it was keeps its seconds."""
        typed, stored = self.cleaned_data["at"], self.waiting.due_at
        if typed is None and not self.waiting.needs_approval:
            raise ValidationError("Set a time, or publish it now.")
        if typed is None:
            return None
        due_at = read_in_zone(typed, self.waiting.event.zone, stored=stored)
        if due_at != stored and due_at <= timezone.now():
            raise ValidationError("This time has passed. Choose a later one, or publish it now.")
        return due_at

    def edit(self, request: AuthorRequest, *, needs_approval: bool) -> None:
        """Save what was sent; raises ``Overtaken``, ``TooMany``, ``ValidationError``."""
        pace(request)
        sent = self.cleaned_data
        self.waiting.edit(
            headline=sent["headline"],
            body=sent["body"],
            due_at=sent["at"],
            needs_approval=needs_approval,
            version=sent["version"],
        )

    def keep_for(self, version: int) -> None:
        """Keep what was typed, so that sending it again replaces this version."""
        self.data = self.data.copy()
        self.data["version"] = str(version)


class ApprovalForm(forms.Form):
    """Which version an editor has seen and wants published, and whether now or when it is due."""

    version = forms.IntegerField(
        min_value=1,
        error_messages=dict.fromkeys(
            ("required", "invalid", "min_value"), "This form was damaged. Open the desk anew."
        ),
    )
    now = forms.BooleanField(required=False)

    def publish(self, waiting: Waiting) -> Update | None:
        """Publish it, or approve it and return ``None`` if its time has yet to come; raises ``ValidationError``."""
        publish_or_approve = waiting.publish if self.cleaned_data["now"] else waiting.approve
        try:
            return publish_or_approve(version=self.cleaned_data["version"])
        except Overtaken as error:
            raise ValidationError(CHANGED) from error


class RejectionForm(forms.Form):
    """Why it is rejected, or that its author wants it off their list."""

    reason = forms.CharField(
        required=False,
        error_messages={"null_characters_not_allowed": "This reason can’t be stored. Write it differently."},
    )
    remove = forms.BooleanField(required=False)

    def reject(self, waiting: Waiting, *, is_own: bool) -> str:
        """Reject it, or erase what is rejected already; return what was done. Raises ``ValidationError``."""
        if self.cleaned_data["remove"] and is_own and waiting.rejected_at:
            waiting.erase()
            return "Removed."
        if waiting.rejected_at:
            return "It was rejected already."
        waiting.reject(reason="" if is_own else self.cleaned_data["reason"])
        return "Taken back." if is_own else "Rejected. Its author sees that, with the reason."


def with_waiting(view: View) -> View:
    """Hand the view what waits under the given key; tell who comes too late that it is published."""

    @desk_of(Role.CONTRIBUTOR)
    @wraps(view)
    def checked(request: AuthorRequest, event: Event, key: uuid.UUID) -> HttpResponseBase:
        found = within_reach(event, request.role, request.user).filter(key=key).first()
        return view(request, event, found) if found else _tell_published(request, event, key)

    return checked


@never_cache
@read_or_write
@with_waiting
def waiting(request: AuthorRequest, event: Event, waiting: Waiting) -> HttpResponse:
    """Show something that waits, and change it; nobody's change is overwritten unseen."""
    form = WaitingForm(sent_data(request), waiting=waiting)
    needs_approval = event.needs_approval_of(request.role)
    clash = None
    try:
        carry_out(form, lambda: form.edit(request, needs_approval=needs_approval))
    except Overtaken as error:
        clash = error.update
        form.keep_for(clash.version)
    if form.is_bound and not form.errors and not clash:
        return _show_queue(request, event, "Saved. It waits for an editor’s word." if needs_approval else "Saved.")
    context = {
        "event": event,
        "form": form,
        "clash": clash,
        "item": Queued.of(waiting, event, request.role, request.user),
        "query": "",
    }
    return render(request, "liveblog/desk/waiting.html", context, status=409 if clash else status_of(form))


@never_cache
@require_POST
@with_waiting
def publish_waiting(request: AuthorRequest, event: Event, waiting: Waiting) -> HttpResponse:
    """Approve it, or publish it before its time; tell the second of two editors that it is published."""
    if not Queued.of(waiting, event, request.role, request.user).may_publish:
        return deny(request, Role.EDITOR)
    form = ApprovalForm(request.POST)
    update = carry_out(form, lambda: form.publish(waiting), code=CONFLICT)
    if form.errors:
        return _show_queue(request, event, reasons_of(form), status=status_of(form))
    message = "Published." if update else "Approved: it is published when its time comes."
    return _show_queue(request, event, message, update=update)


@never_cache
@require_POST
@with_waiting
def reject_waiting(request: AuthorRequest, event: Event, waiting: Waiting) -> HttpResponse:
    """Reject it with a reason; its author takes it back like this, and erases a rejected one."""
    form = RejectionForm(request.POST)
    is_own = waiting.author_id == request.user.pk
    message = carry_out(form, lambda: form.reject(waiting, is_own=is_own), code=CONFLICT)
    return _show_queue(request, event, message or reasons_of(form), status=status_of(form))


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
        "queue": Queue.load(event, request.role, request.user),
    }
    return render(request, "liveblog/desk/queue.html#acted", context, status=status)
