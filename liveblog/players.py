"""Links alone on their line: recognised, and given a light front that asks nothing of anybody until it is pressed."""

import html
import re
from typing import NamedTuple
from urllib.parse import parse_qs, quote, unquote, urlsplit

from django.conf import settings
from django.utils.html import format_html

ADDRESS_CHARACTERS = 500
PLAYERS = 20
"""How many of one update become players; the rest stay links."""

_FULL = "fullscreen"
_SOUND = "autoplay; clipboard-write; encrypted-media; fullscreen; picture-in-picture"
"""What YouTube, Vimeo and Spotify name in the codes they offer."""

_LINE_END = re.compile(r"<br>\n?")
_LINK = re.compile(r'<a href="([^"<>]*)"(?: title="[^"<>]*")? rel="nofollow noopener">([^<>]*)</a>')
_OPENING, _CLOSING = re.compile(r"<(?!br>)[a-z]"), re.compile(r"</")


class Player(NamedTuple):
    """What a link becomes: the address of the provider's frame, or of a file; its shape; what it is called."""

    provider: str
    source: str
    shape: str
    """A class of players.css that fixes its proportions: video, track, list, post, chart or sound."""
    title: str
    allow: str = _FULL
    element: str = "iframe"


def policy() -> dict[str, list[str]]:
    """Return the directives of a Content-Security-Policy that a page with players needs: exactly these sources."""
    hosts = [*_FRAME_HOSTS, *settings.MASTODON_HOSTS]
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
    found = _HOSTS[host](parts.path, query) if host in _HOSTS else None
    if found is None and parts.hostname in settings.MASTODON_HOSTS:
        found = _mastodon(parts.hostname, parts.path)
    if found is None and parts.scheme == "https":  # a frame is ours to name; a file comes from where it says
        found = _file(address, parts.path)
    is_named = found is not None and text.strip() and not text.strip().lower().startswith(("http:", "https:", "www."))
    return found._replace(title=text.strip()) if found and is_named else found


def front(player: Player, address: str) -> str:
    """Return what stands there until it is pressed: a link to the original, in the player's proportions."""
    return str(
        format_html(
            '<div class="player is-{}" data-player="{}" data-element="{}" data-allow="{}">'
            '<a class="player-front" href="{}" rel="nofollow noopener"><span class="player-mark"></span>'
            '<span class="player-title">{}</span> <span class="player-from">{}</span></a></div>',
            player.shape,
            player.source,
            player.element,
            player.allow,
            address,
            player.title,
            player.provider,
        )
    )


type Query = dict[str, list[str]]


def _youtube(path: str, query: Query) -> Player | None:
    match = re.fullmatch(r"/(?:shorts/|live/|embed/|v/)([\w-]{11})/?", path, re.ASCII)
    video = match[1] if match else (query.get("v", [""])[0] if path.rstrip("/") == "/watch" else "")
    return _youtube_video(video, query)


def _youtube_short(path: str, query: Query) -> Player | None:
    return _youtube_video(path.strip("/"), query)


def _youtube_video(video: str, query: Query) -> Player | None:
    if not re.fullmatch(r"[\w-]{11}", video, re.ASCII):
        return None
    start = _seconds((query.get("t") or query.get("start") or [""])[0])
    source = f"https://www.youtube-nocookie.com/embed/{video}?autoplay=1" + (f"&start={start}" if start else "")
    return Player("YouTube", source, "video", "Video on YouTube", _SOUND)


def _seconds(written: str) -> int:
    match = re.fullmatch(r"(?:(\d{1,2})h)?(?:(\d{1,4})m)?(?:(\d{1,6})s?)?", written, re.ASCII)
    if not match:
        return 0
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + seconds


def _vimeo(path: str, query: Query) -> Player | None:
    match = re.fullmatch(r"/(?:video/|channels/[\w-]+/)?(\d{1,12})(?:/([0-9a-f]{6,20}))?/?", path, re.ASCII)
    if not match:
        return None
    secret = match[2] or next((h for h in query.get("h", []) if re.fullmatch(r"[0-9a-f]{6,20}", h, re.ASCII)), "")
    source = f"https://player.vimeo.com/video/{match[1]}?autoplay=1&dnt=1" + (f"&h={secret}" if secret else "")
    return Player("Vimeo", source, "video", "Video on Vimeo", _SOUND)


def _spotify(path: str, query: Query) -> Player | None:
    kinds = "track|episode|album|playlist|show|artist"
    match = re.fullmatch(rf"/(?:intl-[a-z-]{{2,8}}/)?(?:embed/)?({kinds})/([0-9A-Za-z]{{22}})/?", path, re.ASCII)
    if not match:
        return None
    shape = "track" if match[1] in {"track", "episode"} else "list"
    source = f"https://open.spotify.com/embed/{match[1]}/{match[2]}"
    return Player("Spotify", source, shape, f"{match[1].capitalize()} on Spotify", _SOUND)


def _soundcloud(path: str, query: Query) -> Player | None:
    match = re.fullmatch(r"/([\w-]{1,100})/(sets/)?([\w-]{1,200})/?", path, re.ASCII)
    if not match or match[1] in {"you", "discover", "search", "stream", "pages"}:
        return None
    page = f"https://soundcloud.com/{match[1]}/{match[2] or ''}{match[3]}"
    source = f"https://w.soundcloud.com/player/?url={quote(page, safe='')}&auto_play=true&visual=false"
    shape, title = ("list", "Playlist") if match[2] else ("track", "Track")
    return Player("SoundCloud", source, shape, f"{title} on SoundCloud", "autoplay")


def _bluesky(path: str, query: Query) -> Player | None:
    # The frame takes what names a repository in an at:// address: a handle as well as a DID.
    who = r"did:[a-z]+:[\w.:-]{1,100}|[a-z0-9.-]{3,253}"
    match = re.fullmatch(rf"/profile/({who})/post/([0-9a-z]{{8,20}})/?", path, re.ASCII)
    if not match:
        return None
    source = f"https://embed.bsky.app/embed/{match[1]}/app.bsky.feed.post/{match[2]}"
    return Player("Bluesky", source, "post", "Post on Bluesky")


def _datawrapper(path: str, query: Query) -> Player | None:
    match = re.fullmatch(r"/(?:_/)?([0-9A-Za-z]{5})(?:/(\d{1,4}))?/?", path, re.ASCII)
    if not match:
        return None
    source = f"https://datawrapper.dwcdn.net/{match[1]}/" + (f"{match[2]}/" if match[2] else "")
    return Player("Datawrapper", source, "chart", "Chart on Datawrapper")


def _mastodon(host: str, path: str) -> Player | None:
    # A post of another instance has no player here.
    match = re.fullmatch(r"/@([\w.-]{1,60})/(\d{5,20})/?", path, re.ASCII)
    if not match:
        return None
    return Player("Mastodon", f"https://{host}/@{match[1]}/{match[2]}/embed", "post", f"Post on {host}")


def _file(address: str, path: str) -> Player | None:
    name = path.rsplit("/", 1)[-1]
    kind = name.lower().rsplit(".", 1)[-1]
    if kind not in {"mp4", "mp3"} or len(name) == len(kind) + 1:
        return None
    element, shape = ("video", "video") if kind == "mp4" else ("audio", "sound")
    return Player(urlsplit(address).hostname or "", address, shape, unquote(name), "", element)


_HOSTS = {
    "youtube.com": _youtube,
    "m.youtube.com": _youtube,
    "music.youtube.com": _youtube,
    "youtube-nocookie.com": _youtube,
    "youtu.be": _youtube_short,
    "vimeo.com": _vimeo,
    "player.vimeo.com": _vimeo,
    "open.spotify.com": _spotify,
    "soundcloud.com": _soundcloud,
    "m.soundcloud.com": _soundcloud,
    "bsky.app": _bluesky,
    "datawrapper.dwcdn.net": _datawrapper,
}
_FRAME_HOSTS = (
    "www.youtube-nocookie.com",
    "player.vimeo.com",
    "open.spotify.com",
    "w.soundcloud.com",
    "embed.bsky.app",
    "datawrapper.dwcdn.net",
)
