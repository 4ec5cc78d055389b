"""Updates at the desk: withdraw, restore, pin, mark."""

from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from liveblog.desk.doors import AuthorRequest, desk_of, not_yours
from liveblog.desk.page import done, refuse
from liveblog.forms import SwitchForm
from liveblog.models import Event, Role


@never_cache
@require_POST
@desk_of(Role.CONTRIBUTOR)
def withdraw(request: AuthorRequest, event: Event, number: int) -> HttpResponse:
    """Take an update from its readers."""
    update = get_object_or_404(event.updates, number=number)
    if not update.may_be_changed_by(request.user, request.role):
        return not_yours(request, Role.EDITOR)
    try:
        update.withdraw(by=request.user)
    except ValidationError as error:
        return refuse(request, event, " ".join(error.messages))
    return done(request, update, "Withdrawn. Readers no longer see it.", just_withdrawn=True)


@never_cache
@require_POST
@desk_of(Role.CONTRIBUTOR)
def restore(request: AuthorRequest, event: Event, number: int) -> HttpResponse:
    """Give an update back to its readers."""
    update = get_object_or_404(event.updates, number=number)
    if not update.may_be_changed_by(request.user, request.role):
        return not_yours(request, Role.EDITOR)
    try:
        update.restore()
    except ValidationError as error:
        return refuse(request, event, " ".join(error.messages))
    return done(request, update, "Restored.")


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
    return done(request, update, "Pinned." if update.is_pinned else "No longer pinned.", also=before)


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
    return done(request, update, "Now a key moment." if update.is_key else "No longer a key moment.")
