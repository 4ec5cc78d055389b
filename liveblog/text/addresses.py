"""What is an address, where one in the middle of a text begins and ends, and how it is written in a link."""

import html
import re
from urllib.parse import quote

from liveblog.text.characters import PUNCTUATION, is_mark
from liveblog.text.domains import is_file, is_host

ADDRESS_CHARACTERS = 2_000
"""An address longer than this is text."""
ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")

_ESCAPED = re.compile(rf"\\({PUNCTUATION})|{ENTITY.pattern}")
_WEB = re.compile(r"https?://(?=[\w\[])[^/?#\s<>\"]*", re.IGNORECASE)
_SCHEME = re.compile(r"https?://[\w\[]", re.IGNORECASE)
_OTHER = re.compile(r"(?:mailto:\S+|tel:\+?[\d ().;=a-z-]+)$", re.IGNORECASE)
_HOST = re.compile(r"((?:[\w-]{1,63}\.){1,9}[^\W\d_]{2,63})(?::\d{1,5})?(?=[/?#]|$)")
_HOST_INSIDE = re.compile(r"(?:[\w-]{1,63}\.){1,9}[^\W\d_]{2,63}")
_MAIL = re.compile(r"[\w.+-]{1,64}@((?:[\w-]{1,63}\.){1,9}[^\W\d_]{2,63})$")
_INSIDE = ";/?:@&=+$,-_.!~*'()#%"

_EMOJI = "\u2600-\u27bf\U0001f000-\U0001faff"
_ENDS = rf"\s<>\"“”‘«»‹›„‚…—「」『』【】〔〕《》〈〉（）［］｛｝，。、；：？！{_EMOJI}"
_BARE = re.compile(rf"(?:https?://|www\.)[^{_ENDS}]{{1,{ADDRESS_CHARACTERS}}}", re.IGNORECASE)
_SPACELESS_FROM = "\u0e00"
"""From here on, Unicode has the scripts of eastern Asia, most of which put no spaces between words."""
_APOSTROPHE = re.compile(r"[’'](?=s?(?:[^\w%/&=#+-]|$))")
_PAIRS = {")": "(", "]": "["}
_LAST = "/=&#%+-$)]"
"""The marks that may end an address."""


def unescape(text: str) -> str:
    """Return ``text`` with its entities and backslash escapes resolved."""
    return _ESCAPED.sub(lambda match: match[1] or html.unescape(match[0]), text)


def address_of(written: str) -> str | None:
    """Return where a link to ``written`` leads, as readers’ pages need it; ``None`` where that is no address."""
    address = _whole(written.strip()) if len(written) <= ADDRESS_CHARACTERS else None
    if address is None:
        return None
    web = _WEB.match(address)  # a host is not quoted: it may be one of another alphabet
    host = web[0] if web else ""
    return host + quote(address[len(host) :], safe=_INSIDE)


def _whole(written: str) -> str | None:
    if written.startswith("//"):
        written = "https:" + written
    if _WEB.match(written) or _OTHER.match(written) or re.match(r"/(?!/)|#", written):
        return written
    host, mail = _HOST.match(written), _MAIL.match(written)
    if host and is_host(host[1]) and not is_file(written):
        return "https://" + written
    return "mailto:" + written if mail and is_host(mail[1]) else None


def bare_address(text: str, start: int) -> tuple[str, int]:
    """Return the address that begins at ``start`` in the middle of a text, and up to where none begins.

    The address is empty where there is none.
    """
    before = text[start - 1] if start else " "
    if before in "/@." or (before.isalnum() and before < _SPACELESS_FROM):
        return "", start
    host = _HOST_INSIDE.match(text, start)
    is_address = _SCHEME.match(text, start) or (host and is_host(host[0]))
    match = _BARE.match(text, start) if is_address else None
    if not match:
        return "", start
    if match.end() - start > ADDRESS_CHARACTERS:
        return "", match.end()
    address = _trimmed(_balanced(_APOSTROPHE.split(match[0], maxsplit=1)[0]))
    return (address, start + len(address)) if address_of(address) else ("", start)


def _balanced(address: str) -> str:
    """Cut an address before the first closing bracket that nothing in it has opened."""
    opened: list[str] = []
    for place, character in enumerate(address):
        if character in _PAIRS.values():
            opened.append(character)
        elif character in _PAIRS and (not opened or opened.pop() != _PAIRS[character]):
            return address[:place]
    return address


def _trimmed(address: str) -> str:
    """Return an address without the punctuation of the sentence that it stands in."""
    end = len(address)
    while end and is_mark(address[end - 1]) and address[end - 1] not in _LAST:
        end -= 1
    return address[:end]
