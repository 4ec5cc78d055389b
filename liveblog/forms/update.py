"""What an author sends about one update."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from django import forms
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError

from liveblog import markup
from liveblog.forms.fields import TOO_SLOW, MarkdownField
from liveblog.models import Event, Update


class UpdateForm(forms.Form):
    """The text of an update. What may stand in it, the model says."""

    headline = forms.CharField(
        required=False,
        label="Headline",
        widget=forms.TextInput(attrs={"autocomplete": "off", "enterkeyhint": "next", "data-next": "body"}),
    )
    body = MarkdownField(required=False, label="Text", rows=5, autofocus=True)

    def edit(self, update: Update) -> bool:
        """Change what was sent of ``update``; say whether it was accepted, else ``errors`` says why not."""
        if self.is_valid():
            sent = {name: text for name, text in self.cleaned_data.items() if name in self.data}
            with self.telling():
                update.edit(**sent)
        return not self.errors

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Put what the model refuses into ``errors``."""
        try:
            yield
        except ValidationError as error:
            self.add_error(None, error)
        except markup.TooSlow:
            self.add_error("body", TOO_SLOW)


class ComposerForm(UpdateForm):
    """A new update, under a key made with the form."""

    is_key = forms.BooleanField(required=False, label="Key moment")
    # Firefox puts old values back into hidden fields of a reloaded page, unless it is told not to.
    key = forms.UUIDField(
        initial=uuid.uuid4,
        widget=forms.HiddenInput(attrs={"autocomplete": "off"}),
        error_messages={
            "required": "This form had lost its key. It has a new one: post again.",
            "invalid": "This form’s key was damaged. It has a new one: post again.",
        },
    )

    def publish(self, event: Event, *, author: User) -> Update | None:
        """Publish in ``event`` and return the update; ``None`` when refused, and ``errors`` says why.

        Raises ``KeyReused``.
        """
        update = None
        if self.is_valid():
            with self.telling():
                update = event.publish(author=author, **self.cleaned_data)
        if "key" in self.errors:
            self.renew_key()
        return update

    def renew_key(self) -> None:
        """Give the form a key of its own, so that what is in it can be posted as a new update."""
        self.data = {**dict(self.data.items()), "key": str(uuid.uuid4())}


class SwitchForm(forms.Form):
    """Something is to be on or off."""

    on = forms.TypedChoiceField(choices=(("1", "on"), ("0", "off")), coerce=lambda text: text == "1")
