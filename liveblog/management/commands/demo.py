"""``liveblog demo`` seeds the demonstration from liveblog/demo; ``liveblog demo --play`` publishes the rest of it."""

import random
import secrets
import select
import sys
import time
import tomllib
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandParser
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from config.environment import command
from liveblog.models import Event, Update

SCRIPTS = Path(__file__).resolve().parents[2] / "demo"
EDITOR = "editor"
REPLAYED_UPDATES = 12
"""How many of the live event's updates arrive while the newcomer watches."""
PAUSE_SECONDS = (10.0, 20.0)

# Marks the users that the demonstration made; RFC 2606 keeps this domain from ever being anyone's.
MAIL_DOMAIN = "demo.invalid"


@dataclass(frozen=True)
class Script:
    """One event of the demonstration, as its file has it."""

    event: dict[str, Any]
    authors: list[dict[str, str]]
    updates: list[dict[str, Any]]

    @property
    def slug(self) -> str:
        """The event's address."""
        return str(self.event["slug"])

    @property
    def opening(self) -> list[dict[str, Any]]:
        """The updates that are seeded; the rest of a live event is replayed."""
        return self.updates[:-REPLAYED_UPDATES] if self.event["status"] == Event.Status.LIVE else self.updates

    def key(self, update: dict[str, Any]) -> uuid.UUID:
        """Return the key of an update, always the same: publishing it twice changes nothing."""
        return uuid.uuid5(uuid.NAMESPACE_URL, f"urn:liveblog:demo:{self.slug}:{update['at']}")


@dataclass
class Seeded:
    """What seeding did, in lines for a person; none if the demonstration was seeded before."""

    lines: list[str] = field(default_factory=list)
    password: str = ""


def read_scripts() -> list[Script]:
    """Return the demonstration's events, by the names of their files."""
    return [
        Script(data["event"], data["authors"], data["updates"])
        for data in (tomllib.loads(path.read_text(encoding="utf-8")) for path in sorted(SCRIPTS.glob("*.toml")))
    ]


def seed() -> Seeded:
    """Make the demonstration's people and events, once and in one transaction.

    Events and users that are there already are left alone; what an owner has removed since does not come back.
    """
    with transaction.atomic():
        if User.objects.filter(email__endswith=f"@{MAIL_DOMAIN}").exists():
            return Seeded()
        seeded = Seeded()
        editor = _make_editor(seeded)
        for script in read_scripts():
            if Event.objects.filter(slug=script.slug).exists():
                seeded.lines.append(f"Your own event “{script.slug}” is left alone; the demonstration does without it.")
            else:
                event = _make_event(script, editor)
                count = event.updates.count()
                seeded.lines.append(f"“{event.title}” ({event.status}, {count} updates) is there.")
    return seeded


def find_public_event() -> Event | None:
    """Return the event that the demonstration made as a live one, if readers can see it now."""
    script = next(script for script in read_scripts() if script.event["status"] == Event.Status.LIVE)
    return next((event for event in Event.objects.public().filter(slug=script.slug) if _is_ours(script, event)), None)


def has_editor() -> bool:
    """Return whether the demonstration's login still exists."""
    return User.objects.filter(username=EDITOR, email=_address(EDITOR)).exists()


def find_replay() -> tuple[Script, Event] | None:
    """Return the demonstration's live event, if some of its updates are not published yet."""
    for script in read_scripts():
        event = Event.objects.filter(slug=script.slug, status=Event.Status.LIVE).first()
        if event is not None and _is_ours(script, event) and next(_unpublished(script, event), None):
            return script, event
    return None


def publish_next(script: Script, event: Event) -> Update | None:
    """Publish the next update of the script, and end the event with the last; return ``None`` if none is left."""
    rest = list(_unpublished(script, event))
    if not rest:
        return None
    with transaction.atomic():
        update = _publish(script, event, rest[0])
        if len(rest) == 1:
            event.end()
    return update


class Command(BaseCommand):
    """Seed the demonstration, or publish the rest of it."""

    help = "Seed the demonstration: an event being replayed, one that has ended and one to come."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--play", action="store_true", help="publish the rest of the live event, then end it")
        parser.add_argument("--pause-seconds", type=float, help="how long to wait before each update (10 to 20)")
        parser.add_argument("--until-eof", action="store_true", help="stop when standard input closes")

    def handle(self, *, play: bool, pause_seconds: float | None, until_eof: bool, **options: Any) -> None:
        if play:
            wait = wait_for_eof if until_eof else wait_without_end
            count = publish_rest(wait, PAUSE_SECONDS if pause_seconds is None else (pause_seconds, pause_seconds))
            if options["verbosity"]:
                self.stdout.write(f"{count} updates published." if count else "Nothing is left to be told.")
            return
        seeded = seed()
        for line in seeded.lines or ["The demonstration was seeded before; nothing has changed."]:
            self.stdout.write(line)
        if seeded.password:
            self.stdout.write(f"Log in as {EDITOR} with the password {seeded.password} (shown only this once).")
        self.stdout.write(f"An administrator of your own: {command('createsuperuser')}")


def publish_rest(wait: Callable[[float], bool], pause_seconds: tuple[float, float]) -> int:
    """Publish an update after each pause until none is left; return how many there were.

    ``wait`` returns whether to stop. The replay also stops when somebody ends or deletes the event.
    """
    count = 0
    while True:
        try:
            if find_replay() is None or wait(random.uniform(*pause_seconds)):  # noqa: S311
                return count
            replay = find_replay()
            if replay is not None and publish_next(*replay):
                count += 1
        except OperationalError:  # the database was away; the connection is made anew after each pause
            if wait(PAUSE_SECONDS[0]):
                return count


def wait_for_eof(seconds: float) -> bool:
    """Wait; return whether standard input was closed meanwhile, as it is when the server has stopped."""
    connection.close()
    return bool(select.select([sys.stdin], [], [], seconds)[0])


def wait_without_end(seconds: float) -> bool:
    """Wait; return that the replay goes on."""
    connection.close()
    time.sleep(seconds)
    return False


def _make_editor(seeded: Seeded) -> User | None:
    if User.objects.filter(username=EDITOR).exists():
        seeded.lines.append(f"Your own user “{EDITOR}” is left alone; log in as one of yours.")
        return None
    seeded.password = "-".join(
        "".join(secrets.choice("abcdefghjkmnpqrstuvwxyz23456789") for _ in range(4)) for _ in range(3)
    )
    return User.objects.create_user(EDITOR, f"{EDITOR}@{MAIL_DOMAIN}", seeded.password, first_name="Editor")


def _make_event(script: Script, editor: User | None) -> Event:
    fields = script.event
    event = Event.objects.create(
        title=fields["title"],
        slug=script.slug,
        summary=fields["summary"],
        time_zone=fields["timezone"],
        language=fields["language"],
        starts_at=datetime.fromisoformat(fields["starts_at"]),
        ends_at=datetime.fromisoformat(fields["ends_at"]),
    )
    event.authors.add(*(_make_author(author) for author in script.authors), *([editor] if editor else []))
    if fields["status"] == Event.Status.UPCOMING:
        event.announce()
    else:
        event.go_live()
    for update in script.opening:
        _publish(script, event, update)
    if fields["status"] == Event.Status.ENDED:
        event.end()
        # It ended when it did, not when it was seeded. Nobody has seen it yet: no revision is due.
        event.ended_at = event.ends_at
        event.save(update_fields=["ended_at"])
    return event


def _make_author(fields: dict[str, str]) -> User:
    first_name, _, last_name = fields["name"].rpartition(" ")
    names = {"first_name": first_name, "last_name": last_name}
    user = User.objects.filter(email=_address(fields["username"])).first()
    if user is None:
        is_taken = User.objects.filter(username=fields["username"]).exists()
        username = f"demo-{fields['username']}" if is_taken else fields["username"]
        user = User.objects.create_user(username, _address(fields["username"]), password=None, **names)
    return user


def _publish(script: Script, event: Event, fields: dict[str, Any]) -> Update:
    name = next(author["name"] for author in script.authors if author["username"] == fields["author"])
    author = User.objects.filter(email=_address(fields["author"])).first() or event.authors.order_by("pk").first()
    if author is None:
        raise Event.DoesNotExist(f"“{script.slug}” has no author left.")
    update = event.publish(
        author=author,
        byline=name,
        key=script.key(fields),
        headline=fields.get("headline", ""),
        body=fields["body"],
        is_key=fields.get("key", False),
        published_at=min(datetime.fromisoformat(fields["at"]), timezone.now()),
    )
    if fields.get("pinned") and event.pinned_number is None:
        event.pin(update=update)
    return update


def _unpublished(script: Script, event: Event) -> Iterator[dict[str, Any]]:
    keys = set(event.updates.values_list("key", flat=True))
    return (update for update in script.updates if script.key(update) not in keys)


def _is_ours(script: Script, event: Event) -> bool:
    return event.updates.filter(key=script.key(script.updates[0])).exists()


def _address(username: str) -> str:
    return f"{username}@{MAIL_DOMAIN}"
