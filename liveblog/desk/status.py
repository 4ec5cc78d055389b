"""The status of an event: announce, go live, pause, end, reopen; and its deletion."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from liveblog.desk.access import AuthorRequest, desk_of, read_or_write, sent_data
from liveblog.desk.forms import carry_out, reasons_of, status_of
from liveblog.desk.page import redirect_whole_page, refuse, status_context
from liveblog.feed.audience import count_readers
from liveblog.models import Event, Role

STATUS_WORDS: dict[str, str] = {
    Event.Status.DRAFT: "This is a draft again: readers can no longer open it.",
    Event.Status.UPCOMING: "Announced: readers can open it now.",
    Event.Status.LIVE: "You are live.",
    Event.Status.ENDED: "The coverage has ended. You can still post, correct and reopen.",
}


class StatusForm(forms.Form):
    """The status that an event is to have, with a closing note when it ends."""

    status = forms.ChoiceField(
        choices=Event.Status.choices,
        error_messages=dict.fromkeys(("required", "invalid_choice"), "The status is draft, upcoming, live or ended."),
    )
    note = forms.CharField(required=False)
    rewords = forms.BooleanField(required=False)
    """Whether the note replaces that of an event that has ended already."""
    sure = forms.BooleanField(required=False)
    """Whether who makes a public event a draft has been asked."""

    def needs_asking(self, event: Event) -> bool:
        """Whether this would take an event from its readers unasked."""
        asked = self.is_valid() and self.cleaned_data
        return bool(asked and event.is_public and asked["status"] == Event.Status.DRAFT and not asked["sure"])

    def take_step(self, event: Event) -> None:
        """Give the event this status; raises ``WrongStatus``, or ``ValidationError`` for the note."""
        status, note = self.cleaned_data["status"], self.cleaned_data["note"]
        if status == Event.Status.LIVE and event.status == Event.Status.ENDED:
            event.reopen()
        elif status == Event.Status.LIVE:
            event.go_live()
        elif status == Event.Status.UPCOMING:
            event.announce()
        elif status == Event.Status.ENDED and self.cleaned_data["rewords"]:
            event.change_closing_note(note=note)
        elif status == Event.Status.ENDED:
            event.end(note=note)
        else:
            event.make_draft()


class PauseForm(forms.Form):
    """A note that pauses the event; an empty one resumes it."""

    note = forms.CharField(required=False)

    def take_step(self, event: Event) -> None:
        if note := self.cleaned_data["note"]:
            event.pause(note=note)
        else:
            event.resume()


class DeletionForm(forms.Form):
    """The event’s slug, typed by who deletes it, lest it happen by accident; what was never public needs none."""

    slug = forms.CharField(
        required=False,
        label="Its address",
        widget=forms.TextInput(attrs={"autocapitalize": "none", "autocomplete": "off", "spellcheck": "false"}),
    )

    def __init__(self, data: Any = None, *, event: Event) -> None:
        self.event = event
        super().__init__(data)

    def clean_slug(self) -> str:
        typed = str(self.cleaned_data["slug"])
        if self.event.first_public_at is not None and typed != self.event.slug:
            raise ValidationError(f"Type {self.event.slug}, to the letter.")
        return typed


@never_cache
@require_POST
@desk_of(Role.EDITOR)
def change_status(request: AuthorRequest, event: Event) -> HttpResponse:
    """Announce an event, start, end or reopen it, or make it a draft."""
    form = StatusForm(request.POST)
    if form.needs_asking(event):
        context = {"event": event, "role": request.role, "readers": count_readers(event)}
        return render(request, "liveblog/desk/draft.html", context)
    carry_out(form, lambda: form.take_step(event))
    message = STATUS_WORDS[event.status]
    if form.cleaned_data.get("rewords"):
        message = "Readers see the new closing note."
    return _show_status(request, form, event, message)


@never_cache
@require_POST
@desk_of(Role.EDITOR)
def pause(request: AuthorRequest, event: Event) -> HttpResponse:
    """Pause an event with a note for readers, or resume it."""
    form = PauseForm(request.POST)
    carry_out(form, lambda: form.take_step(event))
    message = "The pause is over: readers no longer see a note."
    if event.pause_note:
        message = "Paused: readers see your note."
    return _show_status(request, form, event, message)


def _show_status(request: AuthorRequest, form: forms.Form, event: Event, message: str) -> HttpResponse:
    """Show the status as it is now, or why ``form`` was refused."""
    if form.errors:
        return refuse(request, event, reasons_of(form), status=status_of(form))
    if request.htmx:
        context = {"event": event, "said": message} | status_context(event, request.role)
        return render(request, "liveblog/desk/status.html#status", context)
    messages.success(request, message)
    return redirect("desk", event.slug)


@never_cache
@read_or_write
@desk_of(Role.OWNER)
def deletion(request: AuthorRequest, event: Event) -> HttpResponse:
    """Show what will be deleted, and delete the event once its owner has confirmed it."""
    form = DeletionForm(sent_data(request), event=event)
    carry_out(form, event.remove)
    if form.is_bound and not form.errors:
        messages.success(request, f"“{event.title}” was deleted.")
        return redirect_whole_page(request, reverse("desks"))
    context = {"event": event, "role": request.role, "form": form, "counts": _count_contents(event)}
    return render(request, "liveblog/desk/deletion.html", context, status=status_of(form))


def _count_contents(event: Event) -> dict[str, int]:
    return {
        "updates": event.updates.count(),
        "photos": event.photos.count(),
        "waiting": event.waiting.open().count(),
        "guests": event.invitations.for_guests().count(),
    }
