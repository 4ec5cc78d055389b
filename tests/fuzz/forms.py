"""The forms on a page, as a browser without JavaScript would send them."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from random import Random
from urllib.parse import urlencode

from tests.fuzz.world import World


@dataclass
class Form:
    """A form: where it leads, how, and what each of its fields offers; a text field offers what stands in it."""

    action: str
    method: str
    offers: dict[str, list[str]] = field(default_factory=dict)
    buttons: list[tuple[str, str]] = field(default_factory=list)

    def fill(self, world: World, random: Random) -> bytes:
        """Return it filled in: what the page offers, else what means something in the world, else words."""
        values = {}
        for name, offered in self.offers.items():
            told = [part for part in self.action.split("/") if part in world.known(name)]  # is typed again by hand
            values[name] = random.choice(told or [one for one in offered if one] or [*world.known(name), "", "Words."])
        pairs = [*values.items(), *([random.choice(self.buttons)] if self.buttons else [])]
        return urlencode(pairs).encode()


class Forms(HTMLParser):
    """All forms of some HTML; fields outside of them belong to the one that they name."""

    def __init__(self, source: str, address: str) -> None:
        super().__init__()
        self.found: list[Form] = []
        self._by_id: dict[str, Form] = {}
        self._inside: Form | None = None
        self._select = ""
        self._address = address
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._inside = Form(given.get("action") or self._address, given.get("method", "get").upper())
            self.found.append(self._inside)
            self._by_id[given.get("id", "")] = self._inside
        form = self._by_id.get(given.get("form", ""), self._inside) if "form" in given else self._inside
        name = given.get("name", "")
        if tag == "option" and form is not None and self._select:
            form.offers[self._select].append(given.get("value", ""))
        if form is None or not name or tag not in {"input", "textarea", "select", "button"}:
            return
        if tag == "button" or given.get("type") == "submit":
            form.buttons.append((name, given.get("value", "")))
        elif given.get("type") != "file":
            form.offers.setdefault(name, []).append(given.get("value", ""))
            self._select = name if tag == "select" else self._select

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = None
        elif tag == "select":
            self._select = ""
