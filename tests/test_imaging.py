"""Photos: taken in clean or refused in one sentence, whatever is uploaded.

What becomes of a photo is asked of the child's own functions, in this process. What bounds the child, and
what it may never be trusted with, is asked of real children; tests/test_uploads.py sends them every upload
of this file through a server.
"""

import fcntl
import io
import os
import re
import resource
import struct
import time
import uuid
import zipfile
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import Any

import pytest
from PIL import AvifImagePlugin, Image, ImageDraw, ImageFile, PngImagePlugin

from liveblog import imaging
from liveblog.imaging import child, decoding, pictures

RED, GREEN, BLUE = (200, 30, 30), (30, 160, 30), (30, 30, 200)
PIXEL_CHUNKS = {b"VP8 ", b"VP8L", b"VP8X", b"ALPH"}
MEMORY_KILOBYTES = 1.1 * 1024**2


def scene(size: tuple[int, int] = (120, 80)) -> Image.Image:
    """Draw what is plainly upright: red at the top left, green at the top right, blue below."""
    image = Image.new("RGB", size, BLUE)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, size[0] // 2 - 1, size[1] // 2 - 1), fill=RED)
    draw.rectangle((size[0] // 2, 0, size[0], size[1] // 2 - 1), fill=GREEN)
    return image


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    """Return the bytes of ``image`` as that kind of file."""
    file = io.BytesIO()
    if kind == "HEIC":
        pytest.importorskip("pillow_heif").register_heif_opener()
        kind = "HEIF"
    image.save(file, kind, **options)
    return file.getvalue()


type Files = dict[tuple[int, int], bytes]


@pytest.fixture(autouse=True)
def settings_of_pillow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put back what the child sets for its whole process."""
    for module, name in [
        (Image, "MAX_IMAGE_PIXELS"),
        (ImageFile, "LOAD_TRUNCATED_IMAGES"),
        (AvifImagePlugin, "DEFAULT_MAX_THREADS"),
    ]:
        monkeypatch.setattr(module, name, getattr(module, name))


def rewrite(upload: bytes) -> Files:
    """Return what the child makes of a photo, by size."""
    return child.rewrite(io.BytesIO(upload), widths=imaging.WIDTHS, pixels=imaging.MEGAPIXELS * 1_000_000)


def reason_for(upload: bytes, folder: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    """Return what the child answers when it works in ``folder``."""
    monkeypatch.chdir(folder)
    order = {"widths": imaging.WIDTHS, "megapixels": imaging.MEGAPIXELS, "file_bytes": decoding.FILE_BYTES}
    return child.answer(io.BytesIO(upload), order)


def store(upload: bytes | Path, folder: Path) -> imaging.Picture:
    """Have a photo written anew in ``folder`` and take its files, which else are gone."""
    with imaging.rewritten(upload if isinstance(upload, Path) else io.BytesIO(upload), folder) as picture:
        taken = {width: path.rename(folder / f"{uuid.uuid4()}.webp") for width, path in picture.files.items()}
    return picture._replace(files=taken)


def files_in(folder: Path) -> list[Path]:
    """Return every file and folder in ``folder`` but the lock."""
    return sorted(path for path in folder.rglob("*") if path.name != ".lock")


def largest(files: Files) -> Image.Image:
    return Image.open(io.BytesIO(files[max(files)]))


def chunks(webp: bytes) -> set[bytes]:
    """Return the names of the chunks of a WebP file, which they fill to its end."""
    assert webp[:4] == b"RIFF"
    assert webp[8:12] == b"WEBP"
    assert int.from_bytes(webp[4:8], "little") + 8 == len(webp)
    found, at = set(), 12
    while at < len(webp):
        found.add(webp[at : at + 4])
        size = int.from_bytes(webp[at + 4 : at + 8], "little")
        at += 8 + size + size % 2
    return found


def assert_clean(files: Files) -> None:
    """What is served is pixels only, in the sizes that were said."""
    assert list(files) == sorted(files)
    assert len({width for width, _ in files}) == len(files)
    for size, content in files.items():
        assert chunks(content) <= PIXEL_CHUNKS
        with Image.open(io.BytesIO(content)) as image:
            image.load()
            assert image.size == size
            assert not image.getexif()


def assert_stored(picture: imaging.Picture, folder: Path) -> None:
    """Clean files of the widths that were said are there, and nothing else is."""
    assert files_in(folder) == sorted(picture.files.values())
    contents = [path.read_bytes() for path in picture.files.values()]
    files = {Image.open(io.BytesIO(content)).size: content for content in contents}
    assert [width for width, _ in files] == sorted(picture.files)
    assert max(files) == (picture.width, picture.height)
    assert_clean(files)


def corners(image: Image.Image) -> list[str]:
    """Name the colours at top left, top right and below."""
    image = image.convert("RGB")
    at = [(0.25, 0.25), (0.75, 0.25), (0.5, 0.75)]
    names = {RED: "red", GREEN: "green", BLUE: "blue"}
    return [names[nearest(image.getpixel((int(x * image.width), int(y * image.height))), names)] for x, y in at]


def nearest(colour: Any, known: Any) -> Any:
    return min(known, key=lambda other: sum(abs(a - b) for a, b in zip(colour, other, strict=True)))


def assert_near(colour: Any, expected: tuple[int, ...], *, by: int = 8) -> None:
    assert all(abs(a - b) <= by for a, b in zip(colour, expected, strict=True)), f"{colour} is not {expected}"


# What is kept, and what is not.


SECRET = "Ada's camera 4711"
XMP = f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><r exif:GPSLatitude="51,30.2N" by="{SECRET}"/></x:xmpmeta>'.encode()


def with_gps(kind: str) -> bytes:
    exif = Image.Exif()
    exif[0x010F] = SECRET
    exif[0x8825] = {1: "N", 2: (51.0, 30.0, 12.0), 3: "W", 4: (0.0, 7.0, 39.0)}
    options: dict[str, Any] = {"exif": exif.tobytes(), "xmp": XMP}
    if kind == "PNG":
        texts = PngImagePlugin.PngInfo()
        texts.add_itxt("XML:com.adobe.xmp", XMP.decode())
        texts.add_text("Author", SECRET)
        options = {"exif": exif.tobytes(), "pnginfo": texts}
    if kind == "JPEG":
        options["comment"] = SECRET
    return saved(scene(), kind, **options)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "HEIC"])
def test_where_a_photo_was_taken_is_not_served(kind: str) -> None:
    upload = with_gps(kind)
    assert Image.open(io.BytesIO(upload)).getexif().get_ifd(0x8825)[2] == (51.0, 30.0, 12.0)
    assert upload.count(SECRET.encode()) >= 2  # in EXIF and in XMP
    files = rewrite(upload)
    assert_clean(files)
    for content in files.values():
        assert not re.search(b"EXIF|Exif|XMP|xmpmeta|GPS|ICCP|" + SECRET.encode(), content)
    assert corners(largest(files)) == ["red", "green", "blue"]


def test_a_photo_is_stored_without_where_it_was_taken(tmp_path: Path) -> None:
    picture = store(with_gps("JPEG"), tmp_path)
    assert_stored(picture, tmp_path)
    assert SECRET.encode() not in picture.files[120].read_bytes()


TURNS = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""How a camera held so would store the scene, by the orientation it notes."""


@pytest.mark.parametrize("orientation", TURNS)
def test_a_photo_is_upright_however_the_camera_was_held(orientation: int) -> None:
    turn = TURNS[orientation]
    stored = scene((1200, 800)) if turn is None else scene((1200, 800)).transpose(turn)
    exif = Image.Exif()
    exif[0x0112] = orientation
    files = rewrite(saved(stored, "JPEG", exif=exif.tobytes()))
    assert list(files) == [(480, 320), (1080, 720), (1200, 800)]
    assert corners(largest(files)) == ["red", "green", "blue"]


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "AVIF", "HEIC"])
def test_a_photo_is_upright_in_every_kind_of_file(kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    upload = saved(scene().transpose(Image.Transpose.ROTATE_90), kind, exif=exif.tobytes())
    files = rewrite(upload)
    assert list(files) == [(120, 80)]
    assert corners(largest(files)) == ["red", "green", "blue"]


@pytest.mark.parametrize(
    ("size", "sizes"),
    [
        ((800, 600), [(480, 360), (800, 600)]),
        ((300, 200), [(300, 200)]),
        ((480, 320), [(480, 320)]),
        ((2160, 1080), [(480, 240), (1080, 540), (2160, 1080)]),
        ((2161, 99), [(480, 22), (1080, 49), (2160, 99)]),
        ((1, 1), [(1, 1)]),
        ((20000, 1), [(480, 1), (1080, 1), (2160, 1)]),
        ((600, 20000), [(480, 16000), (491, 16367)]),
        ((200, 16383), [(200, 16383)]),
        ((7000, 7000), [(480, 480), (1080, 1080), (2160, 2160)]),
    ],
    ids=str,
)
def test_a_photo_is_served_in_three_widths_at_most_and_never_enlarged(
    size: tuple[int, int], sizes: list[tuple[int, int]]
) -> None:
    found = child.sizes_of(*size, widths=imaging.WIDTHS)
    assert [width for width, _ in found] == [width for width, _ in sizes]
    assert all(abs(height - expected) <= 1 for (_, height), (_, expected) in zip(found, sizes, strict=True))


@pytest.mark.parametrize("size", [(800, 600), (2161, 99), (600, 20_000), (20_000, 1)], ids=str)
def test_a_photo_is_written_in_those_sizes(size: tuple[int, int]) -> None:
    files = rewrite(saved(Image.new("L", size, 90), "PNG", compress_level=1))
    assert list(files) == child.sizes_of(*size, widths=imaging.WIDTHS)
    assert_clean(files)


@pytest.mark.parametrize("size", [(400, 30_000), (1, 16_384), (1_000, 40_000)], ids=str)
def test_a_picture_that_would_become_too_narrow_to_read_is_refused(size: tuple[int, int], tmp_path: Path) -> None:
    upload = saved(Image.new("L", size, 90), "PNG", compress_level=1)
    assert "cut it into parts" in assert_refused(upload, tmp_path, reason="tall")


@pytest.mark.parametrize(("times", "is_read"), [(1, True), (100, True), (3_000, False)])
def test_a_jpeg_of_thousands_of_scans_is_refused_before_any_of_them_is_decoded(
    times: int, is_read: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noise = Image.effect_noise((640, 480), 60).convert("RGB")
    upload = saved(noise, "JPEG", progressive=True, quality=60)
    last = upload.rindex(b"\xff\xda")
    heavy = upload[:last] + upload[last:-2] * times + b"\xff\xd9"
    began_with = time.process_time()
    answer = reason_for(heavy, tmp_path, monkeypatch)
    if is_read:
        assert answer != "heavy"
        assert isinstance(answer, list)
    else:
        assert answer == "heavy"
        assert time.process_time() - began_with < 5, "it was decoded"


def test_49_megapixels_are_read_from_the_kind_that_needs_most_memory(tmp_path: Path) -> None:
    """WebP with transparency, of which the decoder keeps two canvases: 853 MB in all (measured)."""
    upload = saved(Image.new("RGBA", (7000, 7000), (*RED, 128)), "WEBP", method=0, quality=1)
    picture = store(upload, tmp_path)
    assert (picture.width, picture.height) == (2160, 2160)


# Colours.


@pytest.mark.parametrize(
    ("image", "kind", "options", "expected"),
    [
        (Image.new("CMYK", (9, 9), (0, 255, 255, 0)), "JPEG", {}, (255, 0, 0)),
        (Image.new("L", (9, 9), 77), "JPEG", {}, (77, 77, 77)),
        (Image.new("1", (9, 9), 1), "PNG", {}, (255, 255, 255)),
        (Image.new("I;16", (9, 9), 0x4040), "PNG", {}, (64, 64, 64)),
        (Image.new("I;16", (9, 9), 0x4040), "PNG", {"transparency": 0x4040}, (64, 64, 64, 0)),
        (Image.new("LA", (9, 9), (99, 128)), "PNG", {}, (99, 99, 99, 128)),
        (Image.new("RGBA", (9, 9), (*RED, 128)), "PNG", {}, (*RED, 128)),
        (Image.new("RGBA", (9, 9), (*RED, 128)), "WEBP", {"lossless": True}, (*RED, 128)),
        (Image.new("RGBA", (9, 9), (*RED, 128)), "AVIF", {"quality": 100}, (*RED, 128)),
        (Image.new("RGBA", (9, 9), (*RED, 255)), "PNG", {}, RED),
        (Image.new("RGB", (9, 9), RED).quantize(4), "PNG", {}, RED),
        (Image.new("RGB", (9, 9), RED).quantize(4), "PNG", {"transparency": b"\x80" * 4}, (*RED, 128)),
        (Image.new("RGB", (9, 9), RED), "PNG", {"transparency": RED}, (*RED, 0)),
        (Image.new("RGB", (9, 9), RED), "GIF", {}, RED),
        (Image.new("P", (9, 9), 0), "GIF", {"transparency": 0}, (0, 0, 0, 0)),
    ],
)
def test_colours_and_transparency_come_out_as_they_went_in(
    image: Image.Image, kind: str, options: dict[str, Any], expected: tuple[int, ...]
) -> None:
    files = rewrite(saved(image, kind, **options))
    assert_clean(files)
    seen = largest(files)
    if len(expected) == 4 and expected[3] == 0:
        assert seen.getchannel("A").getextrema() == (0, 0)
    else:
        assert seen.mode == ("RGBA" if len(expected) == 4 else "RGB")
        assert_near(seen.getpixel((4, 4)), expected)


def test_a_photo_of_16_bits_keeps_its_shades() -> None:
    ramp = Image.new("I;16", (256, 1))
    for x in range(256):
        ramp.putpixel((x, 0), x * 257)
    seen = largest(rewrite(saved(ramp.resize((256, 16)), "PNG"))).convert("L")
    assert all(abs(seen.getpixel((x, 8)) - x) <= 16 for x in range(256))


def icc(space: bytes, **tags: bytes) -> bytes:
    """Return a minimal ICC profile of a display or a grey device (ICC.1:2022, 7.2 and 7.3)."""
    header = struct.pack(">I4sI4s4s4s", 0, b"lcms", 0x02400000, b"mntr", space, b"XYZ ")
    header += b"\0" * 12 + b"acsp" + b"\0" * 28 + struct.pack(">3i", 63190, 65536, 54061)
    header += b"\0" * (128 - len(header))
    table, data, start = struct.pack(">I", len(tags)), b"", 128 + 4 + 12 * len(tags)
    for name, value in tags.items():
        value += b"\0" * (-len(value) % 4)
        table += struct.pack(">4sII", name.encode(), start + len(data), len(value))
        data += value
    profile = header + table + data
    return struct.pack(">I", len(profile)) + profile[4:]


def xyz(*values: float) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(value * 65536) for value in values))


def gamma(value: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(value * 256))


WHITE = xyz(0.9642, 1, 0.8249)
P3 = icc(
    b"RGB ",
    wtpt=WHITE,
    rXYZ=xyz(0.51512, 0.24120, -0.00105),
    gXYZ=xyz(0.29198, 0.69225, 0.04189),
    bXYZ=xyz(0.15710, 0.06657, 0.78407),
    rTRC=gamma(2.2),
    gTRC=gamma(2.2),
    bTRC=gamma(2.2),
)
LINEAR_GREY = icc(b"GRAY", wtpt=WHITE, kTRC=gamma(1))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "HEIC"])
def test_wide_colours_of_a_phone_become_those_of_the_web(kind: str) -> None:
    image = Image.new("RGB", (64, 64), (234, 51, 35))
    plain = largest(rewrite(saved(image, kind, quality=95)))
    assert_near(plain.getpixel((9, 9)), (234, 51, 35))
    seen = largest(rewrite(saved(image, kind, quality=95, icc_profile=P3)))
    assert_near(seen.getpixel((9, 9)), (255, 0, 0), by=25)
    assert "icc_profile" not in seen.info


@pytest.mark.parametrize("image", [Image.new("L", (9, 9), 55), Image.new("LA", (9, 9), (55, 128))], ids=["L", "LA"])
def test_a_grey_photo_keeps_the_brightness_that_its_profile_says(image: Image.Image) -> None:
    seen = largest(rewrite(saved(image, "PNG", icc_profile=LINEAR_GREY)))
    assert_near(seen.getpixel((4, 4)), (128, 128, 128) if image.mode == "L" else (128, 128, 128, 128))


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "AVIF", "MPO"])
def test_of_many_pictures_the_first_is_taken(kind: str) -> None:
    others = [Image.new("RGB", (120, 80), colour) for colour in (RED, GREEN)]
    files = rewrite(saved(scene(), kind, save_all=True, append_images=others))
    assert_clean(files)
    assert corners(largest(files)) == ["red", "green", "blue"]


# Hostile uploads.


def png_chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(width: int, height: int, *, extra: bytes = b"", pixels: bytes = b"\0" * 64) -> bytes:
    """Return a grey PNG that says it is that large."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + extra
        + png_chunk(b"IDAT", zlib.compress(pixels))
        + png_chunk(b"IEND", b"")
    )


def gif(screen: int, frame: int, *, frames: int = 1) -> bytes:
    """Return a GIF of two colours whose frames hold one pixel each, whatever they say."""
    image = b"\x2c" + struct.pack("<HHHHB", 0, 0, frame, frame, 0) + b"\x02\x02\x44\x01\x00"
    head = b"GIF89a" + struct.pack("<HHBBB", screen, screen, 0x80, 0, 0)
    return head + b"\0\0\0\xff\xff\xff" + image * frames + b"\x3b"


def webp(width: int, height: int) -> bytes:
    """Return a WebP of no picture whose canvas is that large."""
    canvas = b"VP8X" + struct.pack("<I", 10) + b"\x10\0\0\0"
    canvas += (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return b"RIFF" + struct.pack("<I", 4 + len(canvas)) + b"WEBP" + canvas


def jpeg_of_scans(side: int, scans: int) -> bytes:
    """Return a progressive JPEG that goes over all of its blocks once for every hundred bytes.

    Its Huffman tables have one code of one bit: "no difference" for DC, and for AC "the next 16384
    blocks are empty", so that zeros are all it needs.
    """

    def segment(marker: int, content: bytes) -> bytes:
        return bytes((0xFF, marker)) + struct.pack(">H", len(content) + 2) + content

    def scan(first: int, last: int, bits: int) -> bytes:
        return segment(0xDA, bytes((1, 1, 0, first, last, 0))) + b"\0" * (bits // 8 + 1)

    blocks = (side // 8 + 1) ** 2
    one_code = b"\1" + b"\0" * 15
    return (
        b"\xff\xd8"
        + segment(0xDB, b"\0" + b"\1" * 64)
        + segment(0xC2, struct.pack(">BHHB", 8, side, side, 1) + b"\1\x11\0")
        + segment(0xC4, b"\x00" + one_code + b"\x00" + b"\x10" + one_code + b"\xe0")
        + scan(0, 0, blocks)
        + scan(1, 63, (blocks // 16384 + 1) * 15) * scans
        + b"\xff\xd9"
    )


def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("evil.sh", "rm -rf /")
    return file.getvalue()


def noise(length: int) -> bytes:
    return Random(4711).randbytes(length)


def half(kind: str) -> bytes:
    whole = saved(Image.effect_noise((200, 200), 90), kind)
    return whole[: len(whole) // 2]


JPEG = saved(scene(), "JPEG")
MAGIC = {
    "JPEG": b"\xff\xd8\xff\xe0",
    "PNG": b"\x89PNG\r\n\x1a\n",
    "GIF": b"GIF89a",
    "WebP": b"RIFF\x00\x10\x00\x00WEBPVP8 ",
    "AVIF": b"\0\0\0\x18ftypavif\0\0\0\0avifmif1",
    "HEIC": b"\0\0\0\x18ftypheic\0\0\0\0heicmif1",
}
SCRIPT = b"<script>alert(1)</script>"

REFUSED: dict[str, tuple[int, Callable[[], bytes]]] = {
    "an empty file": (415, lambda: b""),
    "one byte": (415, lambda: b"\xff"),
    "20 MB and a byte": (413, lambda: JPEG + b"\0" * (20 * 1024 * 1024 + 1 - len(JPEG))),
    "HTML": (415, lambda: b"<!doctype html>" + SCRIPT),
    "SVG": (415, lambda: b'<svg xmlns="http://www.w3.org/2000/svg">' + SCRIPT + b"</svg>"),
    "PDF": (415, lambda: b"%PDF-1.7\n1 0 obj\n<</Type/Catalog>>\n"),
    "EPS": (415, lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(x) run\n"),
    "EPS for DOS": (415, lambda: b"\xc5\xd0\xd3\xc6" + b"\0" * 99),
    "TIFF": (415, lambda: saved(scene(), "TIFF")),
    "ICO": (415, lambda: saved(scene(), "ICO")),
    "BMP": (415, lambda: saved(scene(), "BMP")),
    "JPEG 2000": (415, lambda: saved(scene(), "JPEG2000")),
    "PSD": (415, lambda: b"8BPS\0\1" + b"\0" * 99),
    "ZIP": (415, zipped),
    "MP4": (415, lambda: b"\0\0\0\x18ftypisom\0\0\2\0isomiso2" + noise(999)),
    "a ftyp box that lies about its length": (415, lambda: b"\0\0\0\0ftypavif"),
    "HTML after a JPEG's first bytes": (422, lambda: MAGIC["JPEG"] + b"<!--" + SCRIPT),
    **{f"noise as {kind}": (422, lambda start=start: start + noise(9999)) for kind, start in MAGIC.items()},
    **{f"{kind} and nothing more": (422, lambda start=start: start) for kind, start in MAGIC.items()},
    **{f"half a {kind}": (422, lambda kind=kind: half(kind)) for kind in ("JPEG", "PNG", "WEBP", "AVIF", "GIF")},
    "a PNG of 60,000 by 60,000": (422, lambda: png(60_000, 60_000)),
    "a PNG of 51 megapixels": (422, lambda: png(10_000, 5_100)),
    "a PNG that ends before its 49 megapixels": (422, lambda: png(7_000, 7_000)),
    "a PNG of no width": (422, lambda: png(0, 10)),
    "a PNG of no height": (422, lambda: png(10, 0)),
    "a zip bomb in a PNG's iTXt": (
        422,
        lambda: png(8, 8, extra=png_chunk(b"iTXt", b"a\0\1\0\0\0" + zlib.compress(b"\0" * 50_000_000))),
    ),
    "a zip bomb in a PNG's zTXt": (
        422,
        lambda: png(8, 8, extra=png_chunk(b"zTXt", b"a\0\0" + zlib.compress(b"\0" * 50_000_000))),
    ),
    "a zip bomb for a PNG's profile": (
        422,
        lambda: png(8, 8, extra=png_chunk(b"iCCP", b"a\0\0" + zlib.compress(b"\0" * 50_000_000))),
    ),
    "a GIF of 65,535 by 65,535": (422, lambda: gif(65_535, 65_535)),
    "a small GIF with a frame of 65,535 by 65,535": (422, lambda: gif(1, 65_535)),
    "a GIF of no size": (422, lambda: gif(0, 0)),
    "a WebP of 16,384 by 16,384": (422, lambda: webp(16_384, 16_384)),
    "a WebP of 7,000 by 7,000 without a picture": (422, lambda: webp(7_000, 7_000)),
    "a JPEG of 65,500 by 65,500": (422, lambda: jpeg_of_scans(65_500, 0)),
    "a JPEG of no height": (422, lambda: jpeg_of_scans(8, 1).replace(b"\x08\0\x08\0\x08", b"\x08\0\0\0\x08")),
}

BOMBS = [
    "20 MB and a byte",
    "a PNG of 60,000 by 60,000",
    "a PNG that ends before its 49 megapixels",
    "a zip bomb in a PNG's iTXt",
    "a zip bomb in a PNG's zTXt",
    "a zip bomb for a PNG's profile",
    "a small GIF with a frame of 65,535 by 65,535",
    "a WebP of 16,384 by 16,384",
    "a WebP of 7,000 by 7,000 without a picture",
    "a JPEG of 65,500 by 65,500",
]
"""Small files that ask for much memory."""

TAKEN: dict[str, Callable[[], bytes]] = {
    "a JPEG that is a ZIP too": lambda: JPEG + zipped(),
    "a JPEG that is HTML too": lambda: JPEG + SCRIPT,
    "a JPEG with 64 kB of script": lambda: saved(scene(), "JPEG", comment=(SCRIPT * 3000)[:65_500]),
    "a JPEG with a corrupt profile": lambda: saved(scene(), "JPEG", icc_profile=noise(9999)),
    "a JPEG with half a profile": lambda: saved(scene(), "JPEG", icc_profile=P3[: len(P3) // 2]),
    "a JPEG with another kind of profile": lambda: saved(scene(), "JPEG", icc_profile=icc(b"CMYK", wtpt=WHITE)),
    "a JPEG with garbage for EXIF": lambda: saved(scene(), "JPEG", exif=b"Exif\0\0" + noise(9999)),
    "a JPEG with EXIF that goes in circles": lambda: saved(
        scene(), "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\1\x87\x69\0\4\0\0\0\1\0\0\0\x08\0\0\0\x08"
    ),
    "a JPEG of orientation 99": lambda: saved(
        scene(), "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0\x63\0\0\0\0\0\0"
    ),
    "a PNG with script": lambda: saved(scene(), "PNG") + SCRIPT,
    "a GIF of 10,000 frames": lambda: gif(1, 1, frames=10_000),
    "an animated AVIF": lambda: saved(
        scene(), "AVIF", save_all=True, append_images=[Image.new("RGB", (120, 80), RED)] * 20
    ),
}


@pytest.fixture
def bounded_memory() -> Iterator[None]:
    """Hold the children of a test below 1.1 GiB, if no earlier one was above."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    yield
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss <= max(before, MEMORY_KILOBYTES)


def test_every_refusal_is_one_sentence() -> None:
    for reason in decoding.REASONS:
        assert re.fullmatch(r"[A-Z][^\n]+\.", str(imaging.PhotoRefused(reason)))


@pytest.mark.parametrize("name", [name for name in REFUSED if name not in BOMBS])
def test_a_hostile_upload_is_refused_and_leaves_nothing(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    status, build = REFUSED[name]
    reason = reason_for(build(), tmp_path, monkeypatch)
    assert isinstance(reason, str)
    assert decoding.REASONS[reason][0] == status
    assert files_in(tmp_path) == []


@pytest.mark.usefixtures("bounded_memory")
@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_by_a_child_of_bounded_memory_and_leaves_nothing(name: str, tmp_path: Path) -> None:
    status, build = REFUSED[name]
    with pytest.raises(imaging.PhotoRefused) as refused:
        store(build(), tmp_path)
    assert refused.value.status == status
    assert files_in(tmp_path) == []


@pytest.mark.parametrize("name", TAKEN)
def test_a_hostile_upload_that_is_a_photo_is_served_as_its_pixels_only(name: str) -> None:
    files = rewrite(TAKEN[name]())
    assert_clean(files)
    for content in files.values():
        assert not re.search(rb"PK\x03\x04|evil|script|alert", content)


def test_what_is_no_file_or_never_ends_is_refused(tmp_path: Path) -> None:
    class Endless(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            return b"\xff" * size

    folder, fifo = tmp_path / "photos", tmp_path / "fifo"
    os.mkfifo(fifo)
    for source, status in [(Endless(), 413), (Path("/dev/zero"), 415), (fifo, 415), (tmp_path, 415)]:
        with pytest.raises(imaging.PhotoRefused) as refused, imaging.rewritten(source, folder):
            pass
        assert refused.value.status == status
    assert files_in(folder) == []


def test_20_megabytes_are_not_too_many(tmp_path: Path) -> None:
    assert_stored(store(JPEG + b"\0" * (20 * 1024 * 1024 - len(JPEG)), tmp_path), tmp_path)


# The child and its limits. Where a limit is lowered, it is to save the tests' time: the child is the real one.


def assert_refused(upload: bytes, folder: Path, *, status: int = 422, reason: str) -> str:
    with pytest.raises(imaging.PhotoRefused) as refused:
        store(upload, folder)
    assert (refused.value.status, refused.value.reason) == (status, reason)
    assert files_in(folder) == []
    return str(refused.value)


def test_a_photo_made_to_spin_ends_at_the_limit_of_cpu_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    upload = jpeg_of_scans(7000, 20_000)
    assert len(upload) < 2_200_000
    monkeypatch.setattr(decoding, "CPU_SECONDS", 1)
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    assert_refused(upload, tmp_path, reason="heavy")
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before < 3


def test_a_photo_that_needs_more_memory_than_there_may_be_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = saved(Image.new("LA", (6000, 6000)), "PNG", compress_level=1)
    monkeypatch.setattr(decoding, "MEMORY_BYTES", 200 * 1024**2)
    assert_refused(upload, tmp_path, reason="heavy")


def run_instead(script: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have another script run in the child's place."""
    path = folder / "child.py"
    path.write_text(script)
    monkeypatch.setattr(decoding, "_CHILD", path)


def test_a_child_that_sleeps_is_ended_by_the_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_instead("import signal; open('480.webp', 'w').write('x'); signal.pause()", tmp_path, monkeypatch)
    monkeypatch.setattr(decoding, "WALL_SECONDS", 0.5)
    assert_refused(JPEG, tmp_path / "photos", reason="heavy")


@pytest.mark.parametrize(
    "script",
    [
        "import os; os.kill(os.getpid(), 11)",
        "import os; open('480.webp', 'w'); print('[[480, 320]]', flush=True); os.abort()",
        "print('[[480, 320]]')",
        "import os; os.symlink('/etc/passwd', '480.webp'); print('[[480, 320]]')",
        "open('9999.webp', 'w'); print('[[9999, 320]]')",
        "open('480.webp', 'w'); print('[[480, 320], [480, 320]]')",
        "open('480.webp', 'w'); print('[[480, -1]]')",
        "print('[]')",
        "print('{}')",
        "print('[' * 900 + ']' * 90)",
        "print('[[Infinity, 1]]')",
        "print('\"<script>\"')",
        "print('x' * 1000000)",
        "",
    ],
)
def test_a_child_that_crashes_or_lies_is_not_believed(
    script: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_instead(script, tmp_path, monkeypatch)
    assert_refused(JPEG, tmp_path / "photos", reason="damaged")


def test_what_decoders_say_is_logged_on_one_line_and_not_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    run_instead(
        "import sys; print('/srv/secret\\n\x1b[31m', file=sys.stderr); print('\"damaged\"')", tmp_path, monkeypatch
    )
    with caplog.at_level("INFO"):
        told = assert_refused(JPEG, tmp_path / "photos", reason="damaged")
    assert "secret" not in told
    (line,) = [message for message in caplog.messages if "secret" in message]
    assert line.isprintable()


def test_the_child_knows_no_secrets_and_no_code_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "hush")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    run_instead(
        "import os, sys; print(sorted(os.environ), sys.flags.isolated, sys.path, file=sys.stderr); sys.exit(3)",
        tmp_path,
        monkeypatch,
    )
    with pytest.raises(decoding.ChildFailed) as failed:
        store(JPEG, tmp_path / "photos")
    assert "MALLOC_ARENA_MAX" in str(failed.value)
    assert not re.search(f"SECRET_KEY|hush|{tmp_path}|{Path.cwd()}('|/liveblog)", str(failed.value))
    assert files_in(tmp_path / "photos") == []


def test_heic_without_the_extra_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = decoding._CHILD
    run_instead(
        f"import runpy, sys; sys.modules['pillow_heif'] = None; runpy.run_path({str(real)!r}, run_name='__main__')",
        tmp_path,
        monkeypatch,
    )
    told = assert_refused(MAGIC["HEIC"] + noise(99), tmp_path / "photos", status=415, reason="heic")
    assert "JPEG" in told
    assert "pillow-heif" in told
    assert list(store(JPEG, tmp_path / "others").files) == [120]


def test_one_photo_at_a_time_is_decoded_on_a_machine(tmp_path: Path) -> None:
    with (tmp_path / ".lock").open("ab") as lock, ThreadPoolExecutor(1) as pool:
        fcntl.flock(lock, fcntl.LOCK_EX)
        waiting = pool.submit(store, JPEG, tmp_path)
        with pytest.raises(TimeoutError):
            waiting.result(timeout=0.5)
        assert files_in(tmp_path) == []
        fcntl.flock(lock, fcntl.LOCK_UN)
        assert_stored(waiting.result(timeout=60), tmp_path)


def test_who_waits_too_long_for_the_others_is_told_to_come_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "QUEUE_SECONDS", 0.1)
    with (tmp_path / ".lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "again" in assert_refused(JPEG, tmp_path, status=503, reason="busy")


def test_many_at_once_are_all_taken(tmp_path: Path) -> None:
    with ThreadPoolExecutor(6) as pool:
        stored = list(pool.map(lambda _: store(JPEG, tmp_path), range(6)))
    assert len(files_in(tmp_path)) == 6
    assert all(picture.files[120].is_file() for picture in stored)


def test_others_are_decoded_while_the_files_of_one_are_stored(tmp_path: Path) -> None:
    with imaging.rewritten(io.BytesIO(JPEG), tmp_path) as picture:
        assert store(JPEG, tmp_path).files[120].is_file()
        assert picture.files[120].is_file()
    assert not picture.files[120].exists()


# The folder.


def test_a_photo_on_disk_is_read_and_left_alone(tmp_path: Path) -> None:
    source = tmp_path / "My cat.jpg"
    source.write_bytes(saved(scene((600, 400)), "JPEG"))
    before = source.read_bytes()
    picture = store(source, tmp_path / "photos")
    assert list(picture.files) == [480, 600]
    assert_stored(picture, tmp_path / "photos")
    assert source.read_bytes() == before


def test_what_a_killed_process_left_is_swept_after_an_hour(tmp_path: Path) -> None:
    imaging.sweep(tmp_path / "nothing yet")
    picture = store(JPEG, tmp_path)
    old, fresh = tmp_path / ".new-old", tmp_path / ".new-fresh"
    for room in (old, fresh):
        room.mkdir()
        (room / "480.webp").write_bytes(b"half")
    os.utime(old, (0, 0))
    imaging.sweep(tmp_path)
    assert not old.exists()
    assert (fresh / "480.webp").exists()
    assert picture.files[120].is_file()
