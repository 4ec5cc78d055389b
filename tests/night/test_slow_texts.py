"""A search for texts that take long: markup repeated, halved and mixed, as long as an update may be."""

import os
import random
import time
from collections.abc import Iterator

import pytest

from liveblog.models.content import BODY_CHARACTERS
from liveblog.text import render

pytestmark = pytest.mark.night

CPU_SECONDS = 0.5
"""No text may take longer."""
TEXTS = 300 if os.environ.get("NIGHT") == "short" else 1_500

PIECES = [
    *[
        "[",
        "![",
        "]",
        "[a](",
        "[a](x",
        '[a](/ "',
        "[a](/ '",
        "[a](/ (",
        "[a](<",
        "[a]",
        "[a][b]",
        "](",
        "[a]: ",
        "\n[a]: /b",
    ],
    *[
        "*a ",
        "b* ",
        "*a **b ",
        "**",
        "***",
        "_a",
        "__",
        "~~a ",
        "==a ",
        "a==",
        "a",
        "é",
        "「",
        "。",
        " ",
        "(",
        ")",
        "!",
        "-",
    ],
    *[
        "`",
        "``",
        "`a",
        "\n```",
        "\n```a",
        "\n> ```",
        "~~~",
        "\n- ",
        "\n  - ",
        "\n1. ",
        "\n10. ",
        "\n> ",
        "> ",
        "- ",
        "1. ",
    ],
    *[
        "|",
        "\n|",
        "\n|a|b|",
        "\n|-|-|",
        "\n# ",
        " #",
        "\n---",
        "\n===",
        "\n\n",
        "\n",
        "\n    ",
        "\n\n- a\n\n",
        "- [ ] ",
        "- + * ",
    ],
    *["<", "<!--", "<![CDATA[", "<a ", "<b>", "<https://a", "<a@b", "&", "&amp;", "&#1", "\\", "\\*", "’", "'", '"'],
    *["http://", "(http://a", "http://a)", "http://a'", "www.", "(www.a.de", "a@", "a@b.de ", "\t", "\x0b", "👍"],
]


def texts() -> Iterator[tuple[str, ...]]:
    """Return what texts are made of: each piece alone, then mixtures."""
    yield from ((piece,) for piece in PIECES)
    mixing = random.Random(20)
    for _ in range(TEXTS):
        yield tuple(mixing.choices(PIECES, k=mixing.choice([2, 2, 3, 3, 4])))


def repeated(pieces: tuple[str, ...]) -> str:
    piece = "".join(pieces)
    return (piece * (BODY_CHARACTERS // len(piece) + 1))[:BODY_CHARACTERS]


def halved(pieces: tuple[str, ...]) -> str:
    """Return a text of one piece after the other, each repeated."""
    return "".join(repeated((piece,))[: BODY_CHARACTERS // len(pieces)] for piece in pieces)


def cpu_seconds(text: str) -> float:
    began_at = time.thread_time()
    render(text)
    return time.thread_time() - began_at


def test_no_text_that_a_search_finds_takes_long() -> None:
    slowest: dict[tuple[str, ...], float] = {}
    for pieces in texts():
        for text in (repeated(pieces), halved(pieces)):
            taken = cpu_seconds(text)
            if taken > CPU_SECONDS / 2:  # another process may have had the caches
                taken = min(taken, *(cpu_seconds(text) for _ in range(3)))
            slowest[pieces] = max(taken, slowest.get(pieces, 0))
    worst = sorted(slowest.items(), key=lambda one: -one[1])[:5]
    print(worst)
    assert worst[0][1] < CPU_SECONDS
