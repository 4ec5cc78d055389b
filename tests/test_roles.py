"""Every address of the desk, tried as everybody: owner, editor, contributor, guest, stranger.

The table below says what each is answered. An address that is not in it fails a test: whoever adds one
says here who may use it.
"""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import models, transaction
from django.test import Client
from django.urls import URLPattern, get_resolver, reverse
from django.utils import timezone

from liveblog.models import Attendance, Audience, Event, Invitation, Membership, Photo, Role, Update, Version, Waiting

KEY = uuid.UUID("0b9f62a8-57c0-4be2-b1ae-4a2f3b1c9d01")
NEW_KEY = uuid.UUID("0b9f62a8-57c0-4be2-b1ae-4a2f3b1c9d02")
PHOTO = "5f0c1de2a4b34fd6a1c0de5f0c1de2a4"

OWNERS = {"owner", "staff"}
EDITORS = OWNERS | {"editor"}
CONTRIBUTORS = {"contributor", "guest"}
ALL = EDITORS | CONTRIBUTORS
STRANGERS = {"revoked", "expired", "owner elsewhere", "editor elsewhere", "contributor elsewhere", "guest elsewhere"}
EVERYBODY = sorted(ALL | STRANGERS | {"anonymous"})
ONE_OF_EACH = ["anonymous", "guest", "owner", "revoked"]
"""Who may everything, who may little, who no longer may and who is not signed in, for what differs by address alone."""


class Rule(NamedTuple):
    """Who may do it. Others with a role get 403, strangers 404, and nothing changes."""

    may: set[str]
    sent: dict[str, Any]
    refused: int = 403
    """What those with too small a role are answered; 404 where it is somebody else's and not theirs to know."""


READ = {
    "desk": ALL,
    "desk-preview": ALL,
    "desk-changes": ALL,
    "desk-versions": ALL,
    "desk-purge": OWNERS,
    "desk-settings": OWNERS,
    "desk-people": OWNERS,
    "desk-deletion": OWNERS,
    "desk-update": EDITORS,
    "desk-waiting": EDITORS,
    "desk-photo": ALL,
    "desk-archive": OWNERS,
    "desk-frozen": OWNERS,
    "desk-export": OWNERS,
}
"""What can be opened. ``desk-update`` and ``desk-waiting`` are an editor's own here: contributors' below."""

WRITE = {
    "desk-updates": Rule(ALL, {"body": "Sent", "key": str(NEW_KEY)}),
    "desk-photos": Rule(ALL, {"key": "damaged"}),
    "desk-render": Rule(ALL, {"body": "**Bold**"}),
    "desk-settings": Rule(OWNERS, {"title": "Changed"}),
    "desk-people": Rule(OWNERS, {"username": "newcomer", "role": "editor"}),
    "desk-person": Rule(OWNERS, {"role": "contributor"}),
    "desk-invitations": Rule(OWNERS, {"name": "Kim"}),
    "desk-colleagues": Rule(OWNERS, {"who": "Kim", "role": "editor"}),
    "desk-let-in": Rule(OWNERS, {}),
    "desk-revocation": Rule(OWNERS, {}),
    "desk-status": Rule(EDITORS, {"status": "ended"}),
    "desk-pause": Rule(EDITORS, {"note": "Back at 20:00."}),
    "desk-deletion": Rule(OWNERS, {"slug": "bridge"}),
    "desk-update": Rule(EDITORS, {"headline": "", "body": "Edited"}),
    "desk-withdrawal": Rule(EDITORS, {}),
    "desk-restoration": Rule(EDITORS, {}),
    "desk-purge": Rule(OWNERS, {"number": "1"}),
    "desk-pin": Rule(EDITORS, {"on": "1"}),
    "desk-key": Rule(EDITORS, {"on": "1"}),
    "desk-waiting": Rule(EDITORS, {"headline": "", "body": "Edited", "version": "1"}, refused=404),
    "desk-publication": Rule(EDITORS, {"version": "1"}, refused=404),
    "desk-rejection": Rule(EDITORS, {"reason": "No."}, refused=404),
}
NOT_OF_AN_EVENT = {"desks", "desk-new"}
OPEN_TO_ALL = {"worker", "manifest", "share", "join", "desk-departure"}
"""These show nothing of an event; ``join`` has tests in test_people.py, ``desk-departure`` in test_presence.py."""
OF_AN_ACCOUNT = {"account", "password_change"}
"""What belongs to whoever is signed in, but for guests, who have no password."""
WAYS_IN = {
    "login", "logout", "password_reset", "password_reset_done", "password_reset_confirm", "password-link",
}  # fmt: skip
"""These are for whoever is not signed in; test_login.py and test_accounts.py say whom they let in."""


class World:
    """An event with something of everything in it, and everybody's browser."""

    def __init__(self) -> None:
        self.event = Event.objects.create(title="Harbour bridge", slug="bridge")
        self.other = Event.objects.create(title="Elsewhere", slug="elsewhere")
        self.users: dict[str, User | None] = {
            name: self._user(name) for name in ("owner", "editor", "contributor", "second owner", "newcomer")
        }
        for name, role in (("owner", "owner"), ("second owner", "owner"), ("editor", "editor")):
            self.event.appoint(user=self.user(name), role=Role(role))
        self.event.appoint(user=self.user("contributor"), role=Role.CONTRIBUTOR)
        self.users["staff"] = self._user("staff", is_staff=True)
        self.users["owner elsewhere"] = self._user("owner-elsewhere")
        self.other.appoint(user=self.user("owner elsewhere"), role=Role.OWNER)
        for role in (Role.EDITOR, Role.CONTRIBUTOR):
            self.users[f"{role} elsewhere"] = self._user(f"{role}-elsewhere")
            self.other.appoint(user=self.user(f"{role} elsewhere"), role=role)
        self.users |= {name: self._guest(name, self.event) for name in ("guest", "revoked", "expired")}
        self.users["guest elsewhere"] = self._guest("guest elsewhere", self.other)
        self.users["anonymous"] = None
        Invitation.objects.get(name="revoked").revoke()
        Invitation.objects.filter(name="expired").update(expires_at=timezone.now() - timedelta(seconds=1))
        self.event.publish(author=self.user("editor"), body="They take their seats.")
        self.event.go_live()
        self.waiting = self.hold(self.user("second owner"), KEY)
        self.photo = Photo.objects.create(
            event=self.event, uploader=self.user("owner"), name=PHOTO, width=10, height=10, widths=[10]
        )

    def _user(self, name: str, **more: Any) -> User:
        return User.objects.create_user(name.replace(" ", "-"), **more)

    def _guest(self, name: str, event: Event) -> User:
        return event.invite(name=name, made_by=self.user("owner"))[0].guest

    def user(self, name: str) -> User:
        """Return somebody by the name they have here."""
        found = self.users[name]
        assert found is not None
        return found

    def hold(self, author: User, key: uuid.UUID | None = None) -> Waiting:
        """Put something into the queue."""
        waiting = self.event.submit(author=author, body="Waits.", key=key, needs_approval=True)
        assert isinstance(waiting, Waiting)
        return waiting

    def client(self, name: str) -> Client:
        """Return somebody's browser."""
        client = Client()
        if user := self.users[name]:
            client.force_login(user)
        return client

    def address(self, name: str, *, number: int = 1, key: uuid.UUID = KEY) -> str:
        """Return an address of the event's desk, as it is for what is in it."""
        values = {
            "slug": "bridge",
            "number": number,
            "key": key,
            "user_id": self.user("second owner").pk,
            "pk": Invitation.objects.get(name="guest").pk,
            "name": PHOTO,
            "width": 10,
        }
        wanted = get_resolver().reverse_dict.getlist(name)[0][0][0][1]
        address = reverse(name, kwargs={part: values[part] for part in wanted})
        return address + ("?after=0&edition=" + self.event.edition if name == "desk-changes" else "")


@pytest.fixture
def world(db: None, settings: Any, tmp_path: Path) -> World:
    settings.MEDIA_ROOT = tmp_path
    return World()


def patterns() -> Iterator[URLPattern]:
    """Every address at and below /desk/, /join/ and /accounts/, by the resolver."""
    for pattern in get_resolver().url_patterns:
        for found in getattr(pattern, "url_patterns", [pattern]):
            if str(found.pattern).startswith(("desk/", "join/", "accounts/")):
                yield found


def state() -> dict[str, Any]:
    """Return all that is stored, but sessions and when somebody was last here."""
    kept: list[type[models.Model]] = [
        Event, Update, Version, Waiting, Photo, Membership, Invitation, Attendance, Audience,
    ]  # fmt: skip
    found: dict[str, Any] = {model.__name__: list(model._default_manager.order_by("pk").values()) for model in kept}
    found["User"] = list(User.objects.order_by("pk").values("pk", "username", "is_active", "is_staff", "password"))
    return found


@contextmanager
def undone() -> Iterator[None]:
    """Undo what happens to the database, so that everybody finds the same."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def check_answer(answer: Any, *, may: bool, refused: int, name: str) -> None:
    if name == "anonymous":
        assert answer.status_code in {302, 401}
        if answer.status_code == 302:
            assert answer["Location"].startswith("/accounts/login/?next=/desk/")
    elif may:
        assert answer.status_code not in {401, 403, 404, 405}, name
        assert answer.status_code < 500, name
    else:
        assert answer.status_code == (404 if name in STRANGERS else refused), name


def test_every_address_is_in_the_table() -> None:
    known = set(READ) | set(WRITE) | NOT_OF_AN_EVENT | OPEN_TO_ALL | OF_AN_ACCOUNT | WAYS_IN
    assert {pattern.name for pattern in patterns()} == known


@pytest.mark.parametrize("address", sorted(READ))
def test_who_may_open_it(address: str, world: World) -> None:
    before = state()
    for name in EVERYBODY:
        answer = world.client(name).get(world.address(address))
        if address == "desk-photo" and name in ALL:
            assert answer.status_code in {200, 404}, "the file is not there, but nobody is refused"
        else:
            refused = 404 if address == "desk-waiting" else 403
            check_answer(answer, may=name in READ[address], refused=refused, name=name)
            assert answer.status_code in {200, 302, 403, 404}, name
        if name not in ALL:
            for words in ("They take their seats.", "Waits."):
                assert words not in answer.content.decode(), name
    assert state() == before


@pytest.mark.parametrize("address", sorted(WRITE))
def test_who_may_post_to_it_and_whoever_may_not_changes_nothing(address: str, world: World) -> None:
    rule, before = WRITE[address], state()
    clients = {name: world.client(name) for name in EVERYBODY}

    def post(name: str, **headers: str) -> None:
        with undone():
            answer = clients[name].post(world.address(address), rule.sent, headers=headers)
            check_answer(answer, may=name in rule.may, refused=rule.refused, name=name)
            if name not in rule.may:
                assert state() == before, name

    for name in EVERYBODY:
        post(name)
    for name in ONE_OF_EACH:
        user = world.users[name]
        post(name, **{"HX-Request": "true"})
        post(name, **{"Liveblog-Author": str(user.pk if user else 0)})


def test_no_other_way_of_asking_gets_anywhere(world: World) -> None:
    before = state()
    for name in ONE_OF_EACH:
        client = world.client(name)
        for address in sorted(set(READ) | set(WRITE)):
            for ask in (client.put, client.patch, client.delete):
                assert ask(world.address(address)).status_code in {302, 401, 403, 404, 405}, (name, address)
    assert state() == before


@pytest.mark.parametrize("name", ["anonymous", "owner", "staff", *sorted(one for one in STRANGERS if "else" in one)])
def test_an_id_of_this_event_opens_nothing_through_the_desk_of_another(name: str, world: World) -> None:
    """The owner elsewhere owns the desk whose address it is; what the numbers and keys in it name lies here."""
    before = state()
    client = world.client(name)
    for pattern in patterns():
        own = world.address(pattern.name) if pattern.name in WRITE or pattern.name in READ else ""
        if own.count("/") > 4:  # it names something in the event
            address = own.replace("/bridge/", "/elsewhere/")
            sent = WRITE[pattern.name].sent if pattern.name in WRITE else {}
            for answer in (client.get(address), client.post(address, sent)):
                assert answer.status_code in {302, 401, 403, 404, 405}, address
                assert answer.status_code != 302 or name == "anonymous"
    assert state() == before


def test_the_list_of_events_shows_each_their_own(world: World) -> None:
    assert world.client("anonymous").get("/desk/").status_code == 302
    for name in sorted(set(EVERYBODY) - {"anonymous"}):
        page = world.client(name).get("/desk/").content.decode()
        assert ("Harbour bridge" in page) == (name in ALL), name
        assert ("Elsewhere" in page) == ("elsewhere" in name or name == "staff"), name


def test_who_may_make_an_event(world: World) -> None:
    guests, before = {"guest", "revoked", "expired", "guest elsewhere"}, state()
    for name in EVERYBODY:
        client = world.client(name)
        with undone():
            for answer in (client.get("/desk/new/"), client.post("/desk/new/", {"title": "Mine"})):
                if name == "anonymous":
                    assert answer.status_code in {302, 401}, "asked to sign in, with what was written"
                elif name in guests:
                    assert answer.status_code == 403, name
                else:
                    assert answer.status_code in {200, 302}, name
            if name in guests | {"anonymous"}:
                assert state() == before, name
            else:
                assert Event.objects.latest("pk").role_of(world.user(name)) == "owner", name


@pytest.mark.parametrize("address", sorted(OF_AN_ACCOUNT))
def test_whoever_has_an_account_reaches_their_own_and_guests_have_none(address: str, world: World) -> None:
    guests, before = {"guest", "revoked", "expired", "guest elsewhere"}, state()
    for name in EVERYBODY:
        client = world.client(name)
        for answer in (client.get(reverse(address)), client.post(reverse(address), {"old_password": "guess"})):
            if name == "anonymous":
                assert answer["Location"].startswith("/accounts/login/")
            else:
                assert (answer.status_code == 403) == (name in guests), name
                assert answer.status_code in {200, 403, 422}, name
    assert state() == before


def test_only_staff_reach_the_set_up(world: World) -> None:
    addresses = ("/admin/", "/admin/auth/user/", "/admin/liveblog/event/", "/admin/password_change/")
    for name in sorted(set(EVERYBODY) - {"staff"}):
        client = world.client(name)
        for address in addresses:
            assert client.get(address)["Location"].startswith("/admin/login/"), (name, address)


# What is one's own.


OWN_UPDATE = {
    "desk-update": {"headline": "", "body": "Edited"},
    "desk-withdrawal": {},
    "desk-restoration": {},
}
"""What contributors may do to their own updates, once published: only where no editor looks at posts first."""


@pytest.mark.parametrize("waits", [True, False], ids=["approval on", "approval off"])
@pytest.mark.parametrize("name", sorted(CONTRIBUTORS))
@pytest.mark.parametrize("address", sorted(OWN_UPDATE))
def test_a_contributor_changes_their_own_updates_where_nobody_has_to_approve(
    address: str, name: str, waits: bool, world: World
) -> None:
    world.event.revise(contributors_wait=waits)
    own = world.event.publish(author=world.user(name), body="Mine.")
    before = state()
    answer = world.client(name).post(world.address(address, number=own.number), OWN_UPDATE[address])
    is_sent_to_editor = waits and address == "desk-update"
    assert answer.status_code == (302 if is_sent_to_editor or not waits else 403)
    assert (state() == before) == ((waits and not is_sent_to_editor) or address == "desk-restoration")
    own.refresh_from_db()
    assert (own.body == "Mine.") == (waits or address != "desk-update")
    before = state()
    others = world.client(name).post(world.address(address, number=1), OWN_UPDATE[address])
    assert others.status_code == 403
    assert state() == before


@pytest.mark.parametrize("waits", [True, False], ids=["approval on", "approval off"])
@pytest.mark.parametrize("name", sorted(CONTRIBUTORS))
def test_a_contributor_edits_and_takes_back_what_is_their_own_and_waits_but_never_approves_it(
    name: str, waits: bool, world: World
) -> None:
    world.event.revise(contributors_wait=waits)
    own = world.hold(world.user(name))
    client = world.client(name)
    assert client.get(world.address("desk-waiting", key=own.key)).status_code == 200
    edited = {"headline": "", "body": "Edited.", "version": "1"}
    assert client.post(world.address("desk-waiting", key=own.key), edited).status_code == 302
    assert client.post(world.address("desk-publication", key=own.key), {"version": "2"}).status_code == 403
    own.refresh_from_db()
    assert (own.body, own.needs_approval) == ("Edited.", True)
    assert client.post(world.address("desk-rejection", key=own.key)).status_code == 302
    own.refresh_from_db()
    assert own.rejected_at
    assert not world.event.updates.filter(key=own.key).exists()


@pytest.mark.parametrize("waits", [True, False], ids=["approval on", "approval off"])
@pytest.mark.parametrize(
    ("name", "needs_approval"),
    [("contributor", True), ("guest", True), ("editor", False), ("owner", False), ("staff", False)],
)
def test_whose_posts_wait(name: str, needs_approval: bool, waits: bool, world: World) -> None:
    world.event.revise(contributors_wait=waits)
    world.client(name).post(world.address("desk-updates"), {"body": "Sent", "key": str(NEW_KEY)})
    assert Waiting.objects.filter(key=NEW_KEY).exists() == (needs_approval and waits)
    assert Update.objects.filter(key=NEW_KEY).exists() != (needs_approval and waits)


# Between two requests.


def _revoke(world: World) -> None:
    Invitation.objects.get(name="guest").revoke()


def _expire(world: World) -> None:
    Invitation.objects.filter(name="guest").update(expires_at=timezone.now() - timedelta(seconds=1))


def _end(world: World) -> None:
    world.event.end()


@pytest.mark.parametrize("happening", [_revoke, _expire, _end])
def test_a_guest_is_out_from_the_very_next_request(happening: Callable[[World], None], world: World) -> None:
    client = world.client("guest")
    assert client.get("/desk/bridge/").status_code == 200
    happening(world)
    before = state()
    for address, rule in WRITE.items():
        assert client.post(world.address(address), rule.sent).status_code == 404
    for address in READ:
        assert client.get(world.address(address)).status_code == 404
    assert state() == before


def test_somebody_whose_account_was_closed_is_out_as_well(world: World) -> None:
    client = world.client("editor")
    assert client.get("/desk/bridge/").status_code == 200
    User.objects.filter(username="editor").update(is_active=False)
    assert client.get("/desk/bridge/").status_code == 302
    assert Session.objects.exists()


def test_who_loses_a_role_loses_it_at_once(world: World) -> None:
    client = world.client("editor")
    for role, status in ((Role.EDITOR, 302), (Role.CONTRIBUTOR, 403), (None, 404)):
        if role:
            world.event.appoint(user=world.user("editor"), role=role)
        else:
            world.event.dismiss(user=world.user("editor"))
        assert client.post(world.address("desk-pin"), {"on": "1"}).status_code == status
