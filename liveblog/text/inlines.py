"""The text of paragraphs, headings and cells: code, links, emphasis, entities, line ends."""

import html
import re
from bisect import bisect_left
from collections.abc import Callable, Mapping
from typing import NamedTuple

from liveblog.text.addresses import ADDRESS_CHARACTERS, ENTITY, address_of, bare_address, unescape
from liveblog.text.characters import PUNCTUATION
from liveblog.text.definitions import LABEL, POINTED, TITLE, Definition, label_key
from liveblog.text.emphasis import Run
from liveblog.text.nodes import Code, LineEnd, Link, Node, resolve, text_of, without_links

_TOKEN = re.compile(
    rf"¯\\_\(ツ\)_/¯|\\{PUNCTUATION}|\\?\n|`+|\*+|_+|~+|=+|!?\[|\]|<|&(?=[#a-zA-Z])|https?://|www\."
    r"|(?<![\w.+@/-])[\w+-][\w.+-]{0,63}@(?:[\w-]{1,63}\.){1,9}[^\W\d_]{2,63}(?![\w@-])",
    re.IGNORECASE,
)
_AUTOLINK = re.compile(rf"<((?:https?|mailto|tel):[^\s<>]{{1,{ADDRESS_CHARACTERS}}})>", re.IGNORECASE)
_AUTOMAIL = re.compile(r"<([\w.!#$%&'*+/=?^`{|}~-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){0,9})>", re.ASCII)
_SPACE = re.compile(r"[ \n]*")
_TARGET_PART = re.compile(rf"(?:\\{PUNCTUATION}|[^\s()\x00-\x1f])+|[()]")
_BRACKETS = 8
"""How deep the brackets in a link's address may be nested; CommonMark asks for three."""


class _Bracket(NamedTuple):
    """A bracket that may open a link: its place among the nodes and in the text."""

    node: int
    start: int
    is_image: bool


class _Target(NamedTuple):
    """Where a link leads, and where in the text that ends."""

    address: str
    title: str
    end: int


class Inlines:
    """Reads texts of one update; ``used`` has the labels of the definitions that their links need."""

    def __init__(self, definitions: Mapping[str, Definition]) -> None:
        self.definitions = definitions
        self.used: set[str] = set()

    def read(self, text: str) -> list[Node]:
        """Return what ``text`` is made of."""
        reading = _Reading(text, self)
        reading.read()
        resolve(reading.nodes)
        return reading.nodes


class _Reading:
    """One text: what has been read of it, up to ``at``."""

    def __init__(self, text: str, inlines: Inlines) -> None:
        self.text, self.inlines = text, inlines
        self.nodes: list[Node] = []
        self.at = 0
        self.brackets: list[_Bracket] = []
        self.inactive = 0  # brackets below this one stand before a link: links don't nest
        self.no_address_before = 0
        self.backticks: dict[int, list[int]] = {}
        for match in re.finditer("`+", text):
            self.backticks.setdefault(len(match[0]), []).append(match.start())

    def read(self) -> None:
        while match := _TOKEN.search(self.text, self.at):
            self.nodes.append(self.text[self.at : match.start()])
            self.at = match.end()
            read = self._READ.get(match[0][0], _Reading._read_address)
            self.nodes.append(read(self, match[0], match.start()))
        self.nodes.append(self.text[self.at :])

    def _read_escape(self, marks: str, start: int) -> Node:
        return LineEnd() if marks[1] == "\n" else marks[1]

    def _read_shrug(self, marks: str, start: int) -> Node:
        return marks

    def _read_line_end(self, marks: str, start: int) -> Node:
        return LineEnd()

    def _read_code(self, marks: str, start: int) -> Node:
        ends = self.backticks.get(len(marks), [])
        place = bisect_left(ends, self.at)
        if place == len(ends):
            return marks
        code = self.text[self.at : ends[place]].replace("\n", " ")
        self.at = ends[place] + len(marks)
        return Code(code[1:-1] if code[0] == code[-1] == " " and code.strip() else code)

    def _read_run(self, marks: str, start: int) -> Node:
        before = self.text[start - 1] if start else " "
        after = self.text[self.at] if self.at < len(self.text) else " "
        return Run(marks, before, after)

    def _read_entity(self, marks: str, start: int) -> Node:
        match = ENTITY.match(self.text, start)
        character = html.unescape(match[0]) if match else ""
        if not match or character in {match[0], "", "\ufffd"} or character < "\t":
            return marks
        self.at = match.end()
        return character

    def _read_autolink(self, marks: str, start: int) -> Node:
        match = _AUTOLINK.match(self.text, start) or _AUTOMAIL.match(self.text, start)
        address = address_of(match[1] if match.re is _AUTOLINK else f"mailto:{match[1]}") if match else None
        if not match or not address:
            return marks
        self.at = match.end()
        return Link(address, "", [match[1]])

    def _read_address(self, marks: str, start: int) -> Node:
        if "@" in marks:
            address = address_of(marks)
            return Link(address, "", [marks]) if address else marks
        if start < self.no_address_before:
            return marks
        written, self.no_address_before = bare_address(self.text, start)
        if not written:
            return marks
        self.at = start + len(written)
        shown = ENTITY.sub(lambda match: html.unescape(match[0]), written)
        return Link(address_of(shown) or "", "", [shown])

    # Links with words.

    def _open_bracket(self, marks: str, start: int) -> Node:
        self.brackets.append(_Bracket(len(self.nodes), start, marks == "!["))
        return marks

    def _close_bracket(self, marks: str, start: int) -> Node:
        if not self.brackets:
            return marks
        bracket = self.brackets.pop()
        is_active = bracket.is_image or len(self.brackets) >= self.inactive
        self.inactive = min(self.inactive, len(self.brackets))
        target = self._target(bracket, start) if is_active else None
        if not target:
            return marks
        inner = resolve(without_links(self.nodes[bracket.node + 1 :]))
        del self.nodes[bracket.node :]
        self.at = target.end
        if bracket.is_image:  # a link to it, so that no page loads what its reader has not asked for
            return Link(target.address, "", [text_of(inner) or target.title or target.address])
        self.inactive = len(self.brackets)
        return Link(target.address, target.title, inner)

    def _target(self, bracket: _Bracket, close: int) -> _Target | None:
        """Return where the link leads whose words end at ``close``: what follows in brackets, or a definition."""
        if self.text.startswith("(", self.at) and (target := _inline_target(self.text, self.at + 1)):
            return target
        if not self.inlines.definitions:
            return None
        own = LABEL.match(self.text, bracket.start + bracket.is_image)
        named = LABEL.match(self.text, self.at)
        label = named[1] if named and named[1] else own[1] if own and own.end() == self.at else ""
        key = label_key(label)
        definition = self.inlines.definitions.get(key)
        if not definition:
            return None
        self.inlines.used.add(key)
        return _Target(definition.address, definition.title, named.end() if named else self.at)

    _READ: dict[str, Callable[["_Reading", str, int], Node]] = {
        "¯": _read_shrug,
        "\\": _read_escape,
        "\n": _read_line_end,
        "`": _read_code,
        **dict.fromkeys("*_~=", _read_run),
        "&": _read_entity,
        "<": _read_autolink,
        **dict.fromkeys("![", _open_bracket),
        "]": _close_bracket,
    }


def _inline_target(text: str, at: int) -> _Target | None:
    """Return the address and title between ``at`` and the closing bracket, if they are an address and a title."""
    at = _end_of(_SPACE, text, at)
    target, end = _target_text(text, at)
    address = address_of(unescape(target)) if target else None
    if address is None:
        return None
    title = ""
    gap = _end_of(_SPACE, text, end)
    if gap > end and (match := TITLE.match(text, gap)):
        title = unescape(match[1] or match[2] or match[3] or "")
        gap = _end_of(_SPACE, text, match.end())
    return _Target(address, title, gap + 1) if text.startswith(")", gap) else None


def _target_text(text: str, at: int) -> tuple[str, int]:
    """Return what may be an address, in ``<>`` or with balanced brackets, and where it ends."""
    if text.startswith("<", at):
        pointed = POINTED.match(text, at)
        return (pointed[1], pointed.end()) if pointed else ("", at)
    depth, start = 0, at
    while at - start <= ADDRESS_CHARACTERS and (match := _TARGET_PART.match(text, at)):
        depth += {"(": 1, ")": -1}.get(match[0], 0)
        if not 0 <= depth <= _BRACKETS:
            break
        at = match.end()
    return (text[start:at], at) if depth <= 0 else ("", at)


def _end_of(pattern: re.Pattern[str], text: str, at: int) -> int:
    match = pattern.match(text, at)
    return match.end() if match else at
