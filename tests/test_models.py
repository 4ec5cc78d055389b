"""Every change a reader can see: one method, one transaction, one revision (docs/protocol.md)."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.db.models import ProtectedError
from django.utils import timezone

from liveblog import bell
from liveblog.models import Event, KeyReused, Place, Update, WrongStatus
from liveblog.models.content import BODY_CHARACTERS, HEADLINE_CHARACTERS
from liveblog.models.place import written_time
from tests.page import Page
from tests.server import make_user

pytestmark = pytest.mark.django_db

LONG_AGO = datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC)


def counters(event: Event) -> tuple[int, int, int]:
    """Return revision, head_revision and reload_revision as the database has them."""
    stored = Event.objects.get(pk=event.pk)
    assert (event.revision, event.head_revision, event.reload_revision) == (
        stored.revision,
        stored.head_revision,
        stored.reload_revision,
    ), "the object in hand is not what was committed"
    return stored.revision, stored.head_revision, stored.reload_revision


# One counter.


def test_a_new_event_is_a_draft_at_revision_nought() -> None:
    event = Event.objects.create(title="The landing", slug="landing")
    assert counters(event) == (0, 0, 0)
    assert event.status == "draft"
    assert not event.is_public
    assert len(event.edition) == 8
    assert set(event.edition) <= set("0123456789abcdef")


def test_an_update_takes_the_next_revision_and_number(event: Event, author: Any) -> None:
    before, head, reload = counters(event)
    first = event.publish(author=author, body="One")
    second = event.publish(author=author, body="Two")
    assert [(u.number, u.revision) for u in (first, second)] == [(1, before + 1), (2, before + 2)]
    assert counters(event) == (before + 2, head, reload)


def test_revisions_of_two_events_are_independent(make_event: Callable[..., Event], author: Any) -> None:
    one, other = make_event(updates=3), make_event()
    update = other.publish(author=author, body="Mine")
    assert (update.number, update.revision) == (1, 2)
    assert one.updates.count() == 3


def test_each_change_of_an_update_takes_one_revision(event: Event, author: Any) -> None:
    update = event.publish(author=author, body="One")
    changes: list[Callable[[], None]] = [
        lambda: update.edit(body="Two"),
        lambda: update.edit(headline="A headline"),
        lambda: update.edit(body="Three", headline="Another", is_key=True),
        lambda: update.mark_key(is_key=False),
        lambda: update.move(published_at=LONG_AGO),
        update.withdraw,
        update.restore,
    ]
    for change in changes:
        before = event.updates.get().revision
        change()
        assert update.revision == before + 1
        assert Event.objects.get(pk=event.pk).revision == before + 1
        assert event.updates.get().revision == before + 1


def test_a_change_that_changes_nothing_takes_no_revision(event: Event, author: Any) -> None:
    update = event.publish(author=author, body="One", headline="First", is_key=True)
    event.pin(update=update)
    before = counters(event)
    changes: list[Callable[[], None]] = [
        lambda: update.edit(body="One", headline="First", is_key=True),
        lambda: update.edit(body="One\r\n"),
        update.edit,
        lambda: update.mark_key(is_key=True),
        lambda: update.move(published_at=update.published_at),
        update.restore,
        lambda: event.pin(update=update),
        lambda: event.revise(title=event.title, summary=event.summary, time_zone=event.time_zone),
        event.revise,
        event.go_live,
        event.reopen,
    ]
    for change in changes:
        change()
        event.refresh_from_db()
        assert counters(event) == before
    event.unpin()
    before = counters(event)
    event.unpin()
    update.withdraw()
    withdrawn_at = update.withdrawn_at
    after = Event.objects.get(pk=event.pk).revision
    update.withdraw()
    assert update.withdrawn_at == withdrawn_at
    assert Event.objects.get(pk=event.pk).revision == after == before[0] + 1


def test_revisions_and_numbers_are_unique_in_the_database(event: Event, author: Any) -> None:
    update = event.publish(author=author, body="One")
    for clash in ({"number": 2}, {"revision": 99}, {"number": 2, "revision": 99, "key": update.key}):
        copy = Update.objects.get(pk=update.pk)
        copy.pk = None
        copy.key = uuid.uuid4()
        for name, value in clash.items():
            setattr(copy, name, value)
        with pytest.raises(IntegrityError), transaction.atomic():
            copy.save()


def test_an_event_needs_no_more_than_title_and_slug_and_says_its_end_must_follow_its_start() -> None:
    event = Event.objects.create(title="The landing", slug="landing", starts_at=timezone.now())
    with pytest.raises(ValidationError, match="end must be later"):
        event.revise(ends_at=event.starts_at - timedelta(hours=1))
    event.refresh_from_db()
    assert event.ends_at is None
    assert counters(event)[0] == 0


# The head, and every card at once.


def test_an_ordinary_update_leaves_the_head_alone(event: Event, author: Any) -> None:
    head = counters(event)[1]
    update = event.publish(author=author, body="One")
    update.edit(body="Two")
    update.move(published_at=LONG_AGO)
    update.withdraw()
    update.restore()
    event.refresh_from_db()
    assert counters(event)[1] == head


def test_a_key_update_touches_the_head_with_every_change(event: Event, author: Any) -> None:
    update = event.publish(author=author, body="One", is_key=True)
    changes: list[Callable[[], None]] = [
        lambda: update.edit(headline="A headline"),
        lambda: update.move(published_at=LONG_AGO),
        update.withdraw,
        update.restore,
        lambda: update.mark_key(is_key=False),
        lambda: update.mark_key(is_key=True),
    ]
    assert counters(event)[:2] == (update.revision, update.revision)
    for change in changes:
        change()
        event.refresh_from_db()
        assert counters(event)[:2] == (update.revision, update.revision)


def test_a_pinned_update_touches_the_head_with_every_change(event: Event, author: Any) -> None:
    update = event.publish(author=author, body="One")
    event.pin(update=update)
    for change in (lambda: update.edit(body="Two"), update.withdraw, update.restore):
        change()
        event.refresh_from_db()
        assert counters(event)[:2] == (update.revision, update.revision)
        assert update.is_pinned
    event.unpin()
    update.edit(body="Three")
    event.refresh_from_db()
    assert event.head_revision == event.revision - 1


def test_pinning_moves_the_pin_in_one_revision_and_leaves_the_cards_alone(event: Event, author: Any) -> None:
    one, two = (event.publish(author=author, body=body) for body in ("One", "Two"))
    before = event.revision
    event.pin(update=one)
    assert counters(event)[:2] == (before + 1, before + 1)
    event.pin(update=two)
    assert counters(event)[:2] == (before + 2, before + 2)
    assert event.pinned_number == two.number
    event.unpin()
    assert counters(event)[:2] == (before + 3, before + 3)
    assert event.pinned_number is None
    assert [u.revision for u in event.updates.oldest_first()] == [one.revision, two.revision]


def test_what_is_gone_or_of_another_event_can_not_be_pinned(make_event: Callable[..., Event]) -> None:
    event, other = make_event(updates=1), make_event(updates=1)
    update, stranger = event.updates.get(), other.updates.get()
    with pytest.raises((ValidationError, Update.DoesNotExist)):
        event.pin(update=stranger)
    update.withdraw()
    event.refresh_from_db()
    before = counters(event)
    with pytest.raises(ValidationError, match="Restore it first"):
        event.pin(update=update)
    event.refresh_from_db()
    assert counters(event) == before


@pytest.mark.parametrize(
    "changes", [{"title": "Other"}, {"summary": "*Other*"}, {"order": "oldest"}, {"starts_at": LONG_AGO}]
)
def test_what_stands_in_the_head_touches_the_head_only(event: Event, changes: dict[str, Any]) -> None:
    revision, _, reload = counters(event)
    event.revise(**changes)
    assert counters(event) == (revision + 1, revision + 1, reload)


@pytest.mark.parametrize("changes", [{"time_zone": "Asia/Kathmandu"}, {"language": "de", "title": "Die Landung"}])
def test_what_stands_in_every_card_makes_readers_reload(event: Event, changes: dict[str, Any]) -> None:
    revision = counters(event)[0]
    event.revise(**changes)
    assert counters(event) == (revision + 1,) * 3


def test_revising_checks_what_it_is_given(event: Event) -> None:
    before = counters(event)
    for changes in ({"time_zone": "Mars/Tranquillity"}, {"title": ""}, {"order": "random"}, {"title": "x" * 151}):
        with pytest.raises(ValidationError):
            event.revise(**changes)
    with pytest.raises(TypeError, match="revision"):
        event.revise(revision=99)
    event.refresh_from_db()
    assert counters(event) == before


def test_a_summary_is_rendered_when_it_is_saved() -> None:
    event = Event.objects.create(title="The landing", slug="landing", summary="*Two* men<script>\r\n")
    assert event.summary_html == "<p><em>Two</em> men&lt;script&gt;</p>"
    event.revise(summary="**Three** men")
    event.refresh_from_db()
    assert event.summary_html == "<p><strong>Three</strong> men</p>"


# Tombstones.


def test_a_withdrawn_update_stays_as_a_tombstone_and_can_be_restored_whole(event: Event, author: Any) -> None:
    update = event.publish(author=author, body="One", headline="First", is_key=True)
    place = update.place
    update.withdraw()
    assert event.updates.count() == 1
    assert not event.updates.visible().exists()
    assert update.withdrawn_at is not None
    update.restore()
    restored = event.updates.visible().get()
    assert (restored.place, restored.body, restored.headline, restored.is_key) == (place, "One", "First", True)


def test_a_withdrawn_update_is_not_changed_until_it_is_restored(event: Event, author: Any) -> None:
    update = event.publish(author=author, body="One")
    update.withdraw()
    revision = update.revision
    for change in (
        lambda: update.edit(body="Two"),
        lambda: update.mark_key(is_key=True),
        lambda: update.move(published_at=LONG_AGO),
    ):
        with pytest.raises(ValidationError, match="Restore it"):
            change()
    assert Event.objects.get(pk=event.pk).revision == revision
    assert event.updates.get().body == "One"


def test_what_an_author_has_in_hand_may_be_out_of_date(event: Event, author: Any) -> None:
    mine = event.publish(author=author, body="One", headline="First")
    theirs = Update.objects.get(pk=mine.pk)
    mine.withdraw()
    theirs.restore()
    assert mine.withdrawn_at is not None
    mine.withdraw()
    assert not event.updates.visible().exists(), "withdrawing looked at the object in hand, not at the database"
    mine.restore()
    theirs.edit(headline="Second")
    mine.edit(body="Two")
    stored = event.updates.get()
    assert (stored.headline, stored.body) == ("Second", "Two")
    assert mine.headline == "Second"


def test_the_rows_of_authors_and_of_a_live_event_are_kept(event: Event, author: Any) -> None:
    event.publish(author=author, body="One")
    with pytest.raises(ProtectedError):
        author.delete()


# Times.


def test_an_update_has_the_time_of_the_clock(event: Event, author: Any) -> None:
    before = timezone.now()
    update = event.publish(author=author, body="One")
    assert before <= update.published_at <= timezone.now()


def test_clocks_that_differ_by_up_to_two_minutes_keep_the_order(
    event: Event, author: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    start, times = timezone.now(), []
    for seconds in (0, 0, 30, 119, 119, 60):
        with monkeypatch.context() as moment:
            moment.setattr(timezone, "now", lambda ago=seconds: start - timedelta(seconds=ago))
            times.append(event.publish(author=author, body="One").published_at)
    assert times == sorted(set(times))
    if connection.vendor == "sqlite":  # else the clock is the database's
        assert times == [start + timedelta(microseconds=n) for n in range(6)]


def test_a_time_that_an_author_sets_does_not_push_the_clock(event: Event, author: Any) -> None:
    old = event.publish(author=author, body="Old", published_at=LONG_AGO)
    new = event.publish(author=author, body="New")
    assert old.published_at == LONG_AGO
    assert timezone.now() - new.published_at < timedelta(minutes=1)
    again = event.publish(author=author, body="Old too", published_at=LONG_AGO)
    assert [u.number for u in event.updates.oldest_first()] == [old.number, again.number, new.number]


def test_a_set_time_can_not_lie_in_the_future_nor_lack_its_zone(event: Event, author: Any) -> None:
    update = event.publish(author=author, body="One")
    before = Event.objects.get(pk=event.pk).revision
    soon = timezone.now() + timedelta(hours=1)
    naive = timezone.now().replace(tzinfo=None)
    for wrong, reason in ((soon, "from the future"), (naive, "lacks its zone")):
        with pytest.raises(ValidationError, match=reason):
            event.publish(author=author, body="Two", published_at=wrong)
        with pytest.raises(ValidationError, match=reason):
            update.move(published_at=wrong)
    assert Event.objects.get(pk=event.pk).revision == before


@pytest.mark.parametrize("zone", ["America/New_York", "Pacific/Kiritimati", "UTC"])
def test_no_time_that_is_taken_can_break_a_card(event: Event, author: Any, zone: str) -> None:
    from liveblog import rendering

    event.revise(time_zone=zone)
    for year in (1, 999, 1000, 1969):
        when = datetime(year, 1, 1, tzinfo=UTC)
        try:
            update = event.publish(author=author, body=f"In {year}", published_at=when)
        except ValidationError:
            assert year < 1000
        else:
            assert Place.parse(str(update.place)) == update.place
            assert f'data-published="{year:04d}-01-01T00:00:00.000000Z"' in rendering.card(update)
    for wrong in (datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, tzinfo=UTC)):
        try:
            event.revise(starts_at=wrong)
        except ValidationError:
            continue
        rendering.head(event)
        event.refresh_from_db()
        Event.objects.filter(pk=event.pk).update(status="upcoming")
        rendering.head(Event.objects.get(pk=event.pk))
        Event.objects.filter(pk=event.pk).update(status="live")


def test_an_edit_is_marked_after_two_minutes(event: Event, author: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    update = event.publish(author=author, body="One", published_at=LONG_AGO)
    update.edit(body="Typo mended")
    assert update.edited_at is None
    late = update.posted_at + timedelta(minutes=2, seconds=1)
    monkeypatch.setattr(timezone, "now", lambda: late)
    update.move(published_at=LONG_AGO + timedelta(hours=1))
    update.mark_key()
    assert update.edited_at is None, "only another text is an edit"
    update.edit(body="Another text")
    assert update.edited_at == late


def test_places_sort_as_their_texts_do() -> None:
    moments = [LONG_AGO + timedelta(microseconds=step) for step in (0, 1, 999_999, 1_000_000)]
    moments += [datetime(1000, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)]
    texts = [written_time(moment) for moment in moments]
    assert all(len(text) == 27 for text in texts)
    assert sorted(texts) == [written_time(moment) for moment in sorted(moments)]


def test_a_window_contains_its_ends() -> None:
    one, two, three = (Place(LONG_AGO, number) for number in (1, 2, 3))
    windows = [Page(oldest=str(two), newest=str(two)), Page(newest=str(two)), Page(oldest=str(two))]
    assert [windows[0].covers(place) for place in (one, two, three)] == [False, True, False]
    assert [windows[1].covers(place) for place in (one, two, three)] == [True, True, False]
    assert [windows[2].covers(place) for place in (one, two, three)] == [False, True, True]
    assert two.before == one
    assert two.after == three


# Keys.


def test_the_same_key_is_the_same_update(event: Event, author: Any) -> None:
    key = uuid.uuid4()
    first = event.publish(author=author, body="One\r\n\r\ntwo", headline="H ", key=str(key), published_at=LONG_AGO)
    revision = Event.objects.get(pk=event.pk).revision
    for body in ("One\r\n\r\ntwo", "One\n\ntwo", "One\r\rtwo\n"):
        again = event.publish(author=author, body=body, headline="H", key=key, published_at=LONG_AGO)
        assert again.pk == first.pk
    first.edit(body="Something else", headline="Else")
    assert event.publish(author=author, body="One\n\ntwo", headline="H", key=key, published_at=LONG_AGO).number == 1
    first.withdraw()
    again = event.publish(author=author, body="One\n\ntwo", headline="H", key=key, published_at=LONG_AGO)
    assert again.pk == first.pk
    assert again.withdrawn_at is not None, "a retry does not restore"
    assert event.updates.count() == 1
    assert Event.objects.get(pk=event.pk).revision == revision + 2


@pytest.mark.parametrize(
    "other", [{"body": "Two"}, {"headline": "H"}, {"is_key": True}, {"published_at": LONG_AGO}, {"body": "one"}]
)
def test_the_same_key_with_other_content_is_refused_and_shows_the_first(
    event: Event, author: Any, other: dict[str, Any]
) -> None:
    key = uuid.uuid4()
    first = event.publish(author=author, body="One", key=key)
    before = counters(event)
    with pytest.raises(KeyReused) as refused:
        event.publish(**({"author": author, "body": "One", "key": key} | other))
    assert refused.value.update.pk == first.pk
    assert refused.value.update.body == "One"
    event.refresh_from_db()
    assert counters(event) == before


def test_the_text_of_an_edit_is_not_what_the_key_was_first_sent_with(event: Event, author: Any) -> None:
    key = uuid.uuid4()
    event.publish(author=author, body="One", key=key).edit(body="Two")
    with pytest.raises(KeyReused):
        event.publish(author=author, body="Two", key=key)


def test_a_key_means_its_own_event_only(make_event: Callable[..., Event], author: Any) -> None:
    one, other, key = make_event(), make_event(), uuid.uuid4()
    assert one.publish(author=author, body="One", key=key).pk != other.publish(author=author, body="Two", key=key).pk


def test_a_key_must_be_a_uuid(event: Event, author: Any) -> None:
    with pytest.raises(ValueError):
        event.publish(author=author, body="One", key="not a key")


# Content.


def test_content_that_can_not_be_published_is_refused(event: Event, author: Any) -> None:
    update = event.publish(author=author, body="One")
    before = Event.objects.get(pk=event.pk).revision
    wrong = [
        {"body": ""},
        {"body": " \r\n\t"},
        {"body": "x" * (BODY_CHARACTERS + 1)},
        {"body": "One", "headline": "x" * (HEADLINE_CHARACTERS + 1)},
        {"body": "One", "headline": "Two\nlines"},
        {"body": "One\x00"},
        {"body": "One", "headline": "\x00"},
        {"body": "One \ud800"},
        {"body": "One", "headline": "\udfff"},
    ]
    for content in wrong:
        with pytest.raises(ValidationError):
            event.publish(author=author, **content)
        with pytest.raises(ValidationError):
            update.edit(**content)
    assert Event.objects.get(pk=event.pk).revision == before
    assert event.updates.get().body == "One"


def test_the_longest_text_and_a_headline_alone_can_be_published(event: Event, author: Any) -> None:
    longest = event.publish(author=author, body="x" * BODY_CHARACTERS)
    assert len(longest.body) == BODY_CHARACTERS
    assert event.publish(author=author, headline="Just so").title == "Just so"


def test_a_byline_is_kept_as_it_was(event: Event, author: Any) -> None:
    update = event.publish(author=author, body="One")
    assert update.byline == "Ada Byron"
    author.last_name = "Lovelace"
    author.save()
    update.edit(body="Two")
    assert event.updates.get().byline == "Ada Byron"
    assert event.publish(author=make_user("bob"), body="Three").byline == "bob"
    assert event.publish(author=author, body="Four", byline="Agencies").byline == "Agencies"


# Status.


@pytest.mark.parametrize(
    ("start", "step", "end"),
    [
        ("draft", "announce", "upcoming"),
        ("draft", "go_live", "live"),
        ("upcoming", "go_live", "live"),
        ("upcoming", "make_draft", "draft"),
        ("live", "end", "ended"),
        ("live", "make_draft", "draft"),
        ("ended", "reopen", "live"),
        ("ended", "make_draft", "draft"),
    ],
)
def test_each_step_of_the_status_takes_one_revision_of_the_head(
    make_event: Callable[..., Event], start: str, step: str, end: str
) -> None:
    event = make_event(status=start)
    revision = event.revision
    getattr(event, step)()
    assert event.status == end
    assert counters(event)[:2] == (revision + 1, revision + 1)
    assert (event.ended_at is not None) == (end == "ended")
    getattr(event, step)()
    assert counters(event)[0] == revision + 1, "the same step again is no change"


@pytest.mark.parametrize(
    ("start", "step"),
    [
        ("draft", "end"),
        ("upcoming", "end"),
        ("draft", "reopen"),
        ("upcoming", "reopen"),
        ("live", "announce"),
        ("ended", "announce"),
        ("ended", "go_live"),
    ],
)
def test_a_step_that_leads_nowhere_is_refused(make_event: Callable[..., Event], start: str, step: str) -> None:
    event = make_event(status=start)
    before = counters(event)
    with pytest.raises(WrongStatus, match=start):
        getattr(event, step)()
    assert event.status == start
    assert counters(event) == before


def test_authors_may_publish_in_every_status(make_event: Callable[..., Event], author: Any) -> None:
    for status in ("draft", "upcoming", "live", "ended"):
        event = make_event(status=status)
        assert event.publish(author=author, body="One").revision == event.revision
        assert event.status == status


def test_a_slug_is_free_in_a_draft_and_fixed_from_the_first_publication_on(make_event: Callable[..., Event]) -> None:
    event, other = make_event(status="draft"), make_event(status="draft")
    event.revise(slug="the-landing")
    assert event.get_absolute_url() == "/events/the-landing/"
    with pytest.raises(ValidationError):
        other.revise(slug="the-landing")
    event.announce()
    for _ in range(2):
        with pytest.raises(ValidationError, match="fixed"):
            event.revise(slug="another")
        event.make_draft()
    assert Event.objects.get(pk=event.pk).slug == "the-landing"
    event.revise(title="Still a draft", slug="the-landing")


def test_slugs_can_not_carry_anything_else(make_event: Callable[..., Event]) -> None:
    event = make_event(status="draft")
    for slug in ("a\r\nSet-Cookie: b=c", "a b", "../x", "", "ä", "a/b", "a\x00"):
        with pytest.raises(ValidationError):
            event.revise(slug=slug)


def test_the_order_a_page_opens_in_follows_the_status_unless_it_is_set(make_event: Callable[..., Event]) -> None:
    event = make_event(status="upcoming")
    orders = [event.opening_order]
    for step in (event.go_live, event.end, event.reopen):
        step()
        orders.append(event.opening_order)
    assert orders == ["newest", "newest", "oldest", "newest"]
    event.revise(order="oldest")
    assert event.opening_order == "oldest"


# Transactions, editions.


def test_after_a_restored_backup_every_event_has_a_new_edition(make_event: Callable[..., Event]) -> None:
    events = [make_event(), make_event(status="draft")]
    before = [counters(event) for event in events]
    assert Event.objects.renew_editions() == 2
    for event, numbers in zip(events, before, strict=True):
        edition = event.edition
        event.refresh_from_db()
        assert event.edition != edition
        assert counters(event) == numbers


@pytest.mark.django_db(transaction=True)
def test_a_rolled_back_transaction_changes_nothing_and_rings_nobody(
    event: Event, author: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    rung: list[int] = []
    monkeypatch.setattr(bell, "ring", rung.append)
    before = counters(event)
    with transaction.atomic():
        event.publish(author=author, body="One")
        assert event.revision == before[0] + 1
        transaction.set_rollback(True)
    event.refresh_from_db()
    assert counters(event) == before
    assert event.last_number == 0
    assert not event.updates.exists()
    assert not rung
    update = event.publish(author=author, body="One")
    assert (update.number, update.revision) == (1, before[0] + 1)
    assert rung == [event.pk]


@pytest.mark.django_db(transaction=True)
def test_the_bell_rings_once_for_each_change_and_never_for_none(
    event: Event, author: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    rung: list[int] = []
    monkeypatch.setattr(bell, "ring", rung.append)
    key = uuid.uuid4()
    update = event.publish(author=author, body="One", key=key)
    update.edit(body="Two")
    assert len(rung) == 2
    event.publish(author=author, body="One", key=key)
    update.edit(body="Two")
    with pytest.raises(KeyReused):
        event.publish(author=author, body="Three", key=key)
    assert len(rung) == 2


@pytest.mark.django_db(transaction=True)
def test_a_bell_that_can_not_be_rung_does_not_fail_the_change(
    event: Event, author: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(event_id: int) -> None:
        raise OSError

    monkeypatch.setattr(bell, "ring", broken)
    event.publish(author=author, body="One")
    assert event.updates.count() == 1
