"""What an update said before: its versions, and what differs between any two."""

from datetime import datetime
from typing import NamedTuple, Self

from django.contrib.auth.models import User
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from liveblog.desk.comparison import Piece, compare
from liveblog.desk.doors import AuthorRequest, desk_of
from liveblog.desk.page import address_of
from liveblog.models import Event, Figure, Role, Update, Version, byline_of
from liveblog.models.json_fields import readable


class State(NamedTuple):
    """What an update said, from when on, by whom, and what was told readers of it."""

    number: int
    made_at: datetime
    by: str
    headline: str
    body: str
    photos: list[Figure]
    notes: list[str]

    @classmethod
    def of(cls, kept: Version | Update, number: int, made_at: datetime, made_by: User, update: Update) -> Self:
        """Return what a version, or the update as it is, says."""
        notes = [said.note for said in update.readable_corrections if said.version == number]
        photos = readable(kept.photos, Figure.read)
        return cls(number, made_at, byline_of(made_by), kept.headline, kept.body, photos, notes)


class Comparison(NamedTuple):
    """What differs between two states."""

    older: State
    newer: State
    headline: list[Piece]
    body: list[Piece]
    photos: list[tuple[str, Figure]]

    @classmethod
    def of(cls, older: State, newer: State) -> Self:
        """Compare them; of photos, say which came, which went and whose description changed."""
        before = {photo.name: photo for photo in older.photos}
        after = {photo.name: photo for photo in newer.photos}
        photos = [("Removed", photo) for name, photo in before.items() if name not in after]
        photos += [("Added", photo) for name, photo in after.items() if name not in before]
        both = [photo for name, photo in after.items() if name in before]
        photos += [("Described anew", photo) for photo in both if photo.alt != before[photo.name].alt]
        if [photo.name for photo in both] != [name for name in before if name in after]:
            photos += [("In another place", photo) for photo in both]
        return cls(older, newer, compare(older.headline, newer.headline), compare(older.body, newer.body), photos)


@never_cache
@require_safe
@desk_of(Role.CONTRIBUTOR)
def versions(request: AuthorRequest, event: Event, number: int) -> HttpResponse:
    """List an update's versions, newest first, and compare two: the last change, unless others are asked for."""
    update = get_object_or_404(event.updates.select_related("author", "version_by"), number=number)
    states = _states(update)
    chosen = [_choose(states, request.GET.get(name)) for name in ("from", "to")]
    older, newer = chosen[0] or states[max(0, len(states) - 2)], chosen[1] or states[-1]
    if older.number > newer.number:
        older, newer = newer, older
    context = {
        "event": event,
        "update": update,
        "role": request.role,
        "states": states[::-1],
        "comparison": Comparison.of(older, newer) if older != newer else None,
        "older": older,
        "newer": newer,
        "shown_names": set(update.photo_rows.values_list("name", flat=True)),
        "desk": address_of(request, update),
    }
    return render(request, "liveblog/desk/versions.html", context)


def _states(update: Update) -> list[State]:
    """Return what it said, oldest first; of one that was erased nothing is left."""
    kept = update.versions.select_related("made_by")
    states = [State.of(one, one.number, one.made_at, one.made_by, update) for one in kept]
    made_at, made_by = update.version_at or update.posted_at, update.version_by or update.author
    return [*states, State.of(update, update.version, made_at, made_by, update)]


def _choose(states: list[State], number: str | None) -> State | None:
    return next((state for state in states if str(state.number) == number), None)
