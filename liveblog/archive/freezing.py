"""Writes an event as a static site that opens from a disk: pages, pictures, feeds and data, without scripts."""

import json
import math
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from django.contrib.staticfiles import finders
from django.template.loader import render_to_string
from django.utils import timezone

from liveblog import rendering
from liveblog.addresses import ABSOLUTE
from liveblog.archive.addresses import SiteAddresses
from liveblog.archive.document import as_json
from liveblog.archive.exporting import Progress, check_folder, no_progress, picture_files
from liveblog.archive.packing import File, write_files
from liveblog.models import Event, Photo, Update, Window
from liveblog.stream import Page, Selection
from liveblog.syndication import atom, json_feed

PAGE_UPDATES = 500
"""On one page: a whole night's, as a rule."""
MARK = "liveblog-archive.json"
STYLES = ("css/site.css", "css/players.css", "css/archive.css")


def freeze(event: Event, folder: Path, *, progress: Progress = no_progress) -> None:
    """Write ``event`` to ``folder`` as a static site; an earlier one there is replaced once the new one is whole.

    Raises ``ArchiveError`` for a folder that holds something else.
    """
    check_folder(folder, MARK, lambda earlier: earlier["event"] == str(event.uuid))
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as room:
        site = Path(room) / "site"
        write_files(frozen_files(event, progress=progress), site)
        if folder.exists():
            folder.rename(Path(room) / "before")
        site.rename(folder)


def frozen_files(event: Event, *, progress: Progress = no_progress) -> Iterator[File]:
    """Yield the files of the static site, each as soon as it is made."""
    yield from _StaticSite(event, progress).files()


class _StaticSite:
    """The static site of one event, while it is made."""

    def __init__(self, event: Event, progress: Progress) -> None:
        self.event = Event.objects.get(pk=event.pk)
        self.progress = progress
        self.updates = list(self.event.updates.visible().oldest_first())
        for update in self.updates:
            update.event = self.event
        self.positions = {update.number: position for position, update in enumerate(self.updates)}
        self.pages = max(1, math.ceil(len(self.updates) / PAGE_UPDATES))
        self.shared = {
            "event": self.event,
            "made_at": timezone.now(),
            "original": ABSOLUTE.stream(self.event),
            "styles": [Path(name).name for name in STYLES],
        }

    def files(self) -> Iterator[File]:
        """Yield every file; what is read of the event's present state comes first."""
        mark = {
            "event": str(self.event.uuid),
            "revision": self.event.revision,
            "made_at": as_json(self.shared["made_at"]),
        }
        yield MARK, json.dumps(mark) + "\n"
        yield "feed.atom", atom.event_feed(self.event, at_most=None)
        yield "feed.json", json_feed.event_feed(self.event, at_most=None)
        yield "event.json", json.dumps(self._data(), ensure_ascii=False, indent=1) + "\n"
        for name in STYLES:
            found = finders.find(name)
            assert found, f"static/{name} comes with the code"
            yield f"css/{Path(name).name}", Path(found).read_bytes()
        for order in ("oldest", "newest"):
            for page in range(self.pages):
                html = self._stream_page(order, page)
                yield f"{order}-{page + 1}.html", html
                if page == 0 and order == self.event.opening_order:
                    yield "index.html", html
        for done, update in enumerate(self.updates, start=1):
            yield f"updates/{update.number}.html", self._update_page(update)
            if done % 100 == 0 or done == len(self.updates):
                self.progress("pages", done, len(self.updates))
        yield from self._pictures()

    def _stream_page(self, order: str, page: int) -> str:
        ordered = self.updates if order == "oldest" else self.updates[::-1]
        shown = ordered[page * PAGE_UPDATES : (page + 1) * PAGE_UPDATES]
        addresses = self._addresses(order)
        context = self.shared | {
            "head": rendering.head(self.event, addresses),
            "rows": Page(self.event, Selection(order), shown, Window()).rows(addresses),
            "order": order,
            "number": page + 1,
            "pages": self.pages,
            "before": page,
            "after": page + 2 if page + 1 < self.pages else 0,
        }
        return render_to_string("liveblog/archive/stream.html", context)

    def _update_page(self, update: Update) -> str:
        addresses = self._addresses("oldest", up="../")
        context = self.shared | {
            "update": update,
            "card": rendering.card(update, addresses),
            "stream": addresses.stream(self.event),
            "in_stream": addresses.in_stream(update),
        }
        return render_to_string("liveblog/archive/update.html", context)

    def _addresses(self, order: str, *, up: str = "") -> SiteAddresses:
        return SiteAddresses(self.event, self.positions, order=order, size=PAGE_UPDATES, up=up)

    def _pictures(self) -> Iterator[File]:
        shown = {photo.name for update in self.updates for photo in update.readable_photos}
        shown |= {photo.name for photo in self.event.readable_cover}
        photos = Photo.objects.filter(event=self.event, name__in=shown).order_by("name")
        return picture_files(list(photos), "photos", self.progress)

    def _data(self) -> dict[str, Any]:
        """Return what readers can see, for machines; withdrawn updates and earlier versions are not in it."""
        names = "uuid title slug summary status starts_at ends_at ended_at time_zone language closing_note".split()
        return {name: as_json(getattr(self.event, name)) for name in names} | {
            "address": self.shared["original"],
            "pinned": self.event.pinned_number,
            "updates": list(self._entries()),
        }

    def _entries(self) -> Iterable[dict[str, Any]]:
        for update in self.updates:
            yield {
                "uuid": str(update.uuid),
                "number": update.number,
                "published_at": as_json(update.published_at),
                "edited_at": as_json(update.edited_at),
                "byline": update.byline,
                "headline": update.headline,
                "markdown": update.body,
                "html": update.body_html,
                "is_key": update.is_key,
                "corrections": [{"at": as_json(at), "note": note} for at, note, _ in update.readable_corrections],
                "photos": [
                    {"file": f"photos/{photo.name}-{photo.widths[-1]}.webp", "alt": photo.alt}
                    for photo in update.readable_photos
                ],
            }
