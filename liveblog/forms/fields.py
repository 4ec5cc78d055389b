"""Fields of our own: Markdown as it is stored, and times as a clock on the wall shows them."""

import zoneinfo
from datetime import UTC, datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from liveblog import markup
from liveblog.models.place import YEARS

UNAVAILABLE = "unavailable"

_WALL_CLOCK = ("%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d")


class MarkdownField(forms.CharField):
    """Text counted as it is stored: browsers send CRLF for each line end.

    There is no ``maxlength`` for the browser, which would cut a pasted text without a word.
    """

    def __init__(self, *, rows: int, autofocus: bool = False, **options: Any) -> None:
        super().__init__(strip=False, widget=forms.Textarea(attrs={"rows": rows, "autofocus": autofocus}), **options)

    def to_python(self, value: Any) -> str:
        """Return the text with LF line ends and without outer blank space."""
        return markup.normalise(super().to_python(value) or "")

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        """Leave ``maxlength`` out."""
        return {}


class WallClockField(forms.Field):
    """A date and time as a clock on the wall shows it, without a zone."""

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


def not_rendered(error: markup.NotRendered) -> ValidationError:
    """Return why Markdown was not taken, as a form says it."""
    return ValidationError(str(error), code=UNAVAILABLE if isinstance(error, markup.Unavailable) else "too-slow")


def status_of(form: forms.BaseForm) -> int:
    """Return the status of the answer with a refused form: 503 where the same may be taken when it comes again."""
    codes = {error.code for errors in form.errors.as_data().values() for error in errors}
    return 503 if UNAVAILABLE in codes else 422


def read_in_zone(typed: datetime, zone: zoneinfo.ZoneInfo) -> datetime:
    """Return when clocks in ``zone`` show ``typed``; raises ``ValidationError`` unless they do so just once."""
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
