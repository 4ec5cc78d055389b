"""Photos through a running server: hostile uploads are told why, and nothing of where one was taken is served."""

import io
import re
import uuid
from pathlib import Path

import httpx
import pytest
from PIL import Image

from liveblog.models import Event
from tests.server import Site
from tests.test_imaging import REFUSED, SECRET, TAKEN, with_gps

UPLOAD_SECONDS = 90


class Desk:
    """An author's requests to a running server."""

    def __init__(self, site: Site) -> None:
        self.event: Event = site.event(author=site.user("ada"))
        self.site = site
        self.client = site.visitor()
        self.client.timeout = UPLOAD_SECONDS
        site.log_in(self.client)
        self.headers = {
            "X-CSRFToken": self.client.cookies["csrftoken"],
            "Liveblog-Author": str(site.user("ada").pk),
        }

    def upload(self, content: bytes, key: uuid.UUID | None = None) -> httpx.Response:
        return self.client.post(
            f"/desk/{self.event.slug}/photos/",
            data={"key": str(key or uuid.uuid4())},
            files={"photo": ("photo.jpg", content, "image/jpeg")},
            headers=self.headers,
        )

    def post(self, **fields: str) -> httpx.Response:
        fields = {"key": str(uuid.uuid4()), "body": "Look."} | fields
        return self.client.post(f"/desk/{self.event.slug}/updates/", data=fields, headers=self.headers)

    def stored(self) -> list[Path]:
        folder = self.site.data_dir / "media"
        return [path for path in folder.rglob("*") if path.is_file() and path.name != ".lock"]


@pytest.fixture
def desk(live_site: Site) -> Desk:
    return Desk(live_site)


HOSTILE = (
    "an empty file",
    "20 MB and a byte",
    "HTML",
    "MP4",
    "noise as JPEG",
    "half a PNG",
    "a PNG of 60,000 by 60,000",
    "a zip bomb in a PNG's iTXt",
)
"""One for each way in which the server comes to refuse an upload; test_imaging.py has them all."""


def test_no_hostile_upload_is_stored_or_makes_the_server_fail(desk: Desk) -> None:
    before = desk.stored()
    for name in HOSTILE:
        status, build = REFUSED[name]
        answer = desk.upload(build())
        assert answer.status_code == status, f"{name}: {answer.status_code} {answer.text}"
        assert answer.headers["Content-Type"].startswith("text/plain"), name
    assert {REFUSED[name][0] for name in HOSTILE} == {status for status, _ in REFUSED.values()}
    assert desk.stored() == before
    assert not desk.site.do(desk.event.photos.exists)
    assert "Traceback" not in desk.site.log
    assert desk.upload(TAKEN["a JPEG that is HTML too"]()).status_code == 200


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "HEIC"])
def test_where_a_photo_was_taken_is_in_no_byte_that_is_served(kind: str, desk: Desk) -> None:
    upload, key = with_gps(kind), uuid.uuid4()
    assert SECRET.encode() in upload
    assert desk.upload(upload, key).status_code == 200
    assert desk.post(photo=str(key), alt="The place").status_code == 200
    page = desk.site.get(desk.site.page(desk.event)).text
    addresses = set(re.findall(r"/events/[\w-]+/photos/[0-9a-f]{32}-\d+\.webp", page))
    assert addresses
    for address in addresses:
        content = desk.site.get(address).content
        shown = Image.open(io.BytesIO(content))
        assert shown.format == "WEBP"
        assert not shown.getexif()
        assert not {"exif", "xmp", "icc_profile"} & shown.info.keys()
        assert SECRET.encode() not in content
