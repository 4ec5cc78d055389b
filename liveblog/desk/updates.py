"""Updates at the desk: edit, withdraw, restore, pin, mark."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from liveblog.desk.doors import AuthorRequest, desk_of, is_htmx, read_or_write
from liveblog.desk.page import Item, address_of, query_of, refuse
from liveblog.forms import SwitchForm, UpdateForm
from liveblog.models import Event, Role, Update


@never_cache
@read_or_write
@desk_of(Role.CONTRIBUTOR)
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
    template = "liveblog/desk/update.html" + ("#editing" if is_htmx(request) else "")
    context = {
        "event": event,
        "update": update,
        "form": form,
        "query": query_of(request),
        "desk": address_of(request, update),
    }
    return render(request, template, context, status=422 if form.errors else 200)


@never_cache
@require_POST
@desk_of(Role.CONTRIBUTOR)
def withdraw(request: AuthorRequest, event: Event, number: int) -> HttpResponse:
    """Take an update from its readers."""
    update = get_object_or_404(event.updates, number=number)
    update.withdraw()
    return _done(request, update, "Withdrawn. Readers no longer see it.")


@never_cache
@require_POST
@desk_of(Role.CONTRIBUTOR)
def restore(request: AuthorRequest, event: Event, number: int) -> HttpResponse:
    """Give an update back to its readers."""
    update = get_object_or_404(event.updates, number=number)
    update.restore()
    return _done(request, update, "Restored.")


@never_cache
@require_POST
@desk_of(Role.EDITOR)
def pin(request: AuthorRequest, event: Event, number: int) -> HttpResponse:
    """Put an update on top of the page, or take it down."""
    update = get_object_or_404(event.updates, number=number)
    before = event.updates.filter(number=event.pinned_number or 0).exclude(number=number).first()
    form = SwitchForm(request.POST)
    if not form.is_valid():
        return refuse(request, event, "Say whether to pin it: on is 1 or 0.", status=422)
    try:
        if form.cleaned_data["on"]:
            event.pin(update=update)
        elif update.is_pinned:
            event.unpin()
    except ValidationError as error:
        return refuse(request, event, " ".join(error.messages))
    return _done(request, update, "Pinned." if update.is_pinned else "No longer pinned.", also=before)


@never_cache
@require_POST
@desk_of(Role.EDITOR)
def mark_key(request: AuthorRequest, event: Event, number: int) -> HttpResponse:
    """Count an update among the key moments, or no longer."""
    update = get_object_or_404(event.updates, number=number)
    form = SwitchForm(request.POST)
    if not form.is_valid():
        return refuse(request, event, "Say whether it is a key moment: on is 1 or 0.", status=422)
    try:
        update.mark_key(is_key=form.cleaned_data["on"])
    except ValidationError as error:
        return refuse(request, event, " ".join(error.messages))
    return _done(request, update, "Now a key moment." if update.is_key else "No longer a key moment.")


def _done(request: HttpRequest, update: Update, said: str, *, also: Update | None = None) -> HttpResponse:
    """Show the update as it is now: in its place under htmx, else on the desk."""
    if is_htmx(request):
        context = {
            "event": update.event,
            "item": Item.of(update),
            "also": also and Item.of(also),
            "said": said,
            "query": query_of(request),
        }
        return render(request, "liveblog/desk/desk.html#changed", context)
    messages.success(request, said)
    return redirect(address_of(request, update))
