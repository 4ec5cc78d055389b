"""An event's cover picture, sent along with its settings."""

import uuid
from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError

from liveblog import imaging
from liveblog.models import Attachment, Event, Figure, Photo, Unreadable
from liveblog.models.content import ALT_CHARACTERS
from liveblog.models.json_fields import read_mention, readable


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
                self.present = Figure.read(event.cover, "cover")
            except Unreadable as error:
                self.fault = str(error)
        alts = [alt for _, alt in readable([event.cover], read_mention)]
        super().__init__(data, files, initial={"cover_alt": "".join(alts)})
        if event.cover is None:
            del self.fields["cover_removed"]

    def receive(self) -> bool:
        """Take the picture in, if one came; say whether that went well, else ``errors`` says why not."""
        file = self.cleaned_data["cover"]
        if file:
            try:
                self.photo = self.event.add_photo(uploader=self.editor, key=uuid.uuid4(), file=file.file)
            except (imaging.Refused, ValidationError) as error:
                self.add_error("cover", error if isinstance(error, ValidationError) else str(error))
        return not self.errors

    def apply(self) -> None:
        """Show it, or what was changed about the one there is."""
        present = self.photo or self.event.photos.filter(is_cover=True).first()
        if present is None or (self.cleaned_data.get("cover_removed") and not self.photo):
            self.event.set_cover(attachment=None)
        else:
            self.event.set_cover(attachment=Attachment(present.key, self.cleaned_data["cover_alt"]))
