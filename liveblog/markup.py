"""Markdown in, safe HTML and plain text out; pure, and bounded in time whatever the text."""

import html
import json
import os
import re
import subprocess
import sys
import textwrap
import threading
import unicodedata
from contextlib import suppress
from html.parser import HTMLParser
from pathlib import Path
from queue import Empty, SimpleQueue
from urllib.parse import urljoin
from xml.etree.ElementTree import Element

import nh3
from markdown import Markdown
from markdown.extensions import Extension
from markdown.treeprocessors import Treeprocessor

IDLE_WORKERS = 4
RENDER_SECONDS = 2.0
"""Markdown 3.11 needs 4 s for 4,000 ``[`` and more than 30 s for 20,000 (measured)."""


class TooSlow(Exception):
    """The text takes Markdown longer than ``RENDER_SECONDS``."""


def render(text: str) -> str:
    """Return safe HTML for Markdown ``text``.

    The work is done in a child process, the only kind of worker that can be stopped in the middle
    of a regular expression. Raises ``TooSlow``.
    """
    if not text.strip():
        return ""
    worker = _Worker.take()
    try:
        answer = worker.ask(text)
    except BaseException:
        worker.kill()
        raise
    worker.give_back()
    return answer


def absolute(safe_html: str, page: str) -> str:
    """Return ``safe_html`` with links that lead somewhere from any page, as they do from ``page``."""
    return _HREF.sub(lambda match: f'<a href="{html.escape(urljoin(page, html.unescape(match[1])))}"', safe_html)


def plain(safe_html: str) -> str:
    """Return the text of ``safe_html`` on one line."""
    parser = _TextParser()
    parser.feed(safe_html)
    parser.close()
    return " ".join("".join(parser.parts).split())


def shorten(text: str, *, characters: int) -> str:
    """Return ``text`` on one line, cut at a word to at most ``characters``."""
    short = textwrap.shorten(text, characters, placeholder="…")
    # One endless word has no place to cut at; the placeholder alone would say nothing.
    return short if short != "…" else text.strip()[: characters - 1] + "…"


def normalise(text: str) -> str:
    """Return ``text`` with LF line ends and without outer blank space, as it is stored and compared."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def one_line(text: str) -> str:
    """Return ``text`` on one line, without marks that would turn round the words of ours that it stands among."""
    return " ".join(text.translate(_DIRECTIONS).split())


def is_visible(text: str) -> bool:
    """Return whether anything in ``text`` leaves ink: spaces, zero-width characters and marks on nothing don't."""
    return any(unicodedata.category(one) not in _INKLESS and one not in _BLANK_LETTERS for one in text)


_HREF = re.compile(r'<a href="(?!https?:|mailto:|tel:)([^"]*)"')
_DIRECTIONS = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)])
"""What opens and closes embeddings, overrides and isolates (UAX #9)."""
_INKLESS = frozenset("Cc Cf Cs Zs Zl Zp Mn Mc Me".split())
_BLANK_LETTERS = "\u115f\u1160\u2800\u3164\uffa0"


class _TextParser(HTMLParser):
    """Collects text, with a space wherever a block or a line ends."""

    INLINE = frozenset("a abbr b cite code del em i ins kbd mark q s small strong sub sup u".split())

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []

    def parse_marked_section(self, i: int, report: bool = True) -> int:
        """Pass over ``<![…>`` as browsers do: Python's own way fails at those it does not know (3.13.0)."""
        return self.parse_bogus_comment(i)

    def handle_data(self, data: str) -> None:
        self.parts.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.INLINE:
            self.parts.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.INLINE:
            self.parts.append(" ")


class _Worker:
    """A child process that renders one text at a time and can be killed."""

    idle: SimpleQueue["_Worker"] = SimpleQueue()
    giving_back = threading.Lock()

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-P", str(Path(__file__).resolve())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            start_new_session=True,
        )
        self._readline()  # it says when its imports are done: starting is not rendering

    @classmethod
    def take(cls) -> "_Worker":
        while True:
            try:
                worker = cls.idle.get_nowait()
            except Empty:
                return cls()
            if worker.process.poll() is None:
                return worker

    def give_back(self) -> None:
        with self.giving_back:
            is_wanted = self.idle.qsize() < IDLE_WORKERS
            if is_wanted:
                self.idle.put(self)
        if not is_wanted:
            self.kill()

    def ask(self, text: str) -> str:
        assert self.process.stdin is not None
        timer = threading.Timer(RENDER_SECONDS, self.process.kill)
        timer.start()
        try:
            self.process.stdin.write(json.dumps(text) + "\n")
            self.process.stdin.flush()
            answer = self._readline()
        except BrokenPipeError:
            answer = ""
        finally:
            timer.cancel()
        if not answer:
            raise TooSlow
        return str(json.loads(answer))

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()

    def _readline(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()


def _forget_workers() -> None:
    _Worker.idle = SimpleQueue()
    _Worker.giving_back = threading.Lock()


os.register_at_fork(after_in_child=_forget_workers)


# What follows runs in the child.

_TAGS = set(
    "a abbr b blockquote br cite code dd del dl dt em h2 h3 h4 h5 h6 hr i ins kbd li mark ol p pre q s "
    "small strong sub sup table tbody td tfoot th thead tr u ul".split()
)
_ATTRIBUTES: dict[str, set[str]] = {
    "*": set(),  # nh3 would allow lang and title everywhere
    "a": {"href", "title"},
    "abbr": {"title"},
    "code": {"class"},
    "ol": {"start"},
    "td": {"align"},
    "th": {"align"},
}
_SCHEMES = {"http", "https", "mailto", "tel"}
_LANGUAGE_CLASS = re.compile(r"language-[\w+#-]{1,30}")


class _ImagesToLinks(Treeprocessor):
    """Turns every image into a link to it: nothing a reader did not ask for is loaded."""

    def run(self, root: Element) -> None:
        for image in list(root.iter("img")):
            image.tag = "a"
            image.text = image.get("alt") or image.get("title") or image.get("src")
            image.attrib = {"href": image.get("src") or ""}


class _HeadingsBelowHeadline(Treeprocessor):
    """Moves headings below the update's own, an ``h3`` at most."""

    def run(self, root: Element) -> None:
        for element in root.iter():
            if re.fullmatch(r"h[1-6]", element.tag):
                element.tag = f"h{min(6, int(element.tag[1]) + 3)}"


class _House(Extension):
    """The two processors above."""

    def extendMarkdown(self, md: Markdown) -> None:
        md.treeprocessors.register(_ImagesToLinks(md), "images-to-links", 1)
        md.treeprocessors.register(_HeadingsBelowHeadline(md), "headings-below-headline", 0.5)


def _converter() -> Markdown:
    return Markdown(
        extensions=["fenced_code", "tables", "sane_lists", "smarty", "nl2br", "pymdownx.magiclink", _House()],
        extension_configs={"tables": {"use_align_attribute": True}},
    )


def _keep_attribute(tag: str, attribute: str, value: str) -> str | None:
    if attribute == "class" and not _LANGUAGE_CLASS.fullmatch(value):
        return None
    if attribute == "align" and value not in {"left", "center", "right"}:
        return None
    return value


def _safe(markdown_html: str) -> str:
    return nh3.clean(
        markdown_html,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        attribute_filter=_keep_attribute,
        url_schemes=_SCHEMES,
        link_rel="nofollow noopener",
        set_tag_attribute_values={"table": {"tabindex": "0"}},  # a wide one scrolls, by keyboard too
        strip_comments=True,
    )


def _serve() -> None:
    for stream in (sys.stdin, sys.stdout):
        stream.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    markdown = _converter()
    print("ready", flush=True)
    for line in sys.stdin:
        text = json.loads(line)
        try:
            answer = _safe(markdown.reset().convert(text))
        except RecursionError:  # hundreds of nested quotes or lists: shown as they were typed
            answer = _safe(f"<pre>{html.escape(text)}</pre>")
            # It was left in the middle of its work, and reset() does not take it out of there (3.11.3).
            markdown = _converter()
        print(json.dumps(answer), flush=True)
        # What has been rendered may be purged later: nothing of it is kept here.
        line = text = answer = ""
        markdown.lines = []  # type: ignore[attr-defined]


if __name__ == "__main__":
    with suppress(BrokenPipeError, KeyboardInterrupt):
        _serve()
