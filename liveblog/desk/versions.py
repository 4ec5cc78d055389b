"""The versions of an update, and what differs between two of them."""

import re
import time
from collections.abc import Iterable, Iterator
from datetime import datetime
from difflib import Match, SequenceMatcher
from itertools import groupby
from operator import attrgetter
from typing import Literal, NamedTuple, Self

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache

from liveblog.desk.access import AuthorRequest, deny, desk_of, read_or_write, sent_data
from liveblog.desk.forms import CONFLICT, carry_out, status_of
from liveblog.desk.page import address_of
from liveblog.desk.updates import PutBackForm
from liveblog.models import Event, Figure, Role, Update, Version, byline_of
from liveblog.models.json_fields import parse_readable

COMPARE_SECONDS = 1.0
EXACT_WORDS = 2_000
"""Above so many words difflib ignores the most frequent ones: with them it takes quadratic time."""

_WORDS = re.compile(r"\s+|\w+|[^\w\s]")


class Piece(NamedTuple):
    """A part of the text that is in both versions (``same``), in the older (``del``) or in the newer (``ins``)."""

    kind: Literal["same", "del", "ins"]
    text: str


class _Matcher(SequenceMatcher[str]):
    """A comparison that ends at a given time: what it has not compared by then counts as different."""

    def __init__(self, old: list[str], new: list[str], ends_at: float) -> None:
        self._ends_at = ends_at
        super().__init__(None, old, new, autojunk=max(len(old), len(new)) > EXACT_WORDS)

    def find_longest_match(self, alo: int = 0, ahi: int | None = None, blo: int = 0, bhi: int | None = None) -> Match:
        if time.monotonic() > self._ends_at:
            return Match(alo, blo, 0)
        return super().find_longest_match(alo, ahi, blo, bhi)


class SavedVersion(NamedTuple):
    """What an update said in one version, who made it when, and the correction notes for it."""

    number: int
    made_at: datetime
    by: str
    headline: str
    body: str
    photos: list[Figure]
    notes: list[str]

    @classmethod
    def of(cls, kept: Version | Update, number: int, made_at: datetime, made_by: User, update: Update) -> Self:
        """Return the text of an earlier version, or of the update as it is."""
        notes = [said.note for said in update.readable_corrections if said.version == number]
        photos = parse_readable(kept.photos, Figure.from_json)
        return cls(number, made_at, byline_of(made_by), kept.headline, kept.body, photos, notes)


class Comparison(NamedTuple):
    """What differs between two versions."""

    older: SavedVersion
    newer: SavedVersion
    headline: list[Piece]
    body: list[Piece]
    photos: list[tuple[str, Figure]]

    @classmethod
    def of(cls, older: SavedVersion, newer: SavedVersion) -> Self:
        """Compare texts, and which photos were added, removed, moved or described anew."""
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
@read_or_write
@desk_of(Role.CONTRIBUTOR)
def versions(request: AuthorRequest, event: Event, number: int) -> HttpResponse:
    """List an update's versions, newest first, compare two, and put one back."""
    update = get_object_or_404(event.updates.select_related("author", "version_by"), number=number)
    if not update.may_be_read_by(request.user):
        raise Http404
    may_put_back = update.may_be_changed_by(request.user, request.role) and update.withdrawn_at is None
    form = PutBackForm(sent_data(request))
    if form.is_bound and not may_put_back:
        return deny(request, Role.EDITOR)
    carry_out(form, lambda: form.put_back(update, editor=request.user), code=CONFLICT)
    if form.is_bound and not form.errors:
        messages.success(request, f"Version {form.cleaned_data['version']} is back. What it said before is kept, too.")
        return redirect(address_of(request, update))
    states = _saved_versions(update)
    chosen = [_find(states, request.GET.get(name)) for name in ("from", "to")]
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
        "form": form,
        "may_put_back": may_put_back,
    }
    return render(request, "liveblog/desk/versions.html", context, status=status_of(form))


def _saved_versions(update: Update) -> list[SavedVersion]:
    """Return all versions, oldest first; an erased update has none of its earlier ones."""
    kept = update.versions.select_related("made_by")
    states = [SavedVersion.of(one, one.number, one.made_at, one.made_by, update) for one in kept]
    made_at, made_by = update.version_at or update.posted_at, update.version_by or update.author
    return [*states, SavedVersion.of(update, update.version, made_at, made_by, update)]


def _find(states: list[SavedVersion], number: str | None) -> SavedVersion | None:
    return next((state for state in states if str(state.number) == number), None)


def compare(old: str, new: str) -> list[Piece]:
    """Return the pieces of both texts in order; lines that differ are compared word by word."""
    ends_at = time.monotonic() + COMPARE_SECONDS
    found: list[Piece] = []
    removed = added = gap = ""
    for is_same, before, after in _compare_by_words(old, new, ends_at):
        if not is_same:
            removed, added, gap = removed + gap + before, added + gap + after, ""
        elif before.isspace() and "\n" not in before and (removed or added):
            gap += before  # a space between two changes belongs to both, or the words would run into each other
        else:
            found += [Piece("del", removed), Piece("ins", added), Piece("same", gap + before)]
            removed = added = gap = ""
    found += [Piece("del", removed), Piece("ins", added), Piece("same", gap)]
    return _merge_neighbours(piece for piece in found if piece.text)


def _merge_neighbours(pieces: Iterable[Piece]) -> list[Piece]:
    """Join neighbouring pieces of the same kind."""
    return [Piece(kind, "".join(piece.text for piece in some)) for kind, some in groupby(pieces, attrgetter("kind"))]


def _compare_by_words(old: str, new: str, ends_at: float) -> Iterator[tuple[bool, str, str]]:
    """Yield parts of both texts, and whether they are the same."""
    for is_same, before, after in _compare_lists(old.splitlines(keepends=True), new.splitlines(keepends=True), ends_at):
        if is_same:
            yield True, before, after
        else:
            yield from _compare_lists(_WORDS.findall(before), _WORDS.findall(after), ends_at)


def _compare_lists(old: list[str], new: list[str], ends_at: float) -> Iterator[tuple[bool, str, str]]:
    """Yield parts of two lists, and whether they are the same; a common beginning and end is found at once."""
    head = 0
    while head < min(len(old), len(new)) and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < min(len(old), len(new)) - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    yield True, "".join(old[:head]), "".join(new[:head])
    before, after = old[head : len(old) - tail], new[head : len(new) - tail]
    for kind, at, until, begin, end in _Matcher(before, after, ends_at).get_opcodes():
        yield kind == "equal", "".join(before[at:until]), "".join(after[begin:end])
    yield True, "".join(old[len(old) - tail :]), "".join(new[len(new) - tail :])
