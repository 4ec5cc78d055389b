"""Events with something of everything in them, and somebody of every role; a request that takes any away ends it."""

import io
import uuid
from datetime import timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.auth.tokens import default_token_generator
from django.contrib.auth.views import INTERNAL_RESET_SESSION_TOKEN
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from PIL import Image

from liveblog import photo_files
from liveblog.desk.accounts import OwnersToken
from liveblog.models import Attachment, Attempt, Attendance, Event, Invitation, Membership, Photo, Role, Update, Waiting
from tests.server import PASSWORD

ROLES = ("stranger", "outsider", "guest", "contributor", "editor", "owner", "staff")
"""Nobody; somebody with an account who is on no event of the world; and whoever is on all of them."""
CSRF_TOKEN = "fuzz" * 8
NEW_PASSWORD = "another horse, another battery"
WIDTH = 480
_MODELS: tuple[tuple[Any, tuple[str, ...]], ...] = (
    (Event, ("slug", "status")),
    (Update, ("number", "withdrawn_at", "erased_at")),
    (Waiting, ("key", "rejected_at")),
    (Photo, ("name",)),
    (Membership, ("user_id", "role")),
    (User, ("password", "is_active", "is_staff", "is_superuser")),
    (Invitation, ("used_at", "revoked_at")),
    (Attendance, ("page",)),
    (Session, ("session_key",)),
)
"""What the world consists of: a request that takes away or turns any of these leaves the next ones less to ask for."""


class Hidden(NamedTuple):
    """Words that stand in something that is not public, and who may read them."""

    words: str
    roles: frozenset[str]


class World:
    """One event in each state, with people, photos, updates, what waits, links and open pages.

    Whatever of it is named in an address has other names in every world, so that no page kept in memory is of another.
    """

    def __init__(self, number: int) -> None:
        self._number = number
        self.people = {name: self._user(name) for name in ROLES if name not in {"stranger", "guest"}}
        self.people["staff"].is_staff = self.people["staff"].is_superuser = True
        self.people["staff"].save()
        self.tokens: list[str] = []
        self.events = [self._event(status) for status in ("live", "draft", "upcoming", "ended", "paused")]
        self.live, self.draft = self.events[:2]
        self.hidden: list[Hidden] = []
        self._fill()
        self._invite()
        self._open_desks()
        self.sessions = {name: _session_of(user) for name, user in self.people.items()}
        self._links = self._make_links()
        self._known = self._collect()
        self._rows = [(model, fields, None if model is Membership else list(_all(model))) for model, fields in _MODELS]
        self._state = self._read()

    def is_whole(self) -> bool:
        """Whether all of it is still there and as it was; what has been added counts for nothing, but roles do."""
        return self._read() == self._state

    def known(self, name: str) -> list[str]:
        """Return values of a field or of a part of an address, by its name, that mean something here."""
        return self._known.get(name, [])

    def links(self, role: str) -> list[dict[str, str]]:
        """Return the parts of links by which ``role`` chooses a new password, everybody if it has none.

        One of the parts alone opens nothing.
        """
        return self._links.get(role) or [link for links in self._links.values() for link in links]

    def _read(self) -> list[Any]:
        return [list(_rows(model, keys).values_list("pk", *fields)) for model, fields, keys in self._rows]

    # What is in it.

    def _user(self, name: str) -> User:
        email = f"{name}@example.org"
        return User.objects.create_user(f"{name}-{self._number}", email=email, password=PASSWORD, first_name=name)

    def _event(self, status: str) -> Event:
        event = Event.objects.create(
            title=f"An event that is {status}", slug=f"{status}-{self._number}", time_zone="Europe/Berlin"
        )
        for role in Role:
            event.appoint(user=self.people[role.value], role=role)
        if status == "upcoming":
            event.announce()
        elif status != "draft":
            event.go_live()
        return event

    def _fill(self) -> None:
        owner, contributor = self.people["owner"], self.people["contributor"]
        for event in self.events:
            self._publish(event)
        live = self.live
        for body in (
            "A **player**:\n\nhttps://youtu.be/dQw4w9WgXcQ",
            "> Said\n\n* one\n* two\n\n`code`",
            "ö \u202e 😀",
        ):
            live.publish(author=contributor, headline="Headline", body=body)
        self.pictured = self._with_photo(live)
        edited = live.publish(author=owner, headline="First", body="As it was.")
        live.updates.filter(pk=edited.pk).update(posted_at=timezone.now() - timedelta(hours=1))
        edited.edit(body="As it is.", correction="It was otherwise.")
        live.pin(update=edited)
        withdrawn = live.publish(author=owner, body=self._hide("withdrawn", "contributor editor owner staff"))
        withdrawn.withdraw(by=owner)
        live.publish(author=owner, body="To be erased.").purge()
        for due_in, needs_approval in ((None, True), (1, False), (1, True)):
            words = self._hide("waiting", "contributor editor owner staff")
            due_at = timezone.now() + timedelta(days=due_in) if due_in else None
            live.submit(author=contributor, body=words, due_at=due_at, needs_approval=needs_approval)
        rejected = live.submit(author=contributor, body="No.", needs_approval=True)
        assert isinstance(rejected, Waiting)
        rejected.reject(reason="Not now.")
        self._set_statuses()

    def _set_statuses(self) -> None:
        for event in self.events:
            if event.slug.startswith("ended"):
                event.end(note="That was it.")
            elif event.slug.startswith("paused"):
                event.pause(note="Back at 20:00.")

    def _publish(self, event: Event) -> None:
        is_draft = event.slug.startswith("draft")
        body = self._hide("draft", "contributor guest editor owner staff") if is_draft else "They take their seats."
        for number in range(3):
            event.publish(author=self.people["editor"], headline=f"Number {number}", body=body, is_key=number == 1)

    def _hide(self, what: str, roles: str) -> str:
        words = f"secret-{self._number}-{len(self.hidden)}-{what}"
        self.hidden.append(Hidden(words, frozenset(roles.split())))
        return words

    def _with_photo(self, event: Event) -> Update:
        photos = []
        for role, is_cover in (("owner", False), ("contributor", False), ("owner", True)):
            photo = event.photos.create(
                uploader=self.people[role], name=uuid.uuid4().hex, width=WIDTH, height=320, widths=[WIDTH]
            )
            photo_files.put(photo.name, WIDTH, WEBP)
            photos.append(photo)
            if is_cover:
                event.set_cover(attachment=Attachment(photo.key, "A bridge"))
        return event.publish(author=self.people["owner"], body="Look.", photos=[Attachment(photos[0].key, "A ship")])

    def _invite(self) -> None:
        owner = self.people["owner"]
        for event in self.events:
            ends_at = timezone.now() + timedelta(days=1)
            invitation, token = event.invite(name="Guest", made_by=owner, expires_at=ends_at)
            self.tokens.append(token)
            if event is self.live:
                assert invitation.guest is not None
                self.people["guest"] = invitation.guest
            elif event is self.draft:  # who is the live one's guest is this one's too
                Membership.objects.create(event=event, user=self.people["guest"], role=Role.CONTRIBUTOR)
        accepted = {"made_account": True, "accepted_by": self.people["contributor"], "used_at": timezone.now()}
        self.live.invitations.create(name="Made", made_by=owner, token_hash=f"accepted-{self._number}", **accepted)
        for who in ("New", "new@example.org"):
            self.tokens.append(self.live.invite_colleague(name=who, role=Role.EDITOR, made_by=owner)[1])

    def _open_desks(self) -> None:
        for role in ("owner", "editor"):
            Attendance.objects.create(event=self.live, user=self.people[role], page=uuid.uuid4())

    # What of it can be named.

    def _make_links(self) -> dict[str, list[dict[str, str]]]:
        """Make each kind of link for everybody; ``set-password`` is for whoever has opened one in this session."""
        by = self.people["owner"].pk
        links = {}
        for role, user in self.people.items():
            user.refresh_from_db()
            mailed, owners = default_token_generator.make_token(user), OwnersToken(by).make_token(user)
            uid = urlsafe_base64_encode(force_bytes(user.pk))
            tokens = (mailed, owners, "set-password")
            links[role] = [{"uidb64": uid, "token": token, "by": str(by)} for token in tokens]
            session = SessionStore(session_key=self.sessions[role])
            session[INTERNAL_RESET_SESSION_TOKEN] = owners if role == "contributor" else mailed
            session.save()
        return links

    def _collect(self) -> dict[str, list[str]]:
        updates = Update.objects.filter(event__in=self.events)
        waiting = Waiting.objects.filter(event__in=self.events)
        photos = Photo.objects.filter(event__in=self.events)
        invitations = Invitation.objects.filter(event__in=self.events)
        people = list(self.people.values())
        slugs = [event.slug for event in self.events]
        numbers = [str(number) for number in range(1, self.live.updates.count() + 1)]
        places = [str(update.place) for update in updates.filter(event=self.live)]
        keys = [str(key) for key in waiting.values_list("key", flat=True)]
        photo_keys = [str(key) for key in photos.values_list("key", flat=True)]
        urls = [f"{settings.BASE_URL}/events/{slug}/" for slug in slugs]
        revisions = [str(revision) for revision in range(self.live.revision + 2)]
        app_models = [(one.app_label, one.model) for one in ContentType.objects.all()]
        primary_keys = [str(user.pk) for user in people] + [str(pk) for pk in updates.values_list("pk", flat=True)]
        return {
            "slug": slugs,
            "number": numbers,
            "update": numbers,
            "pinned": numbers,
            "around": [*numbers, "first", "last"],
            "key": keys,
            "photo": photo_keys,
            "name": list(photos.values_list("name", flat=True)),
            "width": [str(WIDTH)],
            "before": places,
            "after": [*places, *revisions],
            "at": [*revisions, "2026-01-02T03:04", f"{timezone.now() + timedelta(days=1):%Y-%m-%dT%H:%M}"],
            "revision": revisions,
            "version": ["1", "2"],
            "edition": [event.edition for event in self.events],
            "part": ["1"],
            "accent": ["0a5fb4"],
            "user_id": [str(user.pk) for user in people],
            "pk": [str(pk) for pk in invitations.values_list("pk", flat=True)],
            "token": self.tokens,
            "page": [str(page) for page in Attendance.objects.values_list("page", flat=True)],
            "url": [*urls, *(f"{urls[0]}updates/{number}/" for number in numbers)],
            "username": [user.username for user in people],
            "email": [user.email for user in people],
            "who": ["Kim", "kim@example.org"],
            "next": [f"/desk/{slugs[0]}/", "/desk/"],
            **{name: [PASSWORD] for name in ("password", "old_password")},
            **{name: [NEW_PASSWORD] for name in ("password1", "password2", "new_password1", "new_password2")},
            "app_label": [label for label, _ in app_models],
            "object_id": primary_keys,
            "id": primary_keys,
            "content_type_id": [str(pk) for pk in ContentType.objects.values_list("pk", flat=True)],
            "file": ["css/site.css", "js/reader/event.js"],
        }


def _all(model: Any) -> Any:
    return _rows(model, None).values_list("pk", flat=True)


def _rows(model: Any, keys: list[Any] | None) -> Any:
    rows = model._default_manager.order_by("pk")
    return rows if keys is None else rows.filter(pk__in=keys)


def _session_of(user: User) -> str:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return str(client.cookies["sessionid"].value)


def _small_webp() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (WIDTH, 320), (20, 90, 160)).save(file, "WEBP")
    return file.getvalue()


WEBP = _small_webp()


def empty() -> None:
    """Take everything away, whoever made it."""
    tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
    with transaction.atomic(), connection.cursor() as cursor:
        for table in set(tables) - {"django_content_type", "auth_permission"}:
            cursor.execute(f"DELETE FROM {connection.ops.quote_name(table)}")


def forget_attempts() -> None:
    """Let nobody have tried too often: what paces people has tests of its own, and here would answer for the views."""
    Attempt.objects.all().delete()
