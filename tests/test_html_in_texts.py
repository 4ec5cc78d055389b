"""HTML that authors write or paste: players' codes, tags, and what they did before; and texts that show nothing."""

import io
import json
import re
import time
import uuid
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from liveblog import player_codes, players
from liveblog.desk.html_in_texts import hints_for, text_to_edit, with_markdown
from liveblog.models import Event, Update, Waiting
from liveblog.models.content import is_shown
from liveblog.text import render
from tests.server import ROOT, make_event, publish

pytestmark = pytest.mark.django_db

YOUTUBE = "https://www.youtube.com/watch?v=dQw4w9WgXcQ"
CODES = {
    "YouTube": (
        (
            '<iframe width="560" height="315" src="https://www.youtube.com/embed/dQw4w9WgXcQ?si=x" title="Video" '
            'frameborder="0" allow="autoplay" allowfullscreen></iframe>'
        ),
        YOUTUBE,
    ),
    "YouTube, from a moment on": (
        '<iframe src="https://www.youtube-nocookie.com/embed/dQw4w9WgXcQ?si=x&amp;start=75"></iframe>',
        f"{YOUTUBE}&t=75",
    ),
    "YouTube, on several lines": (
        '<iframe\n  width="560"\n  src="//www.youtube.com/embed/dQw4w9WgXcQ"\n></iframe>',
        YOUTUBE,
    ),
    "Vimeo": (
        (
            '<div style="padding:56%"><iframe src="https://player.vimeo.com/video/76979871?h=8272103f6e&amp;a=1" '
            'allow="autoplay"></iframe></div><script src="https://player.vimeo.com/api/player.js"></script>'
        ),
        "https://player.vimeo.com/video/76979871?h=8272103f6e&a=1",
    ),
    "Spotify": (
        '<iframe style="border-radius:12px" src="https://open.spotify.com/embed/track/4uLU6hMCjMI75M1A2tKUQC"></iframe>',
        "https://open.spotify.com/embed/track/4uLU6hMCjMI75M1A2tKUQC",
    ),
    "SoundCloud": (
        (
            '<iframe src="https://w.soundcloud.com/player/?url=https%3A//api.soundcloud.com/tracks/293&color=%23ff5500">'
            '</iframe><div style="font-size: 10px;"><a href="https://soundcloud.com/forss" title="Forss">Forss</a> · '
            '<a href="https://soundcloud.com/forss/flickermood" title="Flickermood">Flickermood</a></div>'
        ),
        "https://soundcloud.com/forss/flickermood",
    ),
    "Bluesky": (
        (
            '<blockquote class="bluesky-embed" data-bluesky-uri="at://did:plc:z72/post/3l6"><p lang="en">Hello'
            "<br><br>two</p>&mdash; Bluesky "
            '(<a href="https://bsky.app/profile/bsky.app?ref_src=embed">@bsky.app</a>) '
            '<a href="https://bsky.app/profile/bsky.app/post/3l6oveex3ii2l?ref_src=embed">May 8</a></blockquote>'
            '<script async src="https://embed.bsky.app/static/embed.js" charset="utf-8"></script>'
        ),
        "https://bsky.app/profile/bsky.app/post/3l6oveex3ii2l?ref_src=embed",
    ),
    "Mastodon": (
        (
            '<iframe src="https://mastodon.social/@Gargron/100254678717223630/embed" class="mastodon-embed"></iframe>'
            '<script src="https://mastodon.social/embed.js" async="async"></script>'
        ),
        "https://mastodon.social/@Gargron/100254678717223630",
    ),
    "TikTok": (
        (
            '<blockquote class="tiktok-embed" cite="https://www.tiktok.com/@scout2015/video/6718335390845095173" '
            'data-video-id="6718335390845095173"><section><p>Scramble up</p></section></blockquote> '
            '<script async src="https://www.tiktok.com/embed.js"></script>'
        ),
        "https://www.tiktok.com/@scout2015/video/6718335390845095173",
    ),
    "Twitch": (
        '<iframe src="https://player.twitch.tv/?video=v1234567890&parent=a.example" height="378"></iframe>',
        "https://www.twitch.tv/videos/1234567890",
    ),
    "X": (
        (
            '<blockquote class="twitter-tweet"><p lang="en" dir="ltr">We are *going* &amp; <a '
            'href="https://t.co/a">https://t.co/a</a><br><br>#Artemis</p>&mdash; NASA (@NASA) <a '
            'href="https://twitter.com/NASA/status/1590583293443039232?ref_src=twsrc%5Etfw">May 8</a></blockquote> '
            '<script async src="https://platform.twitter.com/widgets.js" charset="utf-8"></script>'
        ),
        (
            "> We are \\*going\\* & https://t.co/a\n>\n> \\#Artemis\n\n"
            "https://twitter.com/NASA/status/1590583293443039232?ref_src=twsrc%5Etfw"
        ),
    ),
    "Datawrapper": (
        (
            '<iframe title="Chart" id="datawrapper-chart-aB3dE" src="https://datawrapper.dwcdn.net/aB3dE/2/"></iframe>'
            '<script type="text/javascript">!function(){"use strict"}();\n</script>'
        ),
        "https://datawrapper.dwcdn.net/aB3dE/2/",
    ),
}


@pytest.mark.parametrize("name", CODES)
def test_the_code_of_a_player_we_know_becomes_its_link(name: str) -> None:
    code, link = CODES[name]
    assert player_codes.with_links(code) == link
    assert player_codes.with_links(f"Before.\n\n{code}\nAfter </3.") == f"Before.\n\n{link}\nAfter </3."
    assert is_shown(render(link))
    assert 'class="player' in _drawn(link)


def _drawn(text: str) -> str:
    return players.with_fronts(render(text))


@pytest.mark.parametrize(
    "text",
    [
        '<iframe src="https://evil.example/embed/dQw4w9WgXcQ"></iframe>',
        f"Look: {CODES['YouTube'][0]}",
        f"```\n{CODES['YouTube'][0]}\n```",
        "<div>a</div>",
        '<iframe src="https://www.youtube.com/embed/dQw4w9WgXcQ">',
        '<blockquote class="twitter-tweet"><p>Hello</p></blockquote>',
    ],
)
def test_any_other_code_is_text(text: str) -> None:
    assert player_codes.with_links(text) == text
    assert "player" not in _drawn(text).replace("player.", "")


def test_codes_without_end_are_read_in_a_moment() -> None:
    began_at = time.process_time()
    for text in (
        "<iframe\n" * 2_500 + "</b>",
        "<div></p>\n" * 2_000,
        "<iframe " * 2_500 + "</b>",
        '<div src="' * 2_000 + "</p>",
    ):
        assert player_codes.with_links(text) == text
        assert hints_for(text, text)
        with_markdown(text)
    assert time.process_time() - began_at < 10


# Tags.


def test_an_author_is_told_that_html_does_nothing() -> None:
    assert hints_for("a <b>c</b>", "a <b>c</b>")[0].startswith("<b> is shown as you typed it")
    assert hints_for("</p>", "</p>")
    for text in ("x < y > z", "<name withheld>", "`<b>`", "```\n<b>\n```", "**b**"):
        assert hints_for(text, text) == []
    code, link = CODES["YouTube"]
    assert hints_for(code, link) == ["The code you pasted became the link to what it shows."]


BEFORE = "<b>Bold</b>, <i>italic</i>, <s> gone </s><br>next `<b>`\n```\n<i>code</i>\n```\n<u>u</u>"
NOW = "**Bold**, *italic*,  ~~gone~~ \nnext `<b>`\n```\n<i>code</i>\n```\n<u>u</u>"


def test_tags_of_before_become_markdown() -> None:
    assert with_markdown("<B>x</B><br />\ny<br>z <b></b> <i>open") == "**x**\ny\nz <b></b> <i>open"
    stored = "<p><b>Bold</b>, <i>italic</i>, <s>gone</s><br>next <code>&lt;b&gt;</code></p>"
    assert text_to_edit(BEFORE, stored) == NOW
    assert text_to_edit(BEFORE, render(BEFORE)) == BEFORE
    assert text_to_edit("nothing", "<p>nothing</p>") == "nothing"


# At the desk.


@pytest.fixture
def event() -> Event:
    return make_event("Harbour bridge", slug="bridge")


@pytest.fixture
def desk(event: Event) -> Client:
    client = Client()
    client.force_login(event.authors.get())
    return client


def stored_before(event: Event) -> Update:
    """Return an update whose HTML is of the rules before."""
    update = publish(event, "<b>Goal</b> by 7")
    Update.objects.filter(pk=update.pk).update(body_html="<p><b>Goal</b> by 7</p>", body_text="Goal by 7")
    update.refresh_from_db()
    return update


def test_a_stored_text_keeps_its_html_until_its_next_edit_which_begins_with_markdown(
    event: Event, desk: Client
) -> None:
    update = stored_before(event)
    address = reverse("desk-update", args=[event.slug, update.number])
    form = unescape(desk.get(address).content.decode())
    assert "**Goal** by 7</textarea>" in form
    assert "HTML in this text has become Markdown" in form
    update.edit(headline="Only this", body=update.body)
    update.refresh_from_db()
    assert update.body_html == "<p><b>Goal</b> by 7</p>"
    desk.post(address, {"headline": "", "body": "**Goal** by 7"})
    update.refresh_from_db()
    assert update.body_html == "<p><strong>Goal</strong> by 7</p>"
    assert "has become Markdown" not in unescape(desk.get(address).content.decode())


def test_a_summary_keeps_its_html_until_its_next_edit(event: Event, desk: Client) -> None:
    Event.objects.filter(pk=event.pk).update(summary="<i>Wind</i>", summary_html="<p><i>Wind</i></p>")
    event.refresh_from_db()
    event.revise(summary="<i>Wind</i>", title="Another")
    event.refresh_from_db()
    assert event.summary_html == "<p><i>Wind</i></p>"
    assert "*Wind*</textarea>" in desk.get(reverse("desk-settings", args=[event.slug])).content.decode()


def test_the_preview_shows_a_code_as_its_player_and_tells_of_tags(event: Event, desk: Client) -> None:
    def preview(body: str) -> str:
        return unescape(desk.post(reverse("desk-render", args=[event.slug]), {"body": body}).content.decode())

    assert "became the link" in preview(CODES["YouTube"][0])
    assert 'data-player="https://www.youtube-nocookie.com/embed/dQw4w9WgXcQ' in preview(CODES["YouTube"][0])
    assert "is shown as you typed it" in preview("<b>x</b>")
    assert 'class="hint"' not in preview("**x**")


def test_a_code_is_stored_and_published_as_its_link(event: Event, desk: Client) -> None:
    code, link = CODES["YouTube"]
    sent = {"key": str(uuid.uuid4()), "body": code}
    for _ in range(2):  # sent again, it is the same
        assert desk.post(reverse("desk-updates", args=[event.slug]), sent).status_code == 302
    assert event.updates.get().body == link


@pytest.mark.parametrize("name", ["composer", "an edit", "a waiting one"])
def test_the_rules_stand_behind_a_question_mark(name: str, event: Event, desk: Client) -> None:
    update = publish(event, "One")
    waiting = event.submit(author=event.authors.get(), body="Two", needs_approval=True)
    assert isinstance(waiting, Waiting)
    addresses = {
        "composer": reverse("desk", args=[event.slug]),
        "an edit": reverse("desk-update", args=[event.slug, update.number]),
        "a waiting one": reverse("desk-waiting", args=[event.slug, waiting.key]),
    }
    assert "How to format a text" in desk.get(addresses[name]).content.decode()


def test_the_rules_at_the_desk_are_those_of_the_document() -> None:
    source = (ROOT / "templates" / "liveblog" / "desk" / "markdown.html").read_text()
    rows = re.findall(r"<tr><td><code>(.*?)</code></td><td>(.*?)</td></tr>", source, re.DOTALL)
    assert len(rows) > 10
    for typed, shown in rows:
        made = render(unescape(typed)).replace("\n", "")
        assert re.sub(r"</?p>", "", made) == shown


# What readers would see nothing of.

NOTHING = [
    "<!-- -->",
    "***",
    "---",
    ">",
    "> >",
    "-",
    "- ",
    "*",
    "&nbsp;",
    "&#8203;",
    "```\n```",
    "~~~\n\n~~~",
    "[](https://a.example)",
]
SHOWS = [text for text in NOTHING if is_shown(render(text))]


def test_which_marks_alone_show_something() -> None:
    assert SHOWS == ["<!-- -->"]
    for text in (
        "1.",
        "#",
        "[x]: https://a.example",
        "[](https://youtu.be/dQw4w9WgXcQ)",
        "- [ ] x",
        "![](https://a.example/b.jpg)",
    ):
        assert is_shown(render(text)), text
    assert not is_shown("<ol><li></li><li></li></ol>")


@pytest.mark.parametrize("text", [text for text in NOTHING if text not in SHOWS])
def test_a_text_that_shows_nothing_is_refused_when_posted_edited_and_queued(
    text: str, event: Event, desk: Client
) -> None:
    posted = desk.post(reverse("desk-updates", args=[event.slug]), {"key": str(uuid.uuid4()), "body": text})
    assert posted.status_code == 422
    assert not event.updates.exists()
    update = publish(event, "One", headline="H")
    update.edit(body=text)  # its headline shows
    with pytest.raises(ValidationError):
        update.edit(headline="")
    other = publish(event, "Two")
    with pytest.raises(ValidationError):
        other.edit(body=text)
    with pytest.raises(ValidationError):
        event.submit(author=event.authors.get(), body=text, needs_approval=True)
    waiting = event.submit(author=event.authors.get(), body="Three", needs_approval=True)
    assert isinstance(waiting, Waiting)
    with pytest.raises(ValidationError):
        waiting.edit(headline="", body=text)
    assert waiting.body == "Three"


def test_an_update_of_before_that_shows_nothing_can_still_be_marked_and_withdrawn(event: Event) -> None:
    update = publish(event, "One")
    Update.objects.filter(pk=update.pk).update(body="***", body_html="<hr>", body_text="")
    update.refresh_from_db()
    update.mark_key()
    update.withdraw()
    assert update.withdrawn_at


def test_an_import_takes_an_update_that_shows_nothing_and_names_it(event: Event, tmp_path: Path, settings: Any) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"
    publish(event, "One")
    publish(event, "Two")
    call_command("export", event.slug, str(tmp_path / "moved"), stdout=io.StringIO())
    event.delete()
    document = tmp_path / "moved" / "event.json"
    exported = json.loads(document.read_text())
    exported["updates"][1]["body"] = "***"
    document.write_text(json.dumps(exported))
    said = io.StringIO()
    call_command("import", str(tmp_path / "moved"), stdout=said)
    assert "Readers see nothing of update 2: its text is all marks." in said.getvalue().splitlines()
    assert Event.objects.get().updates.get(number=2).body_html == "<hr>"
