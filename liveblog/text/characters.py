"""Characters with a part in the rules: line ends, controls, marks, and the scripts that put no space between words."""

import re
import unicodedata

_LINE_ENDS = re.compile("\r\n|[\r\v\f\x85\u2028\u2029]")
_CONTROLS = re.compile("[\x01-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]")

PUNCTUATION = r"[!-/:-@\[-`{-~]"
"""What a backslash may escape, as a class of regular expressions: ASCII punctuation, as in CommonMark."""


def with_line_ends(text: str) -> str:
    """Return ``text`` with LF for every kind of line end, and without other control characters but tabs.

    NUL stays: a text with one is refused with a word, as nothing else here is.
    """
    return _CONTROLS.sub("", _LINE_ENDS.sub("\n", text))


def is_wide(character: str) -> bool:
    """Return whether it is of Chinese, Japanese or Korean writing, whose words no spaces part."""
    return unicodedata.east_asian_width(character) in "WFH"


def is_mark(character: str) -> bool:
    """Return whether it is punctuation or a symbol of a script that puts spaces between words."""
    return unicodedata.category(character)[0] in "PS" and not is_wide(character)
