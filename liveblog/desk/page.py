"""The page on which an event is written, and the answers that lead back to it."""

import zoneinfo
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Self
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from liveblog import rendering
from liveblog.addresses import READERS, AtDesk, InPreview, socket_address
from liveblog.desk.access import AuthorRequest, DeskRequest, desk_of, take_kept_fields
from liveblog.desk.forms import ComposerForm, reasons_of, status_of
from liveblog.desk.queue import Queue, sent_before
from liveblog.errors import bad_address, plain_text, written_text
from liveblog.event_page import event_context
from liveblog.models import Event, Place, Role, Update, byline_of
from liveblog.public import allow_players, with_players
from liveblog.rendering import Drawn
from liveblog.stream import PAGE_UPDATES, Selection, read_page

BACK_AT = {
    "en": "We will be back at {}",
    "de": "Um {} geht es hier weiter",
    "es": "Volvemos a las {}",
    "fr": "Nous serons de retour à {}",
    "it": "Torniamo alle {}",
    "nl": "We zijn om {} terug",
    "pt": "Voltamos às {}",
}
"""Suggested notes for a pause, in the language of the updates, else in English."""


class Item(NamedTuple):
    """An update at the desk: the readers' card, and what the controls around it need."""

    update: Update
    card: Drawn
    may_read: bool
    may_change: bool
    may_feature: bool
    may_erase: bool
    edit_waits: bool

    @classmethod
    def of(cls, update: Update, request: AuthorRequest) -> Self:
        """Render the card for the author who asks; its photos come from the desk while readers can't have them."""
        return cls(
            update,
            rendering.card(update, READERS if update.event.is_public else AtDesk()),
            may_read=update.may_be_read_by(request.user),
            may_change=update.may_be_changed_by(request.user, request.role),
            may_feature=request.role.may(Role.EDITOR),
            may_erase=request.role.may(Role.OWNER),
            edit_waits=update.waits_when_edited_by(request.user, request.role),
        )

    @property
    def by(self) -> str:
        """Who wrote what the update says now."""
        return byline_of(self.update.version_by or self.update.author)

    @property
    def by_user(self) -> int:
        """The primary key of that person."""
        return self.update.version_by_id or self.update.author_id


class Items(NamedTuple):
    """A page of an event's updates, newest first, including withdrawn ones."""

    items: list[Item]
    older: Place | None
    before: Place | None

    @property
    def newest(self) -> Place | None:
        """The newest place that belongs to the page; ``None`` on the newest page, which is open at that end."""
        return self.before and self.before.before

    @classmethod
    def load(cls, request: AuthorRequest, event: Event, before: Place | None) -> Self:
        """Read the updates older than ``before``, later than ``event``'s row was read."""
        updates = event.updates.older_than(before) if before else event.updates.all()
        found = list(updates.select_related("author", "version_by").newest_first()[: PAGE_UPDATES + 1])
        older = found[PAGE_UPDATES - 1].place if len(found) > PAGE_UPDATES else None
        return cls([Item.of(update, request) for update in found[:PAGE_UPDATES]], older, before)


@never_cache
@require_safe
@desk_of(Role.CONTRIBUTOR)
def desk(request: AuthorRequest, event: Event) -> HttpResponse:
    """Show the page on which an event is written."""
    try:
        requested_place(request)
    except ValueError as error:
        return bad_address(request, str(error))
    return show_desk(request, event)


@never_cache
@require_safe
@desk_of(Role.CONTRIBUTOR)
@with_players
def preview(request: AuthorRequest, event: Event) -> HttpResponse:
    """Show an event, a draft too, as its readers will see it; the page doesn't follow changes."""
    try:
        page = read_page(event, Selection.from_query(request.GET.dict(), event))
    except (ValueError, Update.DoesNotExist) as error:
        return bad_address(request, str(error))
    context = event_context(page, InPreview()) | {"is_preview": True}
    return render(request, "liveblog/desk/preview.html", context)


def show_desk(request: AuthorRequest, event: Event, *, status: int = 200, **more: Any) -> HttpResponse:
    """Show the whole page with the updates that were asked for."""
    page = Items.load(request, event, open_place(request))
    before = sent_before(request, event)
    initial = take_kept_fields(request) or (before.fields_again if before else {})
    context = {
        "event": event,
        "role": request.role,
        "form": ComposerForm(event=event, role=request.role, initial=initial),
        "page": page,
        "query": query_of(request),
        "live_url": socket_address(event),
        "queue": Queue.load(event, request.role, request.user),
    }
    context |= status_context(event, request.role) | more
    return allow_players(render(request, "liveblog/desk/desk.html", context, status=status))


def show_updates(
    request: AuthorRequest,
    form: forms.BaseForm,
    update: Update,
    message: str,
    *,
    also: Update | None = None,
    just_withdrawn: bool = False,
) -> HttpResponse:
    """Show an update as it is now, to htmx that alone, else on the whole page; or why ``form`` was refused."""
    if form.errors:
        return refuse(request, update.event, reasons_of(form), status=status_of(form))
    if request.htmx:
        context = {
            "event": update.event,
            "items": [Item.of(one, request) for one in (update, also) if one],
            "said": message,
            "just_withdrawn": just_withdrawn,
        }
        return render(request, "liveblog/desk/desk.html#changed", context)
    messages.success(request, message)
    return redirect(address_of(request, update))


def refuse(request: AuthorRequest, event: Event, reason: str, *, status: int = 409) -> HttpResponse:
    """Show why something was not done; htmx gets plain text, which the page shows as it is."""
    if request.htmx:
        return plain_text(reason, status)
    return show_desk(request, event, status=status, refusal=reason, written=written_text(request))


def redirect_whole_page(request: DeskRequest, address: str) -> HttpResponse:
    """Lead to another page, also where htmx would put the answer into a part of this one."""
    return HttpResponse(status=204, headers={"HX-Redirect": address}) if request.htmx else redirect(address)


def address_of(request: HttpRequest, update: Update) -> str:
    """Return the address of an update on the page of the desk that is open."""
    return f"{reverse('desk', args=[update.event.slug])}{query_of(request)}#item-{update.number}"


def query_of(request: HttpRequest) -> str:
    """Return the query string of the page of the desk that is open."""
    place = open_place(request)
    return "?" + urlencode({"before": str(place)}) if place else ""


def requested_place(request: HttpRequest) -> Place | None:
    """Return the place before which updates are asked for; raises ``ValueError``."""
    return Place.parse(request.GET["before"]) if "before" in request.GET else None


def open_place(request: HttpRequest) -> Place | None:
    """Return the same, or ``None`` for a malformed one, which leads to the newest page."""
    try:
        return requested_place(request)
    except ValueError:
        return None


def status_context(event: Event, role: Role) -> dict[str, Any]:
    """Return what the control of the status needs beside the event."""
    context: dict[str, Any] = {"role": role}
    if event.status == Event.Status.LIVE and role.may(Role.EDITOR):
        context["pause_notes"] = suggest_pause_notes(event)
        context["left"] = event.waiting.open().aggregate(
            unapproved=Count("pk", filter=Q(needs_approval=True)),
            scheduled=Count("pk", filter=Q(needs_approval=False, due_at__isnull=False)),
        )
    return context


def suggest_pause_notes(event: Event) -> list[str]:
    """Return notes that say the coverage goes on in about 15, 30 and 60 minutes."""
    words = BACK_AT.get(event.language.partition("-")[0].lower(), BACK_AT["en"])
    return [words.format(f"{moment:%H:%M}") for moment in _round_times(timezone.now(), event.zone)]


def _round_times(now: datetime, zone: zoneinfo.ZoneInfo) -> list[datetime]:
    """Return the next quarter of an hour that is at least ten minutes away, and those 15 and 45 minutes later."""
    soonest = now + timedelta(minutes=10)
    quarter = soonest + timedelta(minutes=-soonest.minute % 15, seconds=-soonest.second)
    if quarter < soonest:
        quarter += timedelta(minutes=15)
    return [(quarter + timedelta(minutes=minutes)).astimezone(zone) for minutes in (0, 15, 45)]
