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
    PostForm,
    WallClockField,
    carry_out,
    read_in_zone,
    reasons_of,
    status_of,
    wall_clock,
)
from liveblog.desk.html_in_texts import BECAME_MARKDOWN, text_to_edit
from liveblog.desk.page import Item, refuse
from liveblog.desk.queue import WAITS, Queue, Queued, within_reach
from liveblog.models import Event, Overtaken, Role, Update, Waiting
from liveblog.models.post import Post

CHANGED = "It was changed meanwhile and has not been published. Look at it again first."


class WaitingForm(PostForm):
    """The text, photos and time of what waits; for editors, whether it is a key moment.

    ``key_shown`` says that the form has that flag at all: one that isn't ticked sends nothing.
    """

    at = WallClockField(required=False, label="Time")
    is_key = forms.BooleanField(required=False, label="Key moment")
    version = forms.IntegerField(
        min_value=1,
        widget=forms.HiddenInput(attrs={"autocomplete": "off"}),
        error_messages={"required": "This form was damaged. Open it anew.", "invalid": "This form was damaged."},
    )

    seen_revision = forms.IntegerField(required=False, widget=forms.HiddenInput(attrs={"autocomplete": "off"}))
    """Of the update of which it is an edit, as the form shows it."""

    def __init__(self, data: QueryDict | None = None, *, waiting: Waiting, role: Role) -> None:
        self.post = self.waiting = waiting
        shown = {
            "headline": waiting.headline,
            "body": text_to_edit(waiting.body, waiting.body_html),
            "at": wall_clock(self._stored_time, waiting.event.zone),
            "is_key": waiting.is_key,
            "version": waiting.version,
            "seen_revision": waiting.update.revision if waiting.update else None,
        }
        super().__init__(data, initial=shown, auto_id=f"waiting-{waiting.key}-%s")
        self.fields["body"].widget.attrs["rows"] = 8
        if shown["body"] != waiting.body:
            self.fields["body"].help_text = BECAME_MARKDOWN
        self.fields["at"].help_text = f"{self._what_times_mean} By the clocks of {waiting.event.zone.key}."
        if waiting.update is not None or not role.may(Role.EDITOR):
            del self.fields["is_key"]
        if waiting.update is not None:
            del self.fields["at"]

    @property
    def _stored_time(self) -> datetime | None:
        return self.waiting.due_at or self.waiting.published_at

    @property
    def _what_times_mean(self) -> str:
        if self.waiting.needs_approval:
            return "Empty: when it is approved. To come: when it is published. Passed: where it will stand."
        return "A time to come, at which it is published."

    def clean_at(self) -> datetime | None:
        """Read the time by the clocks of the event's zone; one left as it was keeps its seconds."""
        typed, stored = self.cleaned_data["at"], self._stored_time
        if typed is None and not self.waiting.needs_approval:
            raise ValidationError("Set a time, or publish it now.")
        if typed is None:
            return None
        time = read_in_zone(typed, self.waiting.event.zone, stored=stored)
        if time != stored and time <= timezone.now() and not self.waiting.needs_approval:
            raise ValidationError("This time has passed. Choose a later one, or publish it now.")
        if time != stored:
            self.question_time(time, self.waiting.event)
        return time

    def edit(self, request: AuthorRequest, *, needs_approval: bool) -> None:
        """Save what was sent; raises ``Overtaken``, ``TooMany``, ``ValidationError``."""
        pace(request)
        sent, at = self.cleaned_data, self.cleaned_data.get("at")
        is_due = at is not None and (at == self.waiting.due_at or at > timezone.now())
        self.waiting.edit(
            headline=sent["headline"],
            body=sent["body"],
            due_at=at if is_due else None,
            published_at=None if is_due else at,
            is_key=sent.get("is_key") if "key_shown" in self.data else None,
            photos=self.attachments() if self.has_photos else None,
            needs_approval=needs_approval,
            version=sent["version"],
            seen_revision=sent["seen_revision"],
        )

    def keep_for(self, now: Post) -> None:
        """Keep what was typed, so that sending it again replaces what was changed meanwhile: it, or its update."""
        self.data = self.data.copy()
        if isinstance(now, Update):
            self.data["seen_revision"] = str(now.revision)
        elif isinstance(now, Waiting):
            self.data["version"] = str(now.version)


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
    form = WaitingForm(sent_data(request), waiting=waiting, role=request.role)
    if step := request.POST.get("step"):
        form.move_photo(step)
        return _show_form(request, form)
    needs_approval = event.needs_approval_of(request.role)
    try:
        carry_out(form, lambda: form.edit(request, needs_approval=needs_approval))
    except Overtaken as error:
        form.keep_for(error.update)
        return _show_form(request, form, status=409, clash=error.update)
    if form.is_bound and not form.errors:
        message = f"Saved. {WAITS}" if needs_approval else "Saved."
        return show_queue(request, event, message, saved=waiting)
    return _show_form(request, form, has_errors=form.is_bound, status=status_of(form))


def _show_form(request: AuthorRequest, form: WaitingForm, *, status: int = 200, **more: Any) -> HttpResponse:
    event = form.waiting.event
    context = {
        "event": event,
        "form": form,
        "item": Queued.of(form.waiting, event, request.role, request.user),
        "in_place": bool(request.htmx),
        "query": "",
    } | more
    template = "liveblog/desk/waiting.html" + ("#editing" if request.htmx else "")
    return render(request, template, context, status=status)


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
        return show_queue(request, event, reasons_of(form), status=status_of(form))
    message = "Published." if update else "Approved: it is published when its time comes."
    return show_queue(request, event, message, update=update)


@never_cache
@require_POST
@with_waiting
def reject_waiting(request: AuthorRequest, event: Event, waiting: Waiting) -> HttpResponse:
    """Reject it with a reason; its author takes it back like this, and erases a rejected one."""
    form = RejectionForm(request.POST)
    is_own = waiting.author_id == request.user.pk
    message = carry_out(form, lambda: form.reject(waiting, is_own=is_own), code=CONFLICT)
    return show_queue(request, event, message or reasons_of(form), status=status_of(form))


def _tell_published(request: AuthorRequest, event: Event, key: uuid.UUID) -> HttpResponse:
    """Tell somebody who could see it that it is published already; else answer 404."""
    update = event.updates.filter(key=key).first()
    if update is None or not (request.role.may(Role.EDITOR) or update.author_id == request.user.pk):
        raise Http404
    message = f"It is published already, as update {update.number}."
    if "body" in request.POST:
        return refuse(request, event, f"{message} What you wrote is still here: put it into that update.")
    return show_queue(request, event, message, update=update)


def show_queue(
    request: AuthorRequest,
    event: Event,
    message: str,
    *,
    update: Update | None = None,
    saved: Waiting | None = None,
    status: int = 200,
) -> HttpResponse:
    """Show the queue as it is now, the update if one was published, and whose form is ``saved``."""
    if not request.htmx:
        (messages.success if status == 200 else messages.error)(request, message)
        return redirect(f"{reverse('desk', args=[event.slug])}#{f'item-{update.number}' if update else 'queue'}")
    event.refresh_from_db()
    context: dict[str, Any] = {
        "event": event,
        "role": request.role,
        "item": update and Item.of(event.updates.get(pk=update.pk), request),
        "said": message,
        "saved": saved,
        "queue": Queue.load(event, request.role, request.user),
    }
    return render(request, "liveblog/desk/queue.html#acted", context, status=status)
