"""Renders one Markdown text after the other to safe HTML, in a process that may be killed at any moment.

markup.py starts it. It imports nothing of ours.
"""

import html
import json
import re
import signal
import sys
from contextlib import suppress
from xml.etree.ElementTree import Element

import nh3
from markdown import Markdown
from markdown.extensions import Extension
from markdown.treeprocessors import Treeprocessor

_TAGS = set(
    "a abbr b blockquote br cite code dd del dl dt em h2 h3 h4 h5 h6 hr i ins kbd li mark ol p pre q s "
    "small strong sub sup table tbody td tfoot th thead tr u ul".split()
)
_ATTRIBUTES: dict[str, set[str]] = {
    "*": set(),  # nh3 would allow lang and title everywhere
    "a": {"href", "title"},
    "abbr": {"title"},
    "code": {"class"},
    "ol": {"start"},
    "td": {"align"},
    "th": {"align"},
}
_SCHEMES = {"http", "https", "mailto", "tel"}
_LANGUAGE_CLASS = re.compile(r"language-[\w+#-]{1,30}")


class _ImagesToLinks(Treeprocessor):
    """Turns every image into a link, so that no page loads anything its reader has not asked for."""

    def run(self, root: Element) -> None:
        for image in list(root.iter("img")):
            image.tag = "a"
            image.text = image.get("alt") or image.get("title") or image.get("src")
            image.attrib = {"href": image.get("src") or ""}


class _HeadingsBelowHeadline(Treeprocessor):
    """Lowers headings by three levels, below the update's own headline."""

    def run(self, root: Element) -> None:
        for element in root.iter():
            if re.fullmatch(r"h[1-6]", element.tag):
                element.tag = f"h{min(6, int(element.tag[1]) + 3)}"


class _OurRules(Extension):
    """Adds the two processors above to Markdown."""

    def extendMarkdown(self, md: Markdown) -> None:
        md.treeprocessors.register(_ImagesToLinks(md), "images-to-links", 1)
        md.treeprocessors.register(_HeadingsBelowHeadline(md), "headings-below-headline", 0.5)


def _converter() -> Markdown:
    return Markdown(
        extensions=["fenced_code", "tables", "sane_lists", "smarty", "nl2br", "pymdownx.magiclink", _OurRules()],
        extension_configs={"tables": {"use_align_attribute": True}},
    )


def _keep_attribute(tag: str, attribute: str, value: str) -> str | None:
    if attribute == "class" and not _LANGUAGE_CLASS.fullmatch(value):
        return None
    if attribute == "align" and value not in {"left", "center", "right"}:
        return None
    return value


def _safe(markdown_html: str) -> str:
    return nh3.clean(
        markdown_html,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        attribute_filter=_keep_attribute,
        url_schemes=_SCHEMES,
        link_rel="nofollow noopener",
        set_tag_attribute_values={"table": {"tabindex": "0"}},  # a wide one scrolls, by keyboard too
        strip_comments=True,
    )


def _serve() -> None:
    for stream in (sys.stdin, sys.stdout):
        stream.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    markdown = _converter()
    for line in sys.stdin:
        seconds, text = json.loads(line)
        # CPU time, so that a busy machine refuses nobody. Unhandled, SIGPROF ends the process in the middle of
        # a regular expression too, and its parent can tell it from every other end.
        signal.setitimer(signal.ITIMER_PROF, seconds)
        try:
            answer = _safe(markdown.reset().convert(text))
        except RecursionError:  # hundreds of nested quotes or lists: shown as they were typed
            answer = _safe(f"<pre>{html.escape(text)}</pre>")
            # It was left in the middle of its work, and reset() does not take it out of there (3.11.3).
            markdown = _converter()
        signal.setitimer(signal.ITIMER_PROF, 0)  # before the answer: who has answered is not about to die
        print(json.dumps(answer), flush=True)
        # What has been rendered may be purged later: nothing of it is kept here.
        line = text = answer = ""
        markdown.lines = []  # type: ignore[attr-defined]


if __name__ == "__main__":
    with suppress(BrokenPipeError, KeyboardInterrupt):
        _serve()
