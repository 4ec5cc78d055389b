"""People of an event: their roles, and the invitations of guests and colleagues."""

import hashlib
import secrets
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import ValidationError
from django.db import IntegrityError, models
from django.db.models import Q
from django.utils import timezone

from liveblog import markup
from liveblog.models.content import BYLINE_CHARACTERS

if TYPE_CHECKING:
    from liveblog.models.event import Event

TOKEN_BYTES = 24
COLLEAGUES_LINK_LIFE = timedelta(days=7)


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


class InvitationQuerySet(models.QuerySet["Invitation"]):
    """Invitations by whom they are for."""

    def for_guests(self) -> Self:
        """Keep those of guests."""
        return self.filter(guest__isnull=False)

    def for_colleagues(self) -> Self:
        """Keep those that give a role to whoever has an account, or makes one."""
        return self.filter(guest__isnull=True)


class Invitation(models.Model):
    """A link by which somebody comes to an event. Of its token only a hash is stored.

    A guest's has a ``guest``, a user who can't log in and is a contributor of this event alone, as long as the
    invitation is open; it opens on several devices. A colleague's has none: whoever opens it first takes ``role``,
    with an account that they have or make, and then it is closed.
    """

    event = models.ForeignKey("liveblog.Event", on_delete=models.CASCADE, related_name="invitations")
    guest = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="invitation"
    )
    name = models.CharField(max_length=BYLINE_CHARACTERS)
    email = models.EmailField(blank=True, default="", db_default="")
    role = models.CharField(max_length=11, choices=Role, default=Role.CONTRIBUTOR, db_default=Role.CONTRIBUTOR)
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    made_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True, blank=True, help_text="Never set: when the event ends.")
    revoked_at = models.DateTimeField(null=True)
    used_at = models.DateTimeField(null=True, help_text="When a guest last opened it, or a colleague took the role.")
    accepted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="accepted_invitations"
    )
    made_account = models.BooleanField(default=False, db_default=False, help_text="Made for who accepted it.")

    objects = InvitationQuerySet.as_manager()

    class Meta:
        ordering = ("pk",)

    def __str__(self) -> str:
        return f"{self.name} at {self.event}"

    @classmethod
    def find(cls, token: str) -> "Invitation | None":
        """Return the open invitation that has this token."""
        found = cls.objects.select_related("event", "guest", "made_by").filter(token_hash=hash_of(token)).first()
        return found if found is not None and found.is_open and found.is_vouched_for() else None

    @property
    def is_open(self) -> bool:
        """Whether its guest may come in now, or a colleague take the role."""
        if self.revoked_at is not None or (self.guest_id is None and self.used_at is not None):
            return False
        if self.expires_at is not None:
            return self.expires_at > timezone.now()
        return self.event.status != "ended"

    def is_vouched_for(self) -> bool:
        """Whether who made a colleague's link still owns the event; else a former owner would come back by it."""
        if self.guest_id is not None:
            return True
        return self.made_by is not None and self.made_by.is_active and self.event.role_of(self.made_by) == Role.OWNER

    def accept(self, *, user: User) -> None:
        """Give ``user`` the role, once; a new user is saved with it.

        Raises ``ValidationError`` where it is closed meanwhile, gives nothing new, or the user's name is taken.
        """
        is_new = user.pk is None
        with self.event.change() as event:
            now = event.invitations.for_colleagues().select_related("made_by").get(pk=self.pk)
            if not now.is_open or not now.is_vouched_for():
                raise ValidationError("This invitation is closed: it was used, taken back, or has expired.")
            if is_new:
                _save_new(user)
            elif is_guest(user) or ((held := event.role_of(user)) and held.may(Role(now.role))):
                raise ValidationError("You have this role already, or more.")
            Membership.objects.update_or_create(event=event, user=user, defaults={"role": now.role})
            now.used_at, now.accepted_by, now.made_account = timezone.now(), user, is_new
            now.save(update_fields=["used_at", "accepted_by", "made_account"])

    def use(self) -> None:
        """Note that it was opened now."""
        self.used_at = timezone.now()
        self.save(update_fields=["used_at"])

    def revoke(self) -> None:
        """Close it, also for those who came in by it: what a guest has scheduled waits for an editor then."""
        if self.revoked_at is not None:
            return
        with self.event.change() as event:
            self.revoked_at = timezone.now()
            self.save(update_fields=["revoked_at"])
            if self.guest_id is not None:
                event.hold_scheduled(author_id=self.guest_id)


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
            event.close_links_of(user)

    def dismiss(self, *, user: User) -> None:
        """Take ``user`` off the event; what they wrote stays theirs, what they have scheduled waits for an editor."""
        with self.change() as event:
            event.memberships.filter(user=user).delete()
            event.hold_scheduled(author_id=user.pk)
            event.check_owned()
            event.close_links_of(user)

    def invite(self, *, name: str, made_by: User, expires_at: datetime | None = None) -> tuple[Invitation, str]:
        """Make an invitation for a volunteer of this name; return it and its token, which is never shown again."""
        name = markup.one_line(name)
        if not name or len(name) > BYLINE_CHARACTERS:
            raise ValidationError({"name": f"Give a name of at most {BYLINE_CHARACTERS} characters: readers see it."})
        if expires_at is not None and expires_at <= timezone.now():
            raise ValidationError({"expires_at": "This time has passed."})
        token = new_token()
        with self.change() as event:
            guest = create_guest(name)
            Membership.objects.create(event=event, user=guest, role=Role.CONTRIBUTOR)
            invitation = event.invitations.create(
                guest=guest, name=name, token_hash=hash_of(token), made_by=made_by, expires_at=expires_at
            )
        return invitation, token

    def invite_colleague(self, *, name: str, role: Role, made_by: User, email: str = "") -> tuple[Invitation, str]:
        """Make an invitation for somebody with an account, or who makes one; return it and its token."""
        token = new_token()
        invitation = Invitation.objects.create(
            event_id=self.pk,
            name=markup.one_line(name)[:BYLINE_CHARACTERS],
            email=email,
            role=role,
            token_hash=hash_of(token),
            made_by=made_by,
            expires_at=timezone.now() + COLLEAGUES_LINK_LIFE,
        )
        return invitation, token

    def close_links_of(self, user: User) -> None:
        """Revoke the links that ``user`` made for colleagues, unless they own the event."""
        if self.role_of(user) != Role.OWNER:
            links = Invitation.objects.for_colleagues().filter(event=self.pk, made_by=user)
            links.filter(used_at=None, revoked_at=None).update(revoked_at=timezone.now())

    def check_owned(self) -> None:
        """Raise ``ValidationError`` unless somebody who can log in owns the event."""
        owners = Membership.objects.filter(event=self.pk, role=Role.OWNER, user__is_active=True)
        if not owners.exists():
            raise ValidationError("An event keeps an owner. Make somebody else one first.")


def is_guest(user: User | AnonymousUser) -> bool:
    """Whether ``user`` was made by an invitation; one query, which the user's object remembers."""
    return user.is_authenticated and hasattr(user, "invitation")


def may_let_in(owner: User, user: User) -> bool:
    """Whether ``owner`` may make a link by which ``user`` chooses a new password without knowing the old one.

    Who has such a link can become ``user``, so it must give its maker nothing new. That is so for an account

    - which is no guest's, not closed, neither staff's nor a superuser's, and not the maker's own;
    - whose every role is in an event that ``owner`` owns: so never for somebody who owns, or works on, another;
    - which was made by an invitation to one of these events. Without this rule anybody could make an event, put an
      account that has no role yet on it, and take it over.

    Staff own every event and make accounts in the set-up, so the last two bind them not.
    """
    if not (owner.is_active and user.is_active) or owner.pk == user.pk or user.is_staff or user.is_superuser:
        return False
    if is_guest(owner) or is_guest(user) or not user.memberships.exists():
        return False
    if owner.is_staff:
        return True
    owned = owner.memberships.filter(role=Role.OWNER).values("event")
    is_only_here = not user.memberships.exclude(event__in=owned).exists()
    return is_only_here and user.accepted_invitations.filter(made_account=True, event__in=owned).exists()


def _save_new(user: User) -> None:
    try:
        user.save(force_insert=True)
    except IntegrityError:
        raise ValidationError({"username": "A user with that name exists already. Choose another."}) from None


def create_guest(name: str) -> User:
    """Make the user as whom a volunteer of this name acts."""
    guest = User(username=f"guest-{secrets.token_hex(6)}", first_name=name[:150])
    guest.set_unusable_password()
    guest.save()
    return guest


def new_token() -> str:
    """Return a secret for the address of an invitation."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def hash_of(token: str) -> str:
    """Return what is stored of a token; it is random, so that a plain hash can't be searched."""
    return hashlib.sha256(token.encode()).hexdigest()
