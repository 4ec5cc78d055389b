"""Sending at the desk: an update, its photos, and a look at what its Markdown will be."""

import uuid
from typing import Any, BinaryIO, cast

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.safestring import mark_safe
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from liveblog import imaging, markup, players
from liveblog.caching import picture_response
from liveblog.desk.doors import AuthorRequest, desk_of, is_from_outbox, is_htmx
from liveblog.desk.page import Item, show_desk
from liveblog.desk.queue import queue_context
from liveblog.feed.audience import count_readers
from liveblog.forms import ComposerForm
from liveblog.forms.fields import status_of
from liveblog.models import (
    GUEST_POSTS_A_MINUTE,
    Attachment,
    Event,
    KeyReused,
    Photo,
    Role,
    TooMany,
    Update,
    Waiting,
    is_guest,
)

GUEST_PHOTOS_A_MINUTE = 30

_rendering: set[int] = set()
"""Whose Markdown this process is rendering for a preview: one at a time for each author."""


@never_cache
@require_POST
@desk_of(Role.CONTRIBUTOR)
def publish(request: AuthorRequest, event: Event) -> HttpResponse:
    """Publish an update, or put it into the queue; the same one again is the one there is."""
    form = ComposerForm(request.POST, event=event)
    try:
        stored = form.submit(
            event,
            author=request.user,
            files=_take_files(request, event, form),
            needs_approval=request.role == Role.CONTRIBUTOR and event.contributors_wait,
            posts_a_minute=GUEST_POSTS_A_MINUTE if is_guest(request.user) else None,
        )
    except KeyReused as error:
        form.renew_key()
        return _refuse(request, event, form, status=409, clash=error.update)
    except (TooMany, imaging.Refused, ValidationError) as error:
        return _refuse_photo_or_pace(request, event, form, error)
    if stored is None:
        return _refuse(request, event, form, status=status_of(form))
    return _accept(request, event, stored)


@never_cache
@require_POST
@desk_of(Role.CONTRIBUTOR)
def add_photo(request: AuthorRequest, event: Event) -> HttpResponse:
    """Take in one photo under its key; the same one again is the one there is."""
    file = request.FILES.get("photo")
    try:
        key = uuid.UUID(request.POST.get("key", ""))
    except ValueError:
        return _plain("The photo’s key was damaged on the way.", 422)
    if file is None:
        return _plain("No photo came with this.", 422)
    try:
        photo = _store(request, event, key, file)
    except (TooMany, imaging.Refused, ValidationError) as error:
        return _told(error)
    return JsonResponse({"key": str(photo.key), "name": photo.name, "width": photo.width, "height": photo.height})


@never_cache
@require_safe
@desk_of(Role.CONTRIBUTOR)
def photo(request: AuthorRequest, event: Event, name: str, width: int) -> HttpResponse:
    """Show authors a photo whether or not readers can see it."""
    found = get_object_or_404(Photo, event=event, name=name)
    if width not in found.file_widths:
        raise Http404
    return picture_response(request, found.path(width))


@never_cache
@require_POST
@desk_of(Role.CONTRIBUTOR)
def preview_markdown(request: AuthorRequest, event: Event) -> HttpResponse:
    """Show what Markdown will be, as the card has it."""
    if request.user.pk in _rendering:
        return _plain("One preview at a time.", 429, {"Retry-After": "1"})
    _rendering.add(request.user.pk)
    try:
        html = markup.render(markup.normalise(request.POST.get("body", "")))
        context = {
            "event": event,
            "html": mark_safe(players.with_fronts(html)),  # noqa: S308  (held to the allow-list)
            "headline": request.POST.get("headline", "").strip(),
        }
    except markup.Unavailable as error:
        return _plain(str(error), 503)
    except markup.TooSlow as error:
        context = {"event": event, "trouble": str(error)}
    finally:
        _rendering.discard(request.user.pk)
    return render(request, "liveblog/desk/posted.html#preview", context)


def _take_files(request: AuthorRequest, event: Event, form: ComposerForm) -> list[Attachment]:
    """Take in the files of a form sent without JavaScript; their keys follow from the update's."""
    files = request.FILES.getlist("photos") if form.is_valid() else []
    keys = [uuid.uuid5(form.cleaned_data["key"], str(place)) for place in range(len(files))]
    return [Attachment(_store(request, event, key, file).key) for key, file in zip(keys, files, strict=True)]


def _store(request: AuthorRequest, event: Event, key: uuid.UUID, file: UploadedFile) -> Photo:
    limit = GUEST_PHOTOS_A_MINUTE if is_guest(request.user) else None
    return event.add_photo(uploader=request.user, key=key, file=cast("BinaryIO", file), photos_a_minute=limit)


def _accept(request: AuthorRequest, event: Event, stored: Update | Waiting) -> HttpResponse:
    waits = isinstance(stored, Waiting)
    said = _words(stored)
    if is_from_outbox(request) or is_htmx(request):
        context = {"event": event, "said": said, "user": request.user, "role": request.role}
        if isinstance(stored, Update):
            context["item"] = Item.of(stored, request)
        else:
            context |= queue_context(event, request.role, request.user)
        response = render(request, "liveblog/desk/posted.html#news", context, status=202 if waits else 200)
        if isinstance(stored, Update):
            response["Liveblog-Number"] = str(stored.number)
            response["Liveblog-Readers"] = str(count_readers(event))
        else:
            response["Liveblog-Waiting"] = "approval" if stored.needs_approval else "schedule"
        return response
    messages.success(request, said)
    return redirect("desk", event.slug)


def _words(stored: Update | Waiting) -> str:
    if isinstance(stored, Update):
        return "Posted."
    if stored.rejected_at:
        return "An editor has decided not to publish this."
    return "Sent: it waits for an editor’s word." if stored.needs_approval else "Scheduled."


def _refuse(request: AuthorRequest, event: Event, form: ComposerForm, *, status: int, **more: Any) -> HttpResponse:
    """Give back everything that was written, with the reason."""
    if is_from_outbox(request):
        if status == 409:
            return render(request, "liveblog/desk/posted.html#clash", {"event": event} | more, status=409)
        return _plain(form.reasons, status)
    context = {"event": event, "form": form} | more
    if is_htmx(request):
        return render(request, "liveblog/desk/composer.html#composer", context, status=status)
    return show_desk(request, event, status=status, form=form, **more)


def _refuse_photo_or_pace(request: AuthorRequest, event: Event, form: ComposerForm, error: Exception) -> HttpResponse:
    answer = _told(error)
    if is_from_outbox(request):
        return answer
    form.is_valid()
    form.add_error(None, answer.content.decode().strip())
    return _refuse(request, event, form, status=answer.status_code)


def _told(error: Exception) -> HttpResponse:
    if isinstance(error, TooMany):
        return _plain(str(error), 429, {"Retry-After": str(error.seconds)})
    if isinstance(error, imaging.Refused):
        return _plain(str(error), error.status)
    assert isinstance(error, ValidationError)
    return _plain(" ".join(error.messages), 422)


def _plain(text: str, status: int, headers: dict[str, str] | None = None) -> HttpResponse:
    return HttpResponse(text + "\n", status=status, headers=headers, content_type="text/plain; charset=utf-8")
