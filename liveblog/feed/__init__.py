"""One process's view of its live events: it catches up from the database, keeps the tail, wakes readers."""

from liveblog.feed.registry import Feed, Feeds, NotKnown
from liveblog.feed.tail import Fragment, Tail, Verdict

__all__ = ["Feed", "Feeds", "Fragment", "NotKnown", "Tail", "Verdict"]
