"""The picture for links to an event on other sites: its cover, or a card with its title and latest key moment."""

from io import BytesIO

import font_source_sans_pro as sans
import font_source_serif_pro as serif
from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from PIL import Image, ImageDraw, ImageFont, ImageOps

from liveblog import markup
from liveblog.caching import cacheable
from liveblog.models import Event, Photo
from liveblog.photo_files import PhotosUnavailable
from liveblog.public import find_event, public

WIDTH, HEIGHT = 1200, 630
"""The proportions in which og:image is shown uncropped (1.91:1)."""
CARD_SECONDS = 5
KEPT_SECONDS = 86_400

PAPER, INK, QUIET, LINE, LIVE = "#fcfaf6", "#1b1815", "#5f5850", "#d8d1c6", "#b3191c"
MARGIN = 80

type Font = ImageFont.FreeTypeFont


@public
def social_card(request: HttpRequest, slug: str, revision: int) -> HttpResponse:
    """Answer with the present picture, whatever the revision: what it shows may have been withdrawn since."""
    response = HttpResponse(_kept_picture(find_event(request, slug)), content_type="image/jpeg")
    response["Cache-Control"] = cacheable(CARD_SECONDS)
    return response


def _kept_picture(event: Event) -> bytes:
    """Return an event's present picture; only that one is kept, as an earlier one may show what was erased since."""
    key, state = f"social-card:{event.pk}", (event.edition, event.head_revision)
    kept: tuple[tuple[str, int], bytes] | None = cache.get(key)
    if kept is None or kept[0] != state:
        kept = state, picture_of(event)
        cache.set(key, kept, KEPT_SECONDS)
    return kept[1]


def picture_of(event: Event) -> bytes:
    """Return a JPEG of 1200 by 630 pixels."""
    image = _cover(event) or _card(event)
    file = BytesIO()
    image.save(file, "JPEG", quality=88, subsampling=0, optimize=True)
    return file.getvalue()


def _cover(event: Event) -> Image.Image | None:
    names = [figure.name for figure in event.readable_cover]
    photo = Photo.objects.filter(event=event, name__in=names).first()
    if photo is None or not photo.file_widths:
        return None
    try:
        with Image.open(BytesIO(photo.read(photo.file_widths[-1]))) as image:
            return ImageOps.fit(image.convert("RGB"), (WIDTH, HEIGHT), Image.Resampling.LANCZOS)
    except PhotosUnavailable:
        raise
    except OSError:  # its file is lost, or damaged
        return None


def _card(event: Event) -> Image.Image:
    image = Image.new("RGB", (WIDTH, HEIGHT), PAPER)
    draw = ImageDraw.Draw(image)
    _status(draw, event)
    latest = event.updates.visible().filter(is_key=True).newest_first().first()
    said = _writable(latest.title, sans.SourceSansPro) if latest else ""
    bottom = HEIGHT - MARGIN - 70
    if said:
        font = ImageFont.truetype(sans.SourceSansPro, 34)
        lines = _wrapped(said, font, WIDTH - 2 * MARGIN - 34, most=2)
        top = bottom - 46 * len(lines)
        draw.rectangle((MARGIN, top + 6, MARGIN + 5, bottom), fill=LIVE)
        for number, line in enumerate(lines):
            draw.text((MARGIN + 34, top + 46 * number), line, INK, font)
        bottom = top - 30
    _title(draw, _writable(event.title, serif.SourceSerifProBold) or settings.SITE_NAME, top=MARGIN + 76, bottom=bottom)
    draw.line((MARGIN, HEIGHT - MARGIN - 34, WIDTH - MARGIN, HEIGHT - MARGIN - 34), LINE, 2)
    name = _writable(settings.SITE_NAME, serif.SourceSerifProBold)
    draw.text((MARGIN, HEIGHT - MARGIN - 12), name, QUIET, ImageFont.truetype(serif.SourceSerifProBold, 34))
    return image


def _status(draw: ImageDraw.ImageDraw, event: Event) -> None:
    font = ImageFont.truetype(sans.SourceSansProBold, 30)
    words = ("Paused" if event.pause_note else event.get_status_display()).upper()
    is_live = event.status == Event.Status.LIVE and not event.pause_note
    width = draw.textlength(words, font) + 44
    box = (MARGIN, MARGIN - 8, MARGIN + width, MARGIN + 44)
    draw.rounded_rectangle(box, 6, fill=LIVE if is_live else None, outline=LIVE if is_live else QUIET, width=2)
    draw.text((MARGIN + 22, MARGIN - 2), words, PAPER if is_live else QUIET, font)


def _title(draw: ImageDraw.ImageDraw, title: str, *, top: int, bottom: int) -> None:
    """Write the title as large as the space allows; one that is too long even in small type is cut at a word."""
    for size in range(92, 43, -4):
        font = ImageFont.truetype(serif.SourceSerifProBold, size)
        room = max(1, int((bottom - top) / (size * 1.12)))
        lines = _wrapped(title, font, WIDTH - 2 * MARGIN, most=room + 1)
        if len(lines) <= room:
            break
    lines = _balanced(title, font, lines) if len(lines) <= room else lines
    for number, line in enumerate(lines[:room]):
        text = line if number < room - 1 or len(lines) <= room else line[:-1].rstrip() + "…"
        draw.text((MARGIN - 3, top + number * size * 1.12), text, INK, font)


def _balanced(text: str, font: Font, lines: list[str]) -> list[str]:
    """Return ``text`` in the same number of lines, of about the same length."""
    while len(lines) > 1:
        narrower = _wrapped(text, font, max(map(font.getlength, lines)) - 1, most=len(lines) + 1)
        if len(narrower) > len(lines) or " ".join(narrower) != " ".join(lines):  # a word was cut
            break
        lines = narrower
    return lines


def _wrapped(text: str, font: Font, width: float, *, most: int) -> list[str]:
    """Return ``text`` in at most ``most`` lines; a word that is longer than a line is cut."""
    lines: list[str] = []
    line = ""
    words = text.split()
    for number, word in enumerate(words):
        while font.getlength(word) > width:
            word = word[:-2] + "…"
        longer = f"{line} {word}".strip()
        if font.getlength(longer) <= width:
            line = longer
            continue
        lines.append(line)
        line = word
        if len(lines) == most:
            lines[-1] = markup.shorten(" ".join([lines[-1], *words[number:]]), characters=len(lines[-1]) + 1)
            return lines
    return [*lines, line]


def _writable(text: str, path: str) -> str:
    """Return ``text`` without the characters that the font lacks; an empty text if it lacks most of them."""
    font = ImageFont.truetype(path, 40)
    lacking = bytes(font.getmask("\uffff"))
    text = markup.one_line(text)
    kept = "".join(one for one in text if one.isspace() or bytes(font.getmask(one)) != lacking)
    return " ".join(kept.split()) if len(kept) * 2 > len(text) else ""
