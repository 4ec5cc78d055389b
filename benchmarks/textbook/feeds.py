"""The Atom feed, as the documentation of the syndication framework has it."""

from datetime import datetime

from django.contrib.syndication.views import Feed
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import linebreaks
from django.utils.feedgenerator import Atom1Feed

from benchmarks.textbook.models import Event, Update


class UpdatesFeed(Feed):  # type: ignore[type-arg]  # it can’t be written with them
    """The last updates of an event, newest first."""

    feed_type = Atom1Feed

    def get_object(self, request: HttpRequest, slug: str) -> Event:
        return Event.objects.get(slug=slug)

    def title(self, event: Event) -> str:
        return event.title

    def link(self, event: Event) -> str:
        return f"/events/{event.slug}/"

    def items(self, event: Event) -> QuerySet[Update]:
        return event.updates.select_related("author").order_by("-pk")[:200]

    def item_title(self, update: Update) -> str:
        return update.headline

    def item_description(self, update: Update) -> str:
        return linebreaks(update.body, autoescape=True)

    def item_link(self, update: Update) -> str:
        return f"{self.link(update.event)}#update-{update.pk}"

    def item_author_name(self, update: Update) -> str:
        return update.author.get_username()

    def item_pubdate(self, update: Update) -> datetime:
        return update.published_at
