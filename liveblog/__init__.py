"""A live blog whose open pages are never wrong."""

__version__ = "0.1.0"
