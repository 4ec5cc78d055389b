"""Codes that providers offer to embed a player, as authors paste them: each becomes the link that it stands for.

A post that has no player leaves its words too, as a quotation.
"""

import html
import re
from itertools import islice

from liveblog import players

CODE_LINES = 40
"""So many lines a code may have; the longest of those we know have six."""

_BEGINS = re.compile(r"\s*<(?:iframe|blockquote|div)\b", re.IGNORECASE)
_ENDS = re.compile(r"</\w+>\s*$")
_ADDRESS = re.compile(r"""\b(?:src|href|cite|data-[\w-]+)\s*=\s*["']([^"'<>\s]+)["']""", re.IGNORECASE)
_PARAGRAPH = re.compile(r"<p\b[^<>]*>(.*?)</p>", re.DOTALL | re.IGNORECASE)
_LINE_END = re.compile(r"\s*<br ?/?>\s*", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]*>")
_MARKS = re.compile(r"[\\`*_\[\]<~|]|^[#>+=-]")
_FENCE = re.compile(r"\s*(?:`{3,}|~{3,})")


def with_links(text: str) -> str:
    """Return ``text`` with the codes of providers that we know, on lines of their own, replaced by links."""
    if "</" not in text:
        return text
    done: list[str] = []
    lines = text.split("\n")
    at, is_code = 0, False
    while at < len(lines):
        is_code ^= bool(_FENCE.match(lines[at]))
        length = 0 if is_code else _length_of_code(lines, at)
        link = _link_of("\n".join(lines[at : at + length]))
        done += [link] if link else lines[at : at + max(1, length)]
        at += max(1, length)
    return "\n".join(done)


def _length_of_code(lines: list[str], at: int) -> int:
    """Return how many lines a code has that begins with line ``at``; 0 if none does."""
    if not _BEGINS.match(lines[at]):
        return 0
    length = 0
    for number, line in enumerate(islice(lines, at, at + CODE_LINES), start=1):
        if not line.strip():
            break
        if _ENDS.search(line):
            length = number
    return length


def _link_of(code: str) -> str:
    """Return the first address in a code that has a player."""
    for match in _ADDRESS.finditer(code):
        address = re.sub(r"^//", "https://", html.unescape(match[1]))
        for link in (address, address.removesuffix("/embed")):
            if player := players.recognise(link):
                return (player.page or link) if player.source else f"{_quotation(code)}{link}"
    return ""


def _quotation(code: str) -> str:
    """Return the first paragraph in a code as a quotation of Markdown, in front of what follows it."""
    match = _PARAGRAPH.search(code)
    words = html.unescape(_TAG.sub("", _LINE_END.sub("\n", match[1]))).strip() if match else ""
    if not words:
        return ""
    lines = (_MARKS.sub(r"\\\g<0>", line.strip()) for line in words.splitlines())
    return "".join(f"> {line}".rstrip() + "\n" for line in lines) + "\n"
