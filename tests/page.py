"""A reader's page, modelled in Python from the rule of docs/protocol.md, fed with real answers."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

from liveblog.models import Place

VOID = frozenset("area base br col embed hr img input link meta source track wbr".split())


@dataclass
class Element:
    """An element that stands in some HTML, and the very text of it."""

    tag: str
    attributes: dict[str, str]
    start: int
    text: str = ""

    def __getitem__(self, name: str) -> str:
        return self.attributes[name]

    def __contains__(self, name: str) -> bool:
        return name in self.attributes

    @property
    def number(self) -> int:
        """The number of the update whose card this is."""
        return int(self["data-number"])

    @property
    def revision(self) -> int:
        """The revision it is of."""
        return int(self["data-revision"])

    @property
    def place(self) -> str:
        """Its place, as it is written in addresses."""
        return f"{self['data-published']},{self.number}"


class Elements(HTMLParser):
    """All elements of some HTML, in order, each with its own text."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[Element] = []
        self._open: list[Element] = []
        self._source = source
        self._lines = [0]
        for line in source.splitlines(keepends=True):
            self._lines.append(self._lines[-1] + len(line))
        self.feed(source)
        self.close()
        assert not self._open, f"<{self._open[-1].tag}> is not closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs}, self._at())
        self.found.append(element)
        if tag in VOID:
            element.text = self.get_starttag_text() or ""
        else:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        element = self._open.pop()
        assert element.tag == tag, f"</{tag}> closes <{element.tag}>"
        element.text = self._source[element.start : self._source.index(">", self._at()) + 1]

    def by_id(self, name: str) -> Element:
        """Return the one element with this id."""
        (element,) = [element for element in self.found if element.attributes.get("id") == name]
        return element

    @property
    def cards(self) -> list[Element]:
        """The updates' articles."""
        return [
            one for one in self.found if one.tag == "article" and one.attributes.get("id", "").startswith("update-")
        ]

    @property
    def head(self) -> dict[str, str]:
        """The parts of the head by id."""
        return {one["id"]: one.text for one in self.found if "data-head" in one}

    def _at(self) -> int:
        line, column = self.getpos()
        return self._lines[line - 1] + column


class Fragment:
    """What a poll or a socket brings."""

    def __init__(self, source: str) -> None:
        self.elements = Elements(source)
        self.section = self.elements.found[0]
        assert self.section.tag == "section"
        self.is_reload = "data-reload" in self.section
        if self.is_reload:
            assert "data-revision" not in self.section
        else:
            self.after = int(self.section["data-after"])
            self.revision = int(self.section["data-revision"])
            numbers = [card.number for card in self.elements.cards]
            assert len(numbers) == len(set(numbers)), "an update came twice"
            assert all(self.after < card.revision <= self.revision for card in self.elements.cards)


def order_of(place: str) -> tuple[str, int]:
    """Return what a place sorts by: its time as text, its number as a number."""
    published, _, number = place.rpartition(",")
    return published, int(number)


@dataclass
class Page:
    """An open page. Its cards stand in a list, as in a document."""

    order: str = "newest"
    cursor: int = -1
    edition: str = ""
    status: str = ""
    oldest: str = ""
    newest: str = ""
    is_stale: bool = False
    """Whether it was told to reload."""
    asks_again: bool = False
    """Whether something said that it misses what lies between."""
    cards: list[Element] = field(default_factory=list)
    head: dict[str, str] = field(default_factory=dict)

    @classmethod
    def open(cls, html: str) -> "Page":
        """Return the page that a browser opens."""
        page = cls()
        page.load(html)
        return page

    def covers(self, place: Place) -> bool:
        """Whether ``place`` lies in what it has loaded, as the server compares places."""
        oldest, newest = (Place.parse(end) if end else None for end in (self.oldest, self.newest))
        return (oldest is None or oldest <= place) and (newest is None or place <= newest)

    def load(self, html: str) -> None:
        """Replace everything: the first view, and a reload."""
        elements = Elements(html)
        feed = self._frame(elements)
        self.cursor = feed.revision
        self.head = elements.head
        self.status = feed["data-status"]
        self.is_stale = False

    def jump(self, html: str) -> None:
        """Replace the stream: around a number, or in the other order."""
        elements = Elements(html)
        if elements.by_id("feed")["data-edition"] != self.edition:
            self.is_stale = True
            return
        feed = self._frame(elements)
        self.cursor = min(self.cursor, feed.revision)

    def merge(self, html: str) -> None:
        """Take in a page of older or newer updates, if it still fits to an end of this one."""
        elements = Elements(html)
        feed = elements.by_id("feed")
        if feed["data-edition"] != self.edition:
            self.is_stale = True
            return
        if "data-before" in feed and feed["data-before"] == self.oldest:
            self.oldest = feed["data-oldest"]
        elif "data-after-place" in feed and feed["data-after-place"] == self.newest:
            self.newest = feed["data-newest"]
        else:
            return
        for card in elements.cards:
            self._put(card)
        self.cursor = min(self.cursor, feed.revision)

    def take(self, source: str) -> None:
        """Apply a fragment by the rule."""
        fragment = Fragment(source)
        if fragment.is_reload or fragment.section["data-edition"] != self.edition:
            self.is_stale = self.is_stale or fragment.is_reload
            return
        if fragment.revision <= self.cursor:
            return
        if fragment.after > self.cursor:
            self.asks_again = True
            return
        for part, text in fragment.elements.head.items():
            assert part in self.head
            self.head[part] = text
        for card in fragment.elements.cards:
            self._put(card)
        self.cursor = fragment.revision
        self.status = fragment.section["data-status"]

    def _frame(self, elements: Elements) -> Element:
        feed = elements.by_id("feed")
        self.order = feed["data-order"]
        self.edition = feed["data-edition"]
        self.oldest, self.newest = feed["data-oldest"], feed["data-newest"]
        self.cards = elements.cards
        numbers = [card.number for card in self.cards]
        assert len(numbers) == len(set(numbers)), "an update stands twice on a page"
        assert not any("data-gone" in card for card in self.cards)
        assert all(self._holds(card.place) for card in self.cards)
        assert [card.place for card in self.cards] == sorted(
            (card.place for card in self.cards), key=order_of, reverse=self.order == "newest"
        )
        return feed

    def _put(self, card: Element) -> None:
        """Replace, insert in order or remove a card; an older state than the present one is not applied."""
        present = next((one for one in self.cards if one.number == card.number), None)
        if present is not None:
            if present.revision > card.revision:
                return
            self.cards.remove(present)
        if "data-gone" in card or not self._holds(card.place):
            return
        at = 0
        for at, other in enumerate([*self.cards, None]):  # noqa: B007
            if other is None:
                break
            is_before = order_of(card.place) < order_of(other.place)
            if is_before == (self.order == "oldest"):
                break
        self.cards.insert(at, card)

    def _holds(self, place: str) -> bool:
        here = order_of(place)
        return (not self.oldest or order_of(self.oldest) <= here) and (not self.newest or here <= order_of(self.newest))
