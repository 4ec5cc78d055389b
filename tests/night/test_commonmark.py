"""How far our Markdown agrees with CommonMark: its own examples, fetched for the test and never kept here.

Where our rules (docs/markdown.md) say otherwise, disagreeing is right; the share of examples that agree must not fall.
"""

import html
import re
import shutil
import subprocess
import tarfile
from collections import Counter
from html.parser import HTMLParser
from typing import NamedTuple

import pytest

from liveblog.text import render
from liveblog.text.allowed import safe

pytestmark = pytest.mark.night

LEFT_OUT = {"HTML blocks", "Raw HTML", "Images", "Indented code blocks", "Tabs"}
"""What authors do not write, or what we show in another way on purpose."""
AGREED = 0.78
"""The share of the examples that has been reached; Python-Markdown with its extensions agrees with 0.64 of them."""
MINUTES = 5

EXAMPLE = re.compile(r"^`{32} example\n(.*?)^\.\n(.*?)^`{32}$|^#{1,6} ([^\n]*)$", re.MULTILINE | re.DOTALL)
BLOCKS = set("blockquote h4 h5 h6 hr li ol p pre table tbody td th thead tr ul".split())


@pytest.fixture(scope="module")
def specification(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the text of CommonMark’s specification, from its npm package."""
    npm, folder = shutil.which("npm"), tmp_path_factory.mktemp("commonmark")
    if npm is None:
        pytest.skip("CommonMark’s examples come by npm, which is not here.")
    command = [npm, "pack", "commonmark-spec", "--pack-destination", str(folder)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60 * MINUTES, check=False)
    if done.returncode:
        pytest.skip(f"CommonMark’s examples can’t be had: {done.stderr[-300:]}")
    (packed,) = folder.glob("*.tgz")
    with tarfile.open(packed) as archive:
        file = archive.extractfile("package/spec.txt")
        assert file is not None
        return file.read().decode()


def test_most_of_commonmarks_examples_are_shown_as_it_says(specification: str) -> None:
    found = examples(specification)
    assert len(found) > 500
    all_of, agreed = Counter(one.section for one in found), Counter[str]()
    for one in found:
        agreed[one.section] += canonical(render(one.text)) == as_ours(one.html)
    for section, number in all_of.items():
        print(f"{section:42} {agreed[section]:4} of {number:3}")
    print(f"{'together':42} {agreed.total():4} of {all_of.total():3}: {agreed.total() / all_of.total():.1%}")
    assert agreed.total() / all_of.total() > AGREED


class Example(NamedTuple):
    """A text of the specification, and the HTML it is to become."""

    section: str
    text: str
    html: str


class Canonical(HTMLParser):
    """Writes HTML in one way: white space outside code collapsed, line breaks as line ends, attributes in order."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.code = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "br":
            self.parts.append(" ")
            return
        self.code += tag == "pre"
        kept = sorted((name, value or "") for name, value in attrs if name not in {"rel", "tabindex"})
        self.write_tag(f"<{tag}{''.join(f' {name}={value!r}' for name, value in kept)}>", tag)

    def handle_endtag(self, tag: str) -> None:
        self.code -= tag == "pre"
        self.write_tag(f"</{tag}>", tag)

    def write_tag(self, written: str, tag: str) -> None:
        self.parts.append(f"\0{written}\0" if tag in BLOCKS and not self.code else written)

    def handle_data(self, data: str) -> None:
        self.parts.append(html.escape(data if self.code else re.sub(r"\s+", " ", data)))


def canonical(source: str) -> str:
    parser = Canonical()
    parser.feed(source)
    parser.close()
    return re.sub(r" *\0\s*", "", re.sub(r"[ \n]+", " ", "".join(parser.parts)) + "\0").strip()


def as_ours(source: str) -> str:
    """Return HTML of the specification with our headings, held to what an update may have."""
    lowered = re.sub(r"(</?h)([1-6])", lambda match: f"{match[1]}{min(6, int(match[2]) + 3)}", source)
    return canonical(safe(lowered))


def examples(specification: str) -> list[Example]:
    found, section = [], ""
    for match in EXAMPLE.finditer(specification):
        section = match[3] or section
        if not match[3] and section not in LEFT_OUT:
            found.append(Example(section, match[1].replace("→", "\t"), match[2].replace("→", "\t")))
    return found
