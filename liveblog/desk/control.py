"""Control of an event at the desk: announce, go live, pause, end, reopen, delete."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from liveblog.desk.doors import AuthorRequest, desk_of, is_htmx, read_or_write
from liveblog.desk.page import go, refuse
from liveblog.desk.status import status_context
from liveblog.forms import DeletionForm, PauseForm, StatusForm
from liveblog.models import Event, Role, WrongStatus

STATUS_WORDS: dict[str, str] = {
    Event.Status.DRAFT: "This is a draft again: readers can no longer open it.",
    Event.Status.UPCOMING: "Announced: readers can open it now.",
    Event.Status.LIVE: "You are live.",
    Event.Status.ENDED: "The coverage has ended. You can still post, correct and reopen.",
}


@never_cache
@require_POST
@desk_of(Role.EDITOR)
def change_status(request: AuthorRequest, event: Event) -> HttpResponse:
    """Announce, go live, end, reopen, or take out of public view."""
    form = StatusForm(request.POST)
    if refusal := _take_step(request, event, form, malformed="The status is draft, upcoming, live or ended."):
        return refusal
    said = "Readers see the new closing note." if form.cleaned_data["rewords"] else STATUS_WORDS[event.status]
    return _show_status(request, event, said)


@never_cache
@require_POST
@desk_of(Role.EDITOR)
def pause(request: AuthorRequest, event: Event) -> HttpResponse:
    """Tell readers that the coverage rests, or that it goes on."""
    form = PauseForm(request.POST)
    if refusal := _take_step(request, event, form, malformed="This note can’t be stored."):
        return refusal
    said = "Paused: readers see your note." if event.pause_note else "The pause is over: readers no longer see a note."
    return _show_status(request, event, said)


@never_cache
@read_or_write
@desk_of(Role.OWNER)
def deletion(request: AuthorRequest, event: Event) -> HttpResponse:
    """Say what will be gone, and delete the event once its owner has confirmed it."""
    form = DeletionForm(request.POST if request.method == "POST" else None, event=event)
    if request.method == "POST" and form.is_valid():
        event.remove()
        messages.success(request, f"“{event.title}” was deleted.")
        return go(request, reverse("desks"))
    context = {"event": event, "role": request.role, "form": form, "counts": _count(event)}
    return render(request, "liveblog/desk/deletion.html", context, status=422 if form.errors else 200)


def _count(event: Event) -> dict[str, int]:
    return {
        "updates": event.updates.count(),
        "photos": event.photos.count(),
        "waiting": event.waiting.open().count(),
        "guests": event.invitations.count(),
    }


def _take_step(
    request: AuthorRequest, event: Event, form: StatusForm | PauseForm, *, malformed: str
) -> HttpResponse | None:
    """Take the step that ``form`` asks for; return the answer that says why not."""
    if not form.is_valid():
        return refuse(request, event, malformed, status=422)
    try:
        form.apply(event)
    except WrongStatus as error:
        return refuse(request, event, str(error))
    except ValidationError as error:
        return refuse(request, event, " ".join(error.messages), status=422)
    return None


def _show_status(request: AuthorRequest, event: Event, said: str) -> HttpResponse:
    if is_htmx(request):
        context = {"event": event, "said": said} | status_context(event, request.role)
        return render(request, "liveblog/desk/status.html#status", context)
    messages.success(request, said)
    return redirect("desk", event.slug)
