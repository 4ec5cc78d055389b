"""Links alone on their line: recognised, and given a light front that asks nothing of anybody until it is pressed."""

import html
import re
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

from django.conf import settings
from django.utils.html import format_html
from django.utils.safestring import SafeString

from liveblog.providers import FRAME_HOSTS, HOSTS, Player, file, mastodon

ADDRESS_CHARACTERS = 500
PLAYERS = 20
"""How many of one update become players; the rest stay links."""

_LINE_END = re.compile(r"<br>\n?")
_LINK = re.compile(r'<a href="([^"<>]*)"(?: title="[^"<>]*")? rel="nofollow noopener">([^<>]*)</a>')
_OPENING, _CLOSING = re.compile(r"<(?!br>)[a-z]"), re.compile(r"</")


def policy() -> dict[str, list[str]]:
    """Return the directives of a Content-Security-Policy that a page with players needs: exactly these sources."""
    hosts = [*FRAME_HOSTS, *settings.MASTODON_HOSTS]
    return {"frame-src": ["'self'", *(f"https://{host}" for host in hosts)], "media-src": ["https:"]}


def with_fronts(safe_html: str) -> str:
    """Return an update's safe HTML, as ``markup.render`` gave it, with fronts in place of links alone on their line."""
    if 'href="http' not in safe_html:
        return safe_html
    left = PLAYERS
    before, *pieces = safe_html.split("<p>")
    done = [before]
    for piece in pieces:
        paragraph, end, rest = piece.partition("</p>")
        parts = _parted(paragraph, left) if end else None
        left -= sum(part.player is not None for part in parts or ())
        done.append("\n".join(map(str, parts)) + rest if parts else f"<p>{piece}")
    return "".join(done)


def has_player(safe_html: str) -> bool:
    """Return whether a link in an update's safe HTML becomes a player."""
    return with_fronts(safe_html) != safe_html


class _Part(NamedTuple):
    """A player, or the lines between two."""

    lines: list[str]
    player: Player | None = None
    address: str = ""

    def __str__(self) -> str:
        return front(self.player, self.address) if self.player else f"<p>{'<br>\n'.join(self.lines)}</p>"


def _parted(paragraph: str, left: int) -> list[_Part] | None:
    """Return a paragraph in parts, with at most ``left`` players; ``None`` if there is none in it.

    A link in the middle of something that began on a line before, as in emphasised lines, is not alone.
    """
    parts = [_Part([])]
    depth = 0
    for line in _LINE_END.split(paragraph):
        link = _LINK.fullmatch(line.strip()) if left and not depth else None
        address = html.unescape(link[1]) if link else ""
        player = recognise(address, html.unescape(link[2])) if link else None
        if player:
            parts += [_Part([], player, address), _Part([])]
            left -= 1
        else:
            parts[-1].lines.append(line)
            depth += len(_OPENING.findall(line)) - len(_CLOSING.findall(line))
    return [part for part in parts if part.player or part.lines] if len(parts) > 1 else None


def recognise(address: str, text: str = "") -> Player | None:
    """Return the player for ``address``, called by the link's ``text`` unless that is the address itself."""
    if len(address) > ADDRESS_CHARACTERS or not address.isascii():
        return None
    try:
        parts = urlsplit(address)
        is_plain = parts.scheme in {"http", "https"} and parts.netloc.lower() == parts.hostname
    except ValueError:
        return None
    if not is_plain or not parts.hostname:  # with a port or a name in it, it is not theirs
        return None
    query = parse_qs(parts.query, max_num_fields=50) if parts.query.count("&") < 50 else {}
    host = parts.hostname.removeprefix("www.")
    found = HOSTS[host](parts.path, query) if host in HOSTS else None
    if found is None and parts.hostname in settings.MASTODON_HOSTS:
        found = mastodon(parts.hostname, parts.path)
    if found is None and parts.scheme == "https":  # a frame is ours to name; a file comes from where it says
        found = file(address, parts.path)
    is_named = found is not None and text.strip() and not text.strip().lower().startswith(("http:", "https:", "www."))
    return found._replace(title=text.strip()) if found and is_named else found


def front(player: Player, address: str) -> str:
    """Return what stands there until it is pressed: a link to the original, in the player's proportions."""
    return str(
        format_html(
            '<div class="player is-{}"{}><a class="player-front" href="{}" rel="nofollow noopener">'
            '<span class="player-mark"></span><span class="player-title">{}</span> '
            '<span class="player-from">{}</span></a></div>',
            player.shape,
            _press(player),
            address,
            player.title,
            player.provider,
        )
    )


def _press(player: Player) -> SafeString:
    """Return what a press makes of the front, as attributes; without any, it is a link."""
    if not player.source:
        return SafeString("")
    shown = player.source, player.element, player.allow
    return format_html(' data-player="{}" data-element="{}" data-allow="{}"', *shown)
