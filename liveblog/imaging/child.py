"""Reads one photo from standard input and writes it anew: the process that may be killed at any moment.

decoding.py starts it, held to its limits, in the folder it writes to. It imports nothing of ours.
"""

import importlib
import io
import json
import os
import re
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

from PIL import AvifImagePlugin, ExifTags, Image, ImageCms, ImageFile

QUALITY = 80
METHOD = 4
"""0.3 s for 2160 × 1620 pixels; 6 takes 0.75 s for files 7 % smaller (measured)."""

WEBP_SIDE = 16383
"""The longest side WebP can express."""

SCANS = 200
"""A progressive JPEG has about ten, each of which goes over all pixels; 3,000 of one scan take 20 s from 513 kB."""

_MARKER = re.compile(rb"\xff[\x02-\xcf\xd9-\xfe]", re.DOTALL)
"""What begins a segment of a JPEG (T.81, B.1.1): no stuffed byte, no restart, and no start, which has no length."""
_SCAN, _END = 0xDA, 0xD9
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"}
_AVIF_BRANDS = {b"avif", b"avis"}
_ICC_MODES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What makes a photo upright, by EXIF's orientation (Exif 3.0, 4.6.5)."""

_SIDEWAYS = {_TURNS[5], _TURNS[6], _TURNS[7], _TURNS[8]}
"""Those that swap width and height."""


class _Refusal(Exception):
    """The reason, one of decoding.REASONS."""


def answer(upload: BinaryIO, order: dict[str, Any]) -> object:
    """Write the files here; return their sizes, or the reason for a refusal."""
    try:
        files = rewrite(upload, widths=order["widths"], pixels=order["megapixels"] * 1_000_000)
    except _Refusal as refusal:
        return str(refusal)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        return "pixels"
    except MemoryError:
        return "heavy"
    except Exception as error:  # Pillow raises of every kind
        print(repr(error), file=sys.stderr)
        return "damaged"
    if any(len(content) > order["file_bytes"] for content in files.values()):
        return "heavy"
    for (width, _), content in files.items():
        with Path(f"{width}.webp").open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    return list(files)


def rewrite(upload: BinaryIO, *, widths: Sequence[int], pixels: int) -> dict[tuple[int, int], bytes]:
    """Return the photo as WebP, by size: upright, in sRGB, of eight bits, and of nothing but what is seen."""
    image = _open(upload, pixels)
    if image.format in {"JPEG", "MPO"}:
        image.draft(None, (widths[-1], widths[-1]))  # decodes to a half, a quarter or an eighth, where that is enough
    image.load()
    transpose, icc = _find_transpose(image), image.info.get("icc_profile")
    is_sideways = transpose in _SIDEWAYS
    width, height = image.size[::-1] if is_sideways else image.size
    sizes = sizes_of(width, height, widths)
    # Shrunk before anything else: every step on all pixels of a large photo would cost 200 MB more.
    image = _shrunk(_eight_bits(image), sizes[-1][::-1] if is_sideways else sizes[-1])
    image = _in_srgb(image, icc)
    if transpose is not None:
        image = image.transpose(transpose)
    return {size: _webp(_shrunk(image, size)) for size in sizes}


def _open(upload: BinaryIO, pixels: int) -> Image.Image:
    """Return the photo, not decoded yet, as read by the one decoder that its first bytes ask for."""
    kind = _kind(upload.read(256))
    upload.seek(0)
    if kind is None:
        raise _Refusal("kind")
    if kind == "JPEG" and _count_scans(upload) > SCANS:
        raise _Refusal("heavy")
    if kind == "HEIF":
        try:
            heif = importlib.import_module("pillow_heif")
        except ImportError:
            raise _Refusal("heic") from None
        heif.register_heif_opener(decode_threads=1, thumbnails=False, depth_images=False, aux_images=False)
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    Image.MAX_IMAGE_PIXELS = pixels
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1  # each thread reserves address space
    image = Image.open(upload, formats=[kind])
    if image.width * image.height > pixels:
        raise _Refusal("pixels")
    return image


def _count_scans(upload: BinaryIO) -> int:
    """Return how many scans a JPEG has; of what follows its end, as in a motion photo, nothing counts."""
    data = upload.read()
    upload.seek(0)
    at, count = 2, 0
    while (marker := _MARKER.search(data, at)) and data[marker.start() + 1] != _END:
        count += data[marker.start() + 1] == _SCAN
        at = marker.end() + max(2, int.from_bytes(data[marker.end() : marker.end() + 2]))
    return count


def _kind(head: bytes) -> str | None:
    """Return Pillow's name for a kind of file that is read here."""
    if head.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "WEBP"
    if head[4:8] == b"ftyp":
        box = head[: int.from_bytes(head[:4])]
        brands = {box[start : start + 4] for start in (8, *range(16, len(box), 4))}
        return "AVIF" if brands & _AVIF_BRANDS else "HEIF" if brands & _HEIC_BRANDS else None
    return None


def _find_transpose(image: Image.Image) -> Image.Transpose | None:
    """Return what makes the photo upright; EXIF that can't be read says nothing."""
    try:
        return _TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception as error:
        print(repr(error), file=sys.stderr)
        return None


def sizes_of(width: int, height: int, widths: Sequence[int]) -> list[tuple[int, int]]:
    """Return the sizes to write, ascending, none larger than the photo; refuse one that only fits if it is narrow."""
    largest = min(width, widths[-1], width * WEBP_SIDE // height)
    if largest < min(width, widths[0]):
        raise _Refusal("tall")
    return [
        (wanted, min(WEBP_SIDE, max(1, round(height * wanted / width))))
        for wanted in sorted({min(wanted, largest) for wanted in widths})
    ]


def _eight_bits(image: Image.Image) -> Image.Image:
    """Return the photo as L, RGB, RGBA or CMYK."""
    if image.mode.startswith("I"):  # 16-bit grey, which Pillow's own conversions clip
        shades = image.convert("I")
        grey = shades.point([value >> 8 for value in range(65536)], "L")
        if (clear := image.info.get("transparency")) is None:
            return grey
        alpha = shades.point([255 * (value != clear) for value in range(65536)], "L")
        return Image.merge("RGBA", (grey, grey, grey, alpha))
    if image.mode in {"RGBA", "CMYK"}:
        return image  # convert() would copy
    if image.has_transparency_data:
        return image.convert("RGBA")
    if image.mode == "L":
        return image
    return image.convert("L" if image.mode == "1" else "RGB")


def _shrunk(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    return image if image.size == size else image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)


def _in_srgb(image: Image.Image, icc: bytes | None) -> Image.Image:
    """Return the photo as RGB or RGBA whose numbers mean what browsers take them for."""
    colours = _converted(image, icc) if icc else image.convert("RGB")
    if image.mode == "RGBA":
        colours.putalpha(image.getchannel("A"))
    return colours


def _converted(image: Image.Image, icc: bytes) -> Image.Image:
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
        mode = _ICC_MODES[profile.profile.xcolor_space.strip()]
        if (mode == "CMYK") == (image.mode == "CMYK"):
            srgb = ImageCms.createProfile("sRGB")
            converted = ImageCms.profileToProfile(image.convert(mode), profile, srgb, outputMode="RGB")
            assert converted is not None  # it is only when the work is done in place
            return converted
    except (KeyError, OSError, ImageCms.PyCMSError) as error:
        print(repr(error), file=sys.stderr)  # a profile that can't be read says nothing
    return image.convert("RGB")


def _webp(image: Image.Image) -> bytes:
    image.info.clear()
    content = io.BytesIO()
    image.save(content, "WEBP", quality=QUALITY, method=METHOD, exif=b"", xmp=b"", icc_profile=b"")
    return content.getvalue()


def main(order: dict[str, Any]) -> None:
    """Print the answer; where there is no room for it or for the files, end with the status that was ordered."""
    try:
        print(json.dumps(answer(sys.stdin.buffer, order)), flush=True)
    except OSError as error:
        if error.errno not in order["no_room"]["errors"]:
            raise
        os._exit(order["no_room"]["status"])  # without emptying buffers, for which there is no room either


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
