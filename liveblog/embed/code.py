"""The dialog in which a publisher chooses how a feed looks, sees it, and copies the code."""

import re
from collections.abc import Mapping
from typing import NamedTuple, Self

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from liveblog.addresses import absolute
from liveblog.embed.oembed import HEIGHT, UPDATE_HEIGHT
from liveblog.embed.options import Options
from liveblog.embed.targets import frame_path
from liveblog.models import Event, Update
from liveblog.public import find_event, public
from liveblog.stream import PAGE_UPDATES

THEME_LABELS = (("auto", "Automatic"), ("light", "Light"), ("dark", "Dark"))
ORDER_LABELS = (("", "As the event"), ("newest", "Newest first"), ("oldest", "Oldest first"))
HEIGHTS = range(150, 5_001)
_NUMBER = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)


class Choice(NamedTuple):
    """What the dialog's form says."""

    options: Options
    height: int
    wrong: dict[str, str]

    @classmethod
    def from_query(cls, query: Mapping[str, str], *, height: int) -> Self:
        """Read the form; what is wrong keeps its default, and ``wrong`` says why, by name."""
        asked = dict(query)
        if asked.get("own") != "1":
            asked.pop("accent", None)
        options, wrong = Options.from_query(asked)
        typed = asked.get("height", "").strip()
        if typed and (not _NUMBER.fullmatch(typed) or int(typed) not in HEIGHTS):
            wrong["height"] = f"The height is a number of pixels from {HEIGHTS.start} to {HEIGHTS.stop - 1}."
        elif typed:
            height = int(typed)
        return cls(options, height, wrong)


@public
def code(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the dialog as a page, which other pages show as a dialog."""
    event = find_event(request, slug)
    update = _update(event, request.GET.get("update", ""))
    choice = Choice.from_query(request.GET.dict(), height=UPDATE_HEIGHT if update else HEIGHT)
    context = {
        "event": event,
        "update": update,
        "choice": choice,
        "options": choice.options,
        "themes": THEME_LABELS,
        "orders": ORDER_LABELS,
        "most": PAGE_UPDATES,
        "frame": frame_path(event, update.number if update else None, choice.options),
        "codes": Codes(event, update, choice),
    }
    return render(request, "liveblog/embed/code.html", context)


class Codes(NamedTuple):
    """The code for each way to embed a feed, or one update."""

    event: Event
    update: Update | None
    choice: Choice

    @property
    def page(self) -> str:
        """The address that editors with oEmbed take by itself."""
        return absolute((self.update or self.event).get_absolute_url())

    @property
    def provider(self) -> str:
        """The line for ``functions.php`` that lets WordPress show the frames without a sandbox."""
        return f"wp_oembed_add_provider( '{absolute('/events/*')}', '{absolute(reverse('oembed'))}' );"

    @property
    def title(self) -> str:
        """The title of the frame, which screen readers read out."""
        return f"{self.update.title} – {self.event.title}" if self.update else f"Live blog: {self.event.title}"

    @property
    def script(self) -> SafeString:
        """One line with a script: it reserves the height, and grows when a reader presses something."""
        data = {"event": self.event.slug, "height": str(self.choice.height), "title": self.title}
        data |= {"update": str(self.update.number)} if self.update else {}
        data |= self.choice.options.chosen
        return format_html(
            '<div data-liveblog style="min-height:{}px"><a href="{}">{}</a><script async src="{}"{}></script></div>',
            self.choice.height,
            self.page,
            self.title,
            absolute(reverse("embed-script")),
            format_html_join("", ' data-{}="{}"', data.items()),
        )

    @property
    def iframe(self) -> SafeString:
        """A frame alone, for sites that take no script."""
        return format_html(
            '<iframe src="{}" title="{}" width="100%" height="{}" loading="lazy" style="border:0"'
            ' allow="autoplay; clipboard-write; encrypted-media; fullscreen; picture-in-picture"></iframe>',
            absolute(frame_path(self.event, self.update.number if self.update else None, self.choice.options)),
            self.title,
            self.choice.height,
        )

    @property
    def fragment(self) -> str:
        """The address of the updates as plain HTML."""
        chosen = self.choice.options._replace(theme="auto", accent="", lang="")
        return absolute(reverse("fragment", args=[self.event.slug])) + chosen.query

    @property
    def htmx(self) -> SafeString:
        """The same for pages that use htmx: the element that asks stands outside of what is swapped."""
        return format_html(
            '<div hx-get="{}" hx-trigger="load, every 30s" hx-swap="none" hx-include="#{}" hx-select-oob="#{}"></div>'
            '<section id="{}"></section>',
            self.fragment,
            *[f"liveblog-{self.event.slug}"] * 3,
        )

    @property
    def htmx_setting(self) -> str:
        """The setting such a page needs: htmx asks only its own site otherwise."""
        return """<meta name="htmx-config" content='{"selfRequestsOnly": false}'>"""

    @property
    def include(self) -> SafeString:
        """The same for caches that know Edge Side Includes."""
        return format_html('<esi:include src="{}"/>', self.fragment)


def _update(event: Event, number: str) -> Update | None:
    if not number:
        return None
    found = event.updates.visible().filter(number=int(number)).first() if _NUMBER.fullmatch(number) else None
    if found is None:
        raise Http404
    return found
