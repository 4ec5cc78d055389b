"""What machines take: feeds, structured data, the map of the site, the pictures of shared links."""

from liveblog.syndication.feeds import all_atom, all_json, event_atom, event_json
from liveblog.syndication.pictures import social_card
from liveblog.syndication.site import favicon, robots, sitemap, sitemap_events, sitemap_updates

__all__ = (
    "all_atom",
    "all_json",
    "event_atom",
    "event_json",
    "favicon",
    "robots",
    "sitemap",
    "sitemap_events",
    "sitemap_updates",
    "social_card",
)
