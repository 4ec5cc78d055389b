"""What holds for all scripts of ours."""

import re
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parent.parent / "static" / "js"
NAME = re.compile(r'"((?:live|desk):\w+)"')
ROW = re.compile(r"^ \* ((?:live|desk):\w+) +(\S.*?)  +(\S.*?)  +(\S.*)$", re.MULTILINE)


def modules(text: str) -> set[str]:
    """Return the paths behind a cell of the table: ``desk/composer, queue`` are two of one folder."""
    folder, _, names = text.partition("/")
    return {f"{folder}/{name}.js" for name in names.split(", ")}


def test_every_event_of_ours_is_listed_with_who_sends_and_who_hears_it() -> None:
    rows = ROW.findall((SCRIPTS / "shared/events.js").read_text())
    listed = {name: (modules(sent), modules(heard)) for name, sent, _, heard in rows}
    assert len(listed) > 5
    found: dict[str, tuple[set[str], set[str]]] = {}
    for path in SCRIPTS.glob("*/*.js"):
        script = str(path.relative_to(SCRIPTS))
        if script == "shared/events.js":
            continue
        for line in path.read_text().splitlines():
            for name in NAME.findall(line):
                if name == "desk:preview":  # htmx sends and hears it
                    continue
                sent, heard = found.setdefault(name, (set(), set()))
                (heard if "send(" not in line else sent).add(script)
    assert found == listed
