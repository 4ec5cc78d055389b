"""Who offers players: how each provider's addresses look, and which frame of theirs shows what an address leads to.

All is read from the address itself; nothing is ever fetched from it. Only frames that a provider documents are named.
Where there is none (X, Instagram), or an address doesn't say what it leads to (short links, clips), it stays a link.
"""

import re
from typing import NamedTuple
from urllib.parse import quote, unquote, urlsplit

_FULL = "fullscreen"
_SOUND = "autoplay; clipboard-write; encrypted-media; fullscreen; picture-in-picture"
"""What YouTube, Vimeo, TikTok and Spotify name in the codes they offer."""

_TWITCH_PAGES = set("directory downloads drops jobs login popout prime search settings store subs turbo videos".split())
_INSTAGRAM_KINDS = {"p": "Post", "reel": "Reel", "reels": "Reel", "tv": "Video"}


class Player(NamedTuple):
    """What a link becomes: the address of the provider's frame, or of a file; its shape; what it is called.

    Without a source it stays a link, which names its provider.
    """

    provider: str
    source: str
    shape: str
    """A class of players.css that fixes its proportions: video, tall, track, list, post, chart, sound or link."""
    title: str
    allow: str = _FULL
    element: str = "iframe"
    page: str = ""
    """The page to link to instead of an address that is a frame's."""


type Query = dict[str, list[str]]


def _match(pattern: str, path: str) -> re.Match[str] | None:
    return re.fullmatch(pattern, path, re.ASCII)


def _first(query: Query, *names: str, like: str = ".*") -> str:
    """Return the first value of a query's parameter if it looks ``like`` that, else an empty string."""
    value = next((query[name][0] for name in names if name in query), "")
    return value if _match(like, value) else ""


def _link(provider: str, title: str) -> Player:
    return Player(provider, "", "link", title)


def _youtube(path: str, query: Query) -> Player | None:
    if _match(r"/(?:playlist|embed/videoseries)/?", path):
        return _youtube_list(_first(query, "list", like=r"[\w-]{10,64}"))
    if match := _match(r"/channel/(UC[\w-]{22})/live/?", path):
        return _youtube_live(match[1])
    if _match(r"/embed/live_stream/?", path):
        return _youtube_live(_first(query, "channel", like=r"UC[\w-]{22}"))
    if _match(r"/(?:@[\w.-]{3,60}|c/[\w-]{1,100}|user/\w{1,60})/live/?", path):
        return _link("YouTube", "Live on YouTube")
    if _match(r"/clip/[\w-]{20,60}/?", path):
        return _link("YouTube", "Clip on YouTube")
    match = _match(r"/(?:shorts/|live/|embed/|v/)([\w-]{11})/?", path)
    video = match[1] if match else (_first(query, "v") if path.rstrip("/") == "/watch" else "")
    return _youtube_video(video, query)


def _youtube_short(path: str, query: Query) -> Player | None:
    return _youtube_video(path.strip("/"), query)


def _youtube_list(name: str) -> Player | None:
    if not name:
        return None
    source = f"https://www.youtube-nocookie.com/embed/videoseries?list={name}&autoplay=1"
    page = f"https://www.youtube.com/playlist?list={name}"
    return Player("YouTube", source, "video", "Playlist on YouTube", _SOUND, page=page)


def _youtube_live(channel: str) -> Player | None:
    if not channel:
        return None
    source = f"https://www.youtube-nocookie.com/embed/live_stream?channel={channel}&autoplay=1"
    page = f"https://www.youtube.com/channel/{channel}/live"
    return Player("YouTube", source, "video", "Live on YouTube", _SOUND, page=page)


def _youtube_video(video: str, query: Query) -> Player | None:
    if not _match(r"[\w-]{11}", video):
        return None
    start = _seconds(_first(query, "t", "start"))
    source = f"https://www.youtube-nocookie.com/embed/{video}?autoplay=1" + (f"&start={start}" if start else "")
    page = f"https://www.youtube.com/watch?v={video}" + (f"&t={start}" if start else "")
    return Player("YouTube", source, "video", "Video on YouTube", _SOUND, page=page)


def _seconds(written: str) -> int:
    match = _match(r"(?:(\d{1,2})h)?(?:(\d{1,4})m)?(?:(\d{1,6})s?)?", written)
    if not match:
        return 0
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + seconds


def _vimeo(path: str, query: Query) -> Player | None:
    if match := _match(r"/(?:showcase|album)/(\d{1,12})(?:/embed)?/?", path):
        return Player("Vimeo", f"https://vimeo.com/showcase/{match[1]}/embed", "video", "Showcase on Vimeo", _SOUND)
    if match := _match(r"/event/(\d{1,12})(?:/embed)?(/[0-9a-f]{6,20})?/?", path):
        source = f"https://vimeo.com/event/{match[1]}/embed{match[2] or ''}"
        return Player("Vimeo", source, "video", "Event on Vimeo", _SOUND)
    if _match(r"/(?:ondemand/[\w-]{1,100}|[\w-]{1,100}/review/\d{1,12}/[0-9a-f]{6,20})/?", path):
        return _link("Vimeo", "Video on Vimeo")
    folders = (
        r"video/|channels/[\w-]+/|groups/[\w-]+/videos/|(?:showcase|album)/\d+/video/|manage/videos/|ondemand/[\w-]+/"
    )
    match = _match(rf"/(?:{folders})?(\d{{1,12}})(?:/([0-9a-f]{{6,20}}))?/?", path)
    if not match:
        return None
    secret = match[2] or _first(query, "h", like=r"[0-9a-f]{6,20}")
    source = f"https://player.vimeo.com/video/{match[1]}?autoplay=1&dnt=1" + (f"&h={secret}" if secret else "")
    return Player("Vimeo", source, "video", "Video on Vimeo", _SOUND)


def _spotify(path: str, query: Query) -> Player | None:
    kinds = "track|episode|album|playlist|show|artist"
    match = _match(rf"/(?:intl-[a-z-]{{2,8}}/)?(?:embed/)?({kinds})/([0-9A-Za-z]{{22}})/?", path)
    if not match:
        return None
    shape = "track" if match[1] in {"track", "episode"} else "list"
    source = f"https://open.spotify.com/embed/{match[1]}/{match[2]}"
    return Player("Spotify", source, shape, f"{match[1].capitalize()} on Spotify", _SOUND)


def _soundcloud(path: str, query: Query) -> Player | None:
    match = _match(r"/([\w-]{1,100})/(sets/)?([\w-]{1,200})(/s-\w{5,20})?/?", path)
    if not match or match[1] in {"you", "discover", "search", "stream", "pages"}:
        return None
    page = f"https://soundcloud.com/{match[1]}/{match[2] or ''}{match[3]}{match[4] or ''}"
    source = f"https://w.soundcloud.com/player/?url={quote(page, safe='')}&auto_play=true&visual=false"
    shape, title = ("list", "Playlist") if match[2] else ("track", "Track")
    return Player("SoundCloud", source, shape, f"{title} on SoundCloud", "autoplay")


def _soundcloud_short(path: str, query: Query) -> Player | None:
    return _link("SoundCloud", "Sound on SoundCloud") if _match(r"/\w{5,40}/?", path) else None


def _bluesky(path: str, query: Query) -> Player | None:
    # The frame takes what names a repository in an at:// address: a handle as well as a DID.
    who = r"did:[a-z]+:[\w.:-]{1,100}|[a-z0-9.-]{3,253}"
    match = _match(rf"/profile/({who})/post/([0-9a-z]{{8,20}})/?", path)
    if not match:
        return None
    source = f"https://embed.bsky.app/embed/{match[1]}/app.bsky.feed.post/{match[2]}"
    return Player("Bluesky", source, "post", "Post on Bluesky")


def _datawrapper(path: str, query: Query) -> Player | None:
    match = _match(r"/(?:_/)?([0-9A-Za-z]{5})(?:/(\d{1,4}))?/?", path)
    if not match:
        return None
    source = f"https://datawrapper.dwcdn.net/{match[1]}/" + (f"{match[2]}/" if match[2] else "")
    return Player("Datawrapper", source, "chart", "Chart on Datawrapper")


def _x(path: str, query: Query) -> Player | None:
    match = _match(r"/(?:(\w{1,15})|i/web)/status(?:es)?/\d{1,20}(?:/(?:photo|video)/\d)?/?", path)
    if not match:
        return None
    return _link("X", f"Post by @{match[1]} on X" if match[1] and match[1] != "i" else "Post on X")


def _instagram(path: str, query: Query) -> Player | None:
    match = _match(r"/(?:[\w.]{1,30}/)?(p|reels?|tv)/[\w-]{5,40}(?:/embed(?:/captioned)?)?/?", path)
    return _link("Instagram", f"{_INSTAGRAM_KINDS[match[1]]} on Instagram") if match else None


def _tiktok(path: str, query: Query) -> Player | None:
    match = _match(r"/(?:@[\w.]{1,40}/video/|embed/(?:v\d/)?|player/v1/)(\d{5,25})/?", path)
    if match:
        source = f"https://www.tiktok.com/player/v1/{match[1]}?autoplay=1"
        return Player("TikTok", source, "tall", "Video on TikTok", _SOUND)
    if _match(r"/(?:t/\w{5,20}|@[\w.]{1,40}/(?:live|photo/\d{5,25}))/?", path):
        return _link("TikTok", "Live on TikTok" if path.rstrip("/").endswith("/live") else "Post on TikTok")
    return None


def _tiktok_short(path: str, query: Query) -> Player | None:
    return _link("TikTok", "Post on TikTok") if _match(r"/\w{5,20}/?", path) else None


def _twitch(path: str, query: Query) -> Player | None:
    if match := _match(r"/\w{4,25}/clip/([\w-]{5,100})/?", path):
        return _twitch_clip(match[1])
    if match := _match(r"/(?:videos|\w{4,25}/v(?:ideo)?)/(\d{5,20})/?", path):
        return _twitch_video(match[1], _seconds(_first(query, "t")))
    match = _match(r"/(\w{4,25})/?", path)
    return _twitch_channel(match[1]) if match and match[1].lower() not in _TWITCH_PAGES else None


def _twitch_frame(path: str, query: Query) -> Player | None:
    if path.strip("/"):
        return None
    if video := _first(query, "video", like=r"v?\d{5,20}"):
        return _twitch_video(video.removeprefix("v"), _seconds(_first(query, "time")))
    channel = _first(query, "channel", like=r"\w{4,25}")
    return _twitch_channel(channel) if channel else None


def _twitch_clips(path: str, query: Query) -> Player | None:
    name = _first(query, "clip") if path.rstrip("/") == "/embed" else path.strip("/")
    return _twitch_clip(name) if _match(r"[\w-]{5,100}", name) else None


def _twitch_channel(name: str) -> Player:
    source = f"https://player.twitch.tv/?channel={name}&autoplay=true"
    page = f"https://www.twitch.tv/{name}"
    return Player("Twitch", source, "video", f"{name} on Twitch", _SOUND, page=page)


def _twitch_video(number: str, start: int) -> Player:
    time = f"{start}s"
    source = f"https://player.twitch.tv/?video=v{number}&autoplay=true" + (f"&time={time}" if start else "")
    page = f"https://www.twitch.tv/videos/{number}" + (f"?t={time}" if start else "")
    return Player("Twitch", source, "video", "Video on Twitch", _SOUND, page=page)


def _twitch_clip(name: str) -> Player:
    source = f"https://clips.twitch.tv/embed?clip={name}&autoplay=true"
    return Player("Twitch", source, "video", "Clip on Twitch", _SOUND, page=f"https://clips.twitch.tv/{name}")


def mastodon(host: str, path: str) -> Player | None:
    """Return the player for a post of an instance's own people; of another instance's there is none."""
    match = _match(r"/@([\w.-]{1,60})/(\d{5,20})/?", path)
    if not match:
        return None
    return Player("Mastodon", f"https://{host}/@{match[1]}/{match[2]}/embed", "post", f"Post on {host}")


def file(address: str, path: str) -> Player | None:
    """Return the browser's own player for a file of sound or moving pictures, wherever it is."""
    name = path.rsplit("/", 1)[-1]
    kind = name.lower().rsplit(".", 1)[-1]
    if kind not in {"mp4", "mp3"} or len(name) == len(kind) + 1:
        return None
    element, shape = ("video", "video") if kind == "mp4" else ("audio", "sound")
    return Player(urlsplit(address).hostname or "", address, shape, unquote(name), "", element)


HOSTS = {
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
    "on.soundcloud.com": _soundcloud_short,
    "bsky.app": _bluesky,
    "datawrapper.dwcdn.net": _datawrapper,
    "x.com": _x,
    "mobile.x.com": _x,
    "twitter.com": _x,
    "mobile.twitter.com": _x,
    "instagram.com": _instagram,
    "tiktok.com": _tiktok,
    "m.tiktok.com": _tiktok,
    "vm.tiktok.com": _tiktok_short,
    "vt.tiktok.com": _tiktok_short,
    "twitch.tv": _twitch,
    "m.twitch.tv": _twitch,
    "player.twitch.tv": _twitch_frame,
    "clips.twitch.tv": _twitch_clips,
}
"""What reads the addresses of a host, which is given without ``www.``: the path and the query in, a player out."""

FRAME_HOSTS = (
    "www.youtube-nocookie.com",
    "player.vimeo.com",
    "vimeo.com",
    "open.spotify.com",
    "w.soundcloud.com",
    "embed.bsky.app",
    "datawrapper.dwcdn.net",
    "www.tiktok.com",
    "player.twitch.tv",
    "clips.twitch.tv",
)
