"""Public pages answered from memory, before Django, for as long as nobody has said that what they show has changed."""

from liveblog.page_cache.cache import PageCache

__all__ = ["PageCache"]
