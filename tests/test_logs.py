"""What the log says: in lines or JSON, with the request it belongs to, and without what opens a door."""

import json
import re
from collections.abc import Callable

import pytest

from tests.server import Site


def test_as_json_each_line_is_an_object_that_names_its_request(server: Callable[..., Site]) -> None:
    site = server(LOG_FORMAT="json")
    with site.visitor() as visitor:
        visitor.post("/accounts/login/", data={"username": "ada"}, headers={"X-Request-ID": "from-the-proxy-1"})
        visitor.post("/accounts/login/", data={"username": "ada"}, headers={"X-Request-ID": "not one {} of ours"})
    lines = [json.loads(line) for line in site.log.splitlines() if line.startswith("{")]
    assert {"time", "level", "logger", "message", "request_id"} <= lines[0].keys()
    refused = [line for line in lines if line["logger"] == "django.security.csrf"]
    assert refused[0]["request_id"] == "from-the-proxy-1"
    assert re.fullmatch(r"[0-9a-f]{16}", refused[1]["request_id"])
    assert next(line for line in lines if line["logger"] == "liveblog.server")["request_id"] == ""


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_secret_of_an_address_and_nobody_who_mistypes_is_in_it(server: Callable[..., Site], form: str) -> None:
    site = server(LOG_FORMAT=form)
    secret = "s3cret-T0ken_of-an-invitation"
    with site.visitor() as visitor:
        assert visitor.post(f"/join/{secret}/", data={"name": "Bo"}).status_code == 403
        page = visitor.get("/accounts/login/")
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        assert token
        fields = {"username": "somebody@example.org", "password": "wrong", "csrfmiddlewaretoken": token[1]}
        for _ in range(11):
            visitor.post("/accounts/login/", data=fields)
    assert "/join/…" in site.log
    assert secret not in site.log
    assert "somebody@example.org" not in site.log
    assert "127.0.0.1" not in site.log.partition("stops it.")[2]
