"""Pages an author uses: each reads what came, makes one domain call and answers with what is now.

Every form works as plain HTML, answered by a redirect. Under htmx the same address answers with
the part that changed: a redirect's GET would fall into the fan-out of the very update it shows.
"""

import zoneinfo
from collections.abc import Callable
from functools import wraps
from typing import Any, NamedTuple, Self
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.safestring import SafeString
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from liveblog import rendering
from liveblog.forms import ComposerForm, EventForm, StatusForm, SwitchForm, UpdateForm
from liveblog.models import Event, KeyReused, Place, Update, WrongStatus
from liveblog.stream import PAGE_UPDATES, Asked, read_page
from liveblog.views import event_context, refused

type View = Callable[..., HttpResponse]

read_or_write = require_http_methods(["GET", "HEAD", "POST"])


class AuthorRequest(HttpRequest):
    """A request of somebody who is signed in."""

    user: User


def signed_in(view: View) -> View:
    """Ask who is there first. A form sent by htmx stays where it is, with its text, and is told."""

    @wraps(view)
    def asked(request: HttpRequest, **address: Any) -> HttpResponse:
        if request.user.is_authenticated:
            return view(request, **address)
        if is_htmx(request):
            return HttpResponse("You are signed out.\n", status=401, content_type="text/plain")
        if request.method == "POST":  # most of these addresses can't be opened afterwards
            return redirect_to_login(reverse("desk", args=[address["slug"]]) if "slug" in address else reverse("desks"))
        return redirect_to_login(request.get_full_path())

    return asked


def author_of_event(view: View) -> View:
    """Hand the view its event, for the event's authors and staff; to others it does not exist."""

    @signed_in
    @wraps(view)
    def found(request: AuthorRequest, slug: str, **address: Any) -> HttpResponse:
        event = get_object_or_404(Event.objects.written_by(request.user), slug=slug)
        return view(request, event, **address)

    return found


@never_cache
@require_safe
@signed_in
def events(request: AuthorRequest) -> HttpResponse:
    """List the events that this person may work on."""
    found = list(Event.objects.written_by(request.user))
    order = (Event.Status.LIVE, Event.Status.UPCOMING, Event.Status.DRAFT, Event.Status.ENDED)
    groups = [(status, [event for event in found if event.status == status]) for status in order]
    return render(request, "liveblog/desk_events.html", {"groups": [group for group in groups if group[1]]})


@never_cache
@read_or_write
@signed_in
def new(request: AuthorRequest) -> HttpResponse:
    """Make an event, a draft."""
    form = EventForm(request.POST or None, editor=request.user)
    if request.method == "POST" and (event := form.store()):
        messages.success(request, "This is a draft: only its authors can see it until it is announced or goes live.")
        return _go(request, reverse("desk", args=[event.slug]))
    return _settings(request, form)


@never_cache
@read_or_write
@author_of_event
def settings(request: AuthorRequest, event: Event) -> HttpResponse:
    """Change an event's settings."""
    form = EventForm(request.POST if request.method == "POST" else None, editor=request.user, event=event)
    if request.method == "POST" and form.store():
        messages.success(request, "Saved.")
        return _go(request, reverse("desk", args=[event.slug]))
    return _settings(request, form, event)


@never_cache
@require_safe
@author_of_event
def desk(request: AuthorRequest, event: Event) -> HttpResponse:
    """Show where an event is written."""
    try:
        Items.asked(request)
    except ValueError as error:
        return refused(request, str(error))
    return _desk(request, event)


@never_cache
@require_safe
@author_of_event
def preview(request: AuthorRequest, event: Event) -> HttpResponse:
    """Show an event, a draft too, as its readers will see it, without what keeps an open page up to date."""
    try:
        page = read_page(event, Asked.read(request.GET.dict(), event))
    except (ValueError, Update.DoesNotExist) as error:
        return refused(request, str(error))
    context = event_context(event) | {"page": page, "is_preview": True}
    response = render(request, "liveblog/desk_preview.html", context)
    # The parts are the readers' own, to the byte; their links within the page lead to a 404 while it is a draft.
    own, here = event.get_absolute_url(), reverse("desk-preview", args=[event.slug])
    response.content = response.content.replace(f'href="{own}?'.encode(), f'href="{here}?'.encode())
    return response


@never_cache
@require_POST
@author_of_event
def publish(request: AuthorRequest, event: Event) -> HttpResponse:
    """Publish an update; the same one again is the one there is."""
    form = ComposerForm(request.POST)
    try:
        update = form.publish(event, author=request.user)
    except KeyReused as error:
        form.renew_key()
        return _composer(request, event, form, status=409, clash=error.update)
    if update is None:
        return _composer(request, event, form, status=422)
    if is_htmx(request):
        context = {"event": event, "form": ComposerForm(), "item": Item.of(update)}
        return render(request, "liveblog/desk.html#posted", context)
    messages.success(request, "Posted.")
    return redirect("desk", event.slug)


@never_cache
@read_or_write
@author_of_event
def edit(request: AuthorRequest, event: Event, number: int) -> HttpResponse:
    """Change an update's text."""
    update = get_object_or_404(event.updates, number=number)
    form = UpdateForm(
        request.POST if request.method == "POST" else None,
        initial={"headline": update.headline, "body": update.body},
        auto_id=f"edit-{number}-%s",
    )
    if request.method == "POST" and form.edit(update):
        return _done(request, update, "Saved.")
    template = "liveblog/desk_update.html" + ("#editing" if is_htmx(request) else "")
    context = {
        "event": event,
        "update": update,
        "form": form,
        "query": _query(request),
        "desk": _address(request, update),
    }
    return render(request, template, context, status=422 if form.errors else 200)


@never_cache
@require_POST
@author_of_event
def withdraw(request: AuthorRequest, event: Event, number: int) -> HttpResponse:
    """Take an update from its readers."""
    update = get_object_or_404(event.updates, number=number)
    update.withdraw()
    return _done(request, update, "Withdrawn. Readers no longer see it.")


@never_cache
@require_POST
@author_of_event
def restore(request: AuthorRequest, event: Event, number: int) -> HttpResponse:
    """Give an update back to its readers."""
    update = get_object_or_404(event.updates, number=number)
    update.restore()
    return _done(request, update, "Restored.")


@never_cache
@require_POST
@author_of_event
def pin(request: AuthorRequest, event: Event, number: int) -> HttpResponse:
    """Put an update on top of the page, or take it down."""
    update = get_object_or_404(event.updates, number=number)
    before = event.updates.filter(number=event.pinned_number or 0).exclude(number=number).first()
    form = SwitchForm(request.POST)
    if not form.is_valid():
        return _refuse(request, event, "Say whether to pin it: on is 1 or 0.", status=422)
    try:
        if form.cleaned_data["on"]:
            event.pin(update=update)
        elif update.is_pinned:
            event.unpin()
    except ValidationError as error:
        return _refuse(request, event, " ".join(error.messages))
    return _done(request, update, "Pinned." if update.is_pinned else "No longer pinned.", also=before)


@never_cache
@require_POST
@author_of_event
def mark_key(request: AuthorRequest, event: Event, number: int) -> HttpResponse:
    """Count an update among the key moments, or no longer."""
    update = get_object_or_404(event.updates, number=number)
    form = SwitchForm(request.POST)
    if not form.is_valid():
        return _refuse(request, event, "Say whether it is a key moment: on is 1 or 0.", status=422)
    try:
        update.mark_key(is_key=form.cleaned_data["on"])
    except ValidationError as error:
        return _refuse(request, event, " ".join(error.messages))
    return _done(request, update, "Now a key moment." if update.is_key else "No longer a key moment.")


@never_cache
@require_POST
@author_of_event
def change_status(request: AuthorRequest, event: Event) -> HttpResponse:
    """Announce, go live, end, reopen, or take out of public view."""
    form = StatusForm(request.POST)
    if not form.is_valid():
        return _refuse(request, event, "The status is draft, upcoming, live or ended.", status=422)
    try:
        form.apply(event)
    except WrongStatus as error:
        return _refuse(request, event, str(error))
    if is_htmx(request):
        return render(request, "liveblog/desk.html#status", {"event": event, "said": STATUS_WORDS[event.status]})
    messages.success(request, STATUS_WORDS[event.status])
    return redirect("desk", event.slug)


STATUS_WORDS: dict[str, str] = {
    Event.Status.DRAFT: "This is a draft again: readers can no longer open it.",
    Event.Status.UPCOMING: "Announced: readers can open it now.",
    Event.Status.LIVE: "You are live.",
    Event.Status.ENDED: "The coverage has ended. You can still post, correct and reopen.",
}


def is_htmx(request: HttpRequest) -> bool:
    """Whether htmx sent it, and puts the answer into the page itself."""
    return request.headers.get("HX-Request") == "true"


class Item(NamedTuple):
    """An update at the desk: the readers' card, and what the controls around it need."""

    update: Update
    card: SafeString

    @classmethod
    def of(cls, update: Update) -> Self:
        """Render the card as readers have it."""
        return cls(update, rendering.card(update))


class Items(NamedTuple):
    """A page of an event's updates, newest first, withdrawn ones too."""

    items: list[Item]
    older: Place | None
    before: Place | None

    @staticmethod
    def asked(request: HttpRequest) -> Place | None:
        """Return the place before which they are asked for; raises ``ValueError``."""
        return Place.read(request.GET["before"]) if "before" in request.GET else None

    @classmethod
    def read(cls, event: Event, before: Place | None) -> Self:
        """Read them, after ``event``'s row was read."""
        updates = event.updates.older_than(before) if before else event.updates.all()
        found = list(updates.newest_first()[: PAGE_UPDATES + 1])
        older = found[PAGE_UPDATES - 1].place if len(found) > PAGE_UPDATES else None
        return cls([Item.of(update) for update in found[:PAGE_UPDATES]], older, before)


def _desk(request: HttpRequest, event: Event, *, status: int = 200, **more: Any) -> HttpResponse:
    page = Items.read(event, _page_of(request))
    context = {"event": event, "form": ComposerForm(), "page": page, "query": _query(request)} | more
    return render(request, "liveblog/desk.html", context, status=status)


def _composer(request: HttpRequest, event: Event, form: ComposerForm, *, status: int, **more: Any) -> HttpResponse:
    """Give a form back with everything that was written in it."""
    if is_htmx(request):
        return render(request, "liveblog/desk.html#composer", {"event": event, "form": form} | more, status=status)
    return _desk(request, event, status=status, form=form, **more)


def _settings(request: HttpRequest, form: EventForm, event: Event | None = None) -> HttpResponse:
    template = "liveblog/desk_event.html" + ("#settings" if is_htmx(request) else "")
    context = {"form": form, "event": event, "time_zones": sorted(zoneinfo.available_timezones())}
    return render(request, template, context, status=422 if form.errors else 200)


def _done(request: HttpRequest, update: Update, said: str, *, also: Update | None = None) -> HttpResponse:
    """Show the update as it is now: in its place under htmx, else on the desk."""
    if is_htmx(request):
        context = {
            "event": update.event,
            "item": Item.of(update),
            "also": also and Item.of(also),
            "said": said,
            "query": _query(request),
        }
        return render(request, "liveblog/desk.html#changed", context)
    messages.success(request, said)
    return redirect(_address(request, update))


def _refuse(request: HttpRequest, event: Event, reason: str, *, status: int = 409) -> HttpResponse:
    """Say why a step was not taken; under htmx as plain text, which the page shows as it is."""
    if is_htmx(request):
        return HttpResponse(reason, status=status, content_type="text/plain; charset=utf-8")
    return _desk(request, event, status=status, refusal=reason)


def _go(request: HttpRequest, address: str) -> HttpResponse:
    """Lead to another page, under htmx too."""
    return HttpResponse(status=204, headers={"HX-Redirect": address}) if is_htmx(request) else redirect(address)


def _address(request: HttpRequest, update: Update) -> str:
    """Return where on the desk the update was when its control was used."""
    return f"{reverse('desk', args=[update.event.slug])}{_query(request)}#item-{update.number}"


def _query(request: HttpRequest) -> str:
    """Return the query string of the page of items that is open."""
    place = _page_of(request)
    return "?" + urlencode({"before": str(place)}) if place else ""


def _page_of(request: HttpRequest) -> Place | None:
    try:
        return Items.asked(request)
    except ValueError:  # of an address made by hand; the newest page is as good
        return None
