"""What a person may send from the desk, and how a refusal is said at the field it is about."""

from liveblog.forms.control import DeletionForm, PauseForm, StatusForm
from liveblog.forms.cover import CoverForm
from liveblog.forms.event import EventForm
from liveblog.forms.update import ComposerForm, SwitchForm, UpdateForm

__all__ = [
    "ComposerForm",
    "CoverForm",
    "DeletionForm",
    "EventForm",
    "PauseForm",
    "StatusForm",
    "SwitchForm",
    "UpdateForm",
]
