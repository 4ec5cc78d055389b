"""Photos at the desk: those of updates, and an event’s cover."""

import uuid
from typing import Any, BinaryIO, cast

from django import forms
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from liveblog import imaging
from liveblog.caching import picture_response
from liveblog.desk.access import AuthorRequest, desk_of, plain_text
from liveblog.models import (
    Attachment,
    Event,
    Figure,
    Photo,
    Role,
    TooMany,
    Unreadable,
    is_guest,
)
from liveblog.models.content import ALT_CHARACTERS
from liveblog.models.json_fields import parse_name_and_alt, parse_readable

GUEST_PHOTOS_A_MINUTE = 30


class CoverForm(forms.Form):
    """A picture to stand on top of the event's page, in place of the one there is, with words for it; or none."""

    cover = forms.FileField(
        required=False,
        label="Cover picture",
        help_text="On top of the readers’ page, cut to 16:9. JPEG, PNG, WebP, AVIF or GIF, up to 20 MB.",
        # Under htmx a form that comes back with an error keeps the file that was chosen.
        widget=forms.FileInput(attrs={"accept": "image/*", "hx-preserve": "true"}),
    )
    cover_alt = forms.CharField(
        required=False,
        max_length=ALT_CHARACTERS,
        label="What the picture shows",
        help_text="For readers who can’t see it.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "dir": "auto"}),
    )
    cover_removed = forms.BooleanField(required=False, label="Remove the picture")

    def __init__(self, data: Any = None, files: Any = None, *, event: Event, editor: User) -> None:
        self.event, self.editor = event, editor
        self.photo: Photo | None = None
        self.present: Figure | None = None
        self.fault = ""
        if event.cover is not None:
            try:
                self.present = Figure.from_json(event.cover, "cover")
            except Unreadable as error:
                self.fault = str(error)
        alts = [alt for _, alt in parse_readable([event.cover], parse_name_and_alt)]
        super().__init__(data, files, initial={"cover_alt": "".join(alts)})
        if event.cover is None:
            del self.fields["cover_removed"]

    def add_photo(self) -> None:
        """Take the picture in, if one came; raises ``ValidationError``."""
        if file := self.cleaned_data["cover"]:
            try:
                self.photo = self.event.add_photo(uploader=self.editor, key=uuid.uuid4(), file=file.file)
            except imaging.PhotoRefused as error:
                raise ValidationError(str(error)) from error

    def apply(self) -> None:
        """Show it, or what was changed about the one there is."""
        present = self.photo or self.event.photos.filter(is_cover=True).first()
        if present is None or (self.cleaned_data.get("cover_removed") and not self.photo):
            self.event.set_cover(attachment=None)
        else:
            self.event.set_cover(attachment=Attachment(present.key, self.cleaned_data["cover_alt"]))


@never_cache
@require_POST
@desk_of(Role.CONTRIBUTOR)
def add_photo(request: AuthorRequest, event: Event) -> HttpResponse:
    """Take in one photo under its key; the same one again is the one there is."""
    file = request.FILES.get("photo")
    try:
        key = uuid.UUID(request.POST.get("key", ""))
    except ValueError:
        return plain_text("The photo’s key was damaged on the way.", 422)
    if file is None:
        return plain_text("No photo came with this.", 422)
    try:
        photo = _store(request, event, key, file)
    except (TooMany, imaging.PhotoRefused, ValidationError) as error:
        return explain(error)
    return JsonResponse({"key": str(photo.key), "name": photo.name, "width": photo.width, "height": photo.height})


@never_cache
@require_safe
@desk_of(Role.CONTRIBUTOR)
def photo(request: AuthorRequest, event: Event, name: str, width: int) -> HttpResponse:
    """Show authors a photo whether or not readers can see it."""
    found = get_object_or_404(Photo, event=event, name=name)
    if width not in found.file_widths:
        raise Http404
    return picture_response(request, found.path(width))


def take_files(request: AuthorRequest, event: Event, key: uuid.UUID) -> list[Attachment]:
    """Take in the files of a form sent without JavaScript; their keys are made from the update's."""
    files = enumerate(request.FILES.getlist("photos"))
    return [Attachment(_store(request, event, uuid.uuid5(key, str(index)), file).key) for index, file in files]


def _store(request: AuthorRequest, event: Event, key: uuid.UUID, file: UploadedFile) -> Photo:
    limit = GUEST_PHOTOS_A_MINUTE if is_guest(request.user) else None
    return event.add_photo(uploader=request.user, key=key, file=cast("BinaryIO", file), photos_a_minute=limit)


def explain(error: Exception) -> HttpResponse:
    if isinstance(error, TooMany):
        return plain_text(str(error), 429, {"Retry-After": str(error.seconds)})
    if isinstance(error, imaging.PhotoRefused):
        return plain_text(str(error), error.status)
    assert isinstance(error, ValidationError)
    return plain_text(" ".join(error.messages), 422)
