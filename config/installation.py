"""Where the program lies, in a work tree or in an environment it was installed into, and what follows from that."""

import os
import shlex
import shutil
import sys
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
IS_INSTALLED = not (BASE_DIR / "manage.py").is_file()
PROGRAM = "liveblog" if IS_INSTALLED else "manage.py"


def default_data_dir() -> Path:
    """Return the work tree's folder for data, else the user's own (XDG Base Directory Specification, or macOS's way).

    A ``~`` stays in it: whoever has no home may set DATA_DIR instead.
    """
    if not IS_INSTALLED:
        return BASE_DIR / "var"
    if sys.platform == "darwin":
        return Path("~/Library/Application Support/liveblog")
    given = Path(os.environ.get("XDG_DATA_HOME", ""))
    return (given if given.is_absolute() else Path("~/.local/share")) / "liveblog"


def typed_program() -> str:
    """Return what has to be typed into the shell before the name of a command."""
    if not IS_INSTALLED:
        return ".venv/bin/python manage.py"
    return PROGRAM if _is_on_path() else f"{shlex.quote(sys.executable)} -m liveblog"


def own_command(*words: str) -> tuple[list[str], dict[str, str]]:
    """Return the command line and the environment that start a command of ours in a new process, from any folder.

    ``-P`` keeps that folder out of what can be imported: it may hold a ``config`` of its own.
    """
    environ = dict(os.environ)
    if not IS_INSTALLED:
        environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(BASE_DIR), environ.get("PYTHONPATH")]))
    return [sys.executable, "-P", "-m", "liveblog", *words], environ


def _is_on_path() -> bool:
    own_folder = Path(sys.executable).parent
    folders = os.get_exec_path()
    if "UV" in os.environ:  # uv puts the folder on the PATH of what it runs, not on the shell's
        folders = [folder for folder in folders if Path(folder) != own_folder]
    found = shutil.which("liveblog", path=os.pathsep.join(folders))
    return found is not None and Path(found).resolve().parent == own_folder.resolve()
