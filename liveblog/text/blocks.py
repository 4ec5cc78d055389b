"""The blocks that an update is made of, and the lines they hold."""

from dataclasses import dataclass, field
from itertools import pairwise


@dataclass(eq=False)
class Block:
    """Something that stands on lines of its own: from line ``start`` to line ``end``."""

    start: int
    end: int = field(init=False)

    def __post_init__(self) -> None:
        self.end = self.start


@dataclass(eq=False)
class Container(Block):
    """A block of blocks."""

    children: list[Block] = field(default_factory=list, init=False)


@dataclass(eq=False)
class Document(Container):
    """The whole text."""


@dataclass(eq=False)
class Quote(Container):
    """Lines behind ``>``."""


@dataclass(eq=False)
class List(Container):
    """Items with the same mark: ``-``, ``+``, ``*``, or what stands behind their numbers."""

    mark: str

    @property
    def is_numbered(self) -> bool:
        """Whether its items have numbers."""
        return self.mark in ".)"

    @property
    def is_loose(self) -> bool:
        """Whether an empty line stands between items, or between the blocks of one."""
        rows = [self.children, *(item.children for item in self.children if isinstance(item, Item))]
        return any(after.start > before.end + 1 for row in rows for before, after in pairwise(row))


@dataclass(eq=False)
class Item(Container):
    """An item of a list; its text begins ``offset`` characters behind its container."""

    indent: int
    offset: int
    number: int | None


@dataclass(eq=False)
class Paragraph(Block):
    """Lines of text."""

    lines: list[str] = field(default_factory=list)


@dataclass(eq=False)
class Heading(Block):
    """A heading of a level from 1 to 6."""

    level: int
    lines: list[str]


@dataclass(eq=False)
class Rule(Block):
    """A line across."""


@dataclass(eq=False)
class Fence(Block):
    """Code, between a line of marks and another."""

    opening: str
    mark: str
    indent: int
    language: str
    lines: list[str] = field(default_factory=list, init=False)
    is_closed: bool = field(default=False, init=False)


@dataclass(eq=False)
class Table(Block):
    """A table; its first row is its head."""

    alignment: list[str]
    rows: list[list[str]]
