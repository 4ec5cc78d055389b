"""One reader: an open page that polls, with a socket or without, and comes back as the scripts do."""

import asyncio
import random
import ssl
import time
from collections import Counter
from contextlib import suppress
from typing import Any, NamedTuple

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from tests.outages import pace
from tests.outages.page import NotOurs, Page, Verdict, revision_in

ENDED, COME_BACK, GONE, WITHOUT_A_WORD = 1000, 4000, 4404, 1006
RELOAD_WAITS = (0.0, 5.0, 10.0, 20.0)
RELOAD_FAILED_SECONDS = 10.0
TICK_SECONDS = 1.0
KEPT_SECONDS = 75.0
"""How long a browser keeps a connection that nginx keeps too."""


class Front(NamedTuple):
    """nginx as a reader reaches it: where it is, what it is called, and what its certificate is judged by."""

    address: str
    name: str
    port: int
    tls: ssl.SSLContext


class Step(NamedTuple):
    """From when on a page had everything up to a revision."""

    at: float
    edition: str
    revision: int


class Reader:
    """An open page; ``trouble`` counts what went wrong on the way, by its name."""

    def __init__(self, front: Front, slug: str, *, has_socket: bool) -> None:
        self.has_socket = has_socket
        self.page: Page | None = None
        self.steps: list[Step] = []
        self.trouble: Counter[str] = Counter()
        self._front, self._slug = front, slug
        self._pace = pace.PollPace()
        self._asked = asyncio.Event()
        self._socket: ClientConnection | None = None
        self._socket_failures = 0
        self._delivered = 0
        self._retried = asyncio.Event()
        self._is_renewed = False
        self._reloading: asyncio.Task[None] | None = None
        self._client = httpx.AsyncClient(
            base_url=f"https://{front.address}:{front.port}",
            headers={"Host": f"{front.name}:{front.port}"},
            verify=front.tls,
            timeout=pace.STALLED_SECONDS,
            limits=httpx.Limits(max_connections=6, keepalive_expiry=KEPT_SECONDS),
            trust_env=False,
        )

    @property
    def is_open(self) -> bool:
        """Whether its socket is open."""
        return self._socket is not None

    async def read(self) -> None:
        """Open the page and follow until cancelled."""
        try:
            while self.page is None:
                html = await self._fetch({})
                if html is None:
                    await asyncio.sleep(RELOAD_FAILED_SECONDS * random.random())
                    continue
                self.page = Page(html)
                self._note()
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._poll())
                if self.has_socket:
                    tasks.create_task(self._keep_socket())
        finally:
            if self._reloading is not None:
                self._reloading.cancel()
            await self._client.aclose()

    # The poll: static/js/shared/poll.js.

    async def _poll(self) -> None:
        self._pace = pace.PollPace()
        while not self._pace.is_gone:
            with suppress(TimeoutError):
                async with asyncio.timeout(TICK_SECONDS):
                    await self._asked.wait()
            self._asked.clear()
            if self._reloading is None and self._pace.is_due(is_open=self.is_open):
                await self._ask()
                if self._pace.is_urgent:
                    self._asked.set()

    def _poll_now(self) -> None:
        self._pace.is_urgent = True
        self._asked.set()

    async def _ask(self) -> None:
        assert self.page is not None
        self._pace.is_urgent = False
        was_failing = self._pace.failures > 0
        status, headers, text = 0, httpx.Headers(), ""
        try:
            answer = await self._get("changes/", {"after": str(self.page.revision), "edition": self.page.edition})
            status, headers, text = answer.status_code, answer.headers, answer.text
        except (httpx.HTTPError, OSError) as error:
            self.trouble[f"poll: {type(error).__name__}"] += 1
        if status not in {0, 200, 204}:
            self.trouble[f"poll: {status}"] += 1
        self._pace.take(status, headers)
        if status in {200, 204} and was_failing:
            self._retry_soon()
        if status == 200 and self._take(text) is Verdict.APPLIED:
            self._expect(self.page.revision)
        if status == 0:
            self._renew()

    # The socket: static/js/shared/socket.js.

    async def _keep_socket(self) -> None:
        while True:
            if self._reloading is not None:
                await asyncio.shield(self._reloading)
            code, was_open = await self._follow()
            if self._is_renewed or self._reloading is not None:
                self._is_renewed = False
                continue
            self.trouble[f"socket: {code}"] += 1
            if was_open:
                self._poll_now()
            if code in {ENDED, GONE}:
                return
            self._socket_failures += code != COME_BACK
            await self._wait_to_connect()

    async def _follow(self) -> tuple[int, bool]:
        """Open a socket and take what it brings; return its close code, and whether it was open."""
        assert self.page is not None
        front, proof = self._front, None
        query = f"after={self.page.revision}&edition={self.page.edition}"
        address = f"wss://{front.name}:{front.port}/events/{self._slug}/live/?{query}"
        quick = {"open_timeout": pace.OPENING_SECONDS, "close_timeout": 1, "ping_interval": None, "proxy": None}
        try:
            async with connect(address, host=front.address, port=front.port, ssl=front.tls, **quick) as socket:
                self._socket, self._delivered = socket, self.page.revision
                proof = asyncio.get_running_loop().call_later(pace.PROVEN_SECONDS, self._prove)
                while True:
                    self._deliver(str(await socket.recv()))
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else WITHOUT_A_WORD, True
        except (OSError, TimeoutError, EOFError, InvalidHandshake):
            return WITHOUT_A_WORD, False
        finally:
            self._socket = None
            if proof is not None:
                proof.cancel()

    def _deliver(self, text: str) -> None:
        assert self.page is not None
        if self._take(text) is Verdict.APPLIED:
            self._pace.failures = 0
        self._delivered = max(self._delivered, revision_in(text))

    def _prove(self) -> None:
        self._socket_failures = self._pace.failures = 0

    async def _wait_to_connect(self) -> None:
        wait = pace.wait_to_connect(self._socket_failures, polls_fail=self._pace.failures > 0)
        self._retried.clear()
        try:
            async with asyncio.timeout(wait):
                await self._retried.wait()
        except TimeoutError:
            return
        self._socket_failures = 0
        await asyncio.sleep(pace.FIRST_WAIT_SECONDS * 4 * random.random())

    def _retry_soon(self) -> None:
        """A poll has found that the network is back."""
        self._socket_failures = 0
        if not self.is_open:
            self._retried.set()

    def _expect(self, revision: int) -> None:
        """See that the socket, too, brings what a poll has brought, or renew it."""
        asked = self._socket

        def look() -> None:
            if self._socket is asked and self._delivered < revision:
                self._renew()

        if asked is not None and self._delivered < revision:
            asyncio.get_running_loop().call_later(pace.HALF_OPEN_SECONDS, look)

    def _renew(self) -> None:
        if self._socket is not None:
            self.trouble["socket: renewed"] += 1
            self._is_renewed = True
            self._socket.transport.abort()

    # What comes: static/js/reader/live.js and reload.js.

    def _take(self, text: str) -> Verdict:
        assert self.page is not None
        try:
            verdict = self.page.take(text)
        except NotOurs:
            self.trouble["not ours"] += 1
            return Verdict.DROPPED
        if verdict is Verdict.APPLIED:
            self._note()
        elif verdict is Verdict.GAP:
            self._poll_now()
        elif verdict is Verdict.RELOAD and self._reloading is None:
            self._reloading = asyncio.create_task(self._reload())
        return verdict

    async def _reload(self) -> None:
        assert self.page is not None
        if self._socket is not None:
            self._socket.transport.abort()
        before, edition, attempt = self.page.revision, self.page.edition, 0
        while True:
            await asyncio.sleep(RELOAD_WAITS[attempt])
            html = await self._fetch({"sort": "newest", "at": str(before)})
            if html is None:
                await asyncio.sleep(RELOAD_FAILED_SECONDS * random.uniform(0.5, 1.5))
                continue
            fresh = Page(html)
            is_newer = fresh.edition != edition or fresh.revision > before
            if is_newer or attempt == len(RELOAD_WAITS) - 1:
                self.page.load(html)
                self.trouble["page loaded anew"] += 1
                self._note()
                break
            attempt = min(attempt + 1, len(RELOAD_WAITS) - 1)
        self._reloading = None
        self._poll_now()

    def _note(self) -> None:
        assert self.page is not None
        self.steps.append(Step(time.monotonic(), self.page.edition, self.page.revision))

    async def _fetch(self, query: dict[str, str]) -> str | None:
        try:
            answer = await self._get("", query)
        except (httpx.HTTPError, OSError) as error:
            self.trouble[f"page: {type(error).__name__}"] += 1
            return None
        if answer.status_code != 200:
            self.trouble[f"page: {answer.status_code}"] += 1
            return None
        return answer.text

    async def _get(self, path: str, query: dict[str, Any]) -> httpx.Response:
        return await self._client.get(
            f"/events/{self._slug}/{path}", params=query, extensions={"sni_hostname": self._front.name}
        )
