"""The people of an event: their roles, and the invitations by which guests sign in."""

import datetime as dt
from typing import Any
from urllib.parse import urlsplit

import segno
from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from liveblog.desk.access import AuthorRequest, desk_of, read_or_write, sent_data
from liveblog.desk.forms import CONFLICT, WallClockField, carry_out, read_in_zone, reasons_of, status_of
from liveblog.desk.page import redirect_whole_page
from liveblog.models import Event, Invitation, Role, byline_of, is_guest
from liveblog.models.content import BYLINE_CHARACTERS

BACKEND = "django.contrib.auth.backends.ModelBackend"
HEADERS = {"X-Robots-Tag": "noindex, nofollow", "Referrer-Policy": "strict-origin"}
"""They keep the secret in the address from other pages. With ``no-referrer`` browsers send ``Origin: null`` with the
form, which Django's CSRF check refuses (Fetch standard, "append a request Origin header")."""

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
            raise ValidationError(f"There is no user “{name}”. Accounts are made in the set-up by the site’s staff.")
        if self.event.memberships.filter(user=user).exists():
            raise ValidationError(f"“{name}” is here already. Change the role in the list.")
        return user


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
    link = settings.BASE_URL + reverse("join", args=[token])
    context: dict[str, Any] = {"made": invitation, "link": link, "qr": draw_qr(link), "is_local": is_local(link)}
    return _show_people(request, event, said="The link is ready.", **context)


@never_cache
@require_POST
@desk_of(Role.OWNER)
def revoke(request: AuthorRequest, event: Event, pk: int) -> HttpResponse:
    """End an invitation: its guest can post no more."""
    invitation = get_object_or_404(event.invitations, pk=pk)
    invitation.revoke()
    return _show_result(request, event, f"Revoked: {invitation.name} can post no more. What was published stays.")


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
        "members": _members(event),
        "invitations": event.invitations.select_related("event", "made_by").order_by("-pk"),
        "roles": Role.choices,
        "appoint": AppointForm(event=event),
        "invite": InvitationForm(event=event),
    } | more
    template = "liveblog/desk/people.html" + ("#people" if request.htmx else "")
    return render(request, template, context, status=status)


def _members(event: Event) -> Any:
    """Return the memberships of people with accounts, owners first."""
    found = event.memberships.filter(user__invitation=None).select_related("user")
    return sorted(found, key=lambda member: (list(Role).index(Role(member.role)), member.user.get_username()))


@never_cache
@read_or_write
def join(request: HttpRequest, token: str) -> HttpResponse:
    """Show what an invitation is for, since machines open links too; a POST signs its guest in."""
    invitation = Invitation.find(token)
    if invitation is None:
        return _show_invitation(request, {}, status=404)
    guest = invitation.guest
    if request.method != "POST":
        is_other = request.user.is_authenticated and request.user.pk != guest.pk
        context = {"invitation": invitation, "is_other": is_other, "is_guest": is_guest(request.user)}
        return _show_invitation(request, context)
    login(request, guest, backend=BACKEND)
    request.session.set_expiry(invitation.expires_at)
    invitation.use()
    return redirect("desk", invitation.event.slug)


def _show_invitation(request: HttpRequest, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
    response = render(request, "liveblog/desk/join.html", context, status=status)
    for name, value in HEADERS.items():
        response[name] = value
    return response
