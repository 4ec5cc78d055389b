"""What nobody types, as the bytes that it is sent as."""

from random import Random
from urllib.parse import quote_from_bytes

_TEXTS = (
    "", " ", "0", "-1", "+1", "1_000", " 5", "01", "1.5", "1e9", "NaN", "inf", "0x10", "None", "null", "true", "on",
    "[]", "2147483648", "9223372036854775807", "9223372036854775808", "-9223372036854775809", "9" * 30, "9" * 5_000,
    "٣", "１２", "²", "Ⅷ", "a\x00b", "\x00", "\x00" * 32, "\r\nX-Bad: 1", "\n", "\x1b[2J", "\x7f", "\x85", "\u2028",
    "\ufeff", "\u202e", "\ufffe", "e\u0301", "İ", "ß", "😀" * 40, "\u0301" * 500, "..", ".", "../../../etc/passwd",
    "..%2f..%2f", "%", "%00", "%2F", "%zz", "%u0041", "/", "//", "//evil.example/", "\\\\evil.example", "http://[::1",
    "http://[v1.x]/", "https://℀.example/", "javascript:alert(1)", "data:text/html,x", "http://testserver:99999/",
    "http://testserver/events/x/\x00", "<script>alert(1)</script>", "'\"><b>", "' OR 1=1 --", "{{ 7*7 }}",
    "{% now %}", "${7*7}", "%s%n%(x)s", "{0.__class__}", "[" * 300, "(" * 300, ">" * 200, "*" * 300, "![](" * 50,
    "[x]: <" * 30, "a\n===", "x" * 151, "x" * 201, "x" * 256, "x" * 3_000, "x" * 20_001, "ä" * 20_000,
    "0001-01-01T00:00", "9999-12-31T23:59", "2026-02-30T00:00", "2026-03-29T02:30", "2026-10-25T02:30",
    "2026-11-22T12:00:00.000000Z,1", "0000-00-00T00:00:00.000000Z,0", "9999-12-31T23:59:59.999999Z,9999999999",
    "Europe/Berlin", "../Berlin", "Europe/\x00", "{00000000-0000-0000-0000-000000000000}",
    "urn:uuid:00000000-0000-0000-0000-000000000000", "0" * 32, "f" * 33, "a@b", '"a b"@example.org', "a@\x00.org",
    "a" * 300 + "@example.org", "a@example.org\nBcc: b@example.org", "*", "*.example.org", "de", "x-klingon",
    "de-" + "a" * 300, "1,2,3", "1,", ",", ";", "&", "=", "a=b", "#", "?", "set-password", "first", "last",
)  # fmt: skip
_BYTES = (b"\xff\xfe", b"\xed\xa0\x80", b"\xc0\x80", b"\xf8\x88\x80\x80\x80", b"a\xffb", b"\xe2\x28\xa1", b"\x80" * 40)
"""What is no UTF-8: a lone surrogate, an overlong zero and a form of five bytes among them."""

ODD = tuple(text.encode() for text in _TEXTS) + _BYTES
SESSION_COOKIES = (
    rb'"\000\000\000\000\000\000\000\000"', rb'"\000"', rb'"\377\376\377\376\377\376\377\376"', b"x" * 32, b"x" * 5_000,
    b"", b"a:b:c", b"\xff" * 16, rb'"\"\"\"\"\"\"\"\""', b"../../../../x",
)  # fmt: skip
"""Cookies know octal escapes in quotes (RFC 2109), so any byte comes through, zero too."""
CHARSETS = (
    "utf-8", "latin-1", "utf-16", "utf-32", "utf-7", "hex", "rot13", "base64", "zip", "idna", "punycode", "undefined",
    "unicode_escape", "raw_unicode_escape", "mbcs", "no-such", "", "\x00", "x" * 300, "'", '"', "utf-8; charset=hex",
)  # fmt: skip
FILES = (b"", b"GIF89a", b"\xff\xd8\xff\xe0", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"x" * 5_000, b"\x00" * 100)


def odd(random: Random) -> bytes:
    """Return something odd; long ones are rare, as each costs what a hundred others cost."""
    found = random.choice(ODD)
    return found if len(found) < 1_000 or random.random() < 0.1 else found[:40]


def spoil(value: str, random: Random) -> bytes:
    """Return a value with something odd in it, before it, after it or in its place."""
    whole, strange = value.encode(), odd(random)
    at = random.randint(0, len(whole))
    return random.choice((strange, strange, whole + strange, strange + whole, whole[:at] + strange + whole[at:]))


def quoted(value: bytes, random: Random) -> str:
    """Return it as a part of an address; now and then what need not be quoted is, or what should be is not."""
    match random.randrange(8):
        case 0:
            return "".join(f"%{byte:02x}" for byte in value)
        case 1:
            return quote_from_bytes(value, safe="/?&=#:;,+@!$'()*")
        case _:
            return quote_from_bytes(value, safe="")
