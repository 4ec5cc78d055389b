"""Authors: what they write goes through an outbox by the rules of static/js/desk/sender.js and outbox-request.js."""

import random
import threading
import time
import uuid
from collections import Counter, deque
from typing import Any, NamedTuple

import httpx

ANSWER_SECONDS = 30.0
FIRST_SECONDS = 0.7
LONGEST_SECONDS = 60.0
LONGEST_TOLD_SECONDS = 300.0
LOOK_SECONDS = 0.02
UNSENT = {408, 425, 429, 503}
"""With these the service says that it has not taken it."""


class Entry(NamedTuple):
    """A text that is kept until it is taken, under one key."""

    key: str
    body: str
    written_at: float


class Author(threading.Thread):
    """Writes at a steady pace and sends in order, each text under the same key until it is taken."""

    def __init__(
        self, visitor: httpx.Client, slug: str, user: int, *, name: str, every: float, padding: str = ""
    ) -> None:
        """``visitor`` is signed in as the user of that primary key; ``padding`` makes texts longer."""
        super().__init__(daemon=True)
        self.label, self.written = name, 0
        self.posted: dict[int, str] = {}
        """The texts that were taken, by the numbers that the answers named."""
        self.answered: dict[int, float] = {}
        """When, by the same numbers."""
        self.saw: Counter[str] = Counter()
        self.words: dict[str, str] = {}
        """The first words of each kind of answer."""
        self.unclear: Counter[str] = Counter()
        """Answers that are neither taken nor say in the service's own words that nothing was."""
        self.slowest = 0.0
        """The longest time from writing to the answer that it is taken."""
        self.finished = threading.Event()
        self.broken: BaseException | None = None
        self._visitor, self._slug, self._user = visitor, slug, user
        self._every, self._padding = every, padding
        self._outbox: deque[Entry] = deque()
        self._tries = 0
        self._retry_at = 0.0

    def run(self) -> None:
        """Write until told that it is enough, and send until all is taken."""
        try:
            next_at = time.monotonic()
            while not self.finished.is_set() or self._outbox:
                now = time.monotonic()
                while not self.finished.is_set() and now >= next_at:
                    self._write()
                    next_at += self._every
                if self._outbox and now >= self._retry_at:
                    self._send(self._outbox[0])
                else:
                    time.sleep(LOOK_SECONDS)
        except BaseException as error:
            self.broken = error
            raise

    @property
    def waiting(self) -> int:
        """How many texts are not taken yet."""
        return len(self._outbox)

    def _write(self) -> None:
        self.written += 1
        body = f"{self.label} {self.written}{self._padding}"
        self._outbox.append(Entry(str(uuid.uuid4()), body, time.monotonic()))

    def _send(self, entry: Entry) -> None:
        fields = {"key": entry.key, "headline": "", "body": entry.body}
        try:
            answer = self._visitor.post(f"/desk/{self._slug}/updates/", data=fields, headers=self._headers())
        except (httpx.HTTPError, OSError) as error:
            self.saw["no answer"] += 1
            self.words.setdefault("no answer", type(error).__name__)
            return self._wait(None)
        kind = str(answer.status_code)
        self.saw[kind] += 1
        if answer.status_code == 200 and "Liveblog-Number" in answer.headers:
            self.slowest = max(self.slowest, time.monotonic() - entry.written_at)
            number = int(answer.headers["Liveblog-Number"])
            self.posted[number], self.answered[number] = entry.body, time.monotonic()
            self._outbox.popleft()
            self._tries, self._retry_at = 0, 0.0
            return None
        self.words.setdefault(kind, answer.text.strip()[:200])
        if answer.status_code in UNSENT and _is_plain(answer):
            return self._wait(answer.headers.get("Retry-After"))
        self.unclear[kind] += 1
        assert answer.status_code >= 500, f"refused: {kind} {answer.text[:300]}"
        return self._wait(answer.headers.get("Retry-After"))

    def _wait(self, told: str | None) -> None:
        """Wait as ``settle`` in sender.js does: as long as the service has said, else twice as long each time."""
        self._tries += 1
        if told and told.isdigit() and int(told) > 0:
            wait = min(float(told), LONGEST_TOLD_SECONDS)
        else:
            wait = min(LONGEST_SECONDS, FIRST_SECONDS * 2 ** (self._tries - 1)) * (0.5 + random.random() / 2)
        self._retry_at = time.monotonic() + wait

    def _headers(self) -> dict[str, Any]:
        return {"Liveblog-Author": str(self._user), "X-CSRFToken": self._visitor.cookies["csrftoken"]}


def _is_plain(answer: httpx.Response) -> bool:
    return answer.headers.get("Content-Type", "").startswith("text/plain")
