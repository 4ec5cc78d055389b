"""The documents name what is there: tests that show what they say, and where things live."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted(ROOT.glob("benchmarks/*.md"))]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_test_that_a_document_names_is_there(document: Path) -> None:
    named = re.findall(r"(?:tests/)?((?:night/|browser/)?test_\w+\.py)", document.read_text())
    assert [name for name in named if not (ROOT / "tests" / name).is_file()] == []


def test_every_place_that_the_table_of_the_architecture_names_is_there() -> None:
    text = (ROOT / "docs/architecture.md").read_text().split("## Where things live")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (`[^|]+`) \|", text, re.MULTILINE)
    names = [name for row in rows for name in re.findall(r"`([\w./-]+)`", row)]
    assert len(names) > 40
    assert [name for name in names if not any((place / name).exists() for place in (ROOT, ROOT / "liveblog"))] == []


def test_every_bound_that_the_page_on_security_names_names_its_test() -> None:
    text = (ROOT / "docs/security.md").read_text()
    rows = re.findall(r"^\| ([^|]+) \| [^|]+ \| ([^|]+) \|$", text, re.MULTILINE)
    bounds = [(what, test) for what, test in rows if what != "by"]
    assert len(bounds) > 10
    assert [what for what, test in bounds if "test_" not in test and test != "the same"] == []
