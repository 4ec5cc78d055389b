"""Serving the own network: which hosts are answered, logging in from a phone, and what https switches on."""

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import segno
from websockets.sync.client import connect

from config import environment
from tests.server import ANSWER_SECONDS, PASSWORD, ROOT, Site, copy_data_dir, find_free_port

OWN = next(iter(environment.own_addresses()), "")
PUBLIC = "https://live.example.org"
PROXIED = {"X-Forwarded-Proto": "https", "Host": "live.example.org"}

needs_network = pytest.mark.skipif(not OWN or ":" in OWN, reason="this machine has no address but its own")


@pytest.fixture(scope="module")
def open_site(
    prepared_data_dir: Path, tmp_path_factory: pytest.TempPathFactory, django_db_blocker: Any
) -> Iterator[Site]:
    """A server of the whole network, as ``make run HOST=0.0.0.0`` starts it."""
    folder = copy_data_dir(prepared_data_dir, tmp_path_factory.mktemp("open") / "data")
    site = Site(folder, django_db_blocker.unblock, HOST="0.0.0.0")
    try:
        site.start()
        yield site
    finally:
        site.close()


@pytest.fixture
def data_dir(prepared_data_dir: Path, tmp_path: Path) -> Path:
    """A folder in which a server has run before."""
    return copy_data_dir(prepared_data_dir, tmp_path / "data")


def client(base: str, **headers: str) -> httpx.Client:
    return httpx.Client(base_url=base, headers=headers, trust_env=False, timeout=ANSWER_SECONDS)


def token_in(page: httpx.Response) -> str:
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
    assert found, page.text
    return found[1]


def log_in(phone: httpx.Client, base: str) -> httpx.Response:
    """Log in as a browser does, which names the page that the form came from."""
    page = phone.get("/accounts/login/?next=/desk/")
    sent = {"username": "ada", "password": PASSWORD, "next": "/desk/", "csrfmiddlewaretoken": token_in(page)}
    return phone.post(
        "/accounts/login/", data=sent, headers={"Origin": base, "Referer": f"{base}/accounts/login/?next=/desk/"}
    )


# Which hosts are answered.


def test_every_address_of_this_machine_is_allowed_and_nothing_else() -> None:
    hosts = environment.read_allowed_hosts("NO_SUCH_VARIABLE", host="0.0.0.0", base_url="http://192.168.1.2:8000")
    assert {"127.0.0.1", "localhost", "[::1]", "192.168.1.2"} < set(hosts)
    assert [host for host in hosts if host.endswith(".local")]
    assert not [host for host in hosts if "*" in host or host.startswith(".")]
    assert all(own in hosts or f"[{own}]" in hosts for own in environment.own_addresses())
    assert environment.read_allowed_hosts("NO_SUCH_VARIABLE", host="127.0.0.1", base_url="http://127.0.0.1:8000") == [
        "127.0.0.1",
        "[::1]",
        "localhost",
    ]


@needs_network
def test_requests_for_other_hosts_are_refused(open_site: Site) -> None:
    with client(f"http://{OWN}:{open_site.port}") as phone:
        assert phone.get("/").status_code == 200
        for host in ("evil.example", "evil.local", "192.0.2.99", "0.0.0.0", "*"):
            assert phone.get("/", headers={"Host": host}).status_code == 400


# Plain http from a phone.


@needs_network
def test_a_phone_logs_in_and_posts_over_plain_http_with_origin_and_referer(open_site: Site) -> None:
    event = open_site.event(author=open_site.user("ada"))
    base = f"http://{OWN}:{open_site.port}"
    with client(base) as phone:
        answer = log_in(phone, base)
        assert (answer.status_code, answer.headers["Location"]) == (302, "/desk/")
        cookies = answer.headers.get_list("set-cookie")
        assert len(cookies) == 2
        assert not [cookie for cookie in cookies if "secure" in cookie.lower()]
        assert "HttpOnly" in next(cookie for cookie in cookies if cookie.startswith("sessionid="))
        assert "Strict-Transport-Security" not in answer.headers
        desk = phone.get(f"/desk/{event.slug}/")
        sent = {"csrfmiddlewaretoken": token_in(desk), "note": "We will be back at 20:00"}
        pages = {"Origin": base, "Referer": f"{base}/desk/{event.slug}/"}
        assert phone.post(f"/desk/{event.slug}/pause/", data=sent, headers=pages).status_code == 302
        assert open_site.fresh(event).pause_note
        for elsewhere in ("http://evil.example", f"http://{OWN}:1", "null"):
            refused = phone.post(f"/desk/{event.slug}/pause/", data=sent, headers={"Origin": elsewhere})
            assert refused.status_code == 403
    with connect(open_site.live(event).replace("127.0.0.1", OWN), proxy=None) as socket:
        assert "We will be back at 20:00" in str(socket.recv(ANSWER_SECONDS))


# https, and only https, switches on what it needs.


def test_https_redirects_secures_cookies_and_promises_to_stay(server: Callable[..., Site]) -> None:
    site = server(BASE_URL=PUBLIC)
    event = site.event(author=site.user("ada"), updates=1)
    with client(site.url) as plain:
        for path in ("/", "/desk/", "/accounts/login/", f"/events/{event.slug}/", "/static/css/site.css"):
            answer = plain.get(path, headers={"Host": "live.example.org"})
            assert (answer.status_code, answer.headers["Location"]) == (301, f"{PUBLIC}{path}")
            assert not answer.cookies
        health = plain.get("/healthz")
        assert (health.status_code, health.text) == (200, "ok\n")
        assert plain.get(f"/healthz/x{event.slug}").status_code == 301
        poll = plain.get(f"/events/{event.slug}/changes/?after=0")
        assert poll.status_code == 200  # the same bytes for everyone; it carries no cookie to be stolen
        assert not poll.cookies
    with connect(site.live(event), proxy=None) as socket:
        assert "update-1" in str(socket.recv(ANSWER_SECONDS))
    for_long = server(BASE_URL=PUBLIC, HSTS_DAYS="365", HSTS_SUBDOMAINS="1", HSTS_PRELOAD="1")
    with client(for_long.url, **PROXIED) as proxied:
        told = proxied.get("/").headers["Strict-Transport-Security"]
        assert told == "max-age=31536000; includeSubDomains; preload"
    with client(site.url, **PROXIED) as proxied:
        assert proxied.get("/").status_code == 200
        page = proxied.get("/accounts/login/")
        assert page.headers["Strict-Transport-Security"] == "max-age=86400"
        (cookie,) = page.headers.get_list("set-cookie")
        assert "Secure" in cookie
        # httpx keeps Secure cookies from plain http, as it should; the proxy hands them on.
        jar = {"Cookie": cookie.partition(";")[0]}
        sent = {"username": "ada", "password": PASSWORD, "csrfmiddlewaretoken": token_in(page)}
        without = proxied.post("/accounts/login/", data=sent, headers=jar)
        assert without.status_code == 403  # neither Origin nor Referer
        pages = {"Origin": PUBLIC, "Referer": f"{PUBLIC}/accounts/login/"}
        answer = proxied.post("/accounts/login/", data=sent, headers=jar | pages)
        assert answer.status_code == 302
        cookies = answer.headers.get_list("set-cookie")
        assert len(cookies) == 2
        assert all("Secure" in cookie for cookie in cookies)


def test_plain_http_does_none_of_it_and_believes_no_proxy(live_site: Site) -> None:
    for headers in ({}, {"X-Forwarded-Proto": "https"}):
        with client(live_site.url, **headers) as reader:
            answer = reader.get("/accounts/login/")
            assert answer.status_code == 200
            assert "Strict-Transport-Security" not in answer.headers
            assert not [cookie for cookie in answer.headers.get_list("set-cookie") if "secure" in cookie.lower()]


# What is printed.


def drawn_in(output: str) -> list[list[int]]:
    """Read a code back from its half blocks: 1 is dark, as in a camera's eye."""
    modules = {" ": (1, 1), "▀": (0, 1), "▄": (1, 0), "█": (0, 0)}
    rows: list[list[int]] = []
    for line in re.findall("\x1b\\[97;40m(.*?)\x1b\\[0m", output):
        rows += [[modules[block][half] for block in line] for half in (0, 1)]
    return rows


def matrix_of(text: str) -> list[list[int]]:
    code = segno.make(text, micro=False)
    return [[int(module) for module in row] for row in code.matrix_iter(border=4)]


def start(data_dir: Path, out: int, **environ: str) -> subprocess.Popen[bytes]:
    port = find_free_port()
    kept = {name: value for name, value in os.environ.items() if name not in {"BASE_URL", "ALLOWED_HOSTS"}}
    return subprocess.Popen(
        [sys.executable, "manage.py", "serve", "--no-demo"],
        cwd=ROOT,
        env={**kept, "DATA_DIR": str(data_dir), "PORT": str(port), "PYTHONUTF8": "1", **environ},
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=subprocess.STDOUT,
    )


def printed(data_dir: Path, *, terminal: bool, **environ: str) -> str:
    """Return what the service prints until it serves, to a terminal or into a pipe."""
    reading, writing = pty.openpty() if terminal else os.pipe()
    process = start(data_dir, writing, **environ)
    os.close(writing)
    output = b""
    ends_at = time.monotonic() + 180
    try:
        while b"Ctrl-C stops it" not in output:
            assert time.monotonic() < ends_at, output.decode()
            if select.select([reading], [], [], 1)[0]:
                output += os.read(reading, 65536)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(120)
        os.close(reading)
    return output.decode()


@needs_network
def test_a_terminal_shows_a_code_that_opens_the_desk_on_a_phone(data_dir: Path) -> None:
    output = printed(data_dir, terminal=True, HOST="0.0.0.0")
    found = re.search(r"On your phone +(\S+)", output)
    assert found
    assert re.fullmatch(rf"http://{re.escape(OWN)}:\d+/desk/", found[1])
    wanted = matrix_of(found[1])
    assert drawn_in(output)[: len(wanted)] == wanted
    assert max(map(len, re.findall("\x1b\\[97;40m(.*?)\x1b\\[0m", output))) < 80


@needs_network
def test_a_pipe_gets_the_address_alone(data_dir: Path) -> None:
    output = printed(data_dir, terminal=False, HOST="0.0.0.0")
    assert re.search(rf"On your phone +http://{re.escape(OWN)}:\d+/desk/", output)
    assert output.isascii()


def test_a_server_of_this_machine_alone_offers_no_phone_anything(data_dir: Path) -> None:
    output = printed(data_dir, terminal=True)
    assert "phone" not in output
    assert "\x1b" not in output


@needs_network
def test_under_https_the_code_leads_to_the_public_address(data_dir: Path) -> None:
    output = printed(data_dir, terminal=True, HOST="0.0.0.0", BASE_URL=PUBLIC)
    assert f"On your phone    {PUBLIC}/desk/" in output
    assert drawn_in(output)[: len(matrix_of(f"{PUBLIC}/desk/"))] == matrix_of(f"{PUBLIC}/desk/")
