"""Markdown in, safe HTML and plain text out, in bounded time."""

import time
from html.parser import HTMLParser

import pytest

from liveblog import markup
from liveblog.text import render

TAGS = set("a blockquote br code del em h4 h5 h6 hr li mark ol p pre strong table tbody td th thead tr ul".split())
ATTRIBUTES = {
    "a": {"href", "title", "rel"},
    "code": {"class"},
    "li": {"value"},
    "ol": {"start"},
    "table": {"tabindex"},
    "td": {"align"},
    "th": {"align"},
}
VOID = {"br", "hr"}


class Strict(HTMLParser):
    """Reads HTML as a browser would, and fails at anything that an update may not hold."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in TAGS, f"<{tag}>"
        for name, value in attrs:
            assert name in ATTRIBUTES.get(tag, set()), f"<{tag} {name}>"
            if name == "class":
                assert value is not None
                assert value.startswith("language-")
                assert not set(value) & set(" \t\n\"'<>")
            if name == "tabindex":
                assert value == "0"
            if name == "href":
                assert value is not None
                scheme, colon, _ = value.partition(":")
                is_relative = not colon or not scheme.strip("\x00\t\n\r ").isalnum()
                assert is_relative or scheme.lower() in {"http", "https", "mailto", "tel"}, value
        if tag == "a":
            assert dict(attrs)["rel"] == "nofollow noopener"
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert tag not in VOID
        assert self.open, f"</{tag}> closes nothing of the text"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"<!--{data}-->")

    def handle_decl(self, decl: str) -> None:
        raise AssertionError(f"<!{decl}>")

    def handle_pi(self, data: str) -> None:
        raise AssertionError(f"<?{data}>")

    def unknown_decl(self, data: str) -> None:
        raise AssertionError(f"<![{data}]>")


def read(text: str) -> Strict:
    """Render ``text`` and return what a strict reader finds."""
    parser = Strict()
    parser.feed(markup.render(text))
    parser.close()
    assert not parser.open, f"<{parser.open}> stays open"
    return parser


def links(text: str) -> list[str | None]:
    """Return where the links of the rendered ``text`` lead."""
    return [attributes.get("href") for tag, attributes in read(text).seen if tag == "a"]


HOSTILE = {
    "script": "<script>alert(1)</script>after",
    "script in a paragraph": "a <script src=//evil.example>alert(1)</script> b",
    "javascript link": "[x](javascript:alert(1))",
    "javascript in capitals": "[x](JaVaScRiPt:alert(1))",
    "javascript as a decimal entity": "[x](&#106;avascript:alert(1))",
    "javascript as a hexadecimal entity": "[x](&#x6A;avascript&#x3A;alert(1))",
    "javascript with a named colon": "[x](javascript&colon;alert(1))",
    "javascript with a tab": '<a href="java\tscript:alert(1)">x</a>',
    "javascript with an encoded newline": '<a href="java&#10;script:alert(1)">x</a>',
    "javascript after a control character": '<a href="&#1;javascript:alert(1)">x</a>',
    "javascript after blanks": '<a href="   javascript:alert(1)">x</a>',
    "javascript in angle brackets": "<javascript:alert(1)>",
    "javascript in a reference": "[x][1]\n\n[1]: javascript:alert(1)",
    "javascript in an image": "![x](javascript:alert(1))",
    "javascript in an automatic link": "javascript:alert(1) and http:javascript:alert(1)",
    "vbscript": "[x](vbscript:msgbox(1))",
    "data link": "[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "data image": "![x](data:image/svg+xml,<svg/onload=alert(1)>)",
    "file link": "[x](file:///etc/passwd)",
    "blob link": "[x](blob:https://evil.example/1)",
    "event handler": '<p onclick="alert(1)" onmouseover=alert(1)>x</p>',
    "event handler after a slash": "<img/src/onerror=alert(1)>",
    "event handler in a link's title": '[x](http://a.example "a\\" onmouseover=\\"alert(1)")',
    "event handler in an image's text": '![a" onload="alert(1)](http://a.example/x.png)',
    "style attribute": '<p style="position:fixed;inset:0">x</p>',
    "style element": "<style>body{display:none}</style>x",
    "id of a card": '<p id="update-42" name="update-42">x</p>',
    "id by an attribute list": "# Title {#update-42 .class onclick=alert(1)}\n\ntext\n{: #update-1 }",
    "class": '<p class="update is-key">x</p><code class="masthead">x</code>',
    "two classes on code": '<code class="language-x update">x</code>',
    "class by a fence": '```js" onclick="alert(1)\nx\n```',
    "class by a fence's attributes": "``` { .update #update-1 onclick=alert(1) }\nx\n```",
    "data attribute": '<p data-number="1" data-revision="99" data-gone data-reload>x</p>',
    "htmx attribute": '<a hx-get="/x" hx-trigger="load" data-hx-post="/y" hx-on::load="alert(1)" href="/z">x</a>',
    "article": '<article id="update-42" data-number="42" data-revision="9">x</article>',
    "end of the article": "</div></article></section></main></body></html>x",
    "end of the article in a paragraph": "one </p></div></article></section> two",
    "section that reloads": "<section data-reload></section>",
    "svg": "<svg><script>alert(1)</script><a xlink:href='javascript:alert(1)'><text>x</text></a></svg>",
    "svg animation": '<svg><a><animate attributeName="href" values="javascript:alert(1)"/>x</a></svg>',
    "math": '<math><mtext><table><mglyph><style><img src onerror="alert(1)"></style></mglyph></table></mtext></math>',
    "iframe": '<iframe src="javascript:alert(1)" srcdoc="<script>alert(1)</script>"></iframe>',
    "object and embed": '<object data="x.swf"></object><embed src="x.swf">',
    "form": '<form action="//evil.example"><input name="password"><button>OK</button></form>',
    "base": '<base href="//evil.example">x',
    "meta": '<meta http-equiv="refresh" content="0;url=//evil.example">x',
    "link": '<link rel="stylesheet" href="//evil.example">x',
    "template": '<template shadowrootmode="open"><script>alert(1)</script></template>x',
    "noscript": '<noscript><p title="</noscript><img src onerror=alert(1)>"></noscript>',
    "textarea": "<textarea></p></article>x",
    "title": "<title></article>x</title>",
    "plaintext": "<plaintext>x",
    "xmp": "<xmp><img src onerror=alert(1)></xmp>",
    "video": "<video autoplay><source onerror=alert(1)></video><audio src=x onerror=alert(1)>",
    "details": "<details open ontoggle=alert(1)><summary>x</summary></details>",
    "marquee": "<marquee onstart=alert(1)>x</marquee>",
    "tracking image": "<img src=//evil.example/pixel.gif>",
    "image with srcset": '<img srcset="//evil.example 1x" src=x>',
    "unclosed tag": "<a href='x",
    "unclosed attribute": '<p title="x',
    "unclosed elements": "<b><i><u>x",
    "crossed elements": "<b><i>x</b>y</i>",
    "nested tags": "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "doubled angle brackets": "<<script>alert(1);//<</script>",
    "comment": "a <!-- <article> --> b",
    "comment that ends early": "<!--> <script>alert(1)</script> -->",
    "conditional comment": "<!--[if IE]><script>alert(1)</script><![endif]-->",
    "processing instruction": "<?php echo 1 ?><?xml version='1.0'?>x",
    "cdata": "<![CDATA[<script>alert(1)</script>]]>x",
    "doctype": "<!DOCTYPE html><html><body>x",
    "escaped tags": "&lt;script&gt;alert(1)&lt;/script&gt;",
    "twice escaped tags": "&amp;lt;script&amp;gt;",
    "tags in code": "`<script>alert(1)</script>` and\n\n    <script>alert(1)</script>\n",
    "tags in a fence": "```\n</code></pre></article><script>alert(1)</script>\n```",
    "tags in a table": "|a|b|\n|-|-|\n|<script>x</script>|<p id=x>|",
    "tags in a headline": "# <script>x</script> <b id=x>y</b>",
    "mutation": '<p title="--><img src=x onerror=alert(1)>">x</p>',
    "mutation by form": "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "placeholder of Markdown": "\x02wzxhzdk:0\x03 klzzwxh:0001 \x02amp\x03",
    "target": '<a href="http://a.example" target="_blank" rel="opener" download ping="//evil.example">x</a>',
    "alignment": "<td align='x\" onclick=1'>x</td>",
    "right to left": "\u202egnp.exe <a href='http://a.example'>\u202e</a>",
    "custom element": "<x-widget onclick=alert(1) is=y>x</x-widget>",
    "body": "<body onload=alert(1)>x</body>",
    "slash after the name": "<script/x>alert(1)</script>",
    "email": "<mailto:a@b.example?body=<script>> <a@b.example>",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_text_leaves_nothing_but_what_is_allowed(text: str) -> None:
    found = read(text)
    for tag, attributes in found.seen:
        if tag == "a":
            assert "javascript" not in (attributes.get("href") or "").lower().replace("http:javascript:alert(1)", "")
    read(f"before\n\n{text}\n")


def test_hostile_text_stays_inside_its_card() -> None:
    class Depth(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.articles = 0
            self.at_end: int | None = None

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            self.articles += tag == "article"
            if tag == "footer":
                self.at_end = self.articles

        def handle_endtag(self, tag: str) -> None:
            self.articles -= tag == "article"

    for text in HOSTILE.values():
        parser = Depth()
        parser.feed(f"<article><div>{markup.render(text)}</div><footer></footer></article>")
        assert parser.at_end == 1, text


@pytest.mark.parametrize("ending", ["", "\r\n", "\n" * 50, " " * 50])
def test_text_without_words_is_nothing(ending: str) -> None:
    assert markup.render(ending) == ""


# What authors write.


def test_fenced_code_carries_its_language_and_nothing_else() -> None:
    assert markup.render("```python\nx < 1\n```") == '<pre><code class="language-python">x &lt; 1\n</code></pre>'
    assert markup.render("```c++\nx\n```") == '<pre><code class="language-c++">x\n</code></pre>'
    assert markup.render("~~~\nx\n~~~") == "<pre><code>x\n</code></pre>"


def test_tables_keep_their_alignment() -> None:
    seen = read("|Crew|Age|\n|:--|--:|\n|Neil|38|").seen
    assert [tag for tag, _ in seen] == ["table", "thead", "tr", "th", "th", "tbody", "tr", "td", "td"]
    assert [attributes.get("align") for tag, attributes in seen if tag in {"th", "td"}] == ["left", "right"] * 2


def test_lists_keep_their_order_and_their_kind() -> None:
    assert [tag for tag, _ in read("* a\n* b\n\n1. c\n2. d").seen] == ["ul", "li", "li", "ol", "li", "li"]
    assert read("7. g\n8. h").seen[0] == ("ol", {"start": "7"})


def test_quotes_and_dashes_stay_as_they_were_typed() -> None:
    assert read('"It\'s -- one small step..."').text == '"It\'s -- one small step..."'
    assert read('`"x" -- y`').text == '"x" -- y'


def test_a_line_end_is_a_line_end() -> None:
    assert markup.render("one\ntwo\n\nthree").replace("\n", "") == "<p>one<br>two</p><p>three</p>"


def test_bare_addresses_become_links_and_words_with_dots_do_not() -> None:
    text = "See https://example.org/a_b_c?d=e&f=g, www.example.com. Not example.org, not a.b or 1.5."
    hrefs = links(text)
    assert hrefs[0] == "https://example.org/a_b_c?d=e&f=g"
    assert len(hrefs) == 2
    assert (hrefs[1] or "").startswith(("http://www.example.com", "https://www.example.com"))
    assert links("`https://example.org`\n\n```\nhttps://example.org\n```") == []
    assert links("(https://example.org/x)") == ["https://example.org/x"]


def test_links_say_that_we_do_not_vouch_for_them() -> None:
    for text in ("[x](https://example.org)", "<https://example.org>", "https://example.org", "[x](/events/)"):
        ((_, attributes),) = [one for one in read(text).seen if one[0] == "a"]
        assert attributes["rel"] == "nofollow noopener"
        assert "target" not in attributes


def test_images_become_links_to_them() -> None:
    found = read('![The *crew*](https://example.org/crew.jpg "Crew") and ![](https://example.org/x.png)')
    assert links('![The crew](https://example.org/crew.jpg "Crew")') == ["https://example.org/crew.jpg"]
    assert "The" in found.text
    assert "https://example.org/x.png" in found.text
    linked = read("[![The crew](https://example.org/small.jpg)](https://example.org/large.jpg)")
    assert "The crew" in linked.text


def test_headings_stand_below_the_update_s_own() -> None:
    assert [tag for tag, _ in read("# One\n\n## Two\n\n### Three\n\n#### Four").seen] == ["h4", "h5", "h6", "h6"]


def test_text_for_descriptions_is_one_plain_line() -> None:
    html = markup.render(
        "# One\n\n*Two* [three](https://example.org) &amp; <b>four</b>\n\n* five\n* six\n\n|a|b|\n|-|-|\n|c|d|"
    )
    assert markup.plain(html) == "One Two three & <b>four</b> five six a b c d"
    assert markup.plain("<p>1 &lt; 2 <b>three</b> <code>&lt;b&gt;</code></p>") == "1 < 2 three <b>"


def test_descriptions_are_cut_at_a_word() -> None:
    assert markup.shorten("one two three", characters=9) == "one two…"
    assert markup.shorten("one two", characters=9) == "one two"
    assert markup.shorten("x" * 20, characters=9) == "xxxxxxxx…"
    assert markup.shorten("", characters=9) == ""


# Time.

SLOW = {
    "brackets": "[" * 20_000,
    "brackets and exclamation marks": "![" * 10_000,
    "brackets with text": "[a" * 10_000,
    "half links": "[a](" * 5_000,
    "nested quotes": ">" * 20_000,
    "nested quotes with text": "> " * 9_000 + "x",
    "nested lists": "".join(" " * 4 * depth + "* x\n" for depth in range(80)),
    "nested emphasis": "*a **b " * 2_800,
    "stars": "*" * 20_000,
    "stars and letters": "*a" * 10_000,
    "underscores": "_a" * 10_000,
    "backticks": "`" * 20_000,
    "growing backticks": " ".join("`" * count for count in range(1, 190)),
    "angle brackets": "<" * 20_000,
    "open tags": "<a " * 6_600,
    "nested tags": "<b>" * 6_600,
    "open comments": "<!--" * 5_000,
    "half entities": "&" * 20_000,
    "quotes": "\"'" * 10_000,
    "fences": "```\n" * 5_000,
    "one long fence": "```" + "x " * 9_000,
    "tables": "|" * 10_000 + "\n" + "|-" * 5_000,
    "references": "[a]: <" * 3_300,
    "addresses": "http://" * 2_800,
    "long address": "www." + "a.-" * 6_600,
    "mail addresses": "a@" * 10_000,
    "spaces": "a" + " " * 19_000 + "b",
    "new lines": "\n" * 19_000 + "a",
    "backslashes": "\\" * 20_000,
    "headings": "#" * 20_000,
    "rules": "- " * 10_000,
    "tabs": "\t" * 19_000 + "x",
}


SECONDS = 5.0
"""Of CPU time, ten times what the slowest text may take by night (tests/night/test_slow_texts.py)."""


@pytest.mark.parametrize("name", SLOW)
def test_repeated_and_halved_markup_is_rendered_in_time_and_loses_nothing(name: str) -> None:
    text = SLOW[name]
    began_at = time.process_time()
    html = render(text)
    assert time.process_time() - began_at < SECONDS
    assert letters(markup.plain(html)) == letters(text)


def letters(text: str) -> str:
    return "".join(one for one in text if one.isalnum())


def test_nested_quotes_without_end_are_shown_as_they_were_typed() -> None:
    assert "deep" in read("> " * 2_000 + "deep").text
    assert "x" in read("- + " * 500 + "x").text
    assert "x" in read("*a **b " * 2_000 + "x" + "** *" * 2_000).text
