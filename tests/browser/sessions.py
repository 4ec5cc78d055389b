"""Signing in without the form, which test_desk.py tests: a session made in the site's own database."""

from django.contrib.auth.models import User
from django.test import Client, override_settings
from playwright.sync_api import BrowserContext

from tests.server import Site


def start_session(context: BrowserContext, site: Site, name: str = "ada", *, url: str = "") -> None:
    """Sign the browser in as the user of this name, made if need be, at ``url`` if that is not the site's own.

    A browser sends a cookie to every port of a host: one through a proxy on 127.0.0.1 needs no ``url``.
    """
    site.user(name)
    cookie = {"name": "sessionid", "value": site.do(_make_session, site, name), "httpOnly": True, "sameSite": "Lax"}
    context.add_cookies([{**cookie, "url": url or site.url}])  # type: ignore[list-item]


def _make_session(site: Site, name: str) -> str:
    """Return the key of a session that the site's server accepts: it is signed with that server's key."""
    key = site.environ.get("SECRET_KEY") or (site.data_dir / "secret_key").read_text().strip()
    client = Client()
    with override_settings(SECRET_KEY=key):
        client.force_login(User.objects.get(username=name))
    return client.cookies["sessionid"].value
