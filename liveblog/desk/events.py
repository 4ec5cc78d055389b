"""The list of events, and an event's settings."""

import copy
import zoneinfo
from typing import Any

from anyascii import anyascii
from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.text import slugify
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from liveblog import markup
from liveblog.desk.access import AuthorRequest, desk_of, read_or_write, sent_data, signed_in, with_account
from liveblog.desk.forms import (
    MarkdownField,
    SitesField,
    WallClockField,
    carry_out,
    read_in_zone,
    status_of,
    wall_clock,
)
from liveblog.desk.html_in_texts import text_to_edit
from liveblog.desk.page import redirect_whole_page
from liveblog.desk.photos import CoverForm
from liveblog.models import Event, Role
from liveblog.models.head import RESERVED_SLUGS
from liveblog.models.languages import LANGUAGES, read_language

SUMMARY_CHARACTERS = 5_000
SLUG_WORDS_CHARACTERS = 70


class EventForm(forms.ModelForm):
    """An event's settings; its times are those of its own time zone."""

    summary = MarkdownField(
        required=False,
        rows=4,
        max_length=SUMMARY_CHARACTERS,
        help_text="Shown under the title. Markdown works here.",
    )
    starts_at = WallClockField(required=False, label="Start", help_text="As clocks show it in the time zone below.")
    ends_at = WallClockField(
        required=False, label="Planned end", help_text="Readers see “until 22:00”. It ends nothing by itself."
    )
    language = forms.CharField(  # its name may be longer than what is stored
        required=False,
        help_text="Of the updates, for screen readers and search engines: German, say, or pt-BR.",
        widget=forms.TextInput(
            attrs={"list": "languages", "autocapitalize": "none", "autocomplete": "off", "spellcheck": "false"}
        ),
    )
    contributors_wait = forms.TypedChoiceField(
        required=False,
        label="Contributors’ posts",
        choices=(("1", "Wait for approval by an editor"), ("0", "Appear at once")),
        coerce=lambda text: text == "1",
        empty_value=None,
    )
    embed_sites = SitesField(
        required=False,
        label="Sites that may embed it",
        help_text="One a line: www.example.org, or *.example.org for all below it. Left empty, every site may.",
    )

    class Meta:
        model = Event
        fields = ("title", "slug", "summary", "starts_at", "ends_at", "time_zone", "language", "order")
        labels = {"slug": "Address", "time_zone": "Time zone", "order": "Readers see first"}
        help_texts = {
            "slug": "The last part of /events/…/. Left empty, it is made from the title. Fixed once public.",
            "time_zone": "Such as Europe/London or America/New_York.",
            "order": "Each reader can choose; pages that are open stay as they are.",
        }
        error_messages = {"slug": {"unique": "Another event has this address. Choose a different one."}}
        widgets = {
            "slug": forms.TextInput(attrs={"autocapitalize": "none", "spellcheck": "false", "autocomplete": "off"}),
            "time_zone": forms.TextInput(attrs={"list": "time-zones", "autocomplete": "off", "spellcheck": "false"}),
        }

    def __init__(self, data: Any = None, *, editor: User, event: Event | None = None) -> None:
        self.editor = editor
        self.event = event
        shown = {"contributors_wait": "1"}
        if event is not None:
            shown = {
                "summary": text_to_edit(event.summary, event.summary_html),
                "contributors_wait": "1" if event.contributors_wait else "0",
                "embed_sites": "\n".join(event.embed_sites),
                "starts_at": wall_clock(event.starts_at, event.zone),
                "ends_at": wall_clock(event.ends_at, event.zone),
            }
        # A form writes into its instance while it validates; the page around it shows the event as it is.
        super().__init__(data, instance=copy.copy(event) or Event(), initial=shown)
        for name in ("slug", "time_zone", "language", "order"):
            self.fields[name].required = False
        if event is not None and event.first_public_at is not None:
            del self.fields["slug"]
        if event is None:
            del self.fields["embed_sites"]
            self.fields["time_zone"].widget.attrs["data-guess"] = "zone"

    def clean_title(self) -> str:
        return markup.one_line(self.cleaned_data["title"])

    def clean_slug(self) -> str:
        """Return the slug that was typed, or one made from the title."""
        slug = str(self.cleaned_data["slug"])
        if slug in RESERVED_SLUGS:
            raise ValidationError(f"“{slug}” is an address of the desk itself. Choose a different one.")
        return slug or (self.event.slug if self.event else suggest_slug(self.cleaned_data.get("title", "")))

    def clean_time_zone(self) -> str:
        """Return the zone's name as the IANA database spells it."""
        asked = self.cleaned_data["time_zone"].strip().replace(" ", "_")
        names = {name.lower(): name for name in zoneinfo.available_timezones()}
        if asked and asked.lower() not in names:
            raise ValidationError(f"“{asked}” is not a time zone. Choose one such as Europe/London.")
        return names.get(asked.lower(), self.instance.zone.key)

    def clean_language(self) -> str:
        """Return the language's code; an unchanged one stays as it was spelt."""
        typed = self.cleaned_data["language"].strip()
        if not typed or typed.casefold() == self.instance.language.casefold():
            return self.instance.language
        return read_language(typed)

    def clean_order(self) -> str:
        return self.cleaned_data["order"] or self.instance.order

    def clean_contributors_wait(self) -> bool:
        chosen: bool | None = self.cleaned_data["contributors_wait"]
        return self.instance.contributors_wait if chosen is None else chosen

    def clean_embed_sites(self) -> list[str]:
        """Return the sites; a form without this field leaves them as they are."""
        sites: list[str] = self.cleaned_data["embed_sites"] if "embed_sites" in self.data else self.instance.embed_sites
        return sites

    def clean(self) -> dict[str, Any]:
        """Read the times in the event's zone."""
        super().clean()
        cleaned = self.cleaned_data
        typed = {name: cleaned.pop(name) for name in ("starts_at", "ends_at") if name in cleaned}
        for name, time in typed.items() if "time_zone" in cleaned else ():
            zone, stored = zoneinfo.ZoneInfo(cleaned["time_zone"]), getattr(self.event, name, None)
            try:
                cleaned[name] = time and read_in_zone(time, zone, stored=stored)
            except ValidationError as error:
                self.add_error(name, error)
        return cleaned

    def save_event(self) -> Event:
        """Create or change the event and return it; raises ``ValidationError``."""
        try:
            if self.event is None:
                return Event.objects.create_with_owner(self.editor, **self.cleaned_data)
            self.event.revise(**self.cleaned_data)
        except IntegrityError as error:
            reason = "Somebody has just taken this address. Choose a different one."
            raise ValidationError({"slug": reason}) from error
        return self.event


def suggest_slug(title: str) -> str:
    """Return a free slug made from ``title``, whose letters of any script become those of an address."""
    words = slugify(anyascii(title))[:SLUG_WORDS_CHARACTERS].strip("-") or "event"
    taken = RESERVED_SLUGS | set(Event.objects.filter(slug__startswith=words).values_list("slug", flat=True))
    slug, number = words, 1
    while slug in taken:
        number += 1
        slug = f"{words}-{number}"
    return slug


@never_cache
@require_safe
@signed_in
def index(request: AuthorRequest) -> HttpResponse:
    """List the events that this person may work on."""
    found = list(Event.objects.written_by(request.user))
    order = (Event.Status.LIVE, Event.Status.UPCOMING, Event.Status.DRAFT, Event.Status.ENDED)
    groups = [(status, [event for event in found if event.status == status]) for status in order]
    return render(request, "liveblog/desk/events.html", {"groups": [group for group in groups if group[1]]})


@never_cache
@read_or_write
@with_account
def new(request: AuthorRequest) -> HttpResponse:
    """Create an event, which is a draft at first."""
    form = EventForm(sent_data(request), editor=request.user)
    event = carry_out(form, form.save_event)
    if event is None:
        return _show_settings(request, form)
    messages.success(request, "This is a draft: only its authors can see it until it is announced or goes live.")
    return redirect_whole_page(request, reverse("desk", args=[event.slug]))


@never_cache
@read_or_write
@desk_of(Role.OWNER)
def settings(request: AuthorRequest, event: Event) -> HttpResponse:
    """Change an event's settings, and its cover picture."""
    sent = (request.POST, request.FILES) if request.method == "POST" else (None, None)
    form = EventForm(sent[0], editor=request.user, event=event)
    cover = CoverForm(*sent, event=event, editor=request.user)
    if form.is_valid():
        # What is slow comes before anything is saved: a refused picture leaves the whole form as it was sent.
        carry_out(cover, cover.add_photo, field="cover")
        saved = None if cover.errors else carry_out(form, form.save_event)
        if saved:
            cover.change_cover()
            messages.success(request, "Saved.")
            return redirect_whole_page(request, reverse("desk", args=[event.slug]))
    if request.FILES.get("cover") and not cover.errors and not request.htmx:
        cover.add_error("cover", "Choose the picture again: your browser has not kept it.")
    return _show_settings(request, form, event, cover)


def _show_settings(
    request: AuthorRequest, form: EventForm, event: Event | None = None, cover: CoverForm | None = None
) -> HttpResponse:
    template = "liveblog/desk/settings.html" + ("#settings" if request.htmx else "")
    context = {
        "form": form,
        "cover": cover,
        "event": event,
        "time_zones": sorted(zoneinfo.available_timezones()),
        "languages": LANGUAGES,
    }
    status = max(status_of(one) for one in (form, cover) if one is not None)
    return render(request, template, context, status=status)
