"""HTML in what authors write: a word about it, and the Markdown that takes its place in texts of before."""

import html
import re
from collections.abc import Iterator

BECAME_MARKDOWN = "HTML in this text has become Markdown, which readers see once you save. Have a look at it first."

TAG_CHARACTERS = 40
"""So much of a tag is quoted to its author."""

_ELEMENTS = (
    "a abbr article aside audio b big blockquote body br button center cite code dd del details div dl dt em embed "
    "figure font footer form h[1-6] head header hr html i iframe img input ins kbd li link mark meta nav object ol p "
    "pre q s script section select small span strike strong style sub summary sup svg table tbody td textarea tfoot th "
    "thead title tr u ul video"
)
_TAG = re.compile(rf"</?(?:{'|'.join(_ELEMENTS.split())})(?:\s[^<>]*|/)?>", re.IGNORECASE)
_FENCE = re.compile(r" *(?:`{3,}|~{3,})")
_CODE_SPAN = re.compile(r"`[^`\n]+`")
_PAIR = re.compile(rf"{_CODE_SPAN.pattern}|<(?P<tag>b|strong|i|em|s|del)>(?P<text>[^<>`]+)</(?P=tag)>", re.IGNORECASE)
_BREAK = re.compile(rf"{_CODE_SPAN.pattern}|<br ?/?>\n?", re.IGNORECASE)
_MARKS = {"b": "**", "strong": "**", "i": "*", "em": "*", "s": "~~", "del": "~~"}


def hints_for(typed: str, body: str) -> list[str]:
    """Return what to tell an author about HTML in a text, and about a code of which a link was made."""
    hints = []
    if typed != body:
        hints.append("The code you pasted became the link to what it shows.")
    tag = _TAG.search("\n".join(_CODE_SPAN.sub("", part) for part, is_code in _parts(body) if not is_code))
    if tag:
        shown = tag[0] if len(tag[0]) <= TAG_CHARACTERS else f"{tag[0][:TAG_CHARACTERS]}…"
        hints.append(
            f"{shown} is shown as you typed it: HTML does nothing here. Bold is **bold**; paste a video’s link."
        )
    return hints


def text_to_edit(text: str, safe_html: str) -> str:
    """Return a stored text as its next edit begins with it: tags that readers don’t see as text become Markdown."""
    tags = {match[0] for match in _TAG.finditer(text)}
    is_of_before = any(safe_html.count(html.escape(tag, quote=False)) < text.count(tag) for tag in tags)
    return with_markdown(text) if is_of_before else text


def with_markdown(text: str) -> str:
    """Return ``text`` with Markdown for ``<b>``, ``<i>``, ``<s>`` and ``<br>`` outside code."""
    return "\n".join(part if is_code else _with_marks(part) for part, is_code in _parts(text))


def _with_marks(part: str) -> str:
    for _ in range(3):  # <b> in <i> in <s>
        part = _PAIR.sub(_marked, part)
    return _BREAK.sub(lambda match: match[0] if match[0].startswith("`") else "\n", part)


def _marked(match: re.Match[str]) -> str:
    words = (match["text"] or "").strip()
    if not words:  # code, or nothing to see
        return match[0]
    before, after = match["text"].split(words, 1)
    marks = _MARKS[match["tag"].lower()]
    return f"{before}{marks}{words}{marks}{after}"


def _parts(text: str) -> Iterator[tuple[str, bool]]:
    """Return the lines of ``text``, those outside fences together, each with whether they are code."""
    part, is_code = list[str](), False
    for line in text.split("\n"):
        is_fence = bool(_FENCE.match(line))
        if not (is_fence or is_code):
            part.append(line)
            continue
        if part:
            yield "\n".join(part), False
            part = []
        yield line, True
        is_code ^= is_fence
    if part:
        yield "\n".join(part), False
