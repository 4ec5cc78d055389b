"""What is measured: each takes one pair of readings, ours and the peer's, right after one another."""

import re
import secrets
import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

from benchmarks import content
from benchmarks.browser import Browser
from benchmarks.nchan import Publisher
from benchmarks.polling import poll
from benchmarks.readers import Readers, attached
from benchmarks.servers import Running, Servers, running_on_uvicorn

SOCKETS = 2_000
SPREAD_SOCKETS = 5_000
SPREAD_POSTS = 10
POST_SECONDS = 0.025
"""What a post may take."""
READER_BYTES = 20_000
"""What a reader may take."""
FANOUT_POSTS = 5
POSTS = 15
PAUSE_SECONDS = 0.2
IDLE_SECONDS = 5.0
POLLING_SECONDS = 3.0
PAGES = 30
FIRST_AROUND = 30
"""The first update that a page is asked for around: there are 25 before it, and 25 after the last."""
MILLISECOND = 0.001


class Pair(NamedTuple):
    """Two readings, and the share of one core that the client needed for each."""

    ours: float
    peer: float
    ours_cpu: float
    peer_cpu: float


class Measure(NamedTuple):
    """A question, the two that answer it, and what their ratio has to be."""

    name: str
    title: str
    take: Callable[[Servers], Pair]
    is_rate: bool = False
    at_least: float | None = None
    at_most: float | None = None
    unit: str = ""
    scale: float = 1.0

    def ratio(self, pair: Pair) -> float:
        """How many times better ours is where a target says "at least", else how many times as long it takes."""
        return pair.ours / pair.peer if self.is_rate or self.at_most else pair.peer / pair.ours

    def is_met_by(self, ratio: float) -> bool:
        """Whether that is good enough."""
        return ratio >= self.at_least if self.at_least else ratio <= (self.at_most or 0)

    def shown(self, reading: float) -> str:
        """Write a reading with its unit."""
        if self.unit:
            return f"{reading / self.scale:,.1f} {self.unit}"
        if self.is_rate:
            return f"{reading:,.0f} /s"
        return f"{reading * 1e6:,.0f} µs" if reading < MILLISECOND else f"{reading * 1000:,.0f} ms"


class Posted(NamedTuple):
    """Until the author was answered, until the last reader had the update, and the clients' CPU share till then."""

    answered_seconds: float
    served_seconds: float
    cpu_share: float


def fan_out(servers: Servers) -> Pair:
    """Time from sending the author's POST until the last of 2,000 readers has the update."""
    with attached(servers.ours, our_socket(servers.ours, content.FANOUT), count=SOCKETS) as readers:
        ours = publish_often(servers.ours, content.FANOUT, times=FANOUT_POSTS, readers=readers)
    with attached(servers.peer, f"/events/{content.FANOUT}/live/", count=SOCKETS) as readers:
        peer = publish_often(servers.peer, content.FANOUT, times=FANOUT_POSTS, readers=readers)
    return Pair(ours.served_seconds, peer.served_seconds, ours.cpu_share, peer.cpu_share)


class Spread(NamedTuple):
    """What it takes to bring updates to many readers."""

    cpu_seconds: float
    """Of the server, for each reader and update."""
    served_seconds: float
    """Until the last reader has an update."""
    client_share: float


def spread_by_uvicorn(servers: Servers) -> Pair:
    """Return the CPU time for each reader and update on uvicorn, the author's posts taken off, and nchan's."""
    ours, peer = spread(servers)
    return Pair(ours.cpu_seconds, peer.cpu_seconds, ours.client_share, peer.client_share)


def last_by_uvicorn(servers: Servers) -> Pair:
    """Return the time until the last reader has an update, on uvicorn, and nchan's."""
    ours, peer = spread(servers)
    return Pair(ours.served_seconds, peer.served_seconds, ours.client_share, peer.client_share)


def memory_by_uvicorn(servers: Servers) -> Pair:
    """Return the memory that a reader takes, in bytes, in a process that has had none before, and what it may take."""
    with running_on_uvicorn() as server:
        path = our_socket(server.port, content.SPREAD)
        empty = server.memory_bytes()
        with attached(server.port, path, count=SPREAD_SOCKETS):
            taken = server.memory_bytes() - empty
    return Pair(taken / SPREAD_SOCKETS, READER_BYTES, 0, 0)


def spread(servers: Servers) -> tuple[Spread, Spread]:
    """Bring the same updates to as many readers by ours on uvicorn and by nchan."""
    if servers.nchan is None:
        raise RuntimeError("There is no nginx with nchan here (Debian: nginx, libnginx-mod-nchan).")
    uvicorn = servers.uvicorn
    author = Browser.logged_in(uvicorn.port)

    alone = cpu_of_posts(uvicorn, lambda marker: author.publish(content.QUIET, marker))
    ours = spread_to(
        uvicorn, our_socket(uvicorn.port, content.SPREAD), lambda marker: author.publish(content.SPREAD, marker), alone
    )
    after = int(our_cursor(uvicorn.port, content.SPREAD)[0]) - 1
    text = Browser(uvicorn.port).get(f"/events/{content.SPREAD}/changes/?after={after}").text
    publisher = Publisher(servers.nchan.port)
    peer = spread_to(servers.nchan, "/follow", lambda marker: publisher.publish(text + marker), 0)
    return ours, peer


def cpu_of_posts(server: Running, post: Callable[[str], object]) -> float:
    """Return the CPU time that a post takes where nobody reads."""
    return cost_of(server, lambda: post(secrets.token_hex(8)), times=POSTS)


def spread_to(server: Running, path: str, post: Callable[[str], object], alone: float) -> Spread:
    """Post to many readers, and take off what a post takes ``alone``."""
    seconds, client_seconds = [], []
    with attached(server.port, path, count=SPREAD_SOCKETS) as readers:

        def bring() -> None:
            marker = secrets.token_hex(8)
            readers.expect(marker)
            asked_at = time.monotonic()
            post(marker)
            last_at, cpu_seconds = readers.served()
            seconds.append(last_at - asked_at)
            client_seconds.append(cpu_seconds)

        used = cost_of(server, bring, times=SPREAD_POSTS) - alone
    return Spread(used / SPREAD_SOCKETS, statistics.median(seconds), sum(client_seconds) / sum(seconds))


def cost_of(server: Running, work: Callable[[], object], *, times: int) -> float:
    """Return what CPU time the server takes for ``work``, beyond what it takes when nothing happens.

    The first time warms up.
    """
    work()
    idle = idle_share(server)
    began_with, began_at = server.cpu_seconds(), time.monotonic()
    for _ in range(times):
        work()
        time.sleep(PAUSE_SECONDS)
    return (server.cpu_seconds() - began_with - idle * (time.monotonic() - began_at)) / times


def idle_share(server: Running) -> float:
    """Return the share of a core that the server takes when nothing happens."""
    time.sleep(PAUSE_SECONDS)
    began_with = server.cpu_seconds()
    time.sleep(IDLE_SECONDS)
    return (server.cpu_seconds() - began_with) / IDLE_SECONDS


def post_on_uvicorn(servers: Servers) -> Pair:
    """Return the CPU time of an author's post on uvicorn, with nobody attached, and what it may take."""
    author = Browser.logged_in(servers.uvicorn.port)
    ours = cpu_of_posts(servers.uvicorn, lambda marker: author.publish(content.QUIET, marker))
    return Pair(ours, POST_SECONDS, 0, 0)


def poll_for_nothing(servers: Servers) -> Pair:
    """Count polls a second that find nothing new, after the first ones have warmed things up."""
    revision, edition = our_cursor(servers.ours, content.POLL)
    ours_path = f"/events/{content.POLL}/changes/?after={revision}&edition={edition}"
    cards = Browser(servers.peer).get(f"/events/{content.POLL}/changes/?after=0").text
    newest = max(int(number) for number in re.findall(r'id="update-(\d+)"', cards))
    peer_path = f"/events/{content.POLL}/changes/?after={newest}"
    for seconds in (POLLING_SECONDS / 10, POLLING_SECONDS):
        ours = poll(servers.ours, ours_path, status=204, seconds=seconds)
        peer = poll(servers.peer, peer_path, status=200, seconds=seconds)
    return Pair(ours.per_second, peer.per_second, ours.cpu_share, peer.cpu_share)


def post_to_many(servers: Servers) -> Pair:
    """Time the POST's own answer with 2,000 sockets attached, and on the same server with none."""
    none = publish_often(servers.ours, content.QUIET, times=POSTS)
    with attached(servers.ours, our_socket(servers.ours, content.POST), count=SOCKETS) as readers:
        many = publish_often(servers.ours, content.POST, times=POSTS, readers=readers)
    return Pair(many.answered_seconds, none.answered_seconds, many.cpu_share, none.cpu_share)


def poll_on_uvicorn(servers: Servers) -> Pair:
    """Return the CPU time of a poll that finds nothing new, and of an ASGI application that says 204 to everything."""
    revision, edition = our_cursor(servers.uvicorn.port, content.POLL)
    path = f"/events/{content.POLL}/changes/?after={revision}&edition={edition}"
    return cpu_of((servers.uvicorn, path), (servers.bare, "/0"), status=204)


def open_remembered_page(servers: Servers) -> Pair:
    """Return the CPU time of an event page from memory, and of an ASGI application that sends as many bytes."""
    path = f"/events/{content.SHORT}/?utm_source=paper"
    sent_bytes = Browser(servers.uvicorn.port).get(path).sent_bytes
    return cpu_of((servers.uvicorn, path), (servers.bare, f"/{sent_bytes}"), status=200)


def cpu_of(ours: tuple[Running, str], peer: tuple[Running, str], *, status: int) -> Pair:
    """Return the CPU time of one answer of each, in seconds, after the first ones have warmed things up."""
    readings = []
    for server, path in (ours, peer):
        poll(server.port, path, status=status, seconds=POLLING_SECONDS / 10)
        began_with = server.cpu_seconds()
        load = poll(server.port, path, status=status, seconds=POLLING_SECONDS)
        readings.append(((server.cpu_seconds() - began_with) / (load.per_second * POLLING_SECONDS), load.cpu_share))
    (ours_cost, ours_cpu), (peer_cost, peer_cpu) = readings
    return Pair(ours_cost, peer_cost, ours_cpu, peer_cpu)


def open_long_page(servers: Servers) -> Pair:
    """Time pages of an event with 20,000 updates, and of one with 100, in turns: each around another update.

    So none of them comes from memory.
    """
    browser = Browser(servers.ours)
    return in_turns(
        (browser, f"/events/{content.LONG}/?around={{}}"), (browser, f"/events/{content.SHORT}/?around={{}}")
    )


def open_described_page(servers: Servers) -> Pair:
    """Time the event page, and its cards in a frame, where nothing is written for search engines and shared links.

    None of them comes from memory.
    """
    browser, address = Browser(servers.ours), f"/events/{content.SHORT}/"
    return in_turns((browser, f"{address}?sort=oldest&around={{}}"), (browser, f"{address}embed/?limit=50&around={{}}"))


def open_feed(servers: Servers) -> Pair:
    """Time the whole Atom feed of an event with 100 updates, and the same made with Django's syndication framework."""
    path = f"/events/{content.POLL}/feed.atom"
    return in_turns((Browser(servers.ours), path), (Browser(servers.peer), path))


def poll_feed_for_nothing(servers: Servers) -> Pair:
    """Count feed readers' conditional requests a second that find nothing new."""
    path = f"/events/{content.POLL}/feed.atom"
    ports = servers.ours, servers.peer
    for seconds in (POLLING_SECONDS / 10, POLLING_SECONDS):
        ours, peer = (
            poll(port, path, status=304, seconds=seconds, etag=Browser(port).get(path).etag) for port in ports
        )
    return Pair(ours.per_second, peer.per_second, ours.cpu_share, peer.cpu_share)


def in_turns(ours: tuple[Browser, str], peer: tuple[Browser, str]) -> Pair:
    """Time both addresses, one after the other, many times; return the medians. ``{}`` is another number each time."""
    seconds: tuple[list[float], list[float]] = ([], [])
    cpu = [0.0, 0.0]
    for turn in range(PAGES + 1):
        for which, (browser, path) in enumerate((ours, peer)):
            began_with = time.process_time()
            answer = browser.get(path.format(FIRST_AROUND + turn))
            if turn:  # the first of each warms up
                seconds[which].append(answer.seconds)
                cpu[which] += time.process_time() - began_with
    shares = [used / sum(taken) for used, taken in zip(cpu, seconds, strict=True)]
    return Pair(statistics.median(seconds[0]), statistics.median(seconds[1]), *shares)


def publish_often(port: int, slug: str, *, times: int, readers: Readers | None = None) -> Posted:
    """Publish as an author who waits until everyone has it before writing on; return the medians."""
    author = Browser.logged_in(port)
    posts = [publish(author, slug, readers) for _ in range(times + 1)][1:]  # the first warms up
    return Posted(*map(statistics.median, zip(*posts, strict=True)))


def publish(author: Browser, slug: str, readers: Readers | None) -> Posted:
    """Publish one update; without readers it counts as served when its author is answered."""
    time.sleep(PAUSE_SECONDS)
    marker = secrets.token_hex(8)
    if readers is not None:
        readers.expect(marker)
    began_with = time.process_time()
    answer = author.publish(slug, marker)
    last_at, cpu_seconds = readers.served() if readers is not None else (answer.answered_at, 0.0)
    cpu_seconds += time.process_time() - began_with
    served = last_at - answer.asked_at
    return Posted(answer.seconds, served, cpu_seconds / max(served, answer.seconds))


def our_socket(port: int, slug: str) -> str:
    """Return the address of the socket of a page that was opened just now."""
    revision, edition = our_cursor(port, slug)
    return f"/events/{slug}/live/?after={revision}&edition={edition}"


def our_cursor(port: int, slug: str) -> tuple[str, str]:
    """Return the revision and the edition of a page that was opened just now."""
    feed = re.search(r'<section class="feed"[^>]*>', Browser(port).get(f"/events/{slug}/").text)
    if feed is None:
        raise RuntimeError("The event page has no feed.")
    revision, edition = (re.search(rf'data-{name}="(\w+)"', feed[0]) for name in ("revision", "edition"))
    if revision is None or edition is None:
        raise RuntimeError("The feed does not say what it shows.")
    return revision[1], edition[1]


MEASURES = [
    Measure("fanout", "Fan-out to 2,000 sockets, last reader served", fan_out, at_least=6),
    Measure("poll", "Polls with nothing new", poll_for_nothing, is_rate=True, at_least=12),
    Measure("spread", "CPU for each of 5,000 readers, uvicorn; peer: nchan", spread_by_uvicorn, at_most=1.5),
    Measure("last", "Last of 5,000 readers served, uvicorn; peer: nchan", last_by_uvicorn, at_most=2.2),
    Measure(
        "bytes", "Memory of a reader, uvicorn; peer: the target", memory_by_uvicorn, at_most=1, unit="kB", scale=1000
    ),
    Measure("posting", "CPU of a post with nobody attached, uvicorn; peer: the target", post_on_uvicorn, at_most=1),
    Measure("idle", "CPU of a poll with nothing new; peer: a bare ASGI 204", poll_on_uvicorn, at_most=1.5),
    Measure("memory", "CPU of a page from memory; peer: bare ASGI, same bytes", open_remembered_page, at_most=3),
    Measure("post", "Posting with 2,000 sockets attached; peer: with none", post_to_many, at_most=1.5),
    Measure("page", "Page of an event with 20,000 updates; peer: with 100", open_long_page, at_most=1.3),
    Measure("described", "Page with all that search engines read; peer: its cards", open_described_page, at_most=1.5),
    Measure("feed", "Atom feed of 100 updates", open_feed, at_most=2),
    Measure("unchanged", "Feed readers’ polls with nothing new", poll_feed_for_nothing, is_rate=True, at_least=3),
]
