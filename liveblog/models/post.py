"""What a published update and a waiting one have in common."""

from typing import Any, Self
from uuid import uuid4

from django.db import models

from liveblog import markup
from liveblog.models.content import BODY_CHARACTERS, BYLINE_CHARACTERS, HEADLINE_CHARACTERS, Submission
from liveblog.models.database import copy_columns

TITLE_CHARACTERS = 100


class Post(models.Model):
    """What an author wrote, under the key it came with."""

    key = models.UUIDField(default=uuid4, editable=False)
    digest = models.CharField(max_length=64, editable=False, help_text="Of what was first sent under the key.")
    version = models.PositiveIntegerField(default=1)

    byline = models.CharField(max_length=BYLINE_CHARACTERS)
    headline = models.CharField(max_length=HEADLINE_CHARACTERS, blank=True)
    body = models.TextField(blank=True, max_length=BODY_CHARACTERS)
    body_html = models.TextField(blank=True)
    body_text = models.TextField(blank=True)
    photos = models.JSONField(default=list, blank=True, help_text="Each a name, width, height, widths and alt.")
    is_key = models.BooleanField("key moment", default=False)

    class Meta:
        abstract = True

    @property
    def headline_or_beginning(self) -> str:
        """The headline, or else the first words of the text."""
        return self.headline or markup.shorten(self.body_text, characters=TITLE_CHARACTERS)

    def check_same(self, submission: Submission) -> None:
        """Raise ``KeyReused`` unless this is what was sent before; what was erased counts as the same."""
        if self.digest not in {submission.digest, ""}:
            raise KeyReused(self)

    def _take_over(self, stored: Self) -> None:
        copy_columns(stored, self)


class KeyReused(Exception):
    """The key of ``update``, published or waiting, came again with other content."""

    def __init__(self, update: Post) -> None:
        number = getattr(update, "number", None)
        state = f"published update {number}" if number else "been put into the queue"
        super().__init__(f"This key has {state}, with other content.")
        self.update = update


class Overtaken(Exception):
    """Somebody else has changed what was to be changed; ``update`` is as it is now."""

    def __init__(self, update: Post) -> None:
        super().__init__("This was changed meanwhile by somebody else.")
        self.update = update


def written_columns(source: Submission | Post) -> dict[str, Any]:
    """Return the columns that stay the same from what was sent to what waits and what is published."""
    return {name: getattr(source, name) for name in _WRITTEN}


_WRITTEN = "key digest author byline headline body body_html body_text is_key".split()
