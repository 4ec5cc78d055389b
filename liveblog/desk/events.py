"""Events at the desk: the list, one event and its settings, its preview."""

import zoneinfo

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from liveblog.addresses import InPreview
from liveblog.desk.doors import AuthorRequest, desk_of, is_htmx, read_or_write, signed_in, with_account
from liveblog.desk.page import go, read_place, show_desk
from liveblog.errors import bad_address
from liveblog.event_page import event_context
from liveblog.forms import CoverForm, EventForm
from liveblog.forms.fields import status_of
from liveblog.forms.languages import LANGUAGES
from liveblog.models import Event, Role, Update
from liveblog.public import with_players
from liveblog.stream import Asked, read_page


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
@with_account
def new(request: AuthorRequest) -> HttpResponse:
    """Make an event, a draft."""
    form = EventForm(request.POST if request.method == "POST" else None, editor=request.user)
    if request.method == "POST" and (event := form.store()):
        messages.success(request, "This is a draft: only its authors can see it until it is announced or goes live.")
        return go(request, reverse("desk", args=[event.slug]))
    return _settings(request, form)


@never_cache
@read_or_write
@desk_of(Role.OWNER)
def settings(request: AuthorRequest, event: Event) -> HttpResponse:
    """Change an event's settings, and its cover picture."""
    sent = (request.POST, request.FILES) if request.method == "POST" else (None, None)
    form = EventForm(sent[0], editor=request.user, event=event)
    cover = CoverForm(*sent, event=event, editor=request.user)
    if request.method == "POST":
        # What is slow comes before anything is saved: a refused picture leaves the whole form as it was sent.
        if all([form.is_valid(), cover.is_valid()]) and cover.receive() and form.store():
            cover.apply()
            messages.success(request, "Saved.")
            return go(request, reverse("desk", args=[event.slug]))
        if "cover" in request.FILES and not cover.errors and not is_htmx(request):
            cover.add_error("cover", "Choose the picture again: your browser has not kept it.")
    return _settings(request, form, event, cover)


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
        page = read_page(event, Asked.read(request.GET.dict(), event))
    except (ValueError, Update.DoesNotExist) as error:
        return bad_address(request, str(error))
    context = event_context(page, InPreview()) | {"is_preview": True}
    return render(request, "liveblog/desk/preview.html", context)


def _settings(
    request: AuthorRequest, form: EventForm, event: Event | None = None, cover: CoverForm | None = None
) -> HttpResponse:
    template = "liveblog/desk/settings.html" + ("#settings" if is_htmx(request) else "")
    context = {
        "form": form,
        "cover": cover,
        "event": event,
        "time_zones": sorted(zoneinfo.available_timezones()),
        "languages": LANGUAGES,
    }
    statuses = [status_of(one) for one in (form, cover) if one is not None and one.errors]
    return render(request, template, context, status=max(statuses, default=200))
