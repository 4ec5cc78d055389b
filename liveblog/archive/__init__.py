"""What outlasts the service: a static copy of an event to keep, and the event itself to move elsewhere."""

from liveblog.archive.document import Refused
from liveblog.archive.exporting import export
from liveblog.archive.freezing import freeze
from liveblog.archive.importing import import_event
from liveblog.archive.packing import pack

__all__ = ("Refused", "export", "freeze", "import_event", "pack")
