"""Rows of tables: their cells, and which side those of a column keep to."""

import re

_BORDER = re.compile(r"\|? *:?-+:? *(?:\| *:?-+:? *)*\|?$")
_SIDES = {(True, True): "center", (True, False): "left", (False, True): "right", (False, False): ""}
_BAR = re.compile(r"(?<!\\)\|")


def alignment_of(line: str) -> list[str]:
    """Return the sides of a table's columns, if ``line`` is what stands below its head."""
    if "|" not in line or not _BORDER.match(line.strip()):
        return []
    return [_SIDES[cell.startswith(":"), cell.endswith(":")] for cell in cells_of(line)]


def cells_of(row: str) -> list[str]:
    """Return the texts between the bars of a row; a bar behind a backslash is text."""
    cells = [cell.strip().replace("\\|", "|") for cell in _BAR.split(row.strip().removeprefix("|"))]
    return cells[:-1] if len(cells) > 1 and not cells[-1] else cells


def joined(cells: list[str], columns: int) -> list[str]:
    """Return ``cells`` with those that no column is left for joined to the last one."""
    return cells if len(cells) <= columns else [*cells[: columns - 1], " | ".join(cells[columns - 1 :])]
