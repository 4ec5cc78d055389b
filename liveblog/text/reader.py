"""Lines into blocks: CommonMark's way, line by line, with our rules (docs/markdown.md).

Every line costs what its containers cost, which are no more than ``NESTING``.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from liveblog.text.addresses import unescape
from liveblog.text.blocks import Block, Container, Document, Fence, Heading, Item, List, Paragraph, Quote, Rule, Table
from liveblog.text.definitions import split
from liveblog.text.tables import alignment_of, cells_of

NESTING = 16
"""Quotations deeper than this are text; a level of lists counts for two."""

_MAY_BEGIN = re.compile(r" *[>#`~*_+=:|\d-]")
_QUOTE = re.compile(r" *> ?")
_HEADING = re.compile(r" *(#{1,6}) +(\S.*)$")
_FENCE = re.compile(r"( *)(`{3,}|~{3,}) *([^\s`~]*)$")
_CLOSING_FENCE = re.compile(r"[ >]*(`{3,}|~{3,})$")
_RULE = re.compile(r" *([*_-])(?: *\1){2,}$")
_UNDERLINE = re.compile(r" *(={3,}|-{3,})$")
_ITEM = re.compile(r"( *)([-+*]|(\d{1,9})[.)])(?: +|$)")


def read(lines: Sequence[str]) -> Document:
    """Return the blocks of a text whose ``lines`` have neither tabs nor spaces at their ends."""
    return _Reader(lines).document


class _Started(NamedTuple):
    """What a line has begun: what is left of it, how many open blocks it belongs to, whether more may begin."""

    rest: str
    depth: int
    may_begin_more: bool


class _Reader:
    """Takes one line after the other; ``open`` holds the blocks that the next line may belong to, outermost first."""

    def __init__(self, lines: Sequence[str]) -> None:
        self.document = Document(0)
        self.open: list[Block] = [self.document]
        self.closing = _closing_fences(lines)
        self.is_after_empty = False  # another empty line says nothing new
        for self.number, line in enumerate(lines):
            self._take(line)
        self._close(1)

    def _take(self, line: str) -> None:
        if not line and self.is_after_empty:
            if isinstance(self.open[-1], Fence):
                self.open[-1].lines.append("")
            return
        self.is_after_empty = not line
        rest, depth = self._continue(line)
        tip = self.open[depth - 1]
        if isinstance(tip, Fence):
            self._take_code(tip, rest)
        elif not rest.strip():
            self._take_empty(depth)
        else:
            self._take_text(*self._begin(rest, depth))
            self._reach()

    # Which open blocks go on.

    def _continue(self, line: str) -> tuple[str, int]:
        """Return the line without the marks of the open blocks that it belongs to, and how many those are."""
        rest = line
        for depth, block in enumerate(self.open):
            if isinstance(block, Quote):
                match = _QUOTE.match(rest)
                if not match:
                    return rest, depth
                rest = rest[match.end() :]
            elif isinstance(block, Item):
                if not _belongs_to(block, rest):
                    return rest, depth
                rest = rest[min(len(rest) - len(rest.lstrip(" ")), block.offset) :]
            elif isinstance(block, Paragraph | Table) and not rest.strip():
                return rest, depth
        return rest, len(self.open)

    # What begins on a line.

    def _begin(self, rest: str, depth: int) -> tuple[str, int, Paragraph | None]:
        """Open the blocks that begin here; return what is left, its depth, and the paragraph that goes on with it."""
        above = self.open[-1]
        paragraph = above if isinstance(above, Paragraph) else None
        is_lazy = paragraph is not None and depth < len(self.open)
        while started := self._begin_one(rest, depth, paragraph, is_lazy=is_lazy):
            rest, depth, paragraph, is_lazy = started.rest, started.depth, None, False
            if not rest.strip() or not started.may_begin_more:
                break
        return rest, depth, paragraph

    def _begin_one(self, rest: str, depth: int, paragraph: Paragraph | None, *, is_lazy: bool) -> _Started | None:
        if not _MAY_BEGIN.match(rest):
            return None
        is_far = paragraph is not None and rest.startswith("    ")  # goes on with the paragraph
        return (
            (None if is_far else self._begin_quote(rest, depth) or self._begin_leaf(rest, depth))
            or (None if is_far or is_lazy or not paragraph else self._underline(rest, depth, paragraph))
            or (None if is_far else self._begin_rule(rest, depth))
            or self._begin_item(rest, depth, is_after_text=paragraph is not None and not is_lazy)
            or (None if is_lazy or not paragraph else self._begin_table(rest, depth, paragraph))
        )

    def _begin_quote(self, rest: str, depth: int) -> _Started | None:
        match = _QUOTE.match(rest)
        if not match or depth >= NESTING:
            return None
        self._add(Quote(self.number), depth)
        return _Started(rest[match.end() :], len(self.open), True)

    def _begin_leaf(self, rest: str, depth: int) -> _Started | None:
        if match := _HEADING.match(rest):
            self._add(Heading(self.number, len(match[1]), [_without_closing(match[2])]), depth)
        elif (match := _FENCE.match(rest)) and self._is_closed_later(match[2]):
            self._add(Fence(self.number, rest.strip(), match[2], len(match[1]), unescape(match[3])), depth)
        else:
            return None
        return _Started("", depth, False)

    def _is_closed_later(self, mark: str) -> bool:
        return self.closing[self.number][mark[0]] >= len(mark)

    def _underline(self, rest: str, depth: int, paragraph: Paragraph) -> _Started | None:
        """Make the paragraph above a heading."""
        match = _UNDERLINE.match(rest)
        if not match or not split("\n".join(paragraph.lines)).rest:
            return None
        self._close(depth - 1)
        self._container(depth - 1).children.pop()
        self._add(Heading(paragraph.start, 1 if match[1][0] == "=" else 2, paragraph.lines), depth - 1)
        return _Started("", depth - 1, False)

    def _begin_rule(self, rest: str, depth: int) -> _Started | None:
        if not _RULE.match(rest):
            return None
        self._add(Rule(self.number), depth)
        return _Started("", depth, False)

    def _begin_item(self, rest: str, depth: int, *, is_after_text: bool) -> _Started | None:
        match = _ITEM.match(rest)
        if not match or depth >= NESTING:
            return None
        indent, mark, digits = len(match[1]), match[2], match[3] or ""
        content = rest[match.end() :]
        inner = _ITEM.match(content)
        if len(digits) > 1 and digits.startswith("0"):  # "07. May"
            return None
        if not digits and inner and inner[2] == mark:  # "+ + + Breaking + + +"
            return None
        if is_after_text and not content:
            return None
        offset = match.end() if content and match.end() - match.end(2) <= 4 else match.end(2) + 1
        above = self.open[depth - 1]
        if isinstance(above, List) and above.mark != mark[-1]:
            depth -= 1
        if not isinstance(self.open[depth - 1], List):
            depth = self._add(List(self.number, mark[-1]), depth)
        depth = self._add(Item(self.number, indent, offset, int(digits) if digits else None), depth)
        return _Started(content, depth, not (digits and inner))  # "3. - 5. May": a mark right behind a number is text

    def _begin_table(self, rest: str, depth: int, paragraph: Paragraph) -> _Started | None:
        """Make the last line of the paragraph above the head of a table."""
        alignment, head = alignment_of(rest), cells_of(paragraph.lines[-1])
        if not alignment or "|" not in paragraph.lines[-1] or len(head) != len(alignment):
            return None
        table = Table(paragraph.end, alignment, [head])
        paragraph.lines.pop()
        paragraph.end -= 1
        self._close(depth - 1)
        if not paragraph.lines:
            self._container(depth - 1).children.pop()
        return _Started("", self._add(table, depth - 1), False)

    # What a line says.

    def _take_code(self, fence: Fence, rest: str) -> None:
        self._reach()
        bare = rest.strip(" ")
        fence.is_closed = len(bare) >= len(fence.mark) and bare == bare[0] * len(bare) and bare[0] == fence.mark[0]
        if fence.is_closed:
            self.open.pop()
        else:
            fence.lines.append(rest[min(len(rest) - len(rest.lstrip(" ")), fence.indent) :])

    def _take_empty(self, depth: int) -> None:
        quotes = [place for place, block in enumerate(self.open[:depth]) if isinstance(block, Quote)]
        for block in self.open[: quotes[-1] + 1 if quotes else 0]:  # a line with nothing but ">" is no empty line
            block.end = self.number
        self._close(depth)
        if isinstance(self.open[-1], Paragraph | Table):
            self._close(len(self.open) - 1)

    def _take_text(self, rest: str, depth: int, paragraph: Paragraph | None) -> None:
        if not rest.strip():
            return
        table = self.open[-1]
        if paragraph is not None:
            paragraph.lines.append(rest.strip(" "))
        elif isinstance(table, Table) and depth == len(self.open) and "|" in rest:
            table.rows.append(cells_of(rest))
        else:
            self._add(Paragraph(self.number, [rest.strip(" ")]), depth)

    # The open blocks.

    def _add(self, block: Block, depth: int) -> int:
        """Open ``block`` below the first ``depth`` open blocks that can hold it; return how many are open then."""
        while not isinstance(self.open[depth - 1], Container):
            depth -= 1
        if isinstance(self.open[depth - 1], List) != isinstance(block, Item):
            depth -= 1
        self._close(depth)
        self._container(depth).children.append(block)
        self.open.append(block)
        block.end = self.number
        if isinstance(block, Heading | Rule):
            self.open.pop()
        return len(self.open)

    def _container(self, depth: int) -> Container:
        container = self.open[depth - 1]
        assert isinstance(container, Container)
        return container

    def _close(self, depth: int) -> None:
        """Close all but the first ``depth`` open blocks; code without an end turns out to be text."""
        last = self.open[-1]
        if isinstance(last, Fence) and depth < len(self.open):
            children = self._container(len(self.open) - 1).children
            children[-1:] = _paragraphs(last)
        del self.open[depth:]

    def _reach(self) -> None:
        for block in self.open:
            block.end = self.number


def _without_closing(heading: str) -> str:
    """Return the text of a heading without the marks that may close it."""
    text = heading.rstrip("#")
    return text.rstrip() if text.endswith(" ") else heading


def _belongs_to(item: Item, rest: str) -> bool:
    """Return whether a line goes on with an item: text and bullets from two spaces on, numbers from three."""
    indent = len(rest) - len(rest.lstrip(" "))
    if indent == len(rest):
        return bool(item.children)  # what begins with an empty line has ended
    match = _ITEM.match(rest)
    spaces = 3 if item.number is not None and match and match[3] else 2
    return indent >= min(item.offset, item.indent + spaces)


def _closing_fences(lines: Sequence[str]) -> list[dict[str, int]]:
    """Return for each line the longest marks that end code below it."""
    found: list[dict[str, int]] = []
    longest = {"`": 0, "~": 0}
    for line in reversed(lines):
        found.append(longest)
        if match := _CLOSING_FENCE.match(line):
            mark = match[1]
            longest = longest | {mark[0]: max(longest[mark[0]], len(mark))}
    return found[::-1]


def _paragraphs(fence: Fence) -> list[Block]:
    """Return the lines of code that has no end, as the text they are."""
    found: list[Block] = []
    is_new = True
    for number, line in enumerate([fence.opening, *fence.lines], start=fence.start):
        if not line.strip():
            is_new = True
            continue
        if is_new:
            found.append(Paragraph(number))
        paragraph = found[-1]
        assert isinstance(paragraph, Paragraph)
        paragraph.lines.append(line.strip(" "))
        paragraph.end, is_new = number, False
    return found
