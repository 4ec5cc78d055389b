"""Sending an update, and a look at what its Markdown will be."""

import zoneinfo
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.safestring import mark_safe
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from liveblog import markup, metrics, players
from liveblog.desk.access import AuthorRequest, desk_of, one_at_a_time, pace
from liveblog.desk.forms import ComposerForm, WallClockField, carry_out, read_in_zone, refusal_in_words, status_of
from liveblog.desk.html_in_texts import hints_for
from liveblog.desk.page import Item, show_desk
from liveblog.desk.photos import take_files
from liveblog.desk.queue import WAITS, Queue
from liveblog.errors import is_from_outbox, plain_text
from liveblog.feed.audience import count_readers
from liveblog.models import (
    Event,
    KeyReused,
    Role,
    TooMany,
    Update,
    Waiting,
    is_guest,
)
from liveblog.models.content import check_length, prepare_body
from liveblog.models.post import Post

PREVIEW_SECONDS = 120
"""After this, an author whose preview never ended can ask for another: longer than any rendering takes."""


@never_cache
@require_POST
@desk_of(Role.CONTRIBUTOR)
def publish(request: AuthorRequest, event: Event) -> HttpResponse:
    """Publish an update, or put it into the queue; the same one sent again is stored once."""
    form = ComposerForm(request.POST, event=event, role=request.role)

    def submit() -> Update | Waiting:
        if is_guest(request.user) and not event.has_key(form.cleaned_data["key"]):  # what comes again was rendered then
            pace(request)
        form.cleaned_data["photos"] += take_files(request, event, form.cleaned_data["key"])
        return event.submit(
            author=request.user,
            needs_approval=event.needs_approval_of(request.role),
            **form.cleaned_data,
        )

    try:
        stored = carry_out(form, submit)
    except KeyReused as error:
        return _show_clash(request, event, form, error.update)
    return _accept(request, event, stored) if stored else _refuse(request, event, form)


@never_cache
@require_POST
@desk_of(Role.CONTRIBUTOR)
def preview_markdown(request: AuthorRequest, event: Event) -> HttpResponse:
    """Show what Markdown will be, as the card has it; each author has one preview at a time in this process."""
    try:
        with one_at_a_time(request, "preview", seconds=PREVIEW_SECONDS):
            typed = markup.normalise(request.POST.get("body", ""))
            body = prepare_body(typed)
            check_length(body)
            html = markup.render(body)
        context = {
            "event": event,
            "hints": hints_for(typed, body),
            "html": mark_safe(players.with_fronts(html)),  # noqa: S308  (held to the allow-list)
            "headline": request.POST.get("headline", "").strip(),
            "is_key": "is_key" in request.POST,
            "at": _shown_time(request, event),
        }
    except TooMany as error:
        return plain_text("One preview at a time.", 429, {"Retry-After": str(error.seconds)})
    except ValidationError as error:
        context = {"event": event, "trouble": " ".join(error.messages)}
    return render(request, "liveblog/desk/posted.html#preview", context)


def _shown_time(request: AuthorRequest, event: Event) -> datetime | None:
    """Return the time that the update would have now; ``None`` if what was typed is none."""
    try:
        typed = WallClockField().to_python(request.POST.get("at", ""))
        return timezone.now() if typed is None else read_in_zone(typed, event.zone)
    except ValidationError:
        return None


def _accept(request: AuthorRequest, event: Event, stored: Update | Waiting) -> HttpResponse:
    """Answer with what is new on the desk, or redirect to it where there is no JavaScript."""
    metrics.posts.labels("readers" if isinstance(stored, Update) else "queue").inc()
    message = _describe(stored)
    if not (is_from_outbox(request) or request.htmx):
        messages.success(request, message)
        return redirect("desk", event.slug)
    context = {"event": event, "said": message, "user": request.user, "role": request.role}
    if isinstance(stored, Update):
        context["item"] = Item.of(stored, request)
        headers = {"Liveblog-Number": str(stored.number), "Liveblog-Readers": str(count_readers(event))}
    else:
        context["queue"] = Queue.load(event, request.role, request.user)
        headers = {"Liveblog-Waiting": "approval" if stored.needs_approval else "schedule"}
    response = render(
        request, "liveblog/desk/posted.html#news", context, status=200 if isinstance(stored, Update) else 202
    )
    for name, value in headers.items():
        response[name] = value
    return response


def _describe(stored: Update | Waiting) -> str:
    if isinstance(stored, Update):
        return "Posted."
    if stored.rejected_at:
        return "An editor has decided not to publish this."
    if stored.needs_approval:
        return f"Sent. {WAITS}"
    return f"Scheduled for {_clock(stored.due_at, stored.event.zone)}." if stored.due_at else "Scheduled."


def _clock(moment: datetime, zone: zoneinfo.ZoneInfo) -> str:
    """Return a time by the clocks of ``zone``, with the day unless that is today."""
    local, today = moment.astimezone(zone), timezone.now().astimezone(zone)
    return f"{local:%H:%M}" if local.date() == today.date() else f"{local.day} {local:%B}, {local:%H:%M}"


def _show_clash(request: AuthorRequest, event: Event, form: ComposerForm, stored: Post) -> HttpResponse:
    """Show what was stored under the same key, beside what was written; the form gets another key."""
    if is_from_outbox(request):
        return render(request, "liveblog/desk/posted.html#clash", {"event": event, "clash": stored}, status=409)
    form.renew_key()
    return _show_composer(request, event, form, status=409, clash=stored)


def _refuse(request: AuthorRequest, event: Event, form: ComposerForm) -> HttpResponse:
    """Show why it was refused, and everything that was written."""
    if is_from_outbox(request):
        return refusal_in_words(form)
    if "key" in form.errors:
        form.renew_key()
    return _show_composer(request, event, form, status=status_of(form))


def _show_composer(
    request: AuthorRequest, event: Event, form: ComposerForm, *, status: int, **more: Any
) -> HttpResponse:
    if request.htmx:
        context = {"event": event, "form": form} | more
        return render(request, "liveblog/desk/composer.html#composer", context, status=status)
    return show_desk(request, event, status=status, form=form, **more)
