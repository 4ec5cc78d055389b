"""What an author sends to change an update, and to erase one."""

from contextlib import suppress
from typing import Any, NamedTuple
from uuid import UUID

from django import forms
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.http import QueryDict

from liveblog.forms.fields import WallClockField, read_in_zone, wall_clock
from liveblog.forms.update import UpdateForm
from liveblog.models import Attachment, Photo, Update
from liveblog.models.content import NOTE_CHARACTERS
from liveblog.models.json_fields import read_mention, readable

GREATEST_REVISION = 2**53 - 1
STEPS = {"earlier": -1, "later": 1}


class Shown(NamedTuple):
    """A photo as the form has it: its row and its description, which may not be saved yet."""

    row: Photo
    alt: str


class EditForm(UpdateForm):
    """An update to be changed: its text, its time, its photos, a note that says what was corrected.

    Photos are fields of their own that come any number of times, ``photo`` and ``alt``; an empty ``photo``
    says that the form has them at all. ``revision`` is that of the update when the form was opened.
    """

    data: QueryDict

    at = WallClockField(required=False, label="Time")
    correction = forms.CharField(
        required=False,
        max_length=NOTE_CHARACTERS,
        label="Correction note",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    revision = forms.IntegerField(
        required=False,
        min_value=0,
        max_value=GREATEST_REVISION,
        widget=forms.HiddenInput(attrs={"autocomplete": "off"}),
        error_messages={"invalid": "This form was damaged. Open it again."},
    )

    def __init__(self, update: Update, data: QueryDict | None = None) -> None:
        self.update = update
        self.standing_at = wall_clock(update.published_at, update.event.zone)
        initial = {
            "headline": update.headline,
            "body": update.body,
            "at": self.standing_at,
            "revision": update.revision,
        }
        super().__init__(data, initial=initial, auto_id=f"edit-{update.number}-%s")
        self.fields["body"].widget.attrs["rows"] = 8
        self.fields["at"].help_text = f"Where it stands in the stream. Clocks in {update.event.zone.key}."
        if not update.is_correctable:
            del self.fields["correction"]

    def photos(self) -> list[Shown]:
        """Return the photos the form has, in its order; those that are not this update's are left out."""
        rows = list(self.update.photo_rows.all())
        if self._has_photos:
            with suppress(ValidationError):
                by_key = {row.key: row for row in rows}
                return [Shown(by_key[one.key], one.alt) for one in self._attachments() if one.key in by_key]
        by_name = {row.name: row for row in rows}
        mentions = readable(self.update.photos, read_mention)
        return [Shown(by_name[name], alt) for name, alt in mentions if name in by_name]

    def step(self, asked: str) -> None:
        """Move a photo or leave it out, without saving: ``earlier``, ``later`` or ``remove``, a space, its key."""
        act, _, key = asked.partition(" ")
        photos = [Attachment(one.row.key, one.alt) for one in self.photos()]
        at = next((number for number, one in enumerate(photos) if str(one.key) == key), None)
        if at is None:
            return
        moved = photos.pop(at)
        if act in STEPS:
            photos.insert(max(0, at + STEPS[act]), moved)
        self.data = self.data.copy()
        self.data.setlist("photo", ["", *(str(one.key) for one in photos)])
        self.data.setlist("alt", [one.alt for one in photos])

    def edit(self, *, editor: User) -> bool:
        """Change what was sent of the update; say whether it was accepted, else ``errors`` says why not.

        Raises ``Overtaken``.
        """
        if self.is_valid():
            sent: dict[str, Any] = {name: self.cleaned_data[name] for name in ("headline", "body") if name in self.data}
            with self.telling():
                if self.cleaned_data["at"] and self.data["at"] != self.standing_at:
                    sent["published_at"] = read_in_zone(self.cleaned_data["at"], self.update.event.zone)
                if self._has_photos:
                    sent["photos"] = self._attachments()
                self.update.edit(
                    **sent,
                    correction=self.cleaned_data.get("correction", ""),
                    revision=self.cleaned_data["revision"],
                    editor=editor,
                )
        return not self.errors

    def go_on_from(self, update: Update) -> None:
        """Keep what was typed, to be sent on top of what ``update`` says now."""
        self.data = self.data.copy()
        self.data["revision"] = str(update.revision)

    @property
    def _has_photos(self) -> bool:
        return self.is_bound and "photo" in self.data

    def _attachments(self) -> list[Attachment]:
        """Return the photos that were sent; raises ``ValidationError``."""
        keys = [key for key in self.data.getlist("photo") if key]
        alts = self.data.getlist("alt")
        try:
            return [Attachment(UUID(key), alt) for key, alt in zip(keys, alts, strict=True)]
        except ValueError:
            raise ValidationError("The photos of this form were damaged. Open it again.") from None


class PurgeForm(forms.Form):
    """The word that makes erasing an intention: the update's number, typed."""

    number = forms.CharField(
        required=False,
        label="The update’s number",
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )

    def __init__(self, update: Update, data: QueryDict | None = None) -> None:
        super().__init__(data)
        self.update = update

    def clean_number(self) -> str:
        """Refuse any other number."""
        typed = str(self.cleaned_data["number"]).strip()
        if typed != str(self.update.number):
            raise ValidationError(f"Type {self.update.number} if update {self.update.number} is to be erased.")
        return typed
