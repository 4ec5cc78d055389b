"""Erasing an update for good: its owner is told what goes and what is out of reach, and types its number."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache

from liveblog.desk.doors import AuthorRequest, desk_of, read_or_write
from liveblog.desk.page import address_of, go
from liveblog.forms import PurgeForm
from liveblog.models import Event, Role


@never_cache
@read_or_write
@desk_of(Role.OWNER)
def purge(request: AuthorRequest, event: Event, number: int) -> HttpResponse:
    """Ask first, then erase text and photos wherever this service keeps them."""
    update = get_object_or_404(event.updates, number=number)
    form = PurgeForm(update, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        update.purge()
        messages.success(request, f"Update {number} was erased.")
        return go(request, address_of(request, update))
    context = {
        "event": event,
        "update": update,
        "form": form,
        "photos": update.photo_rows.count(),
        "desk": address_of(request, update),
    }
    return render(request, "liveblog/desk/purge.html", context, status=422 if form.errors else 200)
