"""Requests that no browser sends, each of which has failed once: tests/night/test_fuzz.py looks for more."""

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.test import Client

from liveblog.models import Event
from tests.asgi import Answer, ask, run

pytestmark = pytest.mark.django_db(transaction=True)

CODECS = ("rot13", "hex", "zip", "undefined", "idna", "utf-16", "latin-1")
KEYS = (
    r'"\000\000\000\000\000\000\000\000"',
    r'"\377\376\377\376\377\376\377\376"',
    "x" * 41,
    "../../../../x",
    "a:b:c:d:e",
)
DAMAGED = ("csrftoken=x", "csrftoken=\xff", "sessionid=x", "messages=x")


@pytest.fixture
def errors(caplog: pytest.LogCaptureFixture) -> Iterator[list[logging.LogRecord]]:
    """What the log says of failures."""
    found: list[logging.LogRecord] = []
    yield found
    assert [record for record in caplog.records if record.levelno >= logging.ERROR or record.exc_info] == found


def answer_to(path: str, query: bytes = b"", *, kind: bytes, method: str = "POST", body: bytes = b"") -> Answer:
    headers = ((b"content-type", kind), (b"cookie", b"csrftoken=" + b"x" * 32), (b"x-csrftoken", b"x" * 32))
    headers += ((b"content-length", str(len(body)).encode()),)
    return run(lambda: ask(path, query, method=method, headers=headers, body=body))


@pytest.mark.usefixtures("errors")
@pytest.mark.parametrize("codec", CODECS)
def test_a_form_that_names_a_codec_instead_of_a_charset_is_refused(event: Event, codec: str) -> None:
    body = b'--b\r\nContent-Disposition: form-data; name="username"\r\n\r\nada\r\n--b--\r\n'
    kind = f"multipart/form-data; boundary=b; charset={codec}".encode()
    assert answer_to("/accounts/login/", kind=kind, body=body).status == 400
    assert answer_to("/accounts/login/", kind=kind.replace(codec.encode(), b"UTF8"), body=body).status == 200


@pytest.mark.usefixtures("errors")
@pytest.mark.parametrize("kind", [b"a/b; x*=no-such''y", b"a/b; charset*=utf-8''%00", b"a/b; x=" + b"y" * 20_000])
@pytest.mark.parametrize("path", ["/", "/accounts/login/", "/nothing/"])
def test_a_type_that_nobody_can_read_is_refused(event: Event, path: str, kind: bytes) -> None:
    answer = answer_to(path, kind=kind, method="POST")
    assert answer.status == 400
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


@pytest.mark.usefixtures("errors")
def test_a_query_that_is_no_utf_8_is_refused_as_all_else_is(event: Event) -> None:
    answer = answer_to(f"/events/{event.slug}/embed/code/", b"update=\xff", kind=b"", method="GET")
    assert answer.status == 400
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.usefixtures("errors")
@pytest.mark.parametrize("path", ["/", "/desk/", "/nothing/"])
def test_a_query_of_too_many_fields_beside_a_charset_is_refused(event: Event, path: str) -> None:
    """Django reads the query at once where a charset is named."""
    answer = answer_to(path, b"&".join([b"a=1"] * 1_001), kind=b"a/b; charset=utf-8", method="GET")
    assert answer.status == 400
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("cookie", DAMAGED)
def test_a_damaged_cookie_is_replaced_in_no_answer_that_caches_keep(event: Event, cookie: str) -> None:
    client = Client()
    for path in (f"/events/{event.slug}/", f"/events/{event.slug}/embed/code/", "/embed.js", "/robots.txt", "/oembed/"):
        response = client.get(path, headers={"Cookie": cookie})
        assert not response.cookies
        assert "cookie" not in response.get("Vary", "").lower()
    assert client.get("/accounts/login/", headers={"Cookie": cookie}).cookies, "which is for nobody else"


def test_a_name_that_is_too_long_for_any_account_is_counted_as_far_as_there_is_room_for_it() -> None:
    """SQLite takes any length, PostgreSQL answered with a 500."""
    for path in ("/accounts/login/", "/admin/login/"):
        assert Client().post(path, {"username": "a" * 300, "password": "guess"}).status_code == 200
    (attempt,) = set(AccessAttempt.objects.values_list("username", flat=True))
    assert attempt == "a" * 255
    for _ in range(8):
        Client().post("/accounts/login/", {"username": "a" * 300, "password": "guess"})
    assert Client().post("/accounts/login/", {"username": "a" * 300, "password": "guess"}).status_code == 429


@pytest.mark.parametrize("key", KEYS)
def test_a_key_that_no_session_can_have_is_not_looked_up(
    key: str, django_assert_num_queries: Callable[..., Any]
) -> None:
    """Cookies may quote any byte as octal digits; a zero was a 500 on PostgreSQL, at every address of the desk."""
    with django_assert_num_queries(0):
        assert Client().get("/desk/", headers={"Cookie": f"sessionid={key}"}).status_code == 302
    with django_assert_num_queries(1):
        assert Client().get("/desk/", headers={"Cookie": f"sessionid={'x' * 32}"}).status_code == 302
