"""One person's browser: a connection kept alive, cookies, and how long each answer took."""

import gzip
import http.client
import time
import uuid
from http.cookies import SimpleCookie
from typing import NamedTuple, Self
from urllib.parse import urlencode

from benchmarks import content

ANSWER_SECONDS = 60


class Answer(NamedTuple):
    """What came back, and when by ``time.monotonic()``, which all processes of a machine share."""

    body: bytes
    asked_at: float
    answered_at: float
    etag: str
    sent_bytes: int
    """The length of the body as it was sent, compressed."""

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()

    @property
    def seconds(self) -> float:
        """How long it took, from the first byte sent to the last received."""
        return self.answered_at - self.asked_at


class Browser:
    """Asks a server on this machine for pages, and posts as an author once logged in."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_SECONDS)
        self._cookies = SimpleCookie()

    @classmethod
    def logged_in(cls, port: int) -> Self:
        """Return the browser of an author who has just logged in."""
        browser = cls(port)
        browser.get("/accounts/login/")
        form = {"username": content.USERNAME, "password": content.PASSWORD}
        browser.ask("POST", "/accounts/login/", form, status=302)
        return browser

    def get(self, path: str) -> Answer:
        """Fetch a page."""
        return self.ask("GET", path)

    def publish(self, slug: str, marker: str) -> Answer:
        """Post an update, with ``marker`` in its headline, as the desk's form does under htmx."""
        form = {"headline": f"{content.HEADLINE} {marker}", "body": content.BODY, "key": str(uuid.uuid4())}
        return self.ask("POST", f"/desk/{slug}/updates/", form)

    def ask(self, method: str, path: str, form: dict[str, str] | None = None, *, status: int = 200) -> Answer:
        """Send a request and read its answer whole; raises ``RuntimeError`` for another status."""
        headers = {"Accept": "text/html", "Accept-Encoding": "gzip", "Cookie": self._written_cookies()}
        body = None
        if form is not None:
            body = urlencode(form).encode()
            headers |= {
                "Content-Type": "application/x-www-form-urlencoded",
                "X-CSRFToken": self._cookies["csrftoken"].value,
                "HX-Request": "true",
            }
        asked_at = time.monotonic()
        try:
            self._connection.request(method, path, body, headers)
            response = self._connection.getresponse()
        except ConnectionError:  # it was idle too long, and is opened anew as browsers do; a post has its key
            self._connection.close()
            self._connection.request(method, path, body, headers)
            response = self._connection.getresponse()
        body = response.read()
        answered_at = time.monotonic()
        sent_bytes = len(body)
        if response.headers["Content-Encoding"] == "gzip":
            body = gzip.decompress(body)
        answer = Answer(body, asked_at, answered_at, response.headers["ETag"] or "", sent_bytes)
        if response.status != status:
            raise RuntimeError(f"{method} {path} was answered {response.status}:\n{answer.body[:500]!r}")
        for cookie in response.headers.get_all("Set-Cookie", []):
            self._cookies.load(cookie)
        return answer

    def _written_cookies(self) -> str:
        return "; ".join(f"{name}={cookie.value}" for name, cookie in self._cookies.items())
