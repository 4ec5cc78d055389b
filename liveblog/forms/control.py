"""What is sent to control an event: where its coverage stands, a pause, its end for good."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from liveblog.models import Event


class StatusForm(forms.Form):
    """Where the coverage is to stand, and at its end a last word to readers."""

    status = forms.ChoiceField(choices=Event.Status.choices)
    note = forms.CharField(required=False)
    rewords = forms.BooleanField(required=False)
    """The event has ended, and the note is to stand in place of the one there is."""

    def apply(self, event: Event) -> None:
        """Take the step that leads there; raises ``WrongStatus`` where none does, ``ValidationError`` for the note."""
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
    """What readers are told while the coverage rests; nothing, when it goes on."""

    note = forms.CharField(required=False)

    def apply(self, event: Event) -> None:
        """Pause or resume; raises ``WrongStatus``, ``ValidationError``."""
        if note := self.cleaned_data["note"]:
            event.pause(note=note)
        else:
            event.resume()


class DeletionForm(forms.Form):
    """The address of an event that readers may know, typed by who deletes it; a draft needs none."""

    slug = forms.CharField(
        required=False,
        label="Its address",
        widget=forms.TextInput(attrs={"autocapitalize": "none", "autocomplete": "off", "spellcheck": "false"}),
    )

    def __init__(self, data: Any = None, *, event: Event) -> None:
        self.event = event
        super().__init__(data)

    def clean_slug(self) -> str:
        """Refuse any other text than the slug, to the letter."""
        typed = str(self.cleaned_data["slug"])
        if self.event.is_public and typed != self.event.slug:
            raise ValidationError(f"Type {self.event.slug}, to the letter.")
        return typed
