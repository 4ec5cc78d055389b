"""One process's view of its live events: it catches up from the database, keeps the tail, wakes readers."""

from liveblog.feed.registry import DatabaseSilent, Feed, Feeds
from liveblog.feed.tail import Fragment, Tail, Verdict

__all__ = ["DatabaseSilent", "Feed", "Feeds", "Fragment", "Tail", "Verdict"]
