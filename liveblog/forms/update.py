"""What an author sends about one update."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.utils import timezone

from liveblog import markup
from liveblog.forms.fields import MarkdownField, WallClockField, not_rendered, read_in_zone
from liveblog.models import Attachment, Event, Update, Waiting


class UpdateForm(forms.Form):
    """The text of an update. What may stand in it, the model says."""

    headline = forms.CharField(
        required=False,
        label="Headline",
        widget=forms.TextInput(attrs={"autocomplete": "off", "enterkeyhint": "next", "data-next": "body"}),
    )
    body = MarkdownField(required=False, label="Text", rows=5, autofocus=True)

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Put what the model refuses into ``errors``."""
        try:
            yield
        except ValidationError as error:
            self.add_error(None, error if not hasattr(error, "error_dict") else self._placed(error))
        except markup.NotRendered as error:
            self.add_error("body", not_rendered(error))

    def _placed(self, error: ValidationError) -> ValidationError:
        """Put each message beside its field, those of fields that this form lacks on top."""
        placed: dict[str, list[Any]] = {}
        for name, messages in error.error_dict.items():
            place = name if name in self.fields else _SHOWN_AT.get(name, "")
            placed.setdefault(place if place in self.fields else NON_FIELD_ERRORS, []).extend(messages)
        return ValidationError(placed)

    @property
    def reasons(self) -> str:
        """Why it was refused, as sentences without any markup."""
        return " ".join(str(message) for messages in self.errors.values() for message in messages)


_SHOWN_AT = {"published_at": "at"}


class ComposerForm(UpdateForm):
    """A new update, under a key made with the form; photos by the keys they were uploaded under."""

    is_key = forms.BooleanField(required=False, label="Key moment")
    at = WallClockField(required=False, label="Time")
    later = forms.BooleanField(required=False, widget=forms.HiddenInput)
    # Firefox puts old values back into hidden fields of a reloaded page, unless it is told not to.
    key = forms.UUIDField(
        initial=uuid.uuid4,
        widget=forms.HiddenInput(attrs={"autocomplete": "off"}),
        error_messages={
            "required": "This form had lost its key. It has a new one: post again.",
            "invalid": "This form’s key was damaged. It has a new one: post again.",
        },
    )

    def __init__(self, data: Any = None, *, event: Event | None = None, **options: Any) -> None:
        self.event = event
        super().__init__(data, **options)

    def clean(self) -> dict[str, Any]:
        """Read the time in the event's zone, and which photos belong to it."""
        super().clean()
        cleaned = self.cleaned_data
        typed = cleaned.pop("at", None)
        if typed is not None and self.event is not None:
            try:
                cleaned["at"] = read_in_zone(typed, self.event.zone)
            except ValidationError as error:
                self.add_error("at", error)
        cleaned["photos"] = self._attachments()
        return cleaned

    def submit(
        self, event: Event, *, author: User, files: Sequence[Attachment] = (), **options: Any
    ) -> Update | Waiting | None:
        """Publish it in ``event``, or put it into the queue; ``None`` when refused, and ``errors`` says why.

        Raises ``KeyReused``, ``TooMany``.
        """
        stored = None
        if self.is_valid():
            sent = dict(self.cleaned_data)
            at, later, photos = sent.pop("at", None), sent.pop("later"), [*sent.pop("photos"), *files]
            # Sent as later, it stays so: what comes late gets the time it comes.
            name = "due_at" if at is not None and (later or at > timezone.now()) else "published_at"
            with self.telling():
                stored = event.submit(author=author, photos=photos, **{name: at}, **sent, **options)
        if "key" in self.errors:
            self.renew_key()
        return stored

    def renew_key(self) -> None:
        """Give the form a key of its own, so that what is in it can be posted as a new update."""
        self.data = self.data.copy() if hasattr(self.data, "copy") else dict(self.data)
        self.data["key"] = str(uuid.uuid4())

    def _attachments(self) -> list[Attachment]:
        keys, alts = _all(self.data, "photo"), _all(self.data, "alt")
        try:
            named = [uuid.UUID(key) for key in keys]
        except ValueError:
            raise ValidationError("A photo’s key was damaged on the way. Take it out and add it again.") from None
        return [Attachment(key, alts[place] if place < len(alts) else "") for place, key in enumerate(named)]


class SwitchForm(forms.Form):
    """Something is to be on or off."""

    on = forms.TypedChoiceField(choices=(("1", "on"), ("0", "off")), coerce=lambda text: text == "1")


def _all(data: Mapping[str, Any], name: str) -> list[str]:
    """Return every value sent under ``name``."""
    return list(data.getlist(name)) if hasattr(data, "getlist") else list(data.get(name, ()))
