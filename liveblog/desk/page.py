"""The page an event is written on, and the answers that lead back to it."""

from typing import Any, NamedTuple, Self
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe

from liveblog import rendering
from liveblog.desk.doors import AuthorRequest, is_htmx
from liveblog.desk.login import take_kept
from liveblog.desk.queue import queue_context, text_again
from liveblog.desk.status import status_context
from liveblog.forms import ComposerForm
from liveblog.models import Event, Place, Update
from liveblog.stream import PAGE_UPDATES


class Item(NamedTuple):
    """An update at the desk: the readers' card, and what the controls around it need."""

    update: Update
    card: SafeString

    @classmethod
    def of(cls, update: Update) -> Self:
        """Render the card as readers have it; its photos come from the desk while readers can't have them."""
        card = rendering.card(update)
        if not update.event.is_public:
            own, here = (f"{reverse(name, args=[update.event.slug])}photos/" for name in ("event", "desk"))
            card = mark_safe(card.replace(own, here))  # noqa: S308  (an address of ours for another)
        return cls(update, card)


class Items(NamedTuple):
    """A page of an event's updates, newest first, withdrawn ones too."""

    items: list[Item]
    older: Place | None
    before: Place | None

    @classmethod
    def read(cls, event: Event, before: Place | None) -> Self:
        """Read them, after ``event``'s row was read."""
        updates = event.updates.older_than(before) if before else event.updates.all()
        found = list(updates.newest_first()[: PAGE_UPDATES + 1])
        older = found[PAGE_UPDATES - 1].place if len(found) > PAGE_UPDATES else None
        return cls([Item.of(update) for update in found[:PAGE_UPDATES]], older, before)


def show_desk(request: AuthorRequest, event: Event, *, status: int = 200, **more: Any) -> HttpResponse:
    """Show the whole page, with the updates that were asked for."""
    page = Items.read(event, place_asked(request))
    context = {
        "event": event,
        "role": request.role,
        "form": ComposerForm(initial=take_kept(request) or text_again(request, event)),
        "page": page,
        "query": query_of(request),
    }
    context |= queue_context(event, request.role, request.user) | status_context(event, request.role) | more
    return render(request, "liveblog/desk/desk.html", context, status=status)


def refuse(request: AuthorRequest, event: Event, reason: str, *, status: int = 409) -> HttpResponse:
    """Say why a step was not taken; under htmx as plain text, which the page shows as it is."""
    if is_htmx(request):
        return HttpResponse(reason, status=status, content_type="text/plain; charset=utf-8")
    return show_desk(request, event, status=status, refusal=reason)


def go(request: HttpRequest, address: str) -> HttpResponse:
    """Lead to another page, under htmx too."""
    return HttpResponse(status=204, headers={"HX-Redirect": address}) if is_htmx(request) else redirect(address)


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
