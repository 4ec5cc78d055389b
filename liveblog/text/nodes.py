"""What a line of text is made of, and how it becomes elements."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple
from xml.etree.ElementTree import Element, SubElement

from liveblog.text.emphasis import Run, match, tag_of

NESTING = 16
"""Emphasis nested deeper than this keeps its marks."""


class Code(NamedTuple):
    """Code in the middle of a text."""

    text: str


class LineEnd(NamedTuple):
    """The end of a line."""


class Link(NamedTuple):
    """A link; it holds no other."""

    address: str
    title: str
    nodes: Sequence["Node"]


type Node = str | Run | Code | LineEnd | Link


def without_links(nodes: Iterable[Node]) -> list[Node]:
    """Return ``nodes`` with what the links among them hold in their places."""
    return [inner for node in nodes for inner in (node.nodes if isinstance(node, Link) else (node,))]


def text_of(nodes: Iterable[Node]) -> str:
    """Return the text of ``nodes``."""
    return "".join(_text_of(node) for node in nodes)


def _text_of(node: Node) -> str:
    match node:
        case str():
            return node
        case Run():
            return node.mark * node.left
        case Code(text):
            return text
        case Link(_, _, nodes):
            return text_of(nodes)
        case LineEnd():
            return " "


def resolve(nodes: Sequence[Node]) -> Sequence[Node]:
    """Match the runs among ``nodes`` and return these."""
    match(node for node in nodes if isinstance(node, Run))
    return nodes


def fill(element: Element, nodes: Iterable[Node]) -> None:
    """Write ``nodes`` into an empty element."""
    filling = _Filling(element)
    for node in nodes:
        filling.add(node)
    filling.write()


class _Filling:
    """An element that is being filled: the elements open in it, and the text that comes next."""

    def __init__(self, element: Element) -> None:
        self.open: list[Element] = [element]
        self.marks = 0  # so many are open that are too deep to be elements
        self.parts: list[str] = []

    def add(self, node: Node) -> None:
        if isinstance(node, str):
            self.parts.append(node)
        elif isinstance(node, Run):
            self._add_run(node)
        else:
            self.write()
            self._add_element(node)

    def _add_element(self, node: Code | LineEnd | Link) -> None:
        match node:
            case Code(text):
                SubElement(self.open[-1], "code").text = text
            case LineEnd():
                SubElement(self.open[-1], "br").tail = "\n"
            case Link(address, title, nodes):
                attributes = {"href": address} | ({"title": title} if title else {})
                fill(SubElement(self.open[-1], "a", attributes), nodes)

    def _add_run(self, run: Run) -> None:
        for size in run.closed:
            self._close(run.mark * size)
        self.parts.append(run.mark * run.left)
        for size in reversed(run.opened):
            self._open(run.mark, size)

    def _open(self, mark: str, size: int) -> None:
        if self.marks or len(self.open) > NESTING:
            self.marks += 1
            self.parts.append(mark * size)
            return
        self.write()
        self.open.append(SubElement(self.open[-1], tag_of(mark, size)))

    def _close(self, marks: str) -> None:
        if self.marks:
            self.marks -= 1
            self.parts.append(marks)
            return
        self.write()
        self.open.pop()

    def write(self) -> None:
        text = "".join(self.parts)
        self.parts.clear()
        if not text:
            return
        element = self.open[-1]
        if len(element):
            element[-1].tail = (element[-1].tail or "") + text
        else:
            element.text = (element.text or "") + text
