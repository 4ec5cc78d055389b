"""Signing in without the form, which test_desk.py tests: a session made in the site's own database."""

from playwright.sync_api import BrowserContext

from tests.server import Site


def start_session(context: BrowserContext, site: Site, name: str = "ada", *, url: str = "") -> None:
    """Sign the browser in as the user of this name, made if need be, at ``url`` if that is not the site's own.

    A browser sends a cookie to every port of a host: one through a proxy on 127.0.0.1 needs no ``url``.
    """
    cookie = {"name": "sessionid", "value": site.session_key(name), "httpOnly": True, "sameSite": "Lax"}
    context.add_cookies([{**cookie, "url": url or site.url}])  # type: ignore[list-item]
