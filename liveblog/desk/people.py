"""Who is on an event: roles, and the links by which volunteers come in; for its owners."""

from typing import Any
from urllib.parse import urlsplit

import segno
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from liveblog.desk.doors import AuthorRequest, desk_of, is_htmx, read_or_write
from liveblog.forms import AppointForm, InvitationForm, RoleForm
from liveblog.models import Event, Role, byline_of


@never_cache
@read_or_write
@desk_of(Role.OWNER)
def people(request: AuthorRequest, event: Event) -> HttpResponse:
    """Show who is on the event, and add somebody who has an account."""
    if request.method != "POST":
        return _people(request, event)
    form = AppointForm(request.POST, event=event)
    user = form.appoint()
    if user is None:
        return _people(request, event, status=422, appoint=form)
    return _done(request, event, f"{byline_of(user)} is on the event now.")


@never_cache
@require_POST
@desk_of(Role.OWNER)
def person(request: AuthorRequest, event: Event, user_id: int) -> HttpResponse:
    """Change somebody's role, or take them off; an event keeps an owner."""
    user = get_object_or_404(User, pk=user_id, memberships__event=event, invitation=None)
    if "remove" in request.POST:
        try:
            event.dismiss(user=user)
        except ValidationError as error:
            return _people(request, event, status=409, refusal=" ".join(error.messages))
        return _done(request, event, f"{byline_of(user)} is no longer on the event.")
    form = RoleForm(request.POST)
    if not form.apply(event, user):
        reason = " ".join(str(message) for errors in form.errors.values() for message in errors)
        is_choice = "role" in form.errors
        return _people(request, event, status=422 if is_choice else 409, refusal=reason)
    return _done(request, event, f"{byline_of(user)} is now {Role(form.cleaned_data['role']).label.lower()}.")


@never_cache
@require_POST
@desk_of(Role.OWNER)
def invite(request: AuthorRequest, event: Event) -> HttpResponse:
    """Make a link for a volunteer, and show it: this once, since only what it hashes to is stored."""
    form = InvitationForm(request.POST, event=event)
    made = form.invite(made_by=request.user)
    if made is None:
        return _people(request, event, status=422, invite=form)
    invitation, token = made
    link = settings.BASE_URL + reverse("join", args=[token])
    context: dict[str, Any] = {"made": invitation, "link": link, "qr": draw_qr(link), "is_local": is_local(link)}
    return _people(request, event, said="The link is ready.", **context)


@never_cache
@require_POST
@desk_of(Role.OWNER)
def revoke(request: AuthorRequest, event: Event, pk: int) -> HttpResponse:
    """Let nobody in by an invitation any more."""
    invitation = get_object_or_404(event.invitations, pk=pk)
    invitation.revoke()
    return _done(request, event, f"Revoked: {invitation.name} can post no more. What was published stays.")


def draw_qr(text: str) -> SafeString:
    """Return a QR code as SVG, dark on light whatever the page's colours: not every camera reads the reverse."""
    drawn = segno.make(text, error="m", micro=False)
    svg = drawn.svg_inline(border=4, dark="#000", light="#fff", omitsize=True, svgclass="qr", lineclass=None)
    return mark_safe(svg)  # noqa: S308  (modules drawn by segno; the text is not in it)


def is_local(link: str) -> bool:
    """Whether a link leads nowhere but to this machine."""
    return urlsplit(link).hostname in {"localhost", "127.0.0.1", "::1"}


def _done(request: AuthorRequest, event: Event, said: str) -> HttpResponse:
    """Show the people as they are now; who has just given up being an owner goes where they still may."""
    role = event.role_of(request.user)
    if role == Role.OWNER:
        if is_htmx(request):
            return _people(request, event, said=said)
        messages.success(request, said)
        return redirect("desk-people", event.slug)
    messages.success(request, said)
    address = reverse("desk", args=[event.slug]) if role else reverse("desks")
    return HttpResponse(status=204, headers={"HX-Redirect": address}) if is_htmx(request) else redirect(address)


def _people(request: AuthorRequest, event: Event, *, status: int = 200, **more: Any) -> HttpResponse:
    context = {
        "event": event,
        "members": _members(event),
        "invitations": event.invitations.select_related("event", "made_by").order_by("-pk"),
        "roles": Role.choices,
        "appoint": AppointForm(event=event),
        "invite": InvitationForm(event=event),
    } | more
    template = "liveblog/desk/people.html" + ("#people" if is_htmx(request) else "")
    return render(request, template, context, status=status)


def _members(event: Event) -> Any:
    """Return the memberships of people with accounts, owners first."""
    found = event.memberships.filter(user__invitation=None).select_related("user")
    return sorted(found, key=lambda member: (list(Role).index(Role(member.role)), member.user.get_username()))
