"""What an author or an editor sends about something that isn't public yet."""

from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from liveblog.forms.fields import WallClockField, read_in_zone, wall_clock
from liveblog.forms.update import UpdateForm
from liveblog.models import Waiting


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
        """Read the time in the event's zone; one that is left as it was keeps its seconds."""
        typed, due_at, zone = self.cleaned_data["at"], self.waiting.due_at, self.waiting.event.zone
        if typed is None:
            if not self.waiting.needs_approval:
                raise ValidationError("Set a time, or publish it now.")
            return None
        if due_at is not None and wall_clock(due_at, zone) == wall_clock(typed.replace(tzinfo=zone), zone):
            return due_at
        moment = read_in_zone(typed, zone)
        if moment <= timezone.now():
            raise ValidationError("This time has passed. Choose a later one, or publish it now.")
        return moment

    def save(self, *, needs_approval: bool) -> bool:
        """Change it; say whether it was accepted, else ``errors`` says why not. Raises ``Overtaken``."""
        if self.is_valid():
            sent = self.cleaned_data
            with self.telling():
                self.waiting.edit(
                    headline=sent["headline"],
                    body=sent["body"],
                    due_at=sent["at"],
                    needs_approval=needs_approval,
                    version=sent["version"],
                )
        return not self.errors


class ApprovalForm(forms.Form):
    """Which version was seen and is to be published, and whether now or when it is due."""

    version = forms.IntegerField(required=False, min_value=1)
    now = forms.BooleanField(required=False)


class RejectionForm(forms.Form):
    """Why not, or that it is to be taken off its author's list."""

    reason = forms.CharField(required=False)
    remove = forms.BooleanField(required=False)
