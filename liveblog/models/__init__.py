"""Events and their updates: every change a reader can see, each one method and one transaction."""

from liveblog.models.content import KeyReused
from liveblog.models.event import Event, WrongStatus, new_edition
from liveblog.models.place import Place, Window
from liveblog.models.update import Update

__all__ = ["Event", "KeyReused", "Place", "Update", "Window", "WrongStatus", "new_edition"]
