"""Markdown in, safe HTML and plain text out; pure, and bounded in time and memory whatever the text."""

import html
import json
import logging
import os
import re
import select
import signal
import socket
import textwrap
import threading
import unicodedata
from collections.abc import Callable
from contextlib import suppress
from html.parser import HTMLParser
from pathlib import Path
from queue import Empty, Full, LifoQueue

from liveblog.child_process import ChildProcess, Limits
from liveblog.text.characters import with_line_ends

logger = logging.getLogger(__name__)

RENDER_SECONDS = 2.0
"""Of CPU time; the slowest 20,000 characters that a search has found take 0.2 s (tests/night/test_slow_texts.py)."""
WALL_SECONDS = 60.0
"""After this, a child that neither answers nor ends is killed."""
MEMORY_BYTES = 1024**3
FILE_BYTES = 1024**2
ANSWER_BYTES = 16 * 1024**2
"""The largest found for 20,000 characters has 760 kB: nested formatting that begins anew in each paragraph."""
RENDERERS = 4
"""So many children of a process render at once, however many texts come."""
PROMPT_MILLISECONDS = 50
"""A text that takes longer is waited for with empty hands: whoever asks may give back what others need."""

_CHILD = Path(__file__).with_name("markup_child.py")
_BUSY = "The service could not render this just now. Nothing you wrote is lost: try again in a moment."
_TOO_SLOW = "This Markdown takes too long to render. Take long rows of brackets, stars or the like out of it."


class NotRendered(Exception):
    """A text was not rendered; ``str()`` tells its author why in one sentence."""


class TooSlow(NotRendered):
    """The text takes Markdown more CPU time than ``RENDER_SECONDS``."""


class Unavailable(NotRendered):
    """Rendering failed for reasons other than the text: it can be tried again."""


def render(text: str, *, meanwhile: Callable[[], None] = lambda: None) -> str:
    """Return safe HTML for Markdown ``text``; raises ``TooSlow``, ``Unavailable``.

    ``meanwhile`` is called if that takes a while.

    The work is done in a child process, because only a process can be stopped in the middle of a regular
    expression. If it dies of anything but its limit of CPU time, that may not be the text's fault: a new
    child gets the same text.
    """
    if not text.strip():
        return ""
    turns = renderers.turns
    if not turns.acquire(blocking=False):
        meanwhile()
        if not turns.acquire(timeout=WALL_SECONDS):
            raise Unavailable(_BUSY)
    try:
        return _render(text, meanwhile)
    finally:
        turns.release()


def _render(text: str, meanwhile: Callable[[], None]) -> str:
    for get_renderer in (renderers.take, Renderer):
        try:
            renderer = get_renderer()
            answer = renderer.render(text, meanwhile)
        except OSError as error:
            logger.warning("A text was not rendered: %r", error)
            if isinstance(error, TimeoutError):  # another child would not be quicker
                break
        else:
            renderers.give_back(renderer)
            return answer
    raise Unavailable(_BUSY)


def relinked(safe_html: str, lead: Callable[[str], str]) -> str:
    """Return ``safe_html`` with each address that is not a whole one replaced by what ``lead`` returns for it."""
    return _HREF.sub(lambda match: f'<a href="{html.escape(lead(html.unescape(match[1])))}"', safe_html)


def plain(safe_html: str, *, with_numbers: bool = True) -> str:
    """Return the text of ``safe_html`` on one line, with the numbers of its lists unless they are not asked for."""
    parser = _TextParser(with_numbers)
    parser.feed(safe_html)
    parser.close()
    return " ".join("".join(parser.parts).split())


def shorten(text: str, *, characters: int) -> str:
    """Return ``text`` on one line, cut at a word to at most ``characters``."""
    short = textwrap.shorten(text, characters, placeholder="…")
    # One endless word has no place to cut at; the placeholder alone would say nothing.
    return short if short != "…" else text.strip()[: characters - 1] + "…"


def normalise(text: str) -> str:
    """Return ``text`` as it is stored and compared: LF line ends, no other controls, no blank space around it."""
    return with_line_ends(text).strip()


def one_line(text: str) -> str:
    """Return ``text`` on one line, without marks that change the direction of the text around it."""
    return " ".join(text.translate(_DIRECTIONS).split())


def is_visible(text: str) -> bool:
    """Return whether any character of ``text`` can be seen; spaces, zero-width characters and lone marks can't."""
    return any(unicodedata.category(one) not in _INVISIBLE and one not in _BLANK_LETTERS for one in text)


_HREF = re.compile(r'<a href="(?!https?:|mailto:|tel:)([^"]*)"')
_DIRECTIONS = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)])
"""The characters that open and close embeddings, overrides and isolates (UAX #9)."""
_INVISIBLE = frozenset("Cc Cf Cs Zs Zl Zp Mn Mc Me".split())
_BLANK_LETTERS = "\u115f\u1160\u2800\u3164\uffa0"


class _TextParser(HTMLParser):
    """Collects text, with a space wherever a block or a line ends."""

    INLINE = frozenset("a abbr b cite code del em i ins kbd mark q s small strong sub sup u".split())

    def __init__(self, with_numbers: bool) -> None:
        super().__init__(convert_charrefs=True)
        self.with_numbers = with_numbers
        self.parts: list[str] = []
        self.numbers: list[int | None] = []
        """What the next item of each open list is numbered, inmost last; ``None`` for bullets."""

    def parse_marked_section(self, i: int, report: bool = True) -> int:
        """Pass over ``<![…>`` as browsers do: Python's own way fails at those it does not know (3.13.0)."""
        return self.parse_bogus_comment(i)

    def handle_data(self, data: str) -> None:
        self.parts.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.INLINE:
            self.parts.append(" ")
        if tag in {"ol", "ul"}:
            self.numbers.append(_number(attrs, "start", 1) if tag == "ol" else None)
        elif tag == "li" and self.numbers and self.numbers[-1] is not None:
            number = _number(attrs, "value", self.numbers[-1])
            self.numbers[-1] = number + 1
            self.parts.append(f"{number}. " if self.with_numbers else "")

    def handle_endtag(self, tag: str) -> None:
        if tag in {"ol", "ul"} and self.numbers:
            self.numbers.pop()
        if tag not in self.INLINE:
            self.parts.append(" ")


def _number(attrs: list[tuple[str, str | None]], name: str, default: int) -> int:
    written = dict(attrs).get(name) or ""
    return int(written) if written.isdecimal() else default


class Renderer(ChildProcess):
    """A child that renders one text after the other."""

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair()
        self._socket.settimeout(WALL_SECONDS)
        self._answers = self._socket.makefile("rb")
        self._watch = select.poll()  # select() knows no descriptors above 1,023
        self._watch.register(self._socket, select.POLLIN)
        with theirs:
            limits = Limits(memory_bytes=MEMORY_BYTES, file_bytes=FILE_BYTES)
            super().__init__(_CHILD, limits=limits, stdin=theirs.fileno(), stdout=theirs.fileno())

    def render(self, text: str, meanwhile: Callable[[], None]) -> str:
        """Return the HTML; raises ``TooSlow``, ``TimeoutError`` or, if it died, ``OSError``, and is closed then."""
        try:
            with suppress(BrokenPipeError, ConnectionResetError):  # its status says more
                self._socket.sendall(json.dumps([RENDER_SECONDS, text]).encode() + b"\n")
                if not self._watch.poll(PROMPT_MILLISECONDS):
                    meanwhile()
                answer = self._answers.readline(ANSWER_BYTES)
                if answer.endswith(b"\n"):
                    return str(json.loads(answer))
            status = self.end(within_seconds=1)
            if status == -signal.SIGPROF:
                raise TooSlow(_TOO_SLOW)
            raise ChildProcessError(f"exit {status}: {self.complaint()}")
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End the child and close its socket."""
        super().close()
        self._answers.close()
        self._socket.close()


class Renderers:
    """The children that wait for a text; a forked process begins without any."""

    def __init__(self) -> None:
        self.forget()
        os.register_at_fork(after_in_child=self.forget)

    def forget(self) -> None:
        """Drop them without ending them: they belong to the process that started them."""
        self.idle: LifoQueue[Renderer] = LifoQueue(RENDERERS)
        self.turns = threading.BoundedSemaphore(RENDERERS)

    def take(self) -> Renderer:
        """Return a child, which may have died meanwhile, or a new one."""
        try:
            return self.idle.get_nowait()
        except Empty:
            return Renderer()

    def give_back(self, renderer: Renderer) -> None:
        """Keep a child for the next text, unless there are enough."""
        try:
            self.idle.put_nowait(renderer)
        except Full:
            renderer.close()


renderers = Renderers()
