"""What outlasts the service: a static copy of an event to keep, and the event itself to move elsewhere."""

from liveblog.archive.document import ArchiveError
from liveblog.archive.exporting import export, exported_files
from liveblog.archive.freezing import freeze, frozen_files
from liveblog.archive.importing import import_event
from liveblog.archive.packing import pack

__all__ = ("ArchiveError", "export", "exported_files", "freeze", "frozen_files", "import_event", "pack")
