"""Imports run one way (docs/architecture.md): what a module may import of ours is what stands below it."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

LAYERS = (
    ("child_process", "codings", "connections", "descriptors", "disconnects", "log_throttle"),
    ("providers", "release", "text"),
    ("sockets",),
    ("answers", "photo_files"),
    ("caching", "markup", "bell", "bodies", "errors", "imaging", "mail", "metrics", "players", "request_ids"),
    ("player_codes",),
    ("models",),
    ("dependencies",),
    ("addresses", "public"),
    ("rendering",),
    ("feed", "stream"),
    ("live", "periodic", "admission", "health", "page_cache"),
    ("event_page", "server"),
    ("views", "embed", "syndication", "admin"),
    ("archive",),
    ("desk",),
    ("urls",),
)
"""From below; a module imports from lower layers only."""

ASIDE = {"__main__", "apps", "templatetags", "management", "migrations", "demo"}
"""Held to nothing but their own rules: below."""

FORBIDDEN_NAMES = {"utils", "helpers", "common", "services", "misc", "base", "managers", "mixins"}


def modules() -> list[Path]:
    return sorted(path for path in (ROOT / "liveblog").rglob("*.py") if "migrations" not in path.parts)


def part_of(path: Path) -> str:
    """Return which of the parts of liveblog a file belongs to: ``models`` for liveblog/models/event.py."""
    parts = path.relative_to(ROOT / "liveblog").with_suffix("").parts
    return "" if parts == ("__init__",) else parts[0]


def imported(path: Path) -> set[tuple[str, bool]]:
    """Return the parts of liveblog that a file imports, each with whether it does so where it is loaded."""
    tree = ast.parse(path.read_text())
    inner = {id(node) for outer in ast.walk(tree) if isinstance(outer, ast.FunctionDef) for node in ast.walk(outer)}
    found = set()
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            assert node.module is not None
            names = [node.module]
            if node.module == "liveblog":
                names = [f"liveblog.{alias.name}" for alias in node.names if alias.name != "__version__"]
        for name in names:
            if name.startswith("liveblog."):
                found.add((name.split(".")[1], id(node) not in inner))
            elif name.split(".")[0] == "config":
                found.add(("config", id(node) not in inner))
    return found


def layer_of(part: str) -> int:
    (found,) = [number for number, layer in enumerate(LAYERS) if part in layer]
    return found


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_imports_only_what_stands_below_it(path: Path) -> None:
    part = part_of(path)
    if part in ASIDE or not part:
        return
    assert any(part in layer for layer in LAYERS), f"{part} has no place among the layers: give it one"
    for other, _ in imported(path):
        if other == part:
            continue
        assert other != "config", f"{part} imports config: settings come through django.conf"
        assert other not in ASIDE, f"{part} imports {other}"
        assert layer_of(other) < layer_of(part), f"{part} imports {other}"


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("markup.py", {"text"}),
        ("imaging/child.py", set()),
        ("child_process.py", set()),
        ("disconnects.py", set()),
        ("log_throttle.py", set()),
    ],
)
def test_markup_and_what_runs_in_children_know_nothing_of_django(name: str, ours: set[str]) -> None:
    """Children start in a moment, and without any code of ours but their own."""
    path = ROOT / "liveblog" / name
    names = {
        (node.module or "") if isinstance(node, ast.ImportFrom) else node.names[0].name
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    assert not [name for name in names if name.split(".")[0] in {"django", "config", "channels"}]
    assert {other for other, _ in imported(path)} == ours


def test_the_bell_and_the_models_know_nothing_of_who_hears_or_shows_them() -> None:
    for path in modules():
        if part_of(path) == "bell":
            assert {other for other, _ in imported(path)} == {"log_throttle"}
        if part_of(path) == "models":
            assert {other for other, _ in imported(path)} <= {
                "markup",
                "bell",
                "connections",
                "imaging",
                "models",
                "photo_files",
                "player_codes",
                "players",
            }


def test_sockets_and_polls_import_no_model_and_render_nothing() -> None:
    assert {other for other, _ in imported(ROOT / "liveblog" / "live.py")} == {
        "caching",
        "codings",
        "feed",
        "metrics",
        "release",
        "sockets",
    }


def models_imported(*, in_annotations: bool) -> dict[str, set[str]]:
    """Return which modules of liveblog.models each of them imports, for annotations alone too if asked."""
    graph = {}
    for path in (ROOT / "liveblog" / "models").glob("[!_]*.py"):
        tree = ast.parse(path.read_text())
        nodes = ast.walk(tree) if in_annotations else tree.body
        names = [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
        graph[path.stem] = {name.rsplit(".", 1)[1] for name in names if name.startswith("liveblog.models.")}
    return graph


def test_models_import_each_other_one_way_where_they_are_loaded() -> None:
    graph = models_imported(in_annotations=False)
    TopologicalSorter(graph).prepare()  # raises CycleError
    for name in ("people", "photo", "place", "version"):
        assert "event" not in graph[name]


def test_circles_of_models_are_in_annotations_alone_and_lead_through_the_event() -> None:
    graph = models_imported(in_annotations=True)
    with pytest.raises(CycleError):
        TopologicalSorter(graph).prepare()
    del graph["event"]
    TopologicalSorter({name: others - {"event"} for name, others in graph.items()}).prepare()


def test_nothing_is_called_utils() -> None:
    for path in modules():
        assert not FORBIDDEN_NAMES & set(path.relative_to(ROOT).with_suffix("").parts), path
        tree = ast.parse(path.read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                assert not node.name.endswith(("Mixin", "Manager", "Service", "Helper", "Base")), node.name


def test_every_file_opens_with_a_sentence_that_says_what_belongs_in_it() -> None:
    for path in modules():
        text = path.read_text()
        if text.strip():
            docstring = ast.get_docstring(ast.parse(text))
            assert docstring, path
            assert docstring.splitlines()[0].endswith("."), path
