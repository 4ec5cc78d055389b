"""What authors type, into HTML: Markdown by the rules of docs/markdown.md, as an extension of Python-Markdown.

No character that an author typed disappears or changes its meaning without a word. The time is linear in the length of
the text. It knows nothing of Django.
"""

from collections.abc import Iterable
from xml.etree.ElementTree import Element, ElementTree, tostring

from markdown import Markdown
from markdown.blockparser import BlockParser
from markdown.extensions import Extension
from markdown.treeprocessors import Treeprocessor
from markdown.util import Registry

from liveblog.text.allowed import safe
from liveblog.text.blocks import Container, Heading, Paragraph
from liveblog.text.characters import with_line_ends
from liveblog.text.definitions import Definition, split
from liveblog.text.elements import TEXT, build, make_sentences
from liveblog.text.inlines import Inlines
from liveblog.text.nodes import fill
from liveblog.text.reader import read

__all__ = ["render"]

_WITH_TEXT = {"p", "h4", "h5", "h6", "th", "td", TEXT}


def render(text: str) -> str:
    """Return safe HTML for ``text``."""
    markdown = Markdown(extensions=[_OurRules()])
    markdown.serializer = lambda root: tostring(root, encoding="unicode", method="html")
    return safe(markdown.convert(with_line_ends(text)))


class _OurRules(Extension):
    """Puts our blocks and inlines in the place of Markdown’s own."""

    def extendMarkdown(self, md: Markdown) -> None:
        md.parser = _Blocks(md)
        md.preprocessors, md.postprocessors, md.treeprocessors = Registry(), Registry(), Registry()
        md.treeprocessors.register(_Inlines(md), "inline", 20)


class _Blocks(BlockParser):
    """Parses lines into elements; what might define a link is kept apart from its paragraph until it is used."""

    def parseDocument(self, lines: Iterable[str]) -> ElementTree:
        self.document = read([line.expandtabs(4).rstrip(" ") for line in lines])
        make_sentences(self.document)
        self.kept_apart: list[tuple[Definition, Paragraph | Heading]] = []
        self._keep_apart(self.document)
        return ElementTree(build(self.document))

    def _keep_apart(self, container: Container) -> None:
        for block in container.children:
            if isinstance(block, Container):
                self._keep_apart(block)
            elif isinstance(block, Paragraph | Heading) and block.lines and block.lines[0].startswith("["):
                found, rest = split("\n".join(block.lines))
                block.lines = rest.split("\n") if rest else []
                self.kept_apart += ((definition, block) for definition in found)

    def definitions(self) -> dict[str, Definition]:
        """Return the definitions by label; the first of several counts."""
        return {one.key: one for one, _ in reversed(self.kept_apart)}

    def rebuild(self, used: set[str]) -> Element:
        """Return the elements again, with the definitions that nothing uses as text."""
        known = self.definitions()
        for definition, block in reversed(self.kept_apart):
            if definition.key not in used or known[definition.key] is not definition:
                block.lines[:0] = definition.source.split("\n")
        return build(self.document)


class _Inlines(Treeprocessor):
    """Replaces the text of each element by what it is made of."""

    def run(self, root: Element) -> Element:
        parser = self.md.parser
        assert isinstance(parser, _Blocks)
        definitions = parser.definitions()
        used = _fill_all(root, definitions)
        if len(used) == len(parser.kept_apart):
            return root
        root = parser.rebuild(used)
        _fill_all(root, {key: definitions[key] for key in used})
        return root


def _fill_all(root: Element, definitions: dict[str, Definition]) -> set[str]:
    """Fill every element that has text; return the labels of the definitions it needed."""
    inlines = Inlines(definitions)
    for element in list(root.iter()):
        if element.tag in _WITH_TEXT and element.text:
            text, element.text = element.text, None
            fill(element, inlines.read(text))
    return inlines.used
