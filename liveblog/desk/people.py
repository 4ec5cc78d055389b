"""The people of an event: their roles, and the links that an owner makes for them."""

import datetime as dt
import logging
from typing import Any
from urllib.parse import urlsplit

import segno
from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from liveblog import mail, markup
from liveblog.desk.access import AuthorRequest, desk_of, read_or_write, sent_data
from liveblog.desk.accounts import password_link
from liveblog.desk.forms import CONFLICT, WallClockField, carry_out, read_in_zone, reasons_of, status_of
from liveblog.desk.page import redirect_whole_page
from liveblog.models import Attempt, Event, Invitation, Role, byline_of, is_guest, may_let_in
from liveblog.models.content import BYLINE_CHARACTERS

logger = logging.getLogger(__name__)

MAILS_AN_HOUR = 30
"""How many mails one owner may have sent: an invitation goes to whatever address they type."""

ROLES = (
    (Role.CONTRIBUTOR.value, "Contributor – posts"),
    (Role.EDITOR.value, "Editor – posts, edits and approves"),
    (Role.OWNER.value, "Owner – everything, people too"),
)


class RoleForm(forms.Form):
    """The role that somebody is to have in an event."""

    role = forms.ChoiceField(choices=ROLES)

    def appoint(self, event: Event, user: User) -> None:
        """Give ``user`` the role; raises ``ValidationError``."""
        event.appoint(user=user, role=Role(self.cleaned_data["role"]))


class AppointForm(RoleForm):
    """Somebody with an account who is to work on the event, and in which role."""

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

    def clean_username(self) -> User:
        """Return the user, who must not be on the event yet: a role isn't changed here by accident."""
        name = str(self.cleaned_data["username"])
        user = User.objects.filter(username=name, is_active=True).first()
        if user is None or is_guest(user):
            raise ValidationError(f"There is no user “{name}”. Who has no account yet is invited by a link, above.")
        if self.event.memberships.filter(user=user).exists():
            raise ValidationError(f"“{name}” is here already. Change the role in the list.")
        return user


class ColleagueForm(RoleForm):
    """Somebody who is to work on the event, with an account that they have or make."""

    who = forms.CharField(
        label="Name or e-mail address",
        max_length=BYLINE_CHARACTERS,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        error_messages={"required": "Say whom the link is for."},
    )
    field_order = ("who", "role")

    def __init__(self, data: Any = None) -> None:
        super().__init__(data, initial={"role": Role.EDITOR.value}, auto_id="colleague-%s")
        if mail.is_on():
            self.fields["who"].help_text = "The link is sent to an address; for a name you pass it on."

    def clean_who(self) -> str:
        """Return a name, or an address that mail can be sent to."""
        who = markup.one_line(str(self.cleaned_data["who"]))
        if "@" in who:
            validate_email(who)
        return who

    def invite(self, event: Event, made_by: User) -> tuple[Invitation, str]:
        """Make the invitation and return it with its token."""
        who = self.cleaned_data["who"]
        role = Role(self.cleaned_data["role"])
        return event.invite_colleague(name=who, email=who if "@" in who else "", role=role, made_by=made_by)


class InvitationForm(forms.Form):
    """An invitation for a guest, who needs no account."""

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
        """Return the time in the event's zone; an ended event needs one, since the invitation ends with it."""
        typed = self.cleaned_data["expires_at"]
        if typed is None and self.event.status == Event.Status.ENDED:
            raise ValidationError("The event has ended, and the link with it. Set a time until which it is valid.")
        return read_in_zone(typed, self.event.zone) if typed is not None else None


@never_cache
@read_or_write
@desk_of(Role.OWNER)
def people(request: AuthorRequest, event: Event) -> HttpResponse:
    """Show who works on the event, and add somebody with an account."""
    form = AppointForm(sent_data(request), event=event)
    carry_out(form, lambda: form.appoint(event, form.cleaned_data["username"]))
    if form.errors or not form.is_bound:
        return _show_people(request, event, status=status_of(form), appoint=form)
    return _show_result(request, event, f"{byline_of(form.cleaned_data['username'])} is on the event now.")


@never_cache
@require_POST
@desk_of(Role.OWNER)
def person(request: AuthorRequest, event: Event, user_id: int) -> HttpResponse:
    """Change somebody's role, or remove them; an event keeps an owner."""
    user = get_object_or_404(User, pk=user_id, memberships__event=event, invitation=None)
    if "remove" in request.POST:
        form = forms.Form(request.POST)
        carry_out(form, lambda: event.dismiss(user=user), code=CONFLICT)
        message = f"{byline_of(user)} is no longer on the event."
    else:
        form = RoleForm(request.POST)
        carry_out(form, lambda: form.appoint(event, user), code=CONFLICT)
        message = f"{byline_of(user)} is now {form.cleaned_data.get('role')}."
    if form.errors:
        return _show_people(request, event, status=status_of(form), refusal=reasons_of(form))
    return _show_result(request, event, message)


@never_cache
@require_POST
@desk_of(Role.OWNER)
def invite(request: AuthorRequest, event: Event) -> HttpResponse:
    """Invite a guest and show the link, which can't be shown again: only its hash is stored."""
    form = InvitationForm(request.POST, event=event)
    made = carry_out(form, lambda: event.invite(made_by=request.user, **form.cleaned_data))
    if made is None:
        return _show_people(request, event, status=status_of(form), invite=form)
    invitation, token = made
    return _show_link(request, event, "The link is ready.", reverse("join", args=[token]), made=invitation)


@never_cache
@require_POST
@desk_of(Role.OWNER)
def invite_colleague(request: AuthorRequest, event: Event) -> HttpResponse:
    """Invite somebody with an account, or who makes one; the link is shown, and sent if there is an address."""
    form = ColleagueForm(request.POST)
    made = carry_out(form, lambda: form.invite(event, request.user))
    if made is None:
        return _show_people(request, event, status=status_of(form), colleague=form)
    invitation, token = made
    path = reverse("join", args=[token])
    return _show_link(request, event, _send_invitation(invitation, path), path, invited=invitation)


def _send_invitation(invitation: Invitation, path: str) -> str:
    """Send the link to the invitation's address; return what became of it, for the owner to read."""
    if not (invitation.email and mail.is_on()):
        return "The link is ready."
    if not Attempt.objects.allow("invitations of", invitation.made_by_id, most=MAILS_AN_HOUR):
        return f"The link is ready, but was not sent: {MAILS_AN_HOUR} mails an hour are the most. Pass it on yourself."
    context = {"invitation": invitation, "link": settings.BASE_URL + path, "site_name": settings.SITE_NAME}
    body = render_to_string("registration/invitation.txt", context)
    subject = f"You are invited to “{invitation.event.title}”"
    try:
        mail.send(mail.compose(to=invitation.email, subject=subject, body=body))
    except mail.MailFailed:
        return "The link is ready, but was not sent: the mail server did not take it. Pass it on yourself."
    return f"The link was sent to {invitation.email}."


@never_cache
@require_POST
@desk_of(Role.OWNER)
def let_in(request: AuthorRequest, event: Event, user_id: int) -> HttpResponse:
    """Make a link by which somebody who forgot their password chooses another; ``may_let_in`` says for whom."""
    user = get_object_or_404(User, pk=user_id, memberships__event=event, invitation=None)
    if not may_let_in(request.user, user):
        refusal = f"A new password for {byline_of(user)} is not yours to give: ask somebody who looks after this site."
        return _show_people(request, event, status=409, refusal=refusal)
    logger.info("User %d made a link for a new password of user %d", request.user.pk, user.pk)
    return _show_link(request, event, "The link is ready.", password_link(by=request.user, user=user), let_in=user)


def _show_link(request: AuthorRequest, event: Event, said: str, path: str, **made_for: Any) -> HttpResponse:
    """Show a link, this once."""
    link = settings.BASE_URL + path
    return _show_people(request, event, said=said, link=link, qr=draw_qr(link), is_local=is_local(link), **made_for)


@never_cache
@require_POST
@desk_of(Role.OWNER)
def revoke(request: AuthorRequest, event: Event, pk: int) -> HttpResponse:
    """End an invitation: its guest can post no more, a colleague's link opens nothing."""
    invitation = get_object_or_404(event.invitations, pk=pk)
    invitation.revoke()
    if invitation.guest_id is None:
        return _show_result(request, event, f"Revoked: the link for {invitation.name} opens nothing any more.")
    stays = "What was published stays; what was scheduled waits for an editor to approve it."
    return _show_result(request, event, f"Revoked: {invitation.name} can post no more. {stays}")


def draw_qr(text: str) -> SafeString:
    """Return a QR code as SVG, always dark on light: not every camera reads the reverse."""
    drawn = segno.make(text, error="m", micro=False)
    svg = drawn.svg_inline(border=4, dark="#000", light="#fff", omitsize=True, svgclass="qr", lineclass=None)
    return mark_safe(svg)  # noqa: S308  (modules drawn by segno; the text is not in it)


def is_local(link: str) -> bool:
    """Whether a link works on this machine only."""
    return urlsplit(link).hostname in {"localhost", "127.0.0.1", "::1"}


def _show_result(request: AuthorRequest, event: Event, message: str) -> HttpResponse:
    """Show the people as they are now; somebody who is no longer an owner is led to a page they may still see."""
    role = event.role_of(request.user)
    if role == Role.OWNER and request.htmx:
        return _show_people(request, event, said=message)
    messages.success(request, message)
    if role == Role.OWNER:
        return redirect("desk-people", event.slug)
    return redirect_whole_page(request, reverse("desk", args=[event.slug]) if role else reverse("desks"))


def _show_people(request: AuthorRequest, event: Event, *, status: int = 200, **more: Any) -> HttpResponse:
    context = {
        "event": event,
        "members": _members(event, request.user),
        "invitations": event.invitations.for_guests().select_related("event").order_by("-pk"),
        "colleagues": event.invitations.for_colleagues().select_related("event", "accepted_by").order_by("-pk"),
        "roles": Role.choices,
        "appoint": AppointForm(event=event),
        "colleague": ColleagueForm(),
        "invite": InvitationForm(event=event),
    } | more
    template = "liveblog/desk/people.html" + ("#people" if request.htmx else "")
    return render(request, template, context, status=status)


def _members(event: Event, owner: User) -> list[tuple[Any, bool]]:
    """Return the memberships of people with accounts, owners first, each with whether ``owner`` may let them in."""
    found = event.memberships.filter(user__invitation=None).select_related("user")
    in_order = sorted(found, key=lambda member: (list(Role).index(Role(member.role)), member.user.get_username()))
    return [(member, may_let_in(owner, member.user)) for member in in_order]
