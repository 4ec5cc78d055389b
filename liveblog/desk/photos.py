"""Photos at the desk: those of updates, and an event’s cover."""

import hashlib
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
from liveblog.desk.access import AuthorRequest, desk_of, one_at_a_time, pace
from liveblog.desk.forms import carry_out, refusal_in_words
from liveblog.models import Attachment, Event, Figure, Photo, Role, Unreadable, is_guest
from liveblog.models.content import ALT_CHARACTERS
from liveblog.models.json_fields import parse_name_and_alt, parse_readable

GUEST_PHOTOS_A_MINUTE = 30
TURN_SECONDS = 180
"""After this, somebody whose photo never ended can send another: longer than any takes that waits for its turn."""


class CoverForm(forms.Form):
    """The picture on top of the event's page: a new one, another description of it, or none."""

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
        """Store the picture if one was sent; raises ``ValidationError``."""
        if file := self.cleaned_data["cover"]:
            try:
                self.photo = self.event.add_photo(uploader=self.editor, key=uuid.uuid4(), file=file.file)
            except imaging.PhotoRefused as error:
                raise ValidationError(str(error)) from error

    def change_cover(self) -> None:
        """Show the new picture, or change or remove the one there is."""
        present = self.photo or self.event.photos.filter(is_cover=True).first()
        if present is None or (self.cleaned_data.get("cover_removed") and not self.photo):
            self.event.set_cover(attachment=None)
        else:
            self.event.set_cover(attachment=Attachment(present.key, self.cleaned_data["cover_alt"]))


class PhotoForm(forms.Form):
    """A photo, and the key that was made for it on its author's device."""

    key = forms.UUIDField(
        error_messages=dict.fromkeys(("required", "invalid"), "The photo’s key was damaged on the way.")
    )
    photo = forms.FileField(
        allow_empty_file=True,  # it is refused as any other file that is no photo
        error_messages=dict.fromkeys(("required", "invalid"), "No photo came with this."),
    )


@never_cache
@require_POST
@desk_of(Role.CONTRIBUTOR)
def add_photo(request: AuthorRequest, event: Event) -> HttpResponse:
    """Store one photo under its key; the same one sent again is stored once."""
    form = PhotoForm(request.POST, request.FILES)
    photo = carry_out(form, lambda: _store(request, event, **form.cleaned_data))
    if photo is None:
        return refusal_in_words(form)
    return JsonResponse({"key": str(photo.key), "name": photo.name, "width": photo.width, "height": photo.height})


@never_cache
@require_safe
@desk_of(Role.CONTRIBUTOR)
def photo(request: AuthorRequest, event: Event, name: str, width: int) -> HttpResponse:
    """Send a photo to an author, whether or not readers can see it."""
    found = get_object_or_404(Photo.objects.select_related("update"), event=event, name=name)
    if width not in found.file_widths or not found.may_be_seen_by(request.user):
        raise Http404
    return picture_response(request, found.name, width)


def take_files(request: AuthorRequest, event: Event, key: uuid.UUID) -> list[Attachment]:
    """Store the files of a form sent without JavaScript.

    Their keys are made from the update's and from what is in them: a form that was refused comes again under
    the same key, maybe with other photos.
    """
    attachments = []
    for index, file in enumerate(request.FILES.getlist("photos")):
        digest = hashlib.sha256()
        for chunk in file.chunks():
            digest.update(chunk)
        file.seek(0)
        photo = _store(request, event, uuid.uuid5(key, f"{index} {digest.hexdigest()}"), file)
        attachments.append(Attachment(photo.key))
    return attachments


def _store(request: AuthorRequest, event: Event, key: uuid.UUID, photo: UploadedFile) -> Photo:
    """Store one; raises ``TooMany`` for a guest's thirty-first a minute, and for somebody's second at the same time.

    What was refused counts: to find out that a picture can't be read may take seconds of CPU.
    """
    if is_guest(request.user) and not event.photos.filter(key=key).exists():
        pace(request, "photo", most=GUEST_PHOTOS_A_MINUTE)
    with one_at_a_time(request, "photo", seconds=TURN_SECONDS):
        return event.add_photo(uploader=request.user, key=key, file=cast("BinaryIO", photo))
