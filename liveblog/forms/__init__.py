"""What a person may send from the desk, and how a refusal is said at the field it is about."""

from liveblog.forms.event import EventForm, StatusForm
from liveblog.forms.update import ComposerForm, SwitchForm, UpdateForm

__all__ = ["ComposerForm", "EventForm", "StatusForm", "SwitchForm", "UpdateForm"]
