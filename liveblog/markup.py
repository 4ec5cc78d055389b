"""What is done with texts and their HTML: rendering, plain text, what can be seen of them; pure."""

import html
import re
import textwrap
import unicodedata
from collections.abc import Callable
from html.parser import HTMLParser

from liveblog.text import render as render
from liveblog.text.characters import with_line_ends


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
