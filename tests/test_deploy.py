"""What deploy/ has: nginx in front of a real server, the systemd unit, the container's files."""

import asyncio
import json
import os
import re
import shlex
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import AsyncExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple

import httpx
import pytest
import yaml
from axes.models import AccessAttempt
from django.core.management import get_commands, load_command_class
from PIL import Image
from websockets.asyncio.client import connect as dial

from liveblog import bodies
from liveblog.embed.options import Options
from liveblog.models import Event
from tests.page import Fragment
from tests.proxy import NAME, Proxy, need, proxying
from tests.server import ANSWER_SECONDS, PASSWORD, ROOT, Site, copy_data_dir, find_free_port

DEPLOY = ROOT / "deploy"
NGINX = (DEPLOY / "nginx.conf").read_text()
TRIES = 20
UPLOAD_SECONDS = 90


class Front(NamedTuple):
    """nginx, and the server behind it."""

    proxy: Proxy
    site: Site


@pytest.fixture(scope="module")
def front(prepared_data_dir: Path, tmp_path_factory: pytest.TempPathFactory, django_db_blocker: Any) -> Iterator[Front]:
    """A server that people reach through nginx alone."""
    need("nginx")
    folder, port = tmp_path_factory.mktemp("front"), find_free_port()
    data_dir = copy_data_dir(prepared_data_dir, folder / "data")
    site = Site(data_dir, django_db_blocker.unblock, BASE_URL=f"https://{NAME}:{port}", SERVER="uvicorn")
    try:
        site.start()
        with proxying(folder / "nginx", upstream=site.port, static_root=data_dir / "static", port=port) as proxy:
            yield Front(proxy, site)
    finally:
        site.close()


@pytest.fixture(scope="module")
def story(front: Front) -> Event:
    """An event with three updates."""
    return front.site.event(updates=3)


def address_of(event: Event) -> str:
    return f"/events/{event.slug}/"


def cache_of(answer: httpx.Response) -> str:
    return answer.headers["X-Cache"]


# nginx loads, and takes in whom it should.


def test_the_configuration_loads_without_a_complaint_after_the_one_command(front: Front) -> None:
    said = front.proxy.check()
    assert "syntax is ok" in said
    assert not [line for line in said.splitlines() if "[" in line and 'http2" directive is deprecated' not in line]


def test_http_leads_to_https_and_http2_is_spoken_there(front: Front) -> None:
    proxy = front.proxy
    plain = httpx.get(f"http://localhost:{proxy.http_port}/events/x/?sort=oldest", trust_env=False)
    assert (plain.status_code, plain.headers["Location"]) == (301, "https://localhost/events/x/?sort=oldest")
    proxy.tls.set_alpn_protocols(["h2", "http/1.1"])
    try:
        with proxy.connect() as connection:
            assert connection.selected_alpn_protocol() == "h2"
    finally:
        proxy.tls.set_alpn_protocols(["http/1.1"])


def test_another_name_gets_nothing(front: Front) -> None:
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        httpx.get(f"http://127.0.0.1:{front.proxy.http_port}/", trust_env=False)
    with pytest.raises(httpx.ConnectError, match=r"(?i)unrecognized.name"):
        httpx.get(f"https://127.0.0.1:{front.proxy.https_port}/", trust_env=False, verify=False)


# What it keeps.


def ask_until_kept(front: Front, addresses: Iterator[str] | list[str]) -> httpx.Response:
    """Ask one address after the other until an answer comes from the cache, which forgets after two seconds."""
    for address in addresses:
        answer = front.proxy.get(address)
        if cache_of(answer) == "HIT":
            return answer
    raise AssertionError("No answer came from the cache.")


def test_a_page_is_kept_for_all_whatever_they_carry(front: Front, story: Event) -> None:
    first = front.proxy.get(address_of(story))
    assert (first.status_code, cache_of(first)) == (200, "MISS")
    assert first.headers["Content-Encoding"] == "gzip"
    kept = ask_until_kept(front, [address_of(story)] * TRIES)
    assert kept.text == first.text
    with front.proxy.visitor() as author:
        author.cookies.set("sessionid", front.site.session_key("ada"))
        assert author.get("/desk/").status_code == 200
        seen = author.get(address_of(story), headers={"Accept-Encoding": "br, gzip;q=0.5", "HX-Request": "true"})
    assert seen.text == first.text
    assert "Set-Cookie" not in seen.headers


def test_what_is_kept_is_soon_forgotten(front: Front) -> None:
    event = front.site.event(updates=1)
    ask_until_kept(front, [address_of(event)] * TRIES)
    update = front.site.publish(event, "Fresh from the quay.")
    wait_for_page(front, event, lambda text: "Fresh from the quay." in text)
    front.site.do(update.withdraw)
    wait_for_page(front, event, lambda text: "Fresh from the quay." not in text)


def wait_for_page(front: Front, event: Event, is_so: Callable[[str], bool]) -> None:
    """Wait until a page shows what it should; one is kept for two seconds."""
    ends_at = time.monotonic() + ANSWER_SECONDS
    while not is_so(front.proxy.get(address_of(event)).text):
        assert time.monotonic() < ends_at
        time.sleep(0.2)


def test_who_takes_no_gzip_gets_none(front: Front, story: Event) -> None:
    compressed = front.proxy.get(address_of(story))
    for coding in ("identity", "gzip;q=0, identity", "br"):
        answer = front.proxy.get(address_of(story), **{"Accept-Encoding": coding})
        assert "Content-Encoding" not in answer.headers
        assert answer.text == compressed.text


def test_a_poll_with_nothing_new_is_kept_too(front: Front) -> None:
    event = front.site.event(updates=1)
    address = f"{address_of(event)}changes/?after={event.revision}&edition={event.edition}"
    kept = ask_until_kept(front, [address] * TRIES)
    assert kept.status_code == 204
    assert kept.headers["Poll-Seconds"] == "5"


class Asked(NamedTuple):
    """Two questions that differ in the value of one parameter."""

    name: str
    path: str
    values: tuple[str, str]
    rest: str = ""
    differ: bool = True


def questions(front: Front) -> list[Asked]:
    """Return a pair of questions for every parameter that a page understands."""
    event, other = front.site.event(updates=3), front.site.event(updates=1)
    one, two, three = front.site.updates(event)
    page, frame = address_of(event), f"{address_of(event)}embed/"
    fragment, dialog = f"{address_of(event)}fragment/", f"{frame}code/"
    state = re.search(r'name="liveblog-state" value="([^"]+)"', front.proxy.get(f"{fragment}?limit=3").text)
    assert state
    urls = (f"{front.proxy.url}{page}", f"{front.proxy.url}{address_of(other)}")
    oembed = f"&url={urls[0]}"
    return [
        Asked("sort", page, ("newest", "oldest")),
        Asked("before", frame, (str(two.place), str(three.place)), "&limit=1"),
        Asked("after", frame, (str(one.place), str(two.place)), "&limit=1"),
        Asked("after", f"{page}changes/", (str(event.revision), str(event.revision - 1))),
        Asked("around", frame, ("1", "last"), "&limit=1"),
        Asked("around", f"{frame}", ("first", "2"), "&limit=2"),
        Asked("at", page, ("7", "8"), differ=False),
        Asked("edition", f"{page}changes/", (event.edition, "00000000"), f"&after={event.revision}"),
        Asked("theme", frame, ("light", "dark")),
        Asked("accent", frame, ("0a5fb4", "b40a0a")),
        Asked("order", fragment, ("newest", "oldest")),
        Asked("limit", fragment, ("1", "2")),
        Asked("header", fragment, ("0", "1")),
        Asked("lang", frame, ("de", "pt-BR")),
        Asked("update", dialog, ("1", "2")),
        Asked("own", dialog, ("0", "1"), "&accent=0a5fb4"),
        Asked("height", dialog, ("300", "301")),
        Asked("url", "/oembed/", urls),
        Asked("format", "/oembed/", ("json", "xml"), oembed),
        Asked("maxwidth", "/oembed/", ("300", "301"), oembed),
        Asked("maxheight", "/oembed/", ("300", "301"), oembed),
        Asked("liveblog-state", fragment, (state[1], "another"), "&limit=3"),
    ]


def test_every_parameter_that_a_page_understands_goes_through_the_cache_and_tells_answers_apart(front: Front) -> None:
    asked = questions(front)
    for name, path, values, rest, differ in asked:
        answers = [front.proxy.get(f"{path}?{name}={value}{rest}") for value in values]
        assert [cache_of(answer) for answer in answers] == ["MISS", "MISS"], name
        assert (answers[0].status_code, answers[0].text) == (answers[1].status_code, answers[1].text) or differ, name
        if differ:
            assert (answers[0].status_code, answers[0].text) != (answers[1].status_code, answers[1].text), name
            assert 200 in {answer.status_code for answer in answers}, name
    known = {*re.findall(r"map \$arg_(\w+) ", NGINX), "liveblog-state"}
    assert known == {one.name for one in asked}, "each is asked above"
    assert known >= set(Options._fields)


def test_every_parameter_in_the_list_is_asked_of_liveblog() -> None:
    listed = re.findall(r"map \$arg(?:_\w+|s) +\$(\w+) ", NGINX)
    (asked,) = re.findall(r"set \$args (\S+);", NGINX)
    assert asked == "".join(f"${name}" for name in listed)


READS = re.compile(
    r"""(?:query|GET|fields|asked|parse_qs\(query\))(?:\.get\(|\.pop\(|\[)"([\w-]+)"|"([\w-]+)" in (?:query|\w+\.GET)"""
)


def test_no_page_reads_a_parameter_that_is_not_in_the_list() -> None:
    """Nor would it get one: what is not in the list is dropped on the way."""
    folder = ROOT / "liveblog"
    public = [*folder.glob("*.py"), *folder.glob("embed/*.py"), *folder.glob("syndication/*.py")]
    read = {
        one or other
        for path in public
        if path.name != "players.py"  # which reads links of others
        for one, other in READS.findall(path.read_text())
    }
    assert read >= {"sort", "before", "edition", "url", "own"}
    assert read - {"desk"} <= set(re.findall(r"map \$arg_(\w+) ", NGINX)), "desk is asked of sockets, and goes through"


def test_what_no_page_understands_is_not_asked_of_liveblog(front: Front) -> None:
    event = front.site.event(updates=1)
    addresses = (f"{address_of(event)}?utm_source={number}&fbclid={number}" for number in range(TRIES))
    assert ask_until_kept(front, addresses).status_code == 200


@pytest.mark.parametrize("query", ["sort=newest&sort=oldest", "s%6frt=oldest", "%73ort=oldest", "&&sort=&sort=oldest"])
def test_nobody_has_an_answer_to_one_question_kept_for_another(front: Front, query: str) -> None:
    event = front.site.event(updates=2)
    front.proxy.get(f"{address_of(event)}?{query}")
    for address in (f"{address_of(event)}?sort=newest", address_of(event)):
        assert re.search(r'<section class="feed"[^>]* data-order="newest"', front.proxy.get(address).text)
    assert front.proxy.get(f"{address_of(event)}%3Fsort=oldest").status_code == 404


def test_twenty_who_ask_at_once_for_what_is_not_kept_do_not_wait_for_each_other(front: Front) -> None:
    """With nginx' own time-out each waits 5 s, however quick the server is."""
    draft = front.site.event(status="draft")
    front.proxy.get("/events/nowhere/")
    with front.proxy.visitor() as visitor, ThreadPoolExecutor(20) as readers:
        began_at = time.monotonic()
        answers = list(readers.map(lambda _: visitor.get(address_of(draft)), range(20)))
        took = time.monotonic() - began_at
    assert {answer.status_code for answer in answers} == {404}
    assert "HIT" not in {cache_of(answer) for answer in answers}
    assert took < 4


def test_a_photo_is_asked_of_liveblog_which_says_404_while_its_event_is_a_draft(front: Front) -> None:
    draft = front.site.event(status="draft", author=front.site.user("ada"))
    key = str(uuid.uuid4())
    with front.proxy.visitor() as author:
        author.get("/accounts/login/")
        author.headers.update({"Origin": front.proxy.url, "X-CSRFToken": author.cookies["csrftoken"]})
        author.cookies.set("sessionid", front.site.session_key("ada"))
        for path, rest in {
            "photos": {"data": {"key": key}, "files": {"photo": ("photo.jpg", picture(), "image/jpeg")}},
            "updates": {"data": {"key": str(uuid.uuid4()), "body": "Look.", "photo": key, "alt": "Noise"}},
        }.items():
            assert author.post(f"/desk/{draft.slug}/{path}/", timeout=UPLOAD_SECONDS, **rest).status_code in {200, 302}
    photo = front.site.do(draft.photos.get)
    address = f"{address_of(draft)}photos/{photo.name}-{photo.file_widths[0]}.webp"
    for _ in range(2):
        answer = front.proxy.get(address)
        assert (answer.status_code, cache_of(answer)) == (404, "MISS")
    front.site.do(draft.go_live)
    answer = front.proxy.get(address)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/webp")
    assert Image.open(BytesIO(answer.content)).width == photo.file_widths[0]


def picture() -> bytes:
    """Return a photo of noise, longer than what readers may send."""
    file = BytesIO()
    Image.effect_noise((640, 480), 80).save(file, "JPEG")
    assert len(file.getvalue()) > 100_000
    return file.getvalue()


# Static files.


def test_static_files_come_from_their_folder_for_all_origins_and_for_ever(front: Front) -> None:
    static_root = front.site.data_dir / "static"
    names = json.loads((static_root / "staticfiles.json").read_text())["paths"]
    for name, kind in {"js/reader/live.js": "text/javascript", "css/site.css": "text/css"}.items():
        answer = front.proxy.get(f"/static/{names[name]}", Origin="null")
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == f"{kind}; charset=utf-8"
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Encoding"] == "gzip"
        assert answer.content == (static_root / names[name]).read_bytes()
        assert "X-Cache" not in answer.headers
    unversioned = front.proxy.get("/static/js/reader/live.js")
    assert unversioned.headers["Cache-Control"] == "public, max-age=60"
    lacking = front.proxy.get("/static/js/reader/none.js")
    assert lacking.status_code == 404
    assert "Cache-Control" not in lacking.headers


def test_before_several_machines_it_asks_those_that_live_and_finds_the_files_of_two_releases(
    server: Callable[..., Site], tmp_path: Path
) -> None:
    need("nginx")
    port = find_free_port()
    one, two = (server(BASE_URL=f"https://{NAME}:{port}", SERVER="uvicorn") for _ in range(2))

    def as_documented(text: str) -> str:
        """Put in what docs/operations.md says of several machines."""
        docs = (ROOT / "docs/operations.md").read_text()
        location = re.search(r"^        location \^~ /static/ \{\n.*?\n        \}\n", docs, re.MULTILINE | re.DOTALL)
        assert location
        text, static = re.subn(
            r"^        location \^~ /static/ \{\n.*?\n        \}\n", location[0], text, flags=re.MULTILINE | re.DOTALL
        )
        text, machines = re.subn(rf"( +server 127\.0\.0\.1:){one.port};", rf"\g<0>\n\g<1>{two.port};", text)
        assert (static, machines) == (1, 1)
        return text

    (two.data_dir / "static" / "css" / "new.0123456789ab.css").write_text("b{}")
    with proxying(
        tmp_path / "nginx", upstream=one.port, static_root=tmp_path / "no" / "static", port=port, edited=as_documented
    ) as proxy:
        for _ in range(4):
            found = proxy.get("/static/css/new.0123456789ab.css", Origin="null")
            assert (found.status_code, found.text) == (200, "b{}")
            assert found.headers["Access-Control-Allow-Origin"] == "*"
            assert proxy.get("/static/css/none.css").status_code == 404
        one.kill()
        for number in range(4):
            assert proxy.get(f"/events/x{number}/").status_code == 404, "Liveblog's own"
            assert proxy.get("/accounts/login/").status_code == 200


def test_every_kind_of_static_file_has_a_type(front: Front) -> None:
    (types,) = re.findall(r"types \{(.*?)\n    \}", NGINX, re.DOTALL)
    named = {ending for line in types.splitlines() for ending in line.partition("#")[0].strip(" ;").split()[1:]}
    found = {path.suffix[1:] for path in (front.site.data_dir / "static").rglob("*.*") if path.is_file()}
    assert found <= named | {"gz", "br", "collected"}


# What Liveblog is asked, seen by something that stands in its place.


@pytest.fixture
def recorder() -> Iterator[ThreadingHTTPServer]:
    """A server that answers everything alike, to be kept for a minute, and remembers what it was asked."""

    class Answer(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            asked.append((self.path, dict(self.headers)))
            self.send_response(200)
            for name, value in {
                "Cache-Control": "s-maxage=60",
                "Content-Length": "0",
                "Vary": "Accept-Encoding",
            }.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    asked: list[tuple[str, dict[str, str]]] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    server.asked = asked  # type: ignore[attr-defined]
    server.daemon_threads = True
    Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_liveblog_is_asked_once_for_all_readers_without_what_tells_them_apart(recorder: Any, tmp_path: Path) -> None:
    browsers = ("gzip, deflate, br, zstd", "gzip, deflate", "gzip", "br", "identity", "")
    with (
        proxying(tmp_path / "nginx", upstream=recorder.server_port, static_root=tmp_path / "static") as proxy,
        ThreadPoolExecutor(len(browsers)) as readers,
    ):
        own = {"Cookie": "sessionid=1", "X-Forwarded-For": "192.0.2.9", "X-Forwarded-Proto": "http"}

        def read(number: int) -> int:
            query = f"order=oldest&utm_source={number}&limit=2"
            coding = browsers[number % len(browsers)]
            return proxy.get(f"/events/x/embed/?{query}", **own, **{"Accept-Encoding": coding}).status_code

        for number in range(len(browsers)):
            assert read(number) == 200
        assert set(readers.map(read, range(40))) == {200}
        assert [path for path, _ in recorder.asked] == ["/events/x/embed/?&order=oldest&limit=2"] * 2
        assert [headers.get("Accept-Encoding") for _, headers in recorder.asked] == ["gzip", None]
        for _, headers in recorder.asked:
            assert "Cookie" not in headers
            assert (headers["Host"], headers["X-Forwarded-Proto"]) == ("localhost", "https")
            assert headers["X-Forwarded-For"] in {"127.0.0.1", "::1"}


def test_what_authors_and_guests_ask_goes_through_as_it_is_each_time(recorder: Any, tmp_path: Path) -> None:
    addresses = [f"/{place}/x/?next=%2Fdesk%2F&a=1" for place in ("desk", "accounts", "admin", "join")]
    addresses += ["/accounts/login/?next=/desk/", "/admin/login/?next=/admin/"]
    with proxying(tmp_path / "nginx", upstream=recorder.server_port, static_root=tmp_path / "static") as proxy:
        for address in addresses * 2:
            assert proxy.get(address, Cookie="sessionid=1").status_code == 200
        proxy.stop()
        logged = proxy.logs["access.log"]
    assert [path for path, _ in recorder.asked] == addresses * 2
    names = {headers["X-Request-ID"] for path, headers in recorder.asked if not path.startswith("/join/")}
    assert names == set(re.findall(r"\] ([0-9a-f]{32}) ", logged)), "one name in both logs"
    assert {headers["Cookie"] for _, headers in recorder.asked} == {"sessionid=1"}
    assert {headers["X-Forwarded-Proto"] for _, headers in recorder.asked} == {"https"}


# Sockets, authors, secrets.


def test_a_socket_brings_what_is_published(front: Front) -> None:
    event = front.site.event(updates=1)
    query = f"after={event.revision}&edition={event.edition}"

    async def follow() -> Fragment:
        address = f"{front.proxy.url.replace('https', 'wss')}{address_of(event)}live/?{query}"
        async with dial(address, ssl=front.proxy.tls, proxy=None) as socket:
            await asyncio.to_thread(front.site.publish, event, "Over the wire.")
            return Fragment(str(await asyncio.wait_for(socket.recv(), 30)))

    assert [card.number for card in asyncio.run(follow()).elements.cards] == [2]
    assert front.proxy.get(f"{address_of(event)}live/?{query}").status_code == 404, "no page"


def test_an_author_signs_in_and_nothing_of_the_desk_is_kept(front: Front) -> None:
    front.site.user("ada")
    with front.proxy.visitor() as author:
        author.headers["Origin"] = front.proxy.url
        form = {"username": "ada", "csrfmiddlewaretoken": token_of(author.get("/accounts/login/?next=/desk/new/"))}
        assert author.post("/accounts/login/", data={**form, "password": "wrong"}).status_code == 200
        answer = author.post("/accounts/login/?next=/desk/new/", data={**form, "password": PASSWORD})
        assert (answer.status_code, answer.headers["Location"]) == (302, "/desk/new/")
        for _ in range(2):
            desk = author.get("/desk/new/")
            assert (desk.status_code, desk.headers.get("X-Cache")) == (200, None)
    assert front.proxy.get("/desk/new/").status_code == 302


def test_the_address_that_failures_count_for_is_where_somebody_came_from(front: Front) -> None:
    name, there = f"bob-{uuid.uuid4().hex[:6]}", "127.0.0.2"
    way = httpx.HTTPTransport(verify=front.proxy.tls, local_address=there)
    headers = {"Origin": front.proxy.url, "X-Forwarded-For": "192.0.2.9"}
    with httpx.Client(base_url=front.proxy.url, transport=way, headers=headers, timeout=ANSWER_SECONDS) as guesser:
        token = token_of(guesser.get("/accounts/login/"))
        form = {"username": name, "password": "guess", "csrfmiddlewaretoken": token}
        assert guesser.post("/accounts/login/", data=form).status_code == 200
    assert front.site.do(AccessAttempt.objects.get, username=name).ip_address == there


def token_of(page: httpx.Response) -> str:
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)
    assert found
    return found[1]


@pytest.mark.parametrize("folder", ["join", "accounts/reset/MQ", "accounts/link/7/MQ"])
def test_a_secret_address_stands_in_no_log(tmp_path: Path, folder: str) -> None:
    """Nobody is behind this nginx: every request fails, and each failure is worth a line."""
    with proxying(tmp_path / "nginx", upstream=find_free_port(), static_root=tmp_path / "static") as proxy:
        secret = f"/{folder}/a-secret-token/"
        with proxy.visitor() as guest:
            for path in (secret, f"{proxy.url}/{secret}", f"/desk/..{secret}", f"/%{ord(secret[1]):x}{secret[2:]}"):
                assert guest.get(path).status_code == 502
                assert guest.post(path, content=b"x" * 20_000).status_code in {413, 502}
            for path in ("/", "/desk/", "/static/none.js", "/events/x/live/", f"/accounts/login/?next={secret}"):
                assert guest.get(path, headers={"Referer": f"{proxy.url}{secret}"}).status_code in {404, 502}
        httpx.get(f"http://localhost:{proxy.http_port}{secret}", trust_env=False)
        proxy.stop()
        logs = proxy.logs
    assert re.search(r'"GET /desk/" 502 .*upstream=502', logs["access.log"])
    assert set(logs) == {"access.log", "error.log", "start.log"}
    for name, text in logs.items():
        assert folder not in text, name
        assert "secret" not in text, name


def test_figures_for_operators_are_no_readers_business(front: Front) -> None:
    assert httpx.get(f"{front.site.url}/metrics", trust_env=False).status_code == 200
    assert front.proxy.get("/metrics").status_code == 404


# Limits.


def test_one_address_may_sign_in_so_often_and_read_as_often_as_it_likes(front: Front, tmp_path: Path) -> None:
    event = front.site.event(updates=1)
    static_root = front.site.data_dir / "static"
    with (
        proxying(tmp_path / "nginx", upstream=front.site.port, static_root=static_root) as proxy,
        proxy.visitor() as stadium,
    ):
        logins = [stadium.post("/accounts/login/", data={"username": "ada"}) for _ in range(60)]
        assert {answer.status_code for answer in logins[:41]} == {403}, "without a token from the form"
        refused = logins[-1]
        assert (refused.status_code, refused.headers["Retry-After"]) == (429, "30")
        assert stadium.post("/admin/login/").status_code == 429
        changes = f"{address_of(event)}changes/?after={event.revision}"
        for path in (address_of(event), changes, "/accounts/login/", "/static/js/embed.js"):
            assert {stadium.get(path).status_code for _ in range(60)} <= {200, 204}, path
        assert stadium.post("/desk/new/").status_code == 403


def test_while_liveblog_is_away_pages_and_outboxes_are_told_to_come_again_soon(front: Front, tmp_path: Path) -> None:
    static_root = front.site.data_dir / "static"
    with proxying(tmp_path / "nginx", upstream=find_free_port(), static_root=static_root) as proxy:
        for path in ("/events/any/changes/?after=0", "/events/any/", "/desk/any/"):
            answer = proxy.get(path)
            assert (answer.status_code, answer.headers["Retry-After"]) == (502, "2"), path


@pytest.mark.parametrize(
    ("one", "other", "is_one_home"),
    [
        ("2001:db8:1:2:aaaa::1", "2001:db8:1:2::7", True),
        ("2001:db8:1:2::7", "2001:db8:1:3::7", False),
        ("2001:db8::1", "2001:db8::aaaa:bbbb:cccc:dddd", True),
        ("2001:db8::1", "2001:db9::1", False),
        ("198.51.100.7", "198.51.100.8", False),
    ],
)
def test_the_addresses_of_one_home_count_as_one(one: str, other: str, is_one_home: bool) -> None:
    (lines,) = re.findall(r"map \$remote_addr \$network \{(.*?)\n    \}", NGINX, re.DOTALL)
    patterns = re.findall(r'"~(\S+)"', lines)

    def network(address: str) -> str:
        return next((found[1] for pattern in patterns if (found := re.match(pattern, address))), address)

    assert (network(one) == network(other)) == is_one_home


def test_one_address_may_be_sending_so_much_at_once_and_still_reads(front: Front, tmp_path: Path) -> None:
    event = front.site.event(updates=1)
    static_root = front.site.data_dir / "static"
    with (
        proxying(tmp_path / "nginx", upstream=front.site.port, static_root=static_root) as proxy,
        ThreadPoolExecutor(41) as waiting,
    ):
        senders = [begin_to_send(proxy) for _ in range(41)]
        answers = [waiting.submit(sender.recv, 65_536) for sender in senders]
        try:
            first = next(as_completed(answers, ANSWER_SECONDS)).result().decode()
            assert first.startswith("HTTP/1.1 503 ")
            assert "Retry-After: 5" in first
            assert sum(answer.done() for answer in answers) == 1
            assert proxy.get(address_of(event)).status_code == 200
        finally:
            for sender in senders:
                sender.shutdown(socket.SHUT_RDWR)
                sender.close()


def test_no_socket_is_refused_before_liveblog_has_said_so(front: Front) -> None:
    event = front.site.event(updates=1)
    address = f"{front.proxy.url.replace('https', 'wss')}{address_of(event)}live/?after=0&edition={event.edition}"

    async def crowd() -> list[Any]:
        async with AsyncExitStack() as stack:
            dialled = (dial(address, ssl=front.proxy.tls, proxy=None, open_timeout=60) for _ in range(60))
            sockets = [await stack.enter_async_context(one) for one in dialled]
            return [await socket.recv() for socket in sockets]

    assert len(set(asyncio.run(crowd()))) == 1


def begin_to_send(proxy: Proxy) -> socket.socket:
    """Send the head of a request, and half of its body."""
    connection = proxy.connect()
    lines = ("POST /desk/x/photos/ HTTP/1.1", "Host: localhost", "Content-Length: 100", "", "half of it")
    connection.sendall("\r\n".join(lines).encode())
    return connection


def test_a_body_may_be_as_large_as_liveblog_takes_it_and_no_larger(front: Front) -> None:
    (desk,) = re.findall(r"client_max_body_size (\d+)k;.*bodies\.py", NGINX)
    assert int(desk) * 1024 == bodies.REQUEST_BYTES + bodies.FRAME_BYTES
    assert f"client_body_timeout {bodies.SILENT_SECONDS:.0f}s;" in NGINX
    for path, length, status in (("/", 16 * 1024 + 1, 413), ("/", 10, 405), ("/accounts/login/", 300_000, 403)):
        assert front.proxy.visitor().post(path, content=b"x" * length).status_code == status, path
    for length, status in ((bodies.REQUEST_BYTES + bodies.FRAME_BYTES + 1, b"413"), (1_000, b"403")):
        with front.proxy.connect() as connection:
            head = f"POST /desk/new/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n"
            connection.sendall(head.encode() + b"x" * 1_000)
            assert connection.recv(12).split()[1] == status


# systemd.


def test_systemd_has_nothing_to_say_about_the_unit() -> None:
    command = [need("systemd-analyze"), "verify", str(DEPLOY / "liveblog.service")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_commands_of_the_unit_are_ours() -> None:
    unit = (DEPLOY / "liveblog.service").read_text()
    commands = re.findall(r"^Exec\w+=/usr/bin/env \.venv/bin/python (.*)$", unit, re.MULTILINE)
    assert [command.split()[1] for command in commands] == ["migrate", "collectstatic", "serve"]
    for command in commands:
        check_command(command.split())
    check_settings(re.findall(r"([A-Z_]+)=", " ".join(re.findall(r"^Environment=(.*)$", unit, re.MULTILINE))))
    assert re.search(r"^LimitNOFILE=(\d+)$", unit, re.MULTILINE)


def check_command(words: list[str]) -> None:
    """See that a command of ``manage.py`` is there and knows its options."""
    script, name, *options = words
    assert (ROOT / script).name == "manage.py"
    command = load_command_class(get_commands()[name], name)
    command.create_parser(script, name).parse_args(options)


def check_settings(names: list[str]) -> None:
    """See that each variable is a setting of ours."""
    assert names
    read = (ROOT / "config/settings.py").read_text()
    for name in set(names) - {"PYTHONUNBUFFERED"}:
        assert f'"{name}"' in read, name


# Containers: no Docker engine runs where this is tested.

INSTRUCTIONS = {"ARG", "FROM", "WORKDIR", "RUN", "COPY", "ENV", "USER", "VOLUME", "EXPOSE", "HEALTHCHECK", "CMD"}


def dockerfile() -> list[tuple[str, str]]:
    """Return the instructions of the Dockerfile, each on one line."""
    text = re.sub(r"\\\n\s*", "", (DEPLOY / "Dockerfile").read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(line.partition(" ")[0], line.partition(" ")[2]) for line in lines]


def test_every_instruction_of_the_dockerfile_is_one_and_every_path_in_it_exists() -> None:
    instructions = dockerfile()
    assert {name for name, _ in instructions} <= INSTRUCTIONS
    assert instructions[0][0] == "FROM"
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text().split()
    for name, rest in instructions:
        if name == "COPY" and not rest.startswith("--from="):
            for source in rest.split()[:-1]:
                assert (ROOT / source).exists(), source
                assert f"!{source}" in ignored, source
        if name in {"CMD", "VOLUME"}:
            assert all(isinstance(word, str) for word in json.loads(rest))
        if name == "ENV":
            check_settings(re.findall(r"([A-Z_]+)=", rest))
    stages = [rest.split()[2] for name, rest in instructions if name == "FROM" and " AS " in rest]
    assert re.findall(r"--from=(\w+)", str(instructions)) == stages
    last_stage = [name for name, _ in instructions][::-1]
    assert "USER" in last_stage[: last_stage.index("FROM")], "it does not run as root"


def test_the_dockerfile_copies_all_that_the_service_needs(tmp_path: Path) -> None:
    """What was copied starts, alone."""
    for name, rest in dockerfile():
        if name == "COPY" and not rest.startswith("--from="):
            source, target = rest.split()
            subprocess.run(["cp", "-r", ROOT / source, tmp_path / target], check=True)
    command = [sys.executable, "manage.py", "check"]
    environ = {"DATA_DIR": str(tmp_path / "data"), "PATH": "/usr/bin:/bin"}
    subprocess.run(command, cwd=tmp_path, env=environ, check=True, capture_output=True)


def test_uv_understands_how_the_packages_are_installed() -> None:
    """Without a network it finds those of the lock files in this environment, and would install nothing."""
    installs = [rest for name, rest in dockerfile() if name == "RUN" and "uv pip install" in rest]
    assert len(installs) == 2, "those that all need, and those that some need"
    for install in installs:
        python = shlex.quote(sys.executable)
        here = install.replace("python -m", f"{python} -m").replace("--python .venv", f"--python {python}")
        command = here.replace("pip install", "pip install --dry-run --offline")
        for extras in ("django-storages[s3]", ""):
            done = subprocess.run(
                ["sh", "-c", command],
                cwd=ROOT,
                env=os.environ | {"EXTRAS": extras},
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
            assert done.returncode == 0, done.stderr
            assert ("Would make no changes" in done.stderr) == (extras != "" or "EXTRAS" not in install)


def test_the_image_starts_what_we_start_and_asks_whether_it_serves(front: Front) -> None:
    commands = {
        name: json.loads(rest[rest.index("[") :]) for name, rest in dockerfile() if name in {"CMD", "HEALTHCHECK"}
    }
    assert commands["CMD"][0] == commands["HEALTHCHECK"][0] == ".venv/bin/python"
    check_command(commands["CMD"][1:])
    flag, script = commands["HEALTHCHECK"][1:]
    for port, status in ((front.site.port, 0), (find_free_port(), 1)):
        command = [sys.executable, flag, script.replace(":8000", f":{port}")]
        assert subprocess.run(command, capture_output=True, timeout=60, check=False).returncode == status


def test_compose_names_only_what_exists() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    services = compose["services"]
    assert set(services) == {"app", "database", "bell", "proxy"}
    build = services["app"]["build"]
    assert (DEPLOY / build["context"] / build["dockerfile"]).resolve() == DEPLOY / "Dockerfile"
    check_settings(list(services["app"]["environment"]))
    kept = {rest for name, rest in dockerfile() if name == "VOLUME"}
    for service in services.values():
        assert ("image" in service) != ("build" in service)
        assert set(service.get("depends_on", ())) <= set(services)
        for volume in service.get("volumes", ()):
            source, target = volume.replace("${CERTIFICATE:?}", "certificate").split(":")[:2]
            assert source in {*compose["volumes"], "certificate"} or (DEPLOY / source).exists(), source
            assert service is not services["app"] or f'"{target}"' in str(kept)
    assert "ports" not in services["app"], "who could reach it past the proxy might write X-Forwarded-For"
    (subnet,) = compose["networks"]["default"]["ipam"]["config"]
    assert services["app"]["environment"]["TRUSTED_PROXIES"] == subnet["subnet"]


def test_the_proxy_of_compose_has_a_configuration_that_loads(tmp_path: Path) -> None:
    need("nginx")
    proxy = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]["proxy"]
    shell, flag, script = proxy["command"]
    target = tmp_path / "nginx.conf"
    script = script.replace("$$", "$").replace("/liveblog.conf", str(DEPLOY / "nginx.conf"))
    script = script.replace("/etc/nginx/nginx.conf", str(target)).replace("exec nginx", "echo nginx")
    environ = {"NAME": "blog.test", "PATH": "/usr/bin:/bin"}
    done = subprocess.run([shell, flag, script], env=environ, check=True, capture_output=True, text=True)
    assert done.stdout == "nginx -g daemon off;\n"
    text = target.read_text()
    assert "server app:8000;" in text
    assert "server_name blog.test;" in text
    assert "ssl_certificate_key /certificate/privkey.pem;" in text
    assert not {"[::]", "127.0.0.1", "example.org"} & set(re.findall(r"\[::\]|127\.0\.0\.1|example\.org", text))


def test_the_parts_that_share_the_static_files_agree_where_they_lie() -> None:
    (root,) = re.findall(r"location \^~ /static/ \{\s+root (\S+);", NGINX)
    unit, image = (DEPLOY / "liveblog.service").read_text(), (DEPLOY / "Dockerfile").read_text()
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    for text in (unit, image):
        assert f"STATIC_ROOT={root}/static " in text
    for name, suffix in {"app": "", "proxy": ":ro"}.items():
        assert f"static:{root}/static{suffix}" in compose[name]["volumes"]
    assert f"CacheDirectory={Path(root).name}" in unit
    assert "DATA_DIR=/var/lib/liveblog " in unit
    assert "DATA_DIR=/var/lib/liveblog " in image
