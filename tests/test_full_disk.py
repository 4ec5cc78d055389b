"""Photos where the disk is full: refused for now, in clear words, and taken when there is room."""

import errno
import io
from contextlib import ExitStack
from pathlib import Path

import pytest
from PIL import Image

from liveblog import imaging
from liveblog.imaging import decoding, pictures
from liveblog.log_throttle import LogThrottle
from tests.daemons import CanNotBeMade
from tests.outages.disks import filled, small_disk

DISK_MB = 8


def photo(size: tuple[int, int]) -> bytes:
    """Return a photo of noise, which can hardly be compressed."""
    file = io.BytesIO()
    Image.effect_noise(size, 90).save(file, "JPEG")
    return file.getvalue()


def rewrite(upload: bytes, folder: Path) -> int:
    """Have a photo written anew, and return the bytes of all its files."""
    with imaging.rewritten(io.BytesIO(upload), folder) as picture:
        return sum(path.stat().st_size for path in picture.files.values())


def check_refused(upload: bytes, folder: Path) -> None:
    with pytest.raises(imaging.PhotoRefused, match="again in a minute") as refused:
        rewrite(upload, folder)
    assert (refused.value.status, refused.value.reason) == (503, "unkept")
    assert not list(folder.glob(".new-*")), "nothing is left of it"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_child_that_finds_no_room_is_no_fault_of_ours(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    script = tmp_path / "child.py"
    script.write_text(
        "import pathlib, runpy\n"
        f"def full(*_): raise OSError({number}, 'no room')\n"
        "pathlib.Path.open = full\n"
        f"runpy.run_path({str(decoding._CHILD)!r}, run_name='__main__')\n"
    )
    monkeypatch.setattr(decoding, "_CHILD", script)
    monkeypatch.setattr(pictures, "_throttle", LogThrottle())
    for _ in range(2):
        check_refused(photo((60, 40)), tmp_path / "photos")
    assert [record.levelname for record in caplog.records if "can’t be decoded" in record.message] == ["ERROR"]


def test_a_disk_that_is_full_refuses_a_photo_for_now(tmp_path: Path) -> None:
    folder, upload = tmp_path / "photos", photo((1200, 900))
    with ExitStack() as disk:
        try:
            disk.enter_context(small_disk(folder, DISK_MB))
        except CanNotBeMade as error:
            pytest.skip(str(error))
        written = rewrite(upload, folder)
        for spare in (len(upload) // 2, len(upload) + written // 2):  # no room for the upload, then for what it becomes
            with filled(folder, spare_kb=spare // 1024):
                check_refused(upload, folder)
        assert rewrite(upload, folder) == written
