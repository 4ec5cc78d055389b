"""What a person may send from the desk, and how a refusal is said at the field it is about."""

from liveblog.forms.control import DeletionForm, PauseForm, StatusForm
from liveblog.forms.cover import CoverForm
from liveblog.forms.editing import EditForm, PurgeForm
from liveblog.forms.event import EventForm
from liveblog.forms.people import AppointForm, InvitationForm, RoleForm
from liveblog.forms.update import ComposerForm, SwitchForm, UpdateForm
from liveblog.forms.waiting import ApprovalForm, RejectionForm, WaitingForm

__all__ = [
    "AppointForm",
    "ApprovalForm",
    "ComposerForm",
    "CoverForm",
    "DeletionForm",
    "EditForm",
    "EventForm",
    "InvitationForm",
    "PauseForm",
    "PurgeForm",
    "RejectionForm",
    "RoleForm",
    "StatusForm",
    "SwitchForm",
    "UpdateForm",
    "WaitingForm",
]
