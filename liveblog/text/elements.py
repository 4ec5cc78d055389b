"""Blocks into elements, whose text is still as it was typed."""

import re
from xml.etree.ElementTree import Element, SubElement

from liveblog.text.blocks import Block, Container, Document, Fence, Heading, Item, List, Paragraph, Quote, Rule, Table
from liveblog.text.tables import joined

TEXT = "span"
"""The element around text that is no paragraph: in the items of a tight list. nh3 takes its tags away."""
HEADLINE_LEVEL = 3
"""Headings of an update stand below its own headline."""

_TASK = re.compile(r"\[([ xX])\] +(?=\S)")


def build(document: Document) -> Element:
    """Return the elements of a text."""
    root = Element("div")
    _add_children(root, document)
    return root


def _add_children(parent: Element, container: Container, *, is_tight: bool = False) -> None:
    for block in container.children:
        match block:
            case Paragraph(lines=lines):
                _add_text(parent, TEXT if is_tight else "p", lines)
            case Heading(level=level, lines=lines):
                _add_text(parent, f"h{min(6, level + HEADLINE_LEVEL)}", lines)
            case Quote():
                _add_children(SubElement(parent, "blockquote"), block)
            case List():
                _add_list(parent, block)
            case Rule():
                SubElement(parent, "hr")
            case Fence():
                _add_code(parent, block)
            case Table():
                _add_table(parent, block)


def _add_text(parent: Element, tag: str, lines: list[str]) -> None:
    if not lines:  # its definitions were all there was
        return
    if len(parent) and parent[-1].tag == tag == TEXT:
        SubElement(parent, "br")
    SubElement(parent, tag).text = "\n".join(lines)


def _add_list(parent: Element, block: List) -> None:
    """Add a list; each item keeps the number that was typed."""
    element = SubElement(parent, "ol" if block.is_numbered else "ul")
    is_tight = not block.is_loose
    expected = 1
    for place, item in enumerate(_items(block)):
        entry = SubElement(element, "li")
        if item.number is not None and item.number != expected:
            (entry if place else element).set("value" if place else "start", str(item.number))
        expected = (item.number or 0) + 1
        _mark_task(item)
        _add_children(entry, item, is_tight=is_tight)


def _items(block: List) -> list[Item]:
    return [child for child in block.children if isinstance(child, Item)]


def _mark_task(item: Item) -> None:
    first = item.children[0] if item.children else None
    if isinstance(first, Paragraph) and first.lines and (task := _TASK.match(first.lines[0])):
        first.lines[0] = ("☐ " if task[1] == " " else "☑ ") + first.lines[0][task.end() :]


def _add_code(parent: Element, fence: Fence) -> None:
    code = SubElement(SubElement(parent, "pre"), "code")
    if fence.language:
        code.set("class", f"language-{fence.language}")
    code.text = "".join(f"{line}\n" for line in fence.lines)


def _add_table(parent: Element, block: Table) -> None:
    """Add a table; short rows stay short, so that it has no more cells than were typed."""
    table = SubElement(parent, "table")
    for place, cells in enumerate(block.rows):
        if place < 2:
            section = SubElement(table, "tbody" if place else "thead")
        row = SubElement(section, "tr")
        for text, side in zip(joined(cells, len(block.alignment)), block.alignment, strict=False):
            cell = SubElement(row, "td" if place else "th", {"align": side} if side else {})
            cell.text = text


def make_sentences(container: Container) -> None:
    """Turn each list of one numbered line into the sentence it is: ``24. November 2026``."""
    children: list[Block] = []
    for child in container.children:
        if isinstance(child, Container):
            make_sentences(child)
        sentence = _sentence(child) if isinstance(child, List) else None
        before = children[-1] if children else None
        if sentence and isinstance(before, Paragraph) and before.end == sentence.start - 1:
            before.lines += sentence.lines
            before.end = sentence.end
        else:
            children.append(sentence or child)
    container.children = children


def _sentence(block: List) -> Paragraph | None:
    items = _items(block)
    if not block.is_numbered or len(items) > 1 or len(items[0].children) > 1:
        return None
    inner = items[0].children[0] if items[0].children else Paragraph(block.start)
    if not isinstance(inner, Paragraph):
        return None
    number = f"{items[0].number}{block.mark}"
    sentence = Paragraph(block.start, [f"{number} {inner.lines[0]}" if inner.lines else number, *inner.lines[1:]])
    sentence.end = inner.end
    return sentence
