"""People of an event: their roles, and the invitations of volunteers."""

import hashlib
import secrets
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils import timezone

from liveblog import markup
from liveblog.models.content import BYLINE_CHARACTERS

if TYPE_CHECKING:
    from liveblog.models.event import Event

TOKEN_BYTES = 24
GUEST_POSTS_A_MINUTE = 10


class Role(models.TextChoices):
    """What a person may do in an event; each role includes the next."""

    OWNER = "owner", "Owner"
    EDITOR = "editor", "Editor"
    CONTRIBUTOR = "contributor", "Contributor"

    def may(self, least: "Role") -> bool:
        """Whether this role includes ``least``."""
        ranks = list(Role)
        return ranks.index(self) <= ranks.index(least)


class MembershipQuerySet(models.QuerySet["Membership"]):
    """Memberships of a user."""

    def of(self, user: User) -> Self:
        """Keep those of ``user`` that hold now: a guest's ends with the invitation."""
        is_open = Q(user__invitation__revoked_at=None) & (
            Q(user__invitation__expires_at__gt=timezone.now())
            | (Q(user__invitation__expires_at=None) & ~Q(event__status="ended"))
        )
        return self.filter(Q(user__invitation__isnull=True) | is_open, user=user)


class Membership(models.Model):
    """A person's role in an event; without one given, an owner's."""

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
    """A link by which a volunteer without an account posts to one event under a given name.

    Of its token only a hash is stored. The volunteer acts as ``guest``, a user who can't log in and is a
    contributor of this event alone, as long as the invitation is open.
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
        """Whether its guest may come in now."""
        if self.revoked_at is not None:
            return False
        if self.expires_at is not None:
            return self.expires_at > timezone.now()
        return self.event.status != "ended"

    def use(self) -> None:
        """Note that it was opened now."""
        self.used_at = timezone.now()
        self.save(update_fields=["used_at"])

    def revoke(self) -> None:
        """Close it, also for those who came in by it."""
        if self.revoked_at is None:
            self.revoked_at = timezone.now()
            self.save(update_fields=["revoked_at"])


class People(models.Model):
    """The columns of an event that say who works on it, and how they are changed."""

    authors = models.ManyToManyField(settings.AUTH_USER_MODEL, through=Membership, related_name="events", blank=True)
    contributors_wait = models.BooleanField("contributors’ posts wait for approval", default=True)

    change: "Callable[[], AbstractContextManager[Event]]"
    """Holds the event's row: ``Event.change()``."""

    class Meta:
        abstract = True

    def role_of(self, user: User) -> Role | None:
        """Return what ``user`` may do here now; staff may do everything."""
        if user.is_staff:
            return Role.OWNER
        found = Membership.objects.of(user).filter(event=self.pk).values_list("role", flat=True).first()
        return Role(found) if found else None

    def needs_approval_of(self, role: Role) -> bool:
        """Return whether an editor must approve what somebody in this role posts."""
        return role == Role.CONTRIBUTOR and self.contributors_wait

    def appoint(self, *, user: User, role: Role) -> None:
        """Give ``user`` a role; raises ``ValidationError`` for a guest, and where no owner would be left."""
        if is_guest(user):
            raise ValidationError("This is a guest’s name, which an invitation made. Guests stay what they are.")
        with self.change() as event:
            Membership.objects.update_or_create(event=event, user=user, defaults={"role": role})
            event.check_owned()

    def dismiss(self, *, user: User) -> None:
        """Take ``user`` off the event; what they wrote stays theirs."""
        with self.change() as event:
            event.memberships.filter(user=user).delete()
            event.check_owned()

    def invite(self, *, name: str, made_by: User, expires_at: datetime | None = None) -> tuple[Invitation, str]:
        """Make an invitation for a volunteer of this name; return it and its token, which is never shown again."""
        name = markup.one_line(name)
        if not name or len(name) > BYLINE_CHARACTERS:
            raise ValidationError({"name": f"Give a name of at most {BYLINE_CHARACTERS} characters: readers see it."})
        if expires_at is not None and expires_at <= timezone.now():
            raise ValidationError({"expires_at": "This time has passed."})
        token = secrets.token_urlsafe(TOKEN_BYTES)
        with self.change() as event:
            guest = create_guest(name)
            Membership.objects.create(event=event, user=guest, role=Role.CONTRIBUTOR)
            invitation = event.invitations.create(
                guest=guest, name=name, token_hash=hash_of(token), made_by=made_by, expires_at=expires_at
            )
        return invitation, token

    def check_owned(self) -> None:
        """Raise ``ValidationError`` unless somebody who can log in owns the event."""
        owners = Membership.objects.filter(event=self.pk, role=Role.OWNER, user__is_active=True)
        if not owners.exists():
            raise ValidationError("An event keeps an owner. Make somebody else one first.")


def is_guest(user: User | AnonymousUser) -> bool:
    """Whether ``user`` was made by an invitation; one query, which the user's object remembers."""
    return user.is_authenticated and hasattr(user, "invitation")


def create_guest(name: str) -> User:
    """Make the user as whom a volunteer of this name acts."""
    guest = User(username=f"guest-{secrets.token_hex(6)}", first_name=name[:150])
    guest.set_unusable_password()
    guest.save()
    return guest


def hash_of(token: str) -> str:
    """Return what is stored of a token; it is random, so that a plain hash can't be searched."""
    return hashlib.sha256(token.encode()).hexdigest()
