"""Events at the desk: the list, one event and its settings, its preview, where its coverage stands."""

import zoneinfo

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from liveblog.desk.doors import AuthorRequest, desk_of, is_htmx, read_or_write, signed_in
from liveblog.desk.page import read_place, refuse, show_desk
from liveblog.forms import EventForm, StatusForm
from liveblog.models import Event, Role, Update, WrongStatus
from liveblog.stream import Asked, read_page
from liveblog.views import event_context, refused

STATUS_WORDS: dict[str, str] = {
    Event.Status.DRAFT: "This is a draft again: readers can no longer open it.",
    Event.Status.UPCOMING: "Announced: readers can open it now.",
    Event.Status.LIVE: "You are live.",
    Event.Status.ENDED: "The coverage has ended. You can still post, correct and reopen.",
}


@never_cache
@require_safe
@signed_in
def index(request: AuthorRequest) -> HttpResponse:
    """List the events that this person may work on."""
    found = list(Event.objects.written_by(request.user))
    order = (Event.Status.LIVE, Event.Status.UPCOMING, Event.Status.DRAFT, Event.Status.ENDED)
    groups = [(status, [event for event in found if event.status == status]) for status in order]
    return render(request, "liveblog/desk/events.html", {"groups": [group for group in groups if group[1]]})


@never_cache
@read_or_write
@signed_in
def new(request: AuthorRequest) -> HttpResponse:
    """Make an event, a draft."""
    form = EventForm(request.POST if request.method == "POST" else None, editor=request.user)
    if request.method == "POST" and (event := form.store()):
        messages.success(request, "This is a draft: only its authors can see it until it is announced or goes live.")
        return _go(request, reverse("desk", args=[event.slug]))
    return _settings(request, form)


@never_cache
@read_or_write
@desk_of(Role.OWNER)
def settings(request: AuthorRequest, event: Event) -> HttpResponse:
    """Change an event's settings."""
    form = EventForm(request.POST if request.method == "POST" else None, editor=request.user, event=event)
    if request.method == "POST" and form.store():
        messages.success(request, "Saved.")
        return _go(request, reverse("desk", args=[event.slug]))
    return _settings(request, form, event)


@never_cache
@require_safe
@desk_of(Role.CONTRIBUTOR)
def desk(request: AuthorRequest, event: Event) -> HttpResponse:
    """Show where an event is written."""
    try:
        read_place(request)
    except ValueError as error:
        return refused(request, str(error))
    return show_desk(request, event)


@never_cache
@require_safe
@desk_of(Role.CONTRIBUTOR)
def preview(request: AuthorRequest, event: Event) -> HttpResponse:
    """Show an event, a draft too, as its readers will see it, without what keeps an open page up to date."""
    try:
        page = read_page(event, Asked.read(request.GET.dict(), event))
    except (ValueError, Update.DoesNotExist) as error:
        return refused(request, str(error))
    context = event_context(event) | {"page": page, "is_preview": True}
    response = render(request, "liveblog/desk/preview.html", context)
    # The parts are the readers' own, to the byte; their links within the page lead to a 404 while it is a draft.
    own, here = event.get_absolute_url(), reverse("desk-preview", args=[event.slug])
    response.content = response.content.replace(f'href="{own}?'.encode(), f'href="{here}?'.encode())
    return response


@never_cache
@require_POST
@desk_of(Role.EDITOR)
def change_status(request: AuthorRequest, event: Event) -> HttpResponse:
    """Announce, go live, end, reopen, or take out of public view."""
    form = StatusForm(request.POST)
    if not form.is_valid():
        return refuse(request, event, "The status is draft, upcoming, live or ended.", status=422)
    try:
        form.apply(event)
    except WrongStatus as error:
        return refuse(request, event, str(error))
    if is_htmx(request):
        return render(request, "liveblog/desk/status.html#status", {"event": event, "said": STATUS_WORDS[event.status]})
    messages.success(request, STATUS_WORDS[event.status])
    return redirect("desk", event.slug)


def _settings(request: HttpRequest, form: EventForm, event: Event | None = None) -> HttpResponse:
    template = "liveblog/desk/settings.html" + ("#settings" if is_htmx(request) else "")
    context = {"form": form, "event": event, "time_zones": sorted(zoneinfo.available_timezones())}
    return render(request, template, context, status=422 if form.errors else 200)


def _go(request: HttpRequest, address: str) -> HttpResponse:
    """Lead to another page, under htmx too."""
    return HttpResponse(status=204, headers={"HX-Redirect": address}) if is_htmx(request) else redirect(address)
