"""People of an event: what each may do there, and the links by which volunteers come in."""

import hashlib
import secrets
from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.db import models
from django.db.models import Q
from django.utils import timezone

from liveblog.models.content import BYLINE_CHARACTERS

if TYPE_CHECKING:
    from liveblog.models.event import Event

TOKEN_BYTES = 24
GUEST_POSTS_A_MINUTE = 10


class Role(models.TextChoices):
    """What a person may do in an event; each may do all that the next may."""

    OWNER = "owner", "Owner"
    EDITOR = "editor", "Editor"
    CONTRIBUTOR = "contributor", "Contributor"

    def may(self, least: "Role") -> bool:
        """Whether this is ``least`` or more."""
        ranks = list(Role)
        return ranks.index(self) <= ranks.index(least)


class MembershipQuerySet(models.QuerySet["Membership"]):
    """Memberships by whether they hold now."""

    def of(self, user: "User") -> Self:
        """Keep those of ``user`` that hold now: a guest's end with the invitation."""
        is_open = Q(user__invitation__revoked_at=None) & (
            Q(user__invitation__expires_at__gt=timezone.now())
            | (Q(user__invitation__expires_at=None) & ~Q(event__status="ended"))
        )
        return self.filter(Q(user__invitation__isnull=True) | is_open, user=user)


class Membership(models.Model):
    """A person's role in an event. Who is added by code without a role owns it."""

    event = models.ForeignKey("liveblog.Event", on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=11, choices=Role, default=Role.OWNER)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        # The table that Django had made for Event.authors, with a role added.
        db_table = "liveblog_event_authors"
        unique_together = (("event", "user"),)

    def __str__(self) -> str:
        return f"{self.user} is {self.role} of {self.event}"


class Invitation(models.Model):
    """A link by which a volunteer posts to one event under a given name, without an account of their own.

    Its token is never stored, only what it hashes to. The volunteer acts as ``guest``, a user who can't
    log in and is a contributor of this event alone, as long as the invitation is open.
    """

    event = models.ForeignKey("liveblog.Event", on_delete=models.CASCADE, related_name="invitations")
    guest = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="invitation")
    name = models.CharField(max_length=BYLINE_CHARACTERS)
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    made_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True, blank=True, help_text="Never set: when the event ends.")
    revoked_at = models.DateTimeField(null=True)
    used_at = models.DateTimeField(null=True, help_text="When it was last opened.")

    class Meta:
        ordering = ("pk",)

    def __str__(self) -> str:
        return f"{self.name} at {self.event}"

    @classmethod
    def find(cls, token: str) -> "Invitation | None":
        """Return the open invitation that has this token."""
        found = cls.objects.select_related("event", "guest").filter(token_hash=hash_of(token)).first()
        return found if found is not None and found.is_open else None

    @property
    def is_open(self) -> bool:
        """Whether it lets its guest in now."""
        if self.revoked_at is not None:
            return False
        if self.expires_at is not None:
            return self.expires_at > timezone.now()
        return self.event.status != "ended"

    def use(self) -> None:
        """Note that somebody came in by it."""
        self.used_at = timezone.now()
        self.save(update_fields=["used_at"])

    def revoke(self) -> None:
        """Let nobody in by it any more, and those who are in no further."""
        if self.revoked_at is None:
            self.revoked_at = timezone.now()
            self.save(update_fields=["revoked_at"])


def new_guest(name: str) -> "User":
    """Make the user as whom a volunteer of this name acts."""
    guest = User(username=f"guest-{secrets.token_hex(6)}", first_name=name[:150])
    guest.set_unusable_password()
    guest.save()
    return guest


def is_guest(user: User | AnonymousUser) -> bool:
    """Whether ``user`` was made by an invitation; one query, which the user's object remembers."""
    return user.is_authenticated and hasattr(user, "invitation")


def new_token() -> str:
    """Return the secret part of an invitation's address."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def hash_of(token: str) -> str:
    """Return what is stored of a token; it is random, so that a plain hash can't be searched."""
    return hashlib.sha256(token.encode()).hexdigest()


def invite(event: "Event", *, name: str, made_by: "User", expires_at: datetime | None) -> tuple[Invitation, str]:
    """Make an invitation, its guest and the membership; return it with its token, which is shown only now."""
    token = new_token()
    guest = new_guest(name)
    Membership.objects.create(event=event, user=guest, role=Role.CONTRIBUTOR)
    made = Invitation.objects.create(
        event=event, guest=guest, name=name, token_hash=hash_of(token), made_by=made_by, expires_at=expires_at
    )
    return made, token
