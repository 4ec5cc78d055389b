"""The tests themselves, tested: each of these faults, made on purpose in a copy of the code, must be found.

Which tests find it is said here; they must fail on the fault, and are seen to pass without it by ``make test``.
A text that is no longer in the code fails too: then the fault is to be written anew.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

pytestmark = pytest.mark.night

ROOT = Path(__file__).resolve().parents[2]
LEFT_OUT = shutil.ignore_patterns(".*", "data", "node_modules", "__pycache__", "docs", "benchmarks")
FAILED = 1
"""What pytest returns when tests ran and some of them failed; a file that can't be imported is another number."""


class Fault(NamedTuple):
    """One text in one file, what stands there instead, and the tests that must notice."""

    file: str
    right: str
    wrong: str
    tests: str
    needs_postgres: bool = False


FAULTS = {
    "a fragment lacks the first change after a cursor": Fault(
        "liveblog/feed/tail.py",
        "if card.revision <= after:",
        "if card.revision <= after + 1:",
        "tests/test_changes.py",
    ),
    "a tail says it knows one change more than it has kept": Fault(
        "liveblog/feed/tail.py",
        "self.floor = max(self.floor, self._cards.pop(number).revision)",
        "self.floor = max(self.floor, self._cards.pop(number).revision - 1)",
        "tests/test_changes.py tests/test_convergence.py",
    ),
    "a restored database is taken for the one before": Fault(
        "liveblog/feed/tail.py",
        "if edition is not None and edition != self.edition:",
        "if edition is None and edition != self.edition:",
        "tests/test_changes.py tests/test_feed.py",
    ),
    "changes take no lock": Fault(
        "liveblog/models/event.py",
        "locked = Event.objects.select_for_update().get(pk=self.pk)",
        "locked = Event.objects.get(pk=self.pk)",
        "tests/test_concurrency.py",
        needs_postgres=True,
    ),
    "nobody is told of a change": Fault(
        "liveblog/models/event.py",
        "                locked.save()\n                bell.ring_after_commit(locked.pk)",
        "                locked.save()",
        "tests/test_feed.py tests/test_sockets.py",
    ),
    "what was sent twice is published twice, if it can be": Fault(
        "liveblog/models/event.py",
        "            if earlier := event.updates.filter(key=submission.key).first():\n"
        "                earlier.check_same(submission)\n"
        "                return earlier\n",
        "",
        "tests/test_models.py tests/test_concurrency.py",
    ),
    "updates of the same moment stand in the wrong order": Fault(
        "liveblog/models/update.py",
        'return self.order_by("-published_at", "-number")',
        'return self.order_by("-published_at", "number")',
        "tests/test_models.py tests/test_pages.py tests/test_convergence.py",
    ),
    "a draft's updates can be read at their own addresses": Fault(
        "liveblog/views.py",
        "        event = find_event(request, slug)\n        update = event.updates.get(number=number)",
        "        event = Event.objects.get(slug=slug)\n        update = event.updates.get(number=number)",
        "tests/test_pages.py tests/test_roles.py",
    ),
    "an editor may erase, which only an owner may": Fault(
        "liveblog/desk/updates.py",
        "@desk_of(Role.OWNER)\ndef purge",
        "@desk_of(Role.EDITOR)\ndef purge",
        "tests/test_roles.py",
    ),
    "what is due is published without a second look under the lock": Fault(
        "liveblog/models/waiting.py",
        "return self._publish(event) if event.waiting.due().filter(pk=self.pk).exists() else None",
        "return self._publish(event)",
        "tests/test_schedule.py tests/test_queue.py",
    ),
    "what was published stays in the queue": Fault(
        "liveblog/models/waiting.py",
        "        if waiting is not None:\n            waiting.delete()\n",
        "",
        "tests/test_schedule.py tests/test_queue.py",
    ),
    "the files of what is erased stay": Fault(
        "liveblog/models/photo.py",
        "        Removal.objects.after_commit(names)\n        return len(names)",
        "        return len(names)",
        "tests/test_photo_files.py",
    ),
    "an upload keeps its database connection while it waits": Fault(
        "liveblog/models/photo.py",
        "        release()  # others are decoded first, and this takes a while\n",
        "",
        "tests/test_photo_files.py",
    ),
    "authors may give elements an id": Fault(
        "liveblog/text/allowed.py",
        '"*": set(),',
        '"*": {"id"},',
        "tests/test_markup.py",
    ),
}
SHORT = {
    "a fragment lacks the first change after a cursor",
    "a draft's updates can be read at their own addresses",
    "an editor may erase, which only an owner may",
}
"""Those that every change to the code is checked with, as far as they go quickly."""


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found(name: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    fault = FAULTS[name]
    assert (ROOT / fault.file).read_text().count(fault.right) == 1, f"{fault.file} is written otherwise now"
    if os.environ.get("NIGHT") == "short" and name not in SHORT:
        return
    environ = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")} | {"NIGHT": "fault"}
    if fault.needs_postgres:
        environ |= {"DATABASE_URL": request.getfixturevalue("postgres_url"), "EXPECTED_DATABASE": "postgresql"}
    copy = tmp_path / "liveblog"
    shutil.copytree(ROOT, copy, ignore=LEFT_OUT)
    file = copy / fault.file
    file.write_text(file.read_text().replace(fault.right, fault.wrong))
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-x",
            "-m",
            "not postgres and not server and not browser",
            *fault.tests.split(),
        ],
        cwd=copy,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == FAILED, f"not found: {name}\n{done.stdout[-4_000:]}{done.stderr[-2_000:]}"
