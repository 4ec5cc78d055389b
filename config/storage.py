"""Static files under names that change with their content, ES module imports included."""

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from whitenoise.storage import CompressedManifestStaticFilesStorage

KEPT_SECONDS = 7 * 86400
"""How long files of a former release stay for pages that are open, and for desks that have been asleep."""
COMPRESSED = ("", ".gz", ".br")


class ModuleStaticFilesStorage(CompressedManifestStaticFilesStorage):
    """Rewrite ``import`` addresses too, so that a module never loads another release's half."""

    support_js_module_import_aggregation = True

    def post_process(self, paths: dict[str, Any], dry_run: bool = False, **options: Any) -> Iterator[Any]:
        """Make the files of this release, and remove those that have been of none for a week."""
        former = set(self.hashed_files.values())
        yield from super().post_process(paths, dry_run, **options)
        if not dry_run:
            self._touch(former)
            self._sweep()

    def _touch(self, names: set[str]) -> None:
        """Begin the week anew for what the release before this one had."""
        for name in names:
            for ending in COMPRESSED:
                with suppress(FileNotFoundError):
                    os.utime(self.path(name + ending))

    def _sweep(self) -> None:
        current = {*self.hashed_files.keys(), *self.hashed_files.values()}
        kept = {name + ending for name in current for ending in COMPRESSED} | {self.manifest_name}
        root = Path(self.location)
        for path in root.rglob("*"):
            name = path.relative_to(root).as_posix()
            if path.is_file() and name not in kept and time.time() - path.stat().st_mtime > KEPT_SECONDS:
                path.unlink()
