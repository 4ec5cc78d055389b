"""The admin: people are set up there; events and updates are only looked at."""

from collections.abc import Iterator

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from liveblog.models import Event, Update


@pytest.fixture
def root(db: None) -> User:
    return User.objects.create_superuser("root", "root@example.org", "secret")


@pytest.fixture
def chief(root: User) -> Client:
    client = Client()
    client.force_login(root)
    return client


@pytest.fixture
def update(root: User) -> Update:
    ada = User.objects.create_user("ada")
    Group.objects.create(name="Night shift")
    event = Event.objects.create(title="Harbour bridge", slug="bridge")
    event.authors.add(ada)
    event.announce()
    return event.publish(author=ada, headline="Good <evening>", body="They take their seats.")


def names(patterns: list[URLPattern | URLResolver]) -> Iterator[URLPattern]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from names(pattern.url_patterns)
        else:
            yield pattern


def addresses() -> list[str]:
    """Every address of the admin, by the resolver, with the key of a row where one is needed."""
    found = set()
    for pattern in names(
        next(p for p in get_resolver().url_patterns if getattr(p, "namespace", "") == "admin").url_patterns
    ):
        wanted = list(pattern.pattern.converters)
        if pattern.name is None or pattern.name == "logout":
            continue
        values: dict[str, list[object]] = {
            "object_id": _keys(pattern.name),
            "id": _keys(pattern.name),
            "app_label": ["auth"],
            "content_type_id": [1],
            "url": ["nowhere"],
        }
        if pattern.name == "app_list":
            found |= {reverse("admin:app_list", args=[label]) for label in ("auth", "liveblog")}
        elif len(wanted) <= 1:
            for value in values[wanted[0]] if wanted else [None]:
                found.add(reverse(f"admin:{pattern.name}", args=[value] if value is not None else []))
    return sorted(found)


def _keys(name: str) -> list[object]:
    for model in admin.site._registry:
        if name.startswith(f"{model._meta.app_label}_{model._meta.model_name}_"):
            return [*model._default_manager.values_list("pk", flat=True), 999]
    return [999]


def test_no_page_of_the_admin_fails(chief: Client, update: Update) -> None:
    pages = addresses()
    assert {"/admin/", "/admin/liveblog/event/", "/admin/auth/user/add/"} < set(pages)
    assert len(pages) > 30
    for page in pages:
        status = chief.get(page).status_code
        assert status in {200, 302, 403, 404, 405}, page
        if "/999/" not in page and "nowhere" not in page:
            is_refused = page == "/admin/autocomplete/" or ("liveblog" in page and page.endswith(("/add/", "/delete/")))
            assert (status == 403) == is_refused, page


@pytest.mark.parametrize("model", ["event", "update"])
def test_events_and_updates_are_shown_with_a_way_to_the_desk_and_nothing_else(
    model: str, chief: Client, update: Update
) -> None:
    pk = update.pk if model == "update" else update.event.pk
    listing = chief.get(f"/admin/liveblog/{model}/").content.decode()
    page = chief.get(f"/admin/liveblog/{model}/{pk}/change/").content.decode()
    for html in (listing, page):
        assert "/desk/bridge/" in html
        assert "<evening>" not in html
    assert 'name="_save"' not in page
    assert "deletelink" not in page
    assert 'name="action"' not in listing


@pytest.mark.parametrize("model", ["event", "update"])
def test_nothing_readers_see_can_be_changed_behind_their_backs(model: str, chief: Client, update: Update) -> None:
    pk = update.pk if model == "update" else update.event.pk
    assert (
        chief.post(f"/admin/liveblog/{model}/{pk}/change/", {"title": "Changed", "body": "Changed"}).status_code == 403
    )
    assert chief.post(f"/admin/liveblog/{model}/{pk}/delete/", {"post": "yes"}).status_code == 403
    assert chief.post(f"/admin/liveblog/{model}/add/", {"title": "Added"}).status_code == 403
    chief.post(f"/admin/liveblog/{model}/", {"action": "delete_selected", "_selected_action": [pk], "post": "yes"})
    assert Event.objects.get().title == "Harbour bridge"
    assert Update.objects.get().body == "They take their seats."


def test_people_can_be_set_up(chief: Client) -> None:
    new = {"username": "bob", "password1": "correct horse", "password2": "correct horse", "usable_password": "true"}
    assert chief.post("/admin/auth/user/add/", new).status_code == 302
    bob = User.objects.get(username="bob")
    assert bob.check_password("correct horse")
    assert chief.post(f"/admin/auth/user/{bob.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not User.objects.filter(username="bob").exists()


def test_somebody_whose_updates_are_kept_can_not_be_deleted_and_the_admin_says_why(
    chief: Client, update: Update
) -> None:
    delete = f"/admin/auth/user/{update.author.pk}/delete/"
    assert b"protected" in chief.get(delete).content
    assert chief.post(delete, {"post": "yes"}).status_code == 200
    bulk = {"action": "delete_selected", "_selected_action": [update.author.pk], "post": "yes"}
    assert chief.post("/admin/auth/user/", bulk).status_code == 200
    assert User.objects.filter(username="ada").exists()


def test_the_admin_is_closed_to_authors(update: Update) -> None:
    client = Client()
    client.force_login(update.author)
    for page in ("/admin/", "/admin/liveblog/event/", "/admin/auth/user/"):
        assert client.get(page)["Location"].startswith("/admin/login/")
