"""What the database itself sees to: no row that a page could not show, the same order and the same time everywhere.

These run on the database of the settings; tests/test_concurrency.py runs them once more on PostgreSQL.
"""

import logging
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.test import Client
from django.utils import timezone

from liveblog import markup
from liveblog.archive import export, import_event
from liveblog.models import Event, Update
from liveblog.models.database import rules_of
from liveblog.models.misdated import find_misdated
from liveblog.models.place import written_time
from tests import server
from tests.page import Page

LONG_AGO = datetime(2026, 1, 1, 12, tzinfo=UTC)
FORMER = [("liveblog", "0003_embedding")]
"""The release before the constraints."""


# What the former release could leave behind.


def migrate(targets: list[tuple[str, str]]) -> Any:
    """Bring the database to where ``targets`` say, and return the models of that time."""
    executor = MigrationExecutor(connection)
    executor.migrate(targets)
    return executor.loader.project_state(targets).apps


@pytest.fixture
def former(transactional_db: None) -> Iterator[Any]:
    """The models of the former release, on a database of that time."""
    latest = MigrationExecutor(connection).loader.graph.leaf_nodes()
    try:
        yield migrate(FORMER)
    finally:
        if not any(name == "0005_constraints" for _, name in MigrationExecutor(connection).loader.applied_migrations):
            with connection.cursor() as cursor:
                for table in ("liveblog_update", "liveblog_waiting", "liveblog_event"):
                    cursor.execute(f"DELETE FROM {table}")
        migrate(latest)


def break_everything(former: Any) -> set[str]:
    """Store, as the former release let an import do, an event for each fault; return what they are called."""
    event_model, update_model = former.get_model("liveblog", "Event"), former.get_model("liveblog", "Update")
    waiting_model = former.get_model("liveblog", "Waiting")
    ada = former.get_model("auth", "User").objects.create(username="ada")

    def event(slug: str, **fields: Any) -> Any:
        usual = {"status": "live", "first_public_at": LONG_AGO, "changed_at": LONG_AGO, "revision": 7, "last_number": 3}
        return event_model.objects.create(title=slug, slug=slug, **usual | fields)

    def update(slug: str, **fields: Any) -> Any:
        usual = {"number": 1, "revision": 5, "author": ada, "byline": "Ada", "published_at": LONG_AGO}
        return update_model.objects.create(event=event(slug), key=uuid.uuid4(), digest="0", **usual | fields)

    def waiting(slug: str, **fields: Any) -> Any:
        return waiting_model.objects.create(
            event=event(slug), key=uuid.uuid4(), digest="0", author=ada, byline="Ada", body="Waits.", **fields
        )

    event("ended-at-no-time", status="ended")
    event("live-and-ended", ended_at=LONG_AGO)
    event("secret", status="secret")
    event("a-pause-without-a-time", pause_note="Back at nine")
    event("a-pause-without-a-note", paused_at=LONG_AGO)
    event("ended-and-paused", status="ended", ended_at=LONG_AGO, pause_note="Soon", paused_at=LONG_AGO)
    event("live-and-closing", closing_note="That was it")
    event("public-since-no-time", first_public_at=None)
    event("reloading-for-ever", reload_revision=70)
    event("pinned-too-high", pinned_number=4)
    update("number-0", number=0)
    update("erased-and-shown", erased_at=LONG_AGO, body="Secret", body_html="<p>Secret</p>")
    update("withdrawn-by-nobody", withdrawn_by=ada)
    update("overtaken-for-ever", content_revision=6)
    waiting("waits-for-nothing")
    waiting("a-reason-for-nothing", needs_approval=True, reason="No.")
    update("whole")
    return set(event_model.objects.values_list("slug", flat=True))


def test_what_the_former_release_left_broken_is_mended_and_each_is_logged(
    former: Any, caplog: pytest.LogCaptureFixture
) -> None:
    slugs = break_everything(former)
    with caplog.at_level(logging.WARNING, "liveblog.migrations"):
        migrate([("liveblog", "0005_constraints")])
    events = {event.slug: event for event in Event.objects.all()}
    assert events.keys() == slugs

    assert events["ended-at-no-time"].ended_at == LONG_AGO
    assert events["live-and-ended"].ended_at is None
    assert events["secret"].status == "draft"
    for slug in ("a-pause-without-a-time", "a-pause-without-a-note", "ended-and-paused"):
        assert (events[slug].pause_note, events[slug].paused_at) == ("", None)
    assert events["live-and-closing"].closing_note == ""
    assert events["public-since-no-time"].first_public_at == LONG_AGO
    assert events["reloading-for-ever"].revision == events["reloading-for-ever"].reload_revision == 71
    assert events["pinned-too-high"].pinned_number is None
    assert (events["number-0"].updates.get().number, events["number-0"].last_number) == (4, 4)
    erased = events["erased-and-shown"].updates.get()
    assert (erased.body, erased.body_html, erased.withdrawn_at) == ("", "", LONG_AGO)
    assert events["withdrawn-by-nobody"].updates.get().withdrawn_by is None
    assert events["overtaken-for-ever"].updates.get().content_revision == 5
    assert events["waits-for-nothing"].waiting.values_list("needs_approval", flat=True).get()
    assert events["a-reason-for-nothing"].waiting.values_list("reason", flat=True).get() == ""

    for slug in events.keys() - {"whole"}:
        assert slug in caplog.text, slug
    assert "Back at nine" in caplog.text, "what was taken away can be read in the log"
    assert "whole" not in caplog.text
    for slug, event in events.items():  # open pages of what was mended fetch themselves anew, and no others
        is_mended = slug not in {"whole", "waits-for-nothing", "a-reason-for-nothing"}
        assert (event.reload_revision == event.revision > 7) == is_mended, slug


def test_a_database_that_was_mended_is_served(former: Any) -> None:
    break_everything(former)
    migrate(MigrationExecutor(connection).loader.graph.leaf_nodes())
    client = Client()
    client.force_login(User.objects.create(username="staff", is_staff=True))
    for address in ("/", "/feed.atom", "/sitemap.xml", "/desk/"):
        assert client.get(address).status_code == 200, address
    for event in Event.objects.all():
        assert client.get(f"/desk/{event.slug}/").status_code == 200
        if event.is_public:
            page = Page.open(client.get(event.get_absolute_url()).content.decode())
            assert page.cursor == event.revision


# The rules.


BROKEN: dict[str, dict[str, Any]] = {
    "ends_at": {"starts_at": LONG_AGO, "ends_at": LONG_AGO},
    "ended_at": {"status": "ended"},
    "paused_at": {"pause_note": "Back at nine"},
    "closing_note": {"closing_note": "That was it"},
    "first_public_at": {"first_public_at": None},
    "head_revision": {"head_revision": 9_000},
    "reload_revision": {"reload_revision": 9_000},
    "pinned_number": {"pinned_number": 9},
}


@pytest.mark.django_db
@pytest.mark.parametrize("field", BROKEN)
def test_what_breaks_a_rule_is_a_validation_error_that_says_so_and_names_its_field(event: Event, field: str) -> None:
    with pytest.raises(ValidationError) as refused, event.change() as locked:
        Event.objects.filter(pk=locked.pk).update(**BROKEN[field])
    assert refused.value.code == field
    assert len(refused.value.message) > 20
    assert Event.objects.get(pk=event.pk).revision == event.revision
    assert {rule.violation_error_code for rule in rules_of(Event)} == BROKEN.keys()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("field", "broken"),
    [
        ("number", {"number": 0}),
        ("erased_at", {"erased_at": LONG_AGO, "body": ""}),
        ("erased_at", {"erased_at": LONG_AGO, "withdrawn_at": LONG_AGO}),
        ("withdrawn_by", {"withdrawn_by_id": 1}),
        ("content_revision", {"content_revision": 9_000}),
    ],
)
def test_the_same_holds_for_updates(event: Event, author: Any, field: str, broken: dict[str, Any]) -> None:
    update = event.publish(author=author, body="One")
    if "withdrawn_by_id" in broken:
        broken = {"withdrawn_by_id": author.pk}
    with pytest.raises(ValidationError) as refused, event.change() as locked:
        locked.updates.filter(pk=update.pk).update(**broken)
    assert refused.value.code == field


@pytest.mark.django_db
def test_what_is_scheduled_keeps_a_time_and_says_so(event: Event, author: Any) -> None:
    waiting = event.submit(author=author, body="Later", due_at=timezone.now() + timedelta(hours=1))
    with pytest.raises(ValidationError, match="waits for approval or for a time"):
        waiting.edit(headline="", body="Never", due_at=None)


@pytest.mark.django_db
def test_an_error_that_is_no_rule_s_stays_what_it_is(event: Event) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Event.objects.create(title="The same", slug=event.slug)


@pytest.mark.django_db
def test_a_text_that_is_called_like_a_rule_is_not_taken_for_one(event: Event, author: Any) -> None:
    event.publish(author=author, body="One", headline="update_number", key=(key := uuid.uuid4()))
    with pytest.raises(IntegrityError), event.change() as locked:
        Update.objects.create(
            event=locked, number=1, revision=99, key=key, author=author, headline="update_number", published_at=LONG_AGO
        )


@pytest.mark.django_db
def test_who_goes_live_after_the_planned_end_goes_live(make_event: Callable[..., Event]) -> None:
    event = make_event(status="draft", ends_at=timezone.now() - timedelta(minutes=1))
    event.go_live()
    assert (event.status, event.ends_at) == ("live", None)
    assert event.starts_at is not None
    planned = make_event(status="draft", ends_at=timezone.now() + timedelta(hours=1))
    planned.go_live()
    assert planned.ends_at is not None


# The clock.


@pytest.fixture
def clock_ahead(monkeypatch: pytest.MonkeyPatch) -> Callable[[timedelta], Any]:
    """Have this process's clock run ahead for a while: ``with clock_ahead(timedelta(days=1)): …``."""

    @contextmanager
    def run_ahead(by: timedelta) -> Iterator[None]:
        right = timezone.now
        with monkeypatch.context() as moment:
            moment.setattr(timezone, "now", lambda: right() + by)
            yield

    return run_ahead


def date_ahead(update: Update, by: timedelta, *names: str) -> None:
    """Give times of an update that lie so far ahead, as a wrong clock does."""
    Update.objects.filter(pk=update.pk).update(**{name: getattr(update, name) + by for name in names})


DAY = timedelta(days=1)


@pytest.mark.django_db
def test_on_postgresql_the_clock_is_the_database_s_and_not_this_process_s(
    event: Event, author: Any, clock_ahead: Callable[[timedelta], Any]
) -> None:
    with clock_ahead(DAY):
        update = event.publish(author=author, body="One")
        due_at = timezone.now() - timedelta(hours=1)  # in 23 hours, for clocks that are right
        early = event.submit(author=author, body="Later", due_at=due_at)
    is_wrong = connection.vendor == "sqlite"
    assert (update.published_at > timezone.now()) == (update.posted_at > timezone.now()) == is_wrong
    assert isinstance(early, Update) == is_wrong
    if not is_wrong:
        with clock_ahead(DAY):
            assert early.publish_if_due() is None


@pytest.mark.django_db
def test_a_time_far_ahead_of_the_clock_is_forgotten_and_logged(
    event: Event, author: Any, caplog: pytest.LogCaptureFixture
) -> None:
    Event.objects.filter(pk=event.pk).update(latest_clock=timezone.now() + DAY)
    before = timezone.now() - timedelta(seconds=5)
    first = event.publish(author=author, body="One")
    assert "command misdated" in caplog.text
    caplog.clear()
    second = event.publish(author=author, body="Two")
    assert before < first.published_at < second.published_at < timezone.now() + timedelta(seconds=5)
    assert not caplog.text, "it is said once"


@pytest.mark.django_db
def test_what_a_wrong_clock_dated_is_named_and_redated_on_demand_and_open_pages_follow(
    event: Event, author: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    updates = [event.publish(author=author, body=f"Update {number}") for number in range(1, 7)]
    right = [(update.posted_at, update.published_at) for update in updates]
    updates[2].withdraw()
    for update in updates[1:4]:  # the clock ran ahead
        date_ahead(update, DAY, "posted_at", "published_at")
    date_ahead(updates[4], DAY, "published_at")  # then it was right, and the newest time was not
    Event.objects.filter(pk=event.pk).update(latest_clock=timezone.now() + DAY)
    page = Page.open(Client().get(event.get_absolute_url()).content.decode())
    revision = Event.objects.get(pk=event.pk).revision

    call_command("misdated")
    said = capsys.readouterr().out
    assert [number for number in range(1, 7) if f"update {number}:" in said] == [2, 3, 4, 5]
    assert "Nothing was changed" in said
    assert Event.objects.get(pk=event.pk).revision == revision

    call_command("misdated", event.slug, "--redate")
    assert "4 updates have another time now" in capsys.readouterr().out
    event.refresh_from_db()
    now = list(event.updates.order_by("number"))
    assert [update.posted_at for update in now] == sorted({update.posted_at for update in now})
    assert [update.published_at for update in now] == sorted({update.published_at for update in now})
    for update, (posted_at, published_at) in zip(now, right, strict=True):
        assert abs(update.posted_at - posted_at) < timedelta(seconds=5)
        assert abs(update.published_at - published_at) < timedelta(seconds=5)
    assert now[4].published_at == now[4].posted_at == right[4][0], "what arrived by a right clock is known"
    assert event.revision == revision + 4
    assert now[2].withdrawn_at is not None

    page.take(Client().get(f"{event.get_absolute_url()}changes/?after={page.cursor}").content.decode())
    assert page.cursor == event.revision
    anew = Page.open(Client().get(event.get_absolute_url()).content.decode())
    assert [card.text for card in page.cards] == [card.text for card in anew.cards]
    call_command("misdated")
    assert "No update has a time in the future" in capsys.readouterr().out
    assert event.publish(author=author, body="Next").published_at > now[-1].published_at


@pytest.mark.django_db
def test_a_run_of_wrong_times_keeps_its_distances_where_there_is_room(event: Event, author: Any) -> None:
    updates = [event.publish(author=author, body=f"Update {number}") for number in range(1, 5)]
    now = timezone.now()
    hours = [-9, 20, 23, 24]  # the last of them an hour ago, by a clock that ran 25 hours ahead
    for update, hour in zip(updates, hours, strict=True):
        moment = now + timedelta(hours=hour)
        Update.objects.filter(pk=update.pk).update(posted_at=moment, published_at=moment)
    found = find_misdated(event)
    assert [one.update.number for one in found] == [2, 3, 4]
    two, three, four = (one.arrived_at for one in found)
    assert (three - two, four - three) == (timedelta(hours=3), timedelta(hours=1))
    assert now <= four <= timezone.now()


@pytest.mark.django_db
def test_times_of_edits_and_of_corrections_from_the_future_become_past(event: Event, author: Any) -> None:
    update = event.publish(author=author, body="One", published_at=LONG_AGO)
    Update.objects.update(posted_at=timezone.now() - timedelta(hours=1))
    update.refresh_from_db()
    update.edit(body="Two", correction="It was two.")
    date_ahead(update, DAY, "version_at", "edited_at")
    ahead = written_time(timezone.now() + DAY)
    Update.objects.update(corrections=[{"at": ahead, "note": "It was two.", "version": 2}])
    call_command("misdated", "--redate", verbosity=0)
    update.refresh_from_db()
    assert update.published_at == LONG_AGO, "a time that its author set stays"
    assert update.version_at is not None
    assert update.edited_at is not None
    assert max(update.version_at, update.edited_at, update.corrected[0][0]) <= timezone.now()


@pytest.mark.django_db
@pytest.mark.parametrize("broken", ["It was two.", {"note": "It was two."}, {"at": "later", "note": "", "version": 1}])
def test_corrections_that_can_not_be_read_are_no_obstacle_to_redating(event: Event, author: Any, broken: Any) -> None:
    one, two = (event.publish(author=author, body=body) for body in ("One", "Two"))
    for update in (one, two):
        date_ahead(update, DAY, "posted_at", "published_at")
    ahead = {"at": written_time(timezone.now() + DAY), "note": "It was one.", "version": 1}
    Update.objects.filter(pk=one.pk).update(corrections=[broken, ahead])
    Update.objects.filter(pk=two.pk).update(corrections=broken)
    call_command("misdated", "--redate", verbosity=0)
    for update in (one, two):
        update.refresh_from_db()
        assert max(update.posted_at, update.published_at) <= timezone.now()
    assert one.corrections[0] == two.corrections == broken, "nothing is lost of what somebody may still mend"
    (correction,) = one.readable_corrections
    assert correction.at <= timezone.now()
    assert correction.note == "It was one."


# Nothing slow while the database is held.


@pytest.mark.django_db(transaction=True)
def test_no_markdown_is_rendered_in_a_transaction_that_makes_an_event(
    author: Any, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"
    export(server.make_event("Storm", slug="storm", summary="From *here*.", updates=1, author=author), tmp_path / "out")
    held: list[bool] = []
    render = markup.render

    def watched(text: str, **options: Any) -> str:
        held.append(connection.in_atomic_block)
        return render(text, **options)

    monkeypatch.setattr(markup, "render", watched)
    client = Client()
    client.force_login(author)
    for work in (
        lambda: Event.objects.create(title="By code", slug="by-code", summary="Some *words*."),
        lambda: client.post("/desk/new/", {"title": "By desk", "summary": "More *words*.", "time_zone": "UTC"}),
        lambda: import_event(tmp_path / "out", replace=True),
        lambda: (Event.objects.get(slug="storm").remove(), import_event(tmp_path / "out")),
    ):
        held.clear()
        Event.objects.filter(slug="storm").update(title="Changed")
        work()
        assert held
        assert not any(held)
    assert {event.slug: event.summary_html for event in Event.objects.all()} == {
        "by-code": "<p>Some <em>words</em>.</p>",
        "by-desk": "<p>More <em>words</em>.</p>",
        "storm": "<p>From <em>here</em>.</p>",
    }


@pytest.mark.django_db
def test_html_that_somebody_else_made_of_a_summary_is_never_stored(author: Any) -> None:
    event = Event.objects.create(title="One", slug="one", summary="*Words*.", summary_html="<script>alert(1)</script>")
    assert event.summary_html == "<p><em>Words</em>.</p>"


# What is unknown comes last, on every database.


@pytest.mark.django_db
def test_events_without_a_start_come_last_wherever_they_are_listed() -> None:
    starts = {"unknown-1": None, "early": LONG_AGO, "late": LONG_AGO + timedelta(days=1), "unknown-2": None}
    for slug, starts_at in starts.items():
        Event.objects.create(title=slug, slug=slug, starts_at=starts_at).announce()
    in_order = ["late", "early", "unknown-2", "unknown-1"]
    assert [event.slug for event in Event.objects.all()] == in_order
    client = Client()
    client.force_login(User.objects.create(username="staff", is_staff=True, is_superuser=True))
    for address, expected in {
        "/": ["early", "late", "unknown-1", "unknown-2"],  # what comes next comes first
        "/desk/": in_order,
        "/admin/liveblog/event/": in_order,
    }.items():
        page = client.get(address).content.decode()
        assert sorted(in_order, key=lambda slug: page.index(f">{slug}<")) == expected, address
