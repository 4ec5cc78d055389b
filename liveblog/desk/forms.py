"""What several forms share: fields, how the model is asked and its refusals are shown, the composer."""

import uuid
import zoneinfo
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.http import HttpResponse, QueryDict
from django.utils import timezone

from liveblog import imaging, markup
from liveblog.errors import plain_text
from liveblog.imaging.decoding import REASONS
from liveblog.models import Attachment, Event, Photo, Role, TooMany, Update, Waiting, WrongStatus
from liveblog.models.json_fields import parse_name_and_alt, parse_readable
from liveblog.models.place import YEARS
from liveblog.models.sites import read_site

CONFLICT = "conflict"
TOO_MANY = "too-many"
STATUSES = {CONFLICT: 409, TOO_MANY: 429} | {reason: status for reason, (status, _) in REASONS.items()}
"""The status of an answer by the code of an error in the form; 422 for all other codes."""

_SHOWN_AT = {"published_at": "at"}
"""The fields of forms at which errors of the model's fields are shown, where their names differ."""

_MOVES = {"earlier": -1, "later": 1}
_WALL_CLOCK = ("%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d")


class MarkdownField(forms.CharField):
    """Markdown with LF line ends, as it is stored; browsers send CRLF.

    It has no ``maxlength`` attribute, with which browsers cut off a pasted text silently.
    """

    def __init__(self, *, rows: int, autofocus: bool = False, **options: Any) -> None:
        super().__init__(strip=False, widget=forms.Textarea(attrs={"rows": rows, "autofocus": autofocus}), **options)

    def to_python(self, value: Any) -> str:
        """Return the text with LF line ends and without outer blank space."""
        return markup.normalise(super().to_python(value) or "")

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        return {}


class WallClockField(forms.Field):
    """A date and time without its zone."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format=_WALL_CLOCK[0])

    def to_python(self, value: Any) -> datetime | None:
        """Return a naive datetime; raises ``ValidationError``."""
        if value in self.empty_values:
            return None
        for form in _WALL_CLOCK:
            try:
                read = datetime.strptime(str(value).strip(), form)  # noqa: DTZ007  (its zone is another field)
            except ValueError:
                continue
            if read.year not in YEARS:
                raise ValidationError(f"The year {read.year} is out of reach.")
            return read
        raise ValidationError("Enter a date and a time, such as 2026-11-22T20:00.")


def carry_out[T](
    form: forms.BaseForm, action: Callable[[], T], *, field: str | None = None, code: str | None = None
) -> T | None:
    """Return what ``action`` returns if the form is valid; what is refused is put into the form's ``errors``.

    ``action`` makes one call of the model. An error that names no field is shown at ``field``; its ``code`` decides
    the status of the answer (``status_of``).
    """
    if not form.is_valid():
        return None
    try:
        return action()
    except WrongStatus as error:
        form.add_error(field, ValidationError(str(error), code=CONFLICT))
    except imaging.PhotoRefused as error:
        form.add_error(field, ValidationError(str(error), code=error.reason))
    except TooMany as error:
        form.add_error(field, ValidationError(str(error), code=TOO_MANY, params={"retry_seconds": error.seconds}))
    except ValidationError as error:
        if hasattr(error, "error_dict"):
            form.add_error(None, _at_fields(form, error))
        else:
            form.add_error(field, [ValidationError(message, code=code) for message in error.messages])
    return None


def _at_fields(form: forms.BaseForm, error: ValidationError) -> ValidationError:
    """Put each message at its field, and those of fields that the form lacks at the top of the form."""
    placed: dict[str, list[Any]] = {}
    for name, messages in error.error_dict.items():
        shown_at = name if name in form.fields else _SHOWN_AT.get(name, "")
        placed.setdefault(shown_at if shown_at in form.fields else NON_FIELD_ERRORS, []).extend(messages)
    return ValidationError(placed)


def status_of(form: forms.BaseForm) -> int:
    """Return the status of the answer with a form: 200 if it has no errors."""
    return max((STATUSES.get(error.code or "", 422) for error in _errors_of(form)), default=200)


def _errors_of(form: forms.BaseForm) -> list[ValidationError]:
    return [error for errors in form.errors.as_data().values() for error in errors]


def reasons_of(form: forms.BaseForm) -> str:
    """Return why a form was refused, as sentences without any markup."""
    return " ".join(str(message) for messages in form.errors.values() for message in messages)


def refusal_in_words(form: forms.BaseForm) -> HttpResponse:
    """Tell a script why a form was refused, and after how many seconds it can be sent again."""
    seconds = [error.params["retry_seconds"] for error in _errors_of(form) if error.code == TOO_MANY and error.params]
    return plain_text(reasons_of(form), status_of(form), {"Retry-After": str(seconds[0])} if seconds else None)


def read_in_zone(typed: datetime, zone: zoneinfo.ZoneInfo, *, stored: datetime | None = None) -> datetime:
    """Return when clocks in ``zone`` show ``typed``; raises ``ValidationError`` unless they do so just once.

    If that is what they show at ``stored``, the time is unchanged: its seconds and its side of a clock change stay.
    """
    if stored is not None and wall_clock(stored, zone) == wall_clock(typed.replace(tzinfo=zone), zone):
        return stored
    first, second = (typed.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if first.utcoffset() == second.utcoffset():
        return first.astimezone(UTC)
    shown = f"{typed:%H:%M} on {typed.day} {typed:%B %Y}"
    if first.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != typed:
        raise ValidationError(f"{shown} does not exist in {zone.key}: the clocks go forward. Choose another time.")
    raise ValidationError(f"{shown} comes twice in {zone.key}: the clocks go back. Choose another time.")


def wall_clock(moment: datetime | None, zone: zoneinfo.ZoneInfo) -> str:
    """Return what a clock in ``zone`` shows at ``moment``, as browsers write it."""
    return moment.astimezone(zone).strftime(_WALL_CLOCK[0]).rjust(16, "0") if moment else ""


FAR = timedelta(days=7)


def usual_times(event: Event) -> tuple[datetime, datetime]:
    """Return between which times updates of ``event`` are given one unasked: a week around it and around now."""
    known = [timezone.now(), *(time for time in (event.starts_at, event.ends_at, event.first_public_at) if time)]
    return min(known) - FAR, max(known) + FAR


SITES = 50


class SitesField(forms.CharField):
    """Addresses of sites, one a line, as a list of origins for a policy's ``frame-ancestors``."""

    widget = forms.Textarea(attrs={"rows": 3, "autocapitalize": "none", "autocomplete": "off", "spellcheck": "false"})

    def clean(self, value: Any) -> list[str]:
        """Return the origins, each once; raises ``ValidationError`` that names the line it can't read."""
        lines = [line.strip() for line in str(super().clean(value)).splitlines() if line.strip()]
        origins = list(dict.fromkeys(read_site(line) for line in lines))
        if len(origins) > SITES:
            raise ValidationError(f"{len(origins)} sites are too many; at most {SITES} can be named.")
        return origins


class UpdateForm(forms.Form):
    """The headline and text of an update; the model checks them."""

    headline = forms.CharField(
        required=False,
        label="Headline",
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "enterkeyhint": "next", "data-next": "body", "placeholder": "Headline"}
        ),
    )
    body = MarkdownField(required=False, label="Text", rows=5, autofocus=True)

    @property
    def far_time(self) -> str:
        """The time that was questioned, which comes back as ``far_time`` if it is meant."""
        return str(self.data.get("at", "")) if self.has_error("at", "far") else ""

    def question_time(self, at: datetime, event: Event) -> None:
        """Raise ``ValidationError`` for a time far from the event's, unless whoever typed it says that it is meant."""
        earliest, latest = usual_times(event)
        if earliest <= at <= latest or self.data.get("far_time") == self.data.get("at"):
            return
        days, local = abs((at - timezone.now()).days), at.astimezone(event.zone)
        where = "ago" if at < timezone.now() else "from now"
        words = f"{local.day} {local:%B %Y} is {days:,} days {where}, far from this event."
        raise ValidationError(f"{words} If you mean it, tick the box and send it again.", code="far")


class FormPhoto(NamedTuple):
    """A photo of the form, with a description that may not be saved yet."""

    row: Photo
    alt: str


class PostForm(UpdateForm):
    """The text and photos of ``post``, which was sent already: an update, or one that waits.

    The fields ``photo`` and ``alt`` come once for each photo; an empty ``photo`` says that the form has photos at all.
    """

    data: QueryDict
    post: Update | Waiting

    def photos(self) -> list[FormPhoto]:
        """Return the form's photos in its order, without those that are not its own: an edit's are its update's."""
        owner = self.post.update if isinstance(self.post, Waiting) and self.post.update else self.post
        rows = list(owner.photo_rows.all())
        if self.has_photos:
            with suppress(ValidationError):
                by_key = {row.key: row for row in rows}
                return [FormPhoto(by_key[one.key], one.alt) for one in self.attachments() if one.key in by_key]
        by_name = {row.name: row for row in rows}
        mentions = parse_readable(self.post.photos, parse_name_and_alt)
        return [FormPhoto(by_name[name], alt) for name, alt in mentions if name in by_name]

    def move_photo(self, step: str) -> None:
        """Move a photo or remove it, without saving; ``step`` is ``earlier``, ``later`` or ``remove`` and its key."""
        direction, _, key = step.partition(" ")
        photos = [Attachment(one.row.key, one.alt) for one in self.photos()]
        at = next((number for number, one in enumerate(photos) if str(one.key) == key), None)
        if at is None:
            return
        moved = photos.pop(at)
        if direction in _MOVES:
            photos.insert(max(0, at + _MOVES[direction]), moved)
        self.data = self.data.copy()
        self.data.setlist("photo", ["", *(str(one.key) for one in photos)])
        self.data.setlist("alt", [one.alt for one in photos])

    @property
    def has_photos(self) -> bool:
        """Whether it was sent with photos, or with none where there were some."""
        return self.is_bound and "photo" in self.data

    def attachments(self) -> list[Attachment]:
        """Return the photos that were sent; raises ``ValidationError``."""
        keys = [key for key in self.data.getlist("photo") if key]
        alts = self.data.getlist("alt")
        try:
            return [Attachment(uuid.UUID(key), alt) for key, alt in zip(keys, alts, strict=True)]
        except ValueError:
            raise ValidationError("The photos of this form were damaged. Open it again.") from None


class ComposerForm(UpdateForm):
    """A new update, under a key made with the form; photos by the keys they were uploaded under."""

    is_key = forms.BooleanField(required=False, label="Key moment")
    at = WallClockField(required=False, label="Time")
    later = forms.BooleanField(required=False, widget=forms.HiddenInput)
    # Firefox puts old values back into hidden fields of a reloaded page, unless it is told not to.
    key = forms.UUIDField(
        initial=uuid.uuid4,
        widget=forms.HiddenInput(attrs={"autocomplete": "off"}),
        error_messages={
            "required": "This form had lost its key. Post it again.",
            "invalid": "This form’s key was damaged. Post it again.",
        },
    )

    def __init__(self, data: Any = None, *, event: Event, role: Role, **options: Any) -> None:
        self.event = event
        self.role = role
        super().__init__(data, **options)
        self.fields["is_key"].widget.attrs["disabled"] = not self.may_feature

    @property
    def may_feature(self) -> bool:
        """Whether its author may mark key moments, as of what is published already."""
        return self.role.may(Role.EDITOR)

    @property
    def may_date(self) -> bool:
        """Whether its author may give it a time that has passed: editors, and who is looked at by one first."""
        return self.may_feature or self.event.needs_approval_of(self.role)

    @property
    def kept_photos(self) -> list[dict[str, str]]:
        """The photos that it came back with, or that it begins with because they are sent again."""
        if not self.is_bound:
            return list(self.initial.get("photos", ()))
        keys, alts = _all(self.data, "photo"), _all(self.data, "alt")
        return [{"key": key, "alt": alt, "address": ""} for key, alt in zip(keys, alts, strict=False)]

    def clean_is_key(self) -> bool:
        """Refuse what only an editor may do."""
        is_key: bool = self.cleaned_data["is_key"]
        if is_key and not self.may_feature:
            raise ValidationError("Only an editor can mark a key moment: post it without, and ask one.")
        return is_key

    def clean_at(self) -> datetime | None:
        """Read the time by the clocks of the event's zone."""
        typed = self.cleaned_data["at"]
        return None if typed is None else read_in_zone(typed, self.event.zone)

    @property
    def usual_times(self) -> dict[str, str]:
        """The earliest and the latest time that is taken unasked, by the clocks of the event's zone."""
        earliest, latest = usual_times(self.event)
        return {"earliest": wall_clock(earliest, self.event.zone), "latest": wall_clock(latest, self.event.zone)}

    def clean(self) -> dict[str, Any]:
        """Name everything as ``Event.submit()`` does."""
        super().clean()
        sent = self.cleaned_data
        at, later = sent.pop("at", None), sent.pop("later", False)
        if at is not None:
            # What was sent for later stays so even if it comes too late: it gets the time it comes.
            is_to_come = later or at > timezone.now()
            sent["due_at" if is_to_come else "published_at"] = at
            if not is_to_come and not self.may_date:
                self.add_error("at", "Only an editor can give an update a time that has passed: leave it empty.")
            elif not (later and at <= timezone.now()):  # what was scheduled and comes late loses its time
                try:
                    self.question_time(at, self.event)
                except ValidationError as error:
                    self.add_error("at", error)
        sent["photos"] = self._attachments()
        return sent

    def renew_key(self) -> None:
        """Give the form another key, so that its content can be posted as a new update."""
        self.data = self.data.copy() if hasattr(self.data, "copy") else dict(self.data)
        self.data["key"] = str(uuid.uuid4())

    def _attachments(self) -> list[Attachment]:
        keys, alts = _all(self.data, "photo"), _all(self.data, "alt")
        try:
            named = [uuid.UUID(key) for key in keys]
        except ValueError:
            raise ValidationError("A photo’s key was damaged on the way. Take it out and add it again.") from None
        return [Attachment(key, alt) for key, alt in zip(named, alts + [""] * len(named), strict=False)]


def _all(data: Mapping[str, Any], name: str) -> list[str]:
    """Return every value sent under ``name``."""
    return list(data.getlist(name)) if hasattr(data, "getlist") else list(data.get(name, ()))
