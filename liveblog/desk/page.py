"""The page an event is written on, and the answers that lead back to it."""

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
from liveblog.addresses import READERS, AtDesk, InPreview
from liveblog.desk.access import AuthorRequest, DeskRequest, desk_of, plain_text, take_kept_fields
from liveblog.desk.forms import ComposerForm, reasons_of, status_of
from liveblog.desk.queue import queue_context, text_again
from liveblog.errors import bad_address
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
"""What is offered to be said in a pause, in the language of the updates, else in English."""


class Item(NamedTuple):
    """An update at the desk: the readers' card, and what the controls around it need."""

    update: Update
    card: Drawn
    may_change: bool
    may_feature: bool
    may_erase: bool

    @classmethod
    def of(cls, update: Update, request: AuthorRequest) -> Self:
        """Render the card as readers have it, for controls as ``request``'s author may use them.

        Its photos come from the desk while readers can't have them.
        """
        return cls(
            update,
            rendering.card(update, READERS if update.event.is_public else AtDesk()),
            may_change=update.may_be_changed_by(request.user, request.role),
            may_feature=request.role.may(Role.EDITOR),
            may_erase=request.role.may(Role.OWNER),
        )

    @property
    def by(self) -> str:
        """Who wrote what it says now; both were read with it."""
        return byline_of(self.update.version_by or self.update.author)

    @property
    def by_user(self) -> int:
        """The same person's primary key."""
        return self.update.version_by_id or self.update.author_id


class Items(NamedTuple):
    """A page of an event's updates, newest first, withdrawn ones too."""

    items: list[Item]
    older: Place | None
    before: Place | None

    @property
    def newest(self) -> Place | None:
        """The end of the page towards the newer ones; open on the newest page."""
        return self.before and self.before.before

    @classmethod
    def read(cls, request: AuthorRequest, event: Event, before: Place | None) -> Self:
        """Read them, after ``event``'s row was read."""
        updates = event.updates.older_than(before) if before else event.updates.all()
        found = list(updates.select_related("author", "version_by").newest_first()[: PAGE_UPDATES + 1])
        older = found[PAGE_UPDATES - 1].place if len(found) > PAGE_UPDATES else None
        return cls([Item.of(update, request) for update in found[:PAGE_UPDATES]], older, before)


@never_cache
@require_safe
@desk_of(Role.CONTRIBUTOR)
def desk(request: AuthorRequest, event: Event) -> HttpResponse:
    """Show where an event is written."""
    try:
        read_place(request)
    except ValueError as error:
        return bad_address(request, str(error))
    return show_desk(request, event)


@never_cache
@require_safe
@desk_of(Role.CONTRIBUTOR)
@with_players
def preview(request: AuthorRequest, event: Event) -> HttpResponse:
    """Show an event, a draft too, as its readers will see it, without what keeps an open page up to date."""
    try:
        page = read_page(event, Selection.from_query(request.GET.dict(), event))
    except (ValueError, Update.DoesNotExist) as error:
        return bad_address(request, str(error))
    context = event_context(page, InPreview()) | {"is_preview": True}
    return render(request, "liveblog/desk/preview.html", context)


def show_desk(request: AuthorRequest, event: Event, *, status: int = 200, **more: Any) -> HttpResponse:
    """Show the whole page, with the updates that were asked for."""
    page = Items.read(request, event, place_asked(request))
    context = {
        "event": event,
        "role": request.role,
        "form": ComposerForm(event=event, initial=take_kept_fields(request) or text_again(request, event)),
        "page": page,
        "query": query_of(request),
    }
    context |= queue_context(event, request.role, request.user) | status_context(event, request.role) | more
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
    """Show an update as it is now, in its place under htmx, else on the desk; or why ``form`` was refused."""
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
    """Say why a step was not taken; under htmx as plain text, which the page shows as it is."""
    if request.htmx:
        return plain_text(reason, status)
    return show_desk(request, event, status=status, refusal=reason)


def redirect_whole_page(request: DeskRequest, address: str) -> HttpResponse:
    """Lead to another page, under htmx too."""
    return HttpResponse(status=204, headers={"HX-Redirect": address}) if request.htmx else redirect(address)


def address_of(request: HttpRequest, update: Update) -> str:
    """Return where on the desk the update was when its control was used."""
    return f"{reverse('desk', args=[update.event.slug])}{query_of(request)}#item-{update.number}"


def query_of(request: HttpRequest) -> str:
    """Return the query string of the page of items that is open."""
    place = place_asked(request)
    return "?" + urlencode({"before": str(place)}) if place else ""


def read_place(request: HttpRequest) -> Place | None:
    """Return the place before which updates are asked for; raises ``ValueError``."""
    return Place.read(request.GET["before"]) if "before" in request.GET else None


def place_asked(request: HttpRequest) -> Place | None:
    """Return the same; for an address made by hand that names none, the newest page is as good."""
    try:
        return read_place(request)
    except ValueError:
        return None


def status_context(event: Event, role: Role) -> dict[str, Any]:
    """Return what the status control needs beside the event."""
    context: dict[str, Any] = {"role": role}
    if event.status == Event.Status.LIVE and role.may(Role.EDITOR):
        context["pause_notes"] = suggest_pause_notes(event)
        context["left"] = event.waiting.open().aggregate(
            unapproved=Count("pk", filter=Q(needs_approval=True)),
            scheduled=Count("pk", filter=Q(needs_approval=False, due_at__isnull=False)),
        )
    return context


def suggest_pause_notes(event: Event) -> list[str]:
    """Return what an author in a hurry may want readers to be told: back in about 15, 30 and 60 minutes."""
    words = BACK_AT.get(event.language.partition("-")[0].lower(), BACK_AT["en"])
    return [words.format(f"{moment:%H:%M}") for moment in _round_times(timezone.now(), event.zone)]


def _round_times(now: datetime, zone: zoneinfo.ZoneInfo) -> list[datetime]:
    """Return the next quarter of an hour that is at least ten minutes away, and those 15 and 45 minutes later."""
    soonest = now + timedelta(minutes=10)
    quarter = soonest + timedelta(minutes=-soonest.minute % 15, seconds=-soonest.second)
    if quarter < soonest:
        quarter += timedelta(minutes=15)
    return [(quarter + timedelta(minutes=minutes)).astimezone(zone) for minutes in (0, 15, 45)]
