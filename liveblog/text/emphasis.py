"""Pairs of ``*``, ``_``, ``~~`` and ``==``: CommonMark's stack of delimiters, in linear time."""

from collections.abc import Iterable

from liveblog.text.characters import is_mark, is_wide

TAGS = {"~": "del", "=": "mark"}


class Run:
    """Equal marks side by side: how many are still text, and the sizes of what they close and open, inmost first."""

    __slots__ = ("can_close", "can_open", "closed", "left", "length", "mark", "opened")

    def __init__(self, marks: str, before: str, after: str) -> None:
        self.mark = marks[0]
        self.length = self.left = len(marks)
        self.opened: list[int] = []
        self.closed: list[int] = []
        self.can_open, self.can_close = _sides(self.mark, before, after)
        if self.mark in TAGS and self.length != 2:
            self.can_open = self.can_close = False

    def fits(self, closing: "Run") -> bool:
        """Return whether what this opens is closed by ``closing`` (rules 9 and 10 of CommonMark)."""
        if self.mark != closing.mark:
            return False
        is_odd = (self.can_close or closing.can_open) and (self.length + closing.length) % 3 == 0
        return not is_odd or self.length % 3 == 0 or self.mark in TAGS


def tag_of(mark: str, size: int) -> str:
    """Return the element that ``size`` marks make."""
    return TAGS.get(mark) or ("strong" if size == 2 else "em")


def match(runs: Iterable[Run]) -> None:
    """Note on the runs of one text what they open and close."""
    stack: list[Run] = []
    bottoms: dict[tuple[str, bool, int], int] = {}  # below, nothing fits
    for run in runs:
        while run.can_close and run.left:
            kind = (run.mark, run.can_open, run.length % 3)
            place = next(
                (at for at in range(len(stack) - 1, bottoms.get(kind, 0) - 1, -1) if stack[at].fits(run)), None
            )
            if place is None:
                bottoms[kind] = len(stack)
                break
            opening = stack[place]
            size = 2 if min(opening.left, run.left) >= 2 else 1
            opening.opened.append(size)
            run.closed.append(size)
            opening.left -= size
            run.left -= size
            del stack[place + bool(opening.left) :]
            bottoms = {kind: min(bottom, len(stack)) for kind, bottom in bottoms.items()}
        if run.can_open and run.left:
            stack.append(run)


def _sides(mark: str, before: str, after: str) -> tuple[bool, bool]:
    """Return whether a run can open and close something, from the characters around it.

    A neighbour of a script without spaces counts as a place between words: ``**「引用」**は`` is bold.
    """
    if mark == "*" and before.isdigit() and after.isdigit():  # 2*3*4
        return False, False
    begins = not after.isspace() and (not is_mark(after) or before.isspace() or is_mark(before) or is_wide(before))
    ends = not before.isspace() and (not is_mark(before) or after.isspace() or is_mark(after) or is_wide(after))
    if mark in "_=":
        return begins and (not ends or is_mark(before)), ends and (not begins or is_mark(after))
    return begins, ends
