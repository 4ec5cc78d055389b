"""Links that become players: which, what their fronts hold, and what no text can make of them."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from liveblog import markup, players
from liveblog.models import Event
from tests.page import Elements
from tests.server import publish

YOUTUBE = "https://www.youtube-nocookie.com/embed/dQw4w9WgXcQ?autoplay=1"
SOUNDCLOUD = (
    "https://w.soundcloud.com/player/?url=https%3A%2F%2Fsoundcloud.com%2Fforss%2F{}&auto_play=true&visual=false"
)
CHANNEL = "UCLA_DiR1FfKNvjuUpBHmylQ"
YOUTUBE_LIST = "https://www.youtube-nocookie.com/embed/videoseries?list=PLrAXtmErZgOe&autoplay=1"
YOUTUBE_LIVE = f"https://www.youtube-nocookie.com/embed/live_stream?channel={CHANNEL}&autoplay=1"
VIMEO = "https://player.vimeo.com/video/76979871?autoplay=1&dnt=1"
TIKTOK = "https://www.tiktok.com/player/v1/6718335390845095173?autoplay=1"
TWITCH_CHANNEL = "https://player.twitch.tv/?channel=esl_csgo&autoplay=true"
TWITCH_CLIP = "https://clips.twitch.tv/embed?clip=AwkwardSlug-a1B2&autoplay=true"
TRACK = "4uLU6hMCjMI75M1A2tKUQC"


@pytest.mark.parametrize(
    ("address", "source", "shape"),
    [
        ("https://www.youtube.com/watch?v=dQw4w9WgXcQ", YOUTUBE, "video"),
        ("http://youtu.be/dQw4w9WgXcQ", YOUTUBE, "video"),
        ("http://www.youtube.com/watch?v=dQw4w9WgXcQ", YOUTUBE, "video"),
        ("https://youtube.com/watch?app=desktop&v=dQw4w9WgXcQ&list=x", YOUTUBE, "video"),
        ("https://youtu.be/dQw4w9WgXcQ?si=abc&t=75", YOUTUBE + "&start=75", "video"),
        ("https://m.youtube.com/watch?v=dQw4w9WgXcQ&t=1h2m3s", YOUTUBE + "&start=3723", "video"),
        ("https://www.youtube.com/shorts/dQw4w9WgXcQ", YOUTUBE, "video"),
        ("https://www.youtube.com/live/dQw4w9WgXcQ?feature=share", YOUTUBE, "video"),
        ("https://www.youtube-nocookie.com/embed/dQw4w9WgXcQ", YOUTUBE, "video"),
        ("https://vimeo.com/76979871", VIMEO, "video"),
        (
            "https://vimeo.com/76979871/0a1b2c3d4e",
            "https://player.vimeo.com/video/76979871?autoplay=1&dnt=1&h=0a1b2c3d4e",
            "video",
        ),
        (f"https://open.spotify.com/track/{TRACK}?si=1", f"https://open.spotify.com/embed/track/{TRACK}", "track"),
        (f"https://open.spotify.com/intl-de/album/{TRACK}", f"https://open.spotify.com/embed/album/{TRACK}", "list"),
        (
            "https://soundcloud.com/forss/flickermood?in=x",
            SOUNDCLOUD.format("flickermood"),
            "track",
        ),
        (
            "https://soundcloud.com/forss/sets/ecclesia",
            SOUNDCLOUD.format("sets%2Fecclesia"),
            "list",
        ),
        (
            "https://bsky.app/profile/bsky.app/post/3l6oveex3ii2l",
            "https://embed.bsky.app/embed/bsky.app/app.bsky.feed.post/3l6oveex3ii2l",
            "post",
        ),
        (
            "https://bsky.app/profile/did:plc:z72i7hdynmk6r22z27h6tvur/post/3l6oveex3ii2l",
            "https://embed.bsky.app/embed/did:plc:z72i7hdynmk6r22z27h6tvur/app.bsky.feed.post/3l6oveex3ii2l",
            "post",
        ),
        (
            "https://mastodon.social/@Gargron/100254678717223630",
            "https://mastodon.social/@Gargron/100254678717223630/embed",
            "post",
        ),
        ("https://www.youtube.com/playlist?list=PLrAXtmErZgOe", YOUTUBE_LIST, "video"),
        ("https://www.youtube.com/embed/videoseries?si=x&list=PLrAXtmErZgOe", YOUTUBE_LIST, "video"),
        (f"https://www.youtube.com/channel/{CHANNEL}/live", YOUTUBE_LIVE, "video"),
        (f"https://www.youtube.com/embed/live_stream?channel={CHANNEL}", YOUTUBE_LIVE, "video"),
        ("https://vimeo.com/groups/shortfilms/videos/76979871", VIMEO, "video"),
        ("https://vimeo.com/showcase/3253534/video/76979871", VIMEO, "video"),
        ("https://vimeo.com/album/3253534/video/76979871", VIMEO, "video"),
        ("https://vimeo.com/ondemand/somefilm/76979871", VIMEO, "video"),
        ("https://vimeo.com/showcase/3253534", "https://vimeo.com/showcase/3253534/embed", "video"),
        ("https://vimeo.com/event/1234567", "https://vimeo.com/event/1234567/embed", "video"),
        ("https://vimeo.com/event/1234567/0a1b2c3d4e", "https://vimeo.com/event/1234567/embed/0a1b2c3d4e", "video"),
        ("https://soundcloud.com/forss/demo/s-AbCdEf123", SOUNDCLOUD.format("demo%2Fs-AbCdEf123"), "track"),
        ("https://www.tiktok.com/@scout2015/video/6718335390845095173?lang=en", TIKTOK, "tall"),
        ("https://www.tiktok.com/embed/v2/6718335390845095173", TIKTOK, "tall"),
        ("https://www.twitch.tv/esl_csgo", TWITCH_CHANNEL, "video"),
        ("https://player.twitch.tv/?channel=esl_csgo&parent=a.example", TWITCH_CHANNEL, "video"),
        (
            "https://www.twitch.tv/videos/1234567890?t=1h2m3s",
            "https://player.twitch.tv/?video=v1234567890&autoplay=true&time=3723s",
            "video",
        ),
        ("https://clips.twitch.tv/AwkwardSlug-a1B2", TWITCH_CLIP, "video"),
        ("https://www.twitch.tv/esl_csgo/clip/AwkwardSlug-a1B2?filter=clips", TWITCH_CLIP, "video"),
        ("https://clips.twitch.tv/embed?clip=AwkwardSlug-a1B2&parent=a.example", TWITCH_CLIP, "video"),
        ("https://datawrapper.dwcdn.net/aB3dE/2/", "https://datawrapper.dwcdn.net/aB3dE/2/", "chart"),
        ("https://datawrapper.dwcdn.net/aB3dE", "https://datawrapper.dwcdn.net/aB3dE/", "chart"),
        ("https://example.org/films/landing.mp4?x=1", "https://example.org/films/landing.mp4?x=1", "video"),
        ("https://example.org/Anthem.MP3", "https://example.org/Anthem.MP3", "sound"),
    ],
)
def test_a_known_address_becomes_its_providers_player(address: str, source: str, shape: str) -> None:
    player = players.recognise(address)
    assert player is not None
    assert (player.source, player.shape) == (source, shape)
    if player.element == "iframe":
        host = source.split("/")[2]
        assert f"https://{host}" in players.policy()["frame-src"]


@pytest.mark.parametrize(
    ("address", "provider", "title"),
    [
        ("https://x.com/NASA/status/1590583293443039232?s=20", "X", "Post by @NASA on X"),
        ("https://mobile.twitter.com/NASA/status/1590583293443039232/photo/1", "X", "Post by @NASA on X"),
        ("https://twitter.com/i/web/status/1590583293443039232", "X", "Post on X"),
        ("https://www.instagram.com/p/CoSfxnQjhI6/?igsh=x", "Instagram", "Post on Instagram"),
        ("https://www.instagram.com/nasa/reel/CoSfxnQjhI6/", "Instagram", "Reel on Instagram"),
        ("https://vm.tiktok.com/ZMabc123/", "TikTok", "Post on TikTok"),
        ("https://www.tiktok.com/@scout2015/live", "TikTok", "Live on TikTok"),
        ("https://on.soundcloud.com/Ab3dE", "SoundCloud", "Sound on SoundCloud"),
        ("https://www.youtube.com/clip/UgkxU2HSeGL_NvmDJ-nQJrlLllwMDBdGZFs1", "YouTube", "Clip on YouTube"),
        ("https://www.youtube.com/@NASA/live", "YouTube", "Live on YouTube"),
        ("https://vimeo.com/ondemand/somefilm", "Vimeo", "Video on Vimeo"),
    ],
)
def test_what_has_no_frame_to_be_shown_in_is_a_link_that_names_its_provider(
    address: str, provider: str, title: str
) -> None:
    drawn = players.with_fronts(markup.render(address))
    (box, link, *parts) = Elements(drawn).found
    assert box.attributes == {"class": "player is-link"}
    assert link.attributes["href"] == address
    assert (f">{title}<" in drawn, f">{provider}<" in drawn, len(parts)) == (True, True, 3)


STAYS_A_LINK = [
    "https://example.org/",
    "https://www.youtube.com/",
    "https://www.youtube.com/@channel",
    "https://www.youtube.com/watch?v=short",
    "https://www.youtube.com/watch?v=dQw4w9WgXcQ%22onload",
    "https://youtube.com.evil.example/watch?v=dQw4w9WgXcQ",
    "https://evil.example/watch?v=dQw4w9WgXcQ",
    "https://youtube.com@evil.example/watch?v=dQw4w9WgXcQ",
    "https://user:pass@www.youtube.com/watch?v=dQw4w9WgXcQ",
    "https://www.youtube.com:8443/watch?v=dQw4w9WgXcQ",
    "http://example.org/films/landing.mp4",
    "https://mastodon.social/@who@elsewhere.example/100254678717223630",
    "//youtu.be/dQw4w9WgXcQ",
    "javascript://youtu.be/dQw4w9WgXcQ",
    "data:text/html,<script>alert(1)</script>",
    "https://youtu.be/dQw4w9WgXc\u0451",
    "https://xn--yutube-jua.com/watch?v=dQw4w9WgXcQ",
    "https://youtu.be/../dQw4w9WgXcQ",
    "https://youtu.be/dQw4w9WgXcQ%2f..",
    "https://www.youtube.com/embed/videoseries",
    "https://www.youtube.com/playlist?list=a%22b",
    "https://www.youtube.com/embed/live_stream?channel=x",
    "https://vimeo.com/about",
    "https://x.com/NASA",
    "https://x.com/NASA/status/soon",
    "https://www.instagram.com/nasa/",
    "https://www.tiktok.com/@scout2015",
    "https://www.tiktok.com/@scout2015/video/12%2f..",
    "https://www.twitch.tv/directory",
    "https://www.twitch.tv/directory/category/chess",
    "https://player.twitch.tv/?channel=a%26parent%3Devil.example",
    "https://clips.twitch.tv/embed",
    "https://on.soundcloud.com/",
    "https://open.spotify.com/user/somebody",
    "https://soundcloud.com/discover/sets/weekly",
    "https://soundcloud.com/somebody",
    "https://bsky.app/profile/bsky.app",
    "https://mastodon.elsewhere.example/@who/100254678717223630",
    "https://mastodon.social/@Gargron",
    "https://datawrapper.dwcdn.net/aB3dE/2/../../evil",
    "https://example.org/.mp4",
    "https://[::1/a.mp4",
    "https://example.org/" + "a" * 600 + ".mp4",
    "https://youtu.be/dQw4w9WgXcQ?" + "&a=1" * 120,
]


@pytest.mark.parametrize("address", STAYS_A_LINK)
def test_everything_else_stays_what_it_was(address: str) -> None:
    if "&a=1" not in address:
        assert players.recognise(address) is None
    html = markup.render(f"<{address}>\n\n[Words]({address})")
    drawn = players.with_fronts(html)
    for one in Elements(drawn).found:
        assert not one.attributes.get("data-player", "https://").startswith(("http:", "javascript", "data", "//"))
        assert "evil" not in one.attributes.get("data-player", "")
        assert not [name for name in one.attributes if name.startswith("on") or name == "style"]


def fronts(text: str) -> list[str]:
    found = Elements(players.with_fronts(markup.render(text))).found
    return [one["data-player"] for one in found if "data-player" in one.attributes]


def test_only_a_link_alone_on_its_line_is_a_player() -> None:
    link = "https://youtu.be/dQw4w9WgXcQ"
    assert fronts(link) == [YOUTUBE]
    assert fronts(f"Before.\n\n{link}\n\nAfter.") == [YOUTUBE]
    assert fronts(f"Before\n{link}\nafter") == [YOUTUBE]
    assert fronts(f"[The goal]({link})") == [YOUTUBE]
    assert fronts(f"> {link}") == [YOUTUBE]
    assert fronts("http://youtu.be/dQw4w9WgXcQ") == [YOUTUBE]
    assert fronts("www.youtube.com/watch?v=dQw4w9WgXcQ") == [YOUTUBE]
    assert "Video on YouTube" in players.with_fronts(markup.render("www.youtube.com/watch?v=dQw4w9WgXcQ"))
    assert fronts(f"See {link}") == []
    assert fronts(f"{link} {link}") == []
    assert fronts(f"# {link}") == []
    assert fronts(f"- {link}\n- more") == []
    assert fronts(f"| a |\n|---|\n| {link} |") == []
    assert fronts(f"*This\n{link}\nis one*") == []
    assert fronts(f"    {link}") == [YOUTUBE]  # spaces in front of a line mean nothing


def test_what_stands_around_a_player_stays_and_nothing_is_left_open() -> None:
    drawn = players.with_fronts(markup.render("One\n**two**\nhttps://youtu.be/dQw4w9WgXcQ\nthree & four"))
    assert drawn.startswith("<p>One<br>\n<strong>two</strong></p>\n<div")
    assert drawn.endswith("</div>\n<p>three &amp; four</p>")


def test_a_link_with_words_of_its_own_gives_the_player_its_title() -> None:
    drawn = players.with_fronts(markup.render("[The goal & 2 &lt; 3](https://youtu.be/dQw4w9WgXcQ)"))
    assert ">The goal &amp; 2 &lt; 3</span>" in drawn
    assert ">Video on YouTube</span>" in players.with_fronts(markup.render("https://youtu.be/dQw4w9WgXcQ"))
    assert ">landing 1.mp4</span>" in players.with_fronts(markup.render("https://example.org/landing%201.mp4"))


def test_the_stored_text_knows_nothing_of_players_and_no_text_can_draw_one(event: Event) -> None:
    update = publish(event, "https://youtu.be/dQw4w9WgXcQ")
    assert "player" not in update.body_html
    assert fronts('<div class="player" data-player="https://evil.example/" data-element="iframe">x</div>') == []


@pytest.mark.parametrize(
    "html",
    [
        "<p>" * 9_000,
        "<br>" * 9_000,
        "<p>" + "<a " * 9_000 + "</p>",
        "<p>" + "<br>" * 9_000 + "</p>",
        "<p>" + '<a href="https://youtu.be/dQw4w9WgXcQ" rel="nofollow noopener">x</a><br>' * 5_000 + "</p>",
        '<a href="https://youtu.be/' * 5_000,
    ],
    ids=["open", "ends", "tags", "lines", "players", "unfinished"],
)
def test_no_text_takes_long_and_one_update_has_only_so_many_players(html: str) -> None:
    began_at = time.process_time()
    drawn = players.with_fronts('<a href="https://">' + html)
    assert time.process_time() - began_at < 1  # of hundreds: what is not linear takes minutes
    assert drawn.count('class="player ') <= players.PLAYERS


@pytest.mark.django_db
def test_pages_with_updates_list_exactly_the_players_sources_and_others_none(
    event: Event, author: Any, make_event: Callable[..., Event]
) -> None:
    publish(event, "Words.")
    client = Client()
    client.force_login(author)
    base = f"/events/{event.slug}/"
    desk = f"/desk/{event.slug}/"
    for path in (base, f"{base}updates/1/", f"{base}embed/", f"{base}updates/1/embed/", desk, f"{desk}preview/"):
        policy = client.get(path)["Content-Security-Policy"]
        assert "frame-src 'self' https://www.youtube-nocookie.com https://player.vimeo.com" in policy, path
        assert "media-src https:" in policy
    for path in ("/", "/desk/", "/accounts/login/", f"{desk}edit/", f"{desk}people/", f"{base}embed/code/"):
        policy = client.get(path)["Content-Security-Policy"]
        assert "frame-src 'self';" in policy + ";", path
        assert "youtube" not in policy
        assert "media-src" not in policy


@pytest.mark.django_db
def test_the_pinned_update_and_the_desks_preview_have_players_too(event: Event, author: Any) -> None:
    update = publish(event, "https://youtu.be/dQw4w9WgXcQ")
    event.pin(update=update)
    html = Client().get(f"/events/{event.slug}/").content.decode()
    assert html.count('class="player is-video"') == 2
    client = Client()
    client.force_login(author)
    preview = client.post(f"/desk/{event.slug}/render/", {"body": "https://youtu.be/dQw4w9WgXcQ"})
    assert 'class="player is-video"' in preview.content.decode()
