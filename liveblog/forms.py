"""What a person may send from the desk, and how a refusal is said at the field it is about."""

import copy
import re
import uuid
import zoneinfo
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.text import slugify

from liveblog import markup
from liveblog.models import Event, Update
from liveblog.models.place import YEARS

SUMMARY_CHARACTERS = 5_000
SLUG_WORDS_CHARACTERS = 70
RESERVED_SLUGS = {"new"}
"""``/desk/new/`` is where events are made."""

_LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8})*", re.ASCII | re.IGNORECASE)
_WALL_CLOCK = ("%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d")
_TOO_SLOW = "This Markdown takes too long to render. Take long rows of brackets, stars or the like out of it."


class MarkdownField(forms.CharField):
    """Text counted as it is stored: browsers send CRLF for each line end.

    There is no ``maxlength`` for the browser, which would cut a pasted text without a word.
    """

    def __init__(self, *, rows: int, autofocus: bool = False, **options: Any) -> None:
        super().__init__(strip=False, widget=forms.Textarea(attrs={"rows": rows, "autofocus": autofocus}), **options)

    def to_python(self, value: Any) -> str:
        """Return the text with LF line ends and without outer blank space."""
        return markup.normalise(super().to_python(value) or "")

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        """Leave ``maxlength`` out."""
        return {}


class UpdateForm(forms.Form):
    """The text of an update. What may stand in it, the model says."""

    headline = forms.CharField(
        required=False,
        label="Headline",
        widget=forms.TextInput(attrs={"autocomplete": "off", "enterkeyhint": "next", "data-next": "body"}),
    )
    body = MarkdownField(required=False, label="Text", rows=5, autofocus=True)

    def edit(self, update: Update) -> bool:
        """Change what was sent of ``update``; say whether it was accepted, else ``errors`` says why not."""
        if self.is_valid():
            sent = {name: text for name, text in self.cleaned_data.items() if name in self.data}
            with self.telling():
                update.edit(**sent)
        return not self.errors

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Put what the model refuses into ``errors``."""
        try:
            yield
        except ValidationError as error:
            self.add_error(None, error)
        except markup.TooSlow:
            self.add_error("body", _TOO_SLOW)


class ComposerForm(UpdateForm):
    """A new update, under a key made with the form."""

    is_key = forms.BooleanField(required=False, label="Key moment")
    # Firefox puts old values back into hidden fields of a reloaded page, unless it is told not to.
    key = forms.UUIDField(
        initial=uuid.uuid4,
        widget=forms.HiddenInput(attrs={"autocomplete": "off"}),
        error_messages={
            "required": "This form had lost its key. It has a new one: post again.",
            "invalid": "This form’s key was damaged. It has a new one: post again.",
        },
    )

    def publish(self, event: Event, *, author: User) -> Update | None:
        """Publish in ``event`` and return the update; ``None`` when refused, and ``errors`` says why.

        Raises ``KeyReused``.
        """
        update = None
        if self.is_valid():
            with self.telling():
                update = event.publish(author=author, **self.cleaned_data)
        if "key" in self.errors:
            self.renew_key()
        return update

    def renew_key(self) -> None:
        """Give the form a key of its own, so that what is in it can be posted as a new update."""
        self.data = {**dict(self.data.items()), "key": str(uuid.uuid4())}


class SwitchForm(forms.Form):
    """Something is to be on or off."""

    on = forms.TypedChoiceField(choices=(("1", "on"), ("0", "off")), coerce=lambda text: text == "1")


class StatusForm(forms.Form):
    """Where the coverage is to stand."""

    status = forms.ChoiceField(choices=Event.Status.choices)

    def apply(self, event: Event) -> None:
        """Take the step that leads there; raises ``WrongStatus`` where none does."""
        status = self.cleaned_data["status"]
        if status == Event.Status.LIVE and event.status == Event.Status.ENDED:
            event.reopen()
        elif status == Event.Status.LIVE:
            event.go_live()
        elif status == Event.Status.UPCOMING:
            event.announce()
        elif status == Event.Status.ENDED:
            event.end()
        else:
            event.make_draft()


class WallClockField(forms.Field):
    """A date and time as a clock on the wall shows it, without a zone."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format=_WALL_CLOCK[0])

    def to_python(self, value: Any) -> datetime | None:
        """Return a naive datetime; raises ``ValidationError``."""
        if value in self.empty_values:
            return None
        for form in _WALL_CLOCK:
            try:
                read = datetime.strptime(str(value).strip(), form)  # noqa: DTZ007  (its zone is another field)
            except ValueError:
                continue
            if read.year in YEARS:
                return read
        raise ValidationError("Enter a date and a time, such as 2026-11-22T20:00.")


class EventForm(forms.ModelForm):
    """An event's settings. Times are those of the event's own zone."""

    summary = MarkdownField(
        required=False,
        rows=4,
        max_length=SUMMARY_CHARACTERS,
        help_text="Shown under the title. Markdown works here.",
    )
    starts_at = WallClockField(required=False, label="Start", help_text="As clocks show it in the time zone below.")
    ends_at = WallClockField(required=False, label="Planned end", help_text="In the same time zone.")
    authors = forms.CharField(
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
        help_text="User names, with spaces in between. All of them may post here and change these settings.",
    )

    class Meta:
        model = Event
        fields = ("title", "slug", "summary", "starts_at", "ends_at", "time_zone", "language", "order")
        labels = {"slug": "Address", "time_zone": "Time zone", "order": "Readers see first"}
        help_texts = {
            "slug": "The last part of /events/…/. Left empty, it is made from the title. Fixed once public.",
            "time_zone": "Such as Europe/London or America/New_York.",
            "language": "Of the updates: en, de, pt-br …",
        }
        error_messages = {"slug": {"unique": "Another event has this address. Choose a different one."}}
        widgets = {
            "slug": forms.TextInput(attrs={"autocapitalize": "none", "spellcheck": "false", "autocomplete": "off"}),
            "time_zone": forms.TextInput(attrs={"list": "time-zones", "autocomplete": "off", "spellcheck": "false"}),
            "language": forms.TextInput(attrs={"autocapitalize": "none", "autocomplete": "off", "spellcheck": "false"}),
        }

    def __init__(self, data: Any = None, *, editor: User, event: Event | None = None) -> None:
        self.editor = editor
        self.event = event
        shown = {"authors": editor.get_username()}
        if event is not None:
            shown = {
                "authors": " ".join(user.get_username() for user in event.authors.order_by("username")),
                "starts_at": _wall_clock(event.starts_at, event.zone),
                "ends_at": _wall_clock(event.ends_at, event.zone),
            }
        # A form writes into its instance while it validates; the page around it shows the event as it is.
        super().__init__(data, instance=copy.copy(event) or Event(), initial=shown)
        for name in ("slug", "time_zone", "language", "order"):
            self.fields[name].required = False
        if event is not None and event.first_public_at is not None:
            del self.fields["slug"]
        if event is None:
            self.fields["time_zone"].widget.attrs["data-guess"] = "zone"

    def clean_title(self) -> str:
        """Return the title on one line."""
        return " ".join(self.cleaned_data["title"].split())

    def clean_summary(self) -> str:
        """Refuse Markdown that would keep the event's row locked while it renders."""
        try:
            markup.render(self.cleaned_data["summary"])
        except markup.TooSlow:
            raise ValidationError(_TOO_SLOW) from None
        return str(self.cleaned_data["summary"])

    def clean_slug(self) -> str:
        """Return the slug that was chosen, or one made from the title."""
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
        return names.get(asked.lower(), self.instance.time_zone)

    def clean_language(self) -> str:
        """Return the language's code, by the form of BCP 47."""
        code = self.cleaned_data["language"].strip()
        if code and not _LANGUAGE.fullmatch(code):
            raise ValidationError("Enter a language code, such as en, de or pt-br.")
        return code or self.instance.language

    def clean_order(self) -> str:
        """Return the order chosen, or the one there is."""
        return self.cleaned_data["order"] or self.instance.order

    def clean_authors(self) -> list[User]:
        """Return the users named; an event keeps an author, and nobody locks themselves out."""
        names = self.cleaned_data["authors"].replace(",", " ").split() or self.initial["authors"].split()
        found = {user.get_username(): user for user in User.objects.filter(username__in=names, is_active=True)}
        if unknown := [name for name in names if name not in found]:
            raise ValidationError(f"There is no user “{unknown[0]}”. People are set up in the admin.")
        if self.editor not in found.values() and not self.editor.is_staff:
            raise ValidationError("You would lock yourself out. Ask another author to take you off.")
        return list(found.values())

    def clean(self) -> dict[str, Any]:
        """Read the times in the event's zone."""
        super().clean()
        cleaned = self.cleaned_data
        for name in ("starts_at", "ends_at"):
            if "time_zone" not in cleaned or name not in cleaned:
                cleaned.pop(name, None)
            elif cleaned[name] is not None:
                try:
                    cleaned[name] = self._moment(name)
                except ValidationError as error:
                    self.add_error(name, error)
        return cleaned

    def _moment(self, name: str) -> datetime:
        """Return what is meant; a time left as it stood keeps its seconds, and its side of a clock change."""
        typed, zone = self.cleaned_data[name], zoneinfo.ZoneInfo(self.cleaned_data["time_zone"])
        stored: datetime | None = getattr(self.event, name, None)
        if stored is not None and _wall_clock(stored, zone) == typed.strftime(_WALL_CLOCK[0]):
            return stored
        return read_in_zone(typed, zone)

    def store(self) -> Event | None:
        """Make or change the event and return it; ``None`` when refused, and ``errors`` says why."""
        if not self.is_valid():
            return None
        values = dict(self.cleaned_data)
        authors = values.pop("authors")
        try:
            if self.event is None:
                with transaction.atomic():
                    event = Event.objects.create(**values)
                    event.authors.set(authors)
                return event
            self.event.revise(**values)
            self.event.authors.set(authors)
        except ValidationError as error:
            self.add_error(None, error)
        except IntegrityError:
            self.add_error("slug", "Somebody has just taken this address. Choose a different one.")
        return None if self.errors else self.event


def suggest_slug(title: str) -> str:
    """Return a free slug made from ``title``."""
    words = slugify(title)[:SLUG_WORDS_CHARACTERS].strip("-") or "event"
    taken = RESERVED_SLUGS | set(Event.objects.filter(slug__startswith=words).values_list("slug", flat=True))
    slug, number = words, 1
    while slug in taken:
        number += 1
        slug = f"{words}-{number}"
    return slug


def read_in_zone(typed: datetime, zone: zoneinfo.ZoneInfo) -> datetime:
    """Return when clocks in ``zone`` show ``typed``; raises ``ValidationError`` unless they do so just once."""
    first, second = (typed.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if first.utcoffset() == second.utcoffset():
        return first.astimezone(UTC)
    shown = f"{typed:%H:%M} on {typed.day} {typed:%B %Y}"
    if first.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != typed:
        raise ValidationError(f"{shown} does not exist in {zone.key}: the clocks go forward. Choose another time.")
    raise ValidationError(f"{shown} comes twice in {zone.key}: the clocks go back. Choose another time.")


def _wall_clock(moment: datetime | None, zone: zoneinfo.ZoneInfo) -> str:
    return moment.astimezone(zone).strftime(_WALL_CLOCK[0]).rjust(16, "0") if moment else ""
