"""What an owner sends about the people of an event: roles, and invitations."""

import datetime as dt
from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError

from liveblog.forms.fields import WallClockField, read_in_zone
from liveblog.models import Event, Invitation, Role, is_guest
from liveblog.models.content import BYLINE_CHARACTERS

ROLES = (
    (Role.CONTRIBUTOR.value, "Contributor – posts"),
    (Role.EDITOR.value, "Editor – posts, edits and approves"),
    (Role.OWNER.value, "Owner – everything, people too"),
)


class RoleForm(forms.Form):
    """Which role somebody on the event is to have."""

    role = forms.ChoiceField(choices=ROLES)

    def apply(self, event: Event, user: User) -> bool:
        """Give ``user`` the role; say whether it was accepted, else ``errors`` says why not."""
        if self.is_valid():
            try:
                event.appoint(user=user, role=Role(self.cleaned_data["role"]))
            except ValidationError as error:
                self.add_error(None, error)
        return not self.errors


class AppointForm(RoleForm):
    """Somebody who has an account comes onto the event."""

    username = forms.CharField(
        label="User name",
        max_length=150,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
        error_messages={"required": "Give a user name."},
    )
    field_order = ("username", "role")

    def __init__(self, data: Any = None, *, event: Event) -> None:
        self.event = event
        super().__init__(data, initial={"role": Role.CONTRIBUTOR.value}, auto_id="appoint-%s")

    def clean_username(self) -> str:
        """Find the user, who has to be new here: a role is changed where it stands, not by accident."""
        name = str(self.cleaned_data["username"])
        self.user = User.objects.filter(username=name, is_active=True).first()
        if self.user is None or is_guest(self.user):
            raise ValidationError(f"There is no user “{name}”. Accounts are made in the set-up by the site’s staff.")
        if self.event.memberships.filter(user=self.user).exists():
            raise ValidationError(f"“{name}” is here already. Change the role in the list.")
        return name

    def appoint(self) -> User | None:
        """Add the user; ``None`` when refused, and ``errors`` says why."""
        if self.is_valid() and self.user is not None and self.apply(self.event, self.user):
            return self.user
        return None


class InvitationForm(forms.Form):
    """A link for a volunteer."""

    name = forms.CharField(
        label="Name",
        max_length=BYLINE_CHARACTERS,
        help_text="Readers see it under what they post.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": "Give a name: readers see it."},
    )
    expires_at = WallClockField(required=False, label="Valid until")

    def __init__(self, data: Any = None, *, event: Event) -> None:
        self.event = event
        super().__init__(data, auto_id="invite-%s")
        ends = (
            "Empty: until the event ends." if event.status != Event.Status.ENDED else "The event has ended: set a time."
        )
        self.fields["expires_at"].help_text = f"{ends} By the clocks of {event.zone.key}."

    def clean_expires_at(self) -> dt.datetime | None:
        """Read the time in the event's zone; a link that opens nothing is not made."""
        typed = self.cleaned_data["expires_at"]
        if typed is None and self.event.status == Event.Status.ENDED:
            raise ValidationError("The event has ended, and the link with it. Set a time until which it is valid.")
        return read_in_zone(typed, self.event.zone) if typed is not None else None

    def invite(self, *, made_by: User) -> tuple[Invitation, str] | None:
        """Make the invitation and return it with its token; ``None`` when refused, and ``errors`` says why."""
        if self.is_valid():
            try:
                return self.event.invite(made_by=made_by, **self.cleaned_data)
            except ValidationError as error:
                self.add_error(None, error)
        return None
