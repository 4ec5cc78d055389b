"""What authors type is what readers see: the rules of docs/markdown.md, their neighbours, and random texts."""

import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from liveblog import markup
from liveblog.text import render

DOCUMENT = (Path(__file__).parent.parent / "docs" / "markdown.md").read_text()
EXAMPLES = re.findall(r"^~~~~ markdown\n(.*?)^~~~~\n\n~~~~ html\n(.*?)^~~~~$", DOCUMENT, re.MULTILINE | re.DOTALL)


def test_the_document_has_an_example_for_each_rule() -> None:
    assert len(EXAMPLES) == DOCUMENT.count("~~~~ markdown") == DOCUMENT.count("~~~~ html")
    headings = re.split(r"^## ", DOCUMENT, flags=re.MULTILINE)[1:]
    assert [one.splitlines()[0] for one in headings if "~~~~" not in one] == ["What can’t be published", "Bounds"]


@pytest.mark.parametrize(("typed", "html"), EXAMPLES, ids=[typed.strip()[:40] for typed, _ in EXAMPLES])
def test_what_the_document_says_is_so(typed: str, html: str) -> None:
    assert markup.render(typed).replace("\n", "") == html.replace("\n", "")


def shown(text: str) -> str:
    """Return the HTML of a text in short: without line ends, and without what every link has."""
    return render(text).replace("\n", "").replace(' rel="nofollow noopener"', "").replace(' tabindex="0"', "")


def read(text: str) -> str:
    """Return what readers read."""
    return markup.plain(render(text))


AS_TYPED = [
    # tags
    "The minister, <name withheld>, said no.",
    "if x<y and y>z",
    "Meet <John Smith>!",
    "<<Bonjour>> dit-il",
    "Who is <title> now?",
    "<table> of contents",
    "<div>block</div>",
    "<!-- x --> and <![CDATA[ y ]]> and <?php z ?>",
    "a </p> b",
    "<b>x</b> <i>y</i> <br>",
    "<plaintext> to the end",
    "<a href='x",
    "AT&T, &foo; and &#0;",
    # numbers
    "24. November 2026: Wahl",
    "1969. A year to remember",
    "07. Mai",
    "00. x",
    "3. - 5. Mai",
    "3. + 5. Mai",
    "+ + + Eilmeldung + + +",
    "- - - Eilmeldung",
    "1234567890. x",
    "1.5 Liter",
    "1.",
    # hashtags
    "#Brexit vote begins",
    "#1 in the world",
    "#",
    "C# is not a note",
    "####### seven",
    # marks
    "2*3*4 = 24",
    "5*6*78",
    "a==b and a == b",
    "a ~ b, ~5 %, ~~",
    "snake_case_name",
    "* not closed",
    "** not closed **",
    "¯\\_(ツ)_/¯",
    'צה"ל, "Nein", \'26, 5\'10", --help ... (c) (tm)',
    # code
    "``` two words",
    "`not closed",
    # addresses
    "[x](foo bar)",
    "[Saka](45')",
    "[1](2)",
    "[plan](plan.pdf)",
    "[notes](README.md)",
    "[script](main.py)",
    "[x]()",
    "[x](javascript:alert(1))",
    "[x](data:text/html,y)",
    "[x](foo.notadomain)",
    "![photo](photo.jpg)",
    "<javascript:alert(1)>",
    "[45']: Goal!",
    "[^1]: a footnote",
    "www. is no address, nor is http:// or https://?",
    "me@here and @you and a@b",
    "x https:/one.example",
]


@pytest.mark.parametrize("text", AS_TYPED)
def test_what_is_no_markup_is_shown_as_typed(text: str) -> None:
    kept = text.removeprefix("* ")
    assert read(text) == kept
    assert read(f"Before.\n\n{text}\n\nAfter.") == f"Before. {kept} After."
    assert kept in read(f"Before\n{text}\nafter")


BECOMES = {
    # tags, in blocks and inline
    "The <script> he read from…\n\nSecond paragraph": "<p>The &lt;script&gt; he read from…</p><p>Second paragraph</p>",
    "<style>\nb\n\nc": "<p>&lt;style&gt;<br>b</p><p>c</p>",
    "- <b>x": "<ul><li>&lt;b&gt;x</li></ul>",
    "**<b>**": "<p><strong>&lt;b&gt;</strong></p>",
    "<https://example.org>": '<p><a href="https://example.org">https://example.org</a></p>',
    "<me@example.org>": '<p><a href="mailto:me@example.org">me@example.org</a></p>',
    "&lt;b&gt; &amp;amp; &eacute; &#233;": "<p>&lt;b&gt; &amp;amp; é é</p>",
    # numbers
    "10. ten\n9. nine\n8. eight": '<ol start="10"><li>ten</li><li value="9">nine</li><li value="8">eight</li></ol>',
    "1. a\n2. b\n2. c\n4. d": '<ol><li>a</li><li>b</li><li value="2">c</li><li value="4">d</li></ol>',
    "0. a\n1. b": '<ol start="0"><li>a</li><li>b</li></ol>',
    "Bench:\n3. Saka\n7. Martinelli": '<p>Bench:</p><ol start="3"><li>Saka</li><li value="7">Martinelli</li></ol>',
    "Am\n24. November\nist Wahl": "<p>Am<br>24. November<br>ist Wahl</p>",
    "1. a\n\n   b": "<ol><li><p>a</p><p>b</p></li></ol>",
    "1. a\n   - b": "<ol><li>a<ul><li>b</li></ul></li></ol>",
    "- 1. a": "<ul><li>1. a</li></ul>",
    "3. - 5. Mai\n7. - 9. Juni": '<ol start="3"><li>- 5. Mai</li><li value="7">- 9. Juni</li></ol>',
    # headings
    "# Title #": "<h4>Title</h4>",
    "# C#": "<h4>C#</h4>",
    "# #1 in the world": "<h4>#1 in the world</h4>",
    "text\n#Brexit\n# Real": "<p>text<br>#Brexit</p><h4>Real</h4>",
    "Title\n===": "<h4>Title</h4>",
    "Title\n==\n--\n-": "<p>Title<br>==<br>--<br>-</p>",
    # lists, tables, quotes, code
    "text\n- a\n- b": "<p>text</p><ul><li>a</li><li>b</li></ul>",
    "- a\n  - b\n    - c": "<ul><li>a<ul><li>b<ul><li>c</li></ul></li></ul></li></ul>",
    "1. a\n  2. b": "<ol><li>a</li><li>b</li></ol>",
    "1. a\n   1. b\n   2. c\n2. d": "<ol><li>a<ol><li>b</li><li>c</li></ol></li><li>d</li></ol>",
    "10. a\n  - b\n11. c": '<ol start="10"><li>a<ul><li>b</li></ul></li><li>c</li></ol>',
    "- a\n  more": "<ul><li>a<br>more</li></ul>",
    "- a\n\n  more\n- b": "<ul><li><p>a</p><p>more</p></li><li><p>b</p></li></ul>",
    "text\n> quote": "<p>text</p><blockquote><p>quote</p></blockquote>",
    "    four spaces\n    more": "<p>four spaces<br>more</p>",
    "\ttab": "<p>tab</p>",
    "text\n|a|b|\n|-|-|\n|1|2|": "<p>text</p><table><thead><tr><th>a</th><th>b</th></tr></thead><tbody><tr><td>1</td>"
    "<td>2</td></tr></tbody></table>",
    "|a|b|\n|-|-|\n|1|\n|1|2|3|4|": "<table><thead><tr><th>a</th><th>b</th></tr></thead><tbody><tr><td>1</td></tr>"
    "<tr><td>1</td><td>2 | 3 | 4</td></tr></tbody></table>",
    "|a|\n|-|\nend": "<table><thead><tr><th>a</th></tr></thead></table><p>end</p>",
    "a|b\n-|-|-": "<p>a|b<br>-|-|-</p>",
    "```\na\n": "<p>```<br>a</p>",
    "```\nopen\n\n# Heading\n- item": "<p>```<br>open</p><h4>Heading</h4><ul><li>item</li></ul>",
    "> ```\n> x\n\n```": "<blockquote><p>```<br>x</p></blockquote><p>```</p>",
    "~~~two words\nx\n~~~": "<p>~~~two words<br>x<br>~~~</p>",
    "text\n```\ncode\n```\nmore": "<p>text</p><pre><code>code</code></pre><p>more</p>",
    "~~a~~ ==b== ~~ c ~~": "<p><del>a</del> <mark>b</mark> ~~ c ~~</p>",
    "- [ ] a\n- [x] b\n- [X] c": "<ul><li>☐ a</li><li>☑ b</li><li>☑ c</li></ul>",
    "- [y] d\n- [x]": "<ul><li>[y] d</li><li>[x]</li></ul>",
    "これは**「引用」**です": "<p>これは<strong>「引用」</strong>です</p>",
    "**重要。**次": "<p><strong>重要。</strong>次</p>",
    "***a** b*": "<p><em><strong>a</strong> b</em></p>",
    "one\u2028two\x0bthree\x0cfour\x85five\u2029six\x07!": "<p>one<br>two<br>three<br>four<br>five<br>six!</p>",
    # links and definitions
    "[x](//example.org/a)": '<p><a href="https://example.org/a">x</a></p>',
    "[x](Example.ORG:8080/a?b#c)": '<p><a href="https://Example.ORG:8080/a?b#c">x</a></p>',
    "[x](www.example.zip)": '<p><a href="https://www.example.zip">x</a></p>',
    "[x](bbc.co.uk/index.html)": '<p><a href="https://bbc.co.uk/index.html">x</a></p>',
    "[x](#top) [y](/z)": '<p><a href="#top">x</a> <a href="/z">y</a></p>',
    "[x](tel:+4930123)": '<p><a href="tel:+4930123">x</a></p>',
    "[x](https://münchen.de/ü)": '<p><a href="https://münchen.de/%C3%BC">x</a></p>',
    "[https://a.example](https://b.example)": '<p><a href="https://b.example">https://a.example</a></p>',
    "[a][b] [b]\n\n[b]: https://example.org 'T'": '<p><a href="https://example.org" title="T">a</a> '
    '<a href="https://example.org" title="T">b</a></p>',
    "`[a]`\n\n[a]: https://example.org": '<p><code>[a]</code></p><p>[a]: <a href="https://example.org">'
    "https://example.org</a></p>",
    "![](https://example.org/x.png)": '<p><a href="https://example.org/x.png">https://example.org/x.png</a></p>',
}


@pytest.mark.parametrize(("text", "html"), BECOMES.items(), ids=[repr(text)[:50] for text in BECOMES])
def test_markup_means_what_its_author_meant(text: str, html: str) -> None:
    assert shown(text) == html


FOUND = {
    "“https://a.example/x”": "https://a.example/x",
    "‘https://a.example/x’": "https://a.example/x",
    "«https://a.example/x»": "https://a.example/x",
    "【https://a.example/x】": "https://a.example/x",
    "(https://a.example/x)": "https://a.example/x",
    "日本語https://a.example/x。": "https://a.example/x",
    "見よ、https://a.example/x，と": "https://a.example/x",
    "https://a.example/x…": "https://a.example/x",
    "https://a.example/x—so": "https://a.example/x",
    '"https://a.example/x"': "https://a.example/x",
    "*https://a.example/x*": "https://a.example/x",
    "**https://a.example/x**": "https://a.example/x",
    "_https://a.example/x_": "https://a.example/x",
    "~~https://a.example/x~~": "https://a.example/x",
    "https://a.example/wiki/L’Équipe": "https://a.example/wiki/L%E2%80%99%C3%89quipe",
    "https://a.example’s": "https://a.example",
    "https://a.example/x’ and": "https://a.example/x",
    "https://a.example/x’, and": "https://a.example/x",
    "https://a.example/it's": "https://a.example/it",
    "https://a.example/a_(b)": "https://a.example/a_(b)",
    "(https://a.example/a_(b))": "https://a.example/a_(b)",
    "(see https://a.example/x).": "https://a.example/x",
    "[https://a.example/x]": "https://a.example/x",
    "https://a.example/?q=1&amp;r=2": "https://a.example/?q=1&r=2",
    "https://a.example/x!?": "https://a.example/x",
    "https://a.example/x/": "https://a.example/x/",
    "https://a.example/x👍": "https://a.example/x",
    "HTTPS://A.example/X": "HTTPS://A.example/X",
    "www.example.org.": "https://www.example.org",
    "me@example.org.": "mailto:me@example.org",
    "https://a.example/" + "x" * 1_982: "https://a.example/" + "x" * 1_982,
}


@pytest.mark.parametrize(("text", "address"), FOUND.items(), ids=[text[:30] for text in FOUND])
def test_an_address_in_a_text_is_found_and_ends_where_its_author_meant(text: str, address: str) -> None:
    assert re.findall('href="([^"]*)"', render(text)) == [address.replace("&", "&amp;")]
    assert re.sub(r"\W|_", "", read(text)) == re.sub(r"\W|_", "", text.replace("&amp;", ""))


@pytest.mark.parametrize(
    "text", ["https://a.example/" + "x" * 1_983, "nohttps://a.example", "[x](https://a.example/%s)" % ("x" * 1_990)]
)
def test_what_is_too_long_or_in_a_word_is_no_address(text: str) -> None:
    assert "href" not in render(text)
    assert read(text) == text


def test_what_follows_an_address_that_is_too_long_is_read_as_ever() -> None:
    assert render("https://a.example/" + "x" * 2_500 + " **bold** https://b.example").count("<a href") == 1


def test_numbers_of_lists_are_in_the_plain_text_and_are_no_text_of_their_own() -> None:
    html = render("1969. Landing\n1970. Thirteen\n\n- a\n  1. b\n  2. c")
    assert markup.plain(html) == "1969. Landing 1970. Thirteen a 1. b 2. c"
    assert markup.plain(html, with_numbers=False) == "Landing Thirteen a b c"


# Random texts.

WORD = st.text(st.sampled_from("abcXYZéüßąдЖ東京あ한0123456789"), min_size=1, max_size=6)
PUNCTUATION = st.text(st.sampled_from("*_~=`[]()<>!#|:;-+&\\.,'\"’“”«» "), min_size=1, max_size=4)
WRAPPED = st.tuples(st.sampled_from(["**", "*", "_", "~~", "==", "`", "``", "'", '"', "“"]), WORD).map(
    lambda made: f"{made[0]}{made[1]}{made[0]}"
)
TAG = WORD.map(lambda word: f"<{word}>") | st.sampled_from(["<script>", "</p>", "<!-- x -->", "<b>", "<title>"])
SEEN = WORD | PUNCTUATION | WRAPPED | TAG | st.just(" ")
"""Pieces whose letters and digits are to be seen."""

UNSEEN = st.sampled_from(["&amp;", "&eacute;", "&#65;", "](https://example.org/t)", "](/t)", "][used]", "](t)"])
"""Pieces whose letters and digits may be unseen: entities, and where links lead."""

BEGINNING = st.sampled_from(
    "%- %* %+ %1. %3. %1969. %07. %2) %> %>%# %## %#%    %\t%  %---%===%***%[x]: %[45']: %- [ ] %|%| %|-|-|%|:-|".split(
        "%"
    )
)
FENCE = st.tuples(st.sampled_from(["```", "~~~"]), st.sampled_from(["", "js", "c++"])).map("".join)
DEFINITION = st.just("[used]: https://example.org/t")
CHECKED = st.just("- [x] ")


@st.composite
def lines(draw: st.DrawFn) -> list[tuple[str, bool]]:
    """Return the pieces of a line, each with whether its letters are to be seen."""
    kind = draw(st.integers(0, 19))
    if kind == 0:
        return [(draw(FENCE), False)]
    if kind == 1:
        return [(draw(DEFINITION), False)]
    begin = [(draw(CHECKED), False)] if kind == 2 else [(draw(BEGINNING), True)]
    return begin + draw(st.lists(SEEN.map(lambda one: (one, True)) | UNSEEN.map(lambda one: (one, False)), max_size=8))


BY_CHANCE = re.compile(r"&#?\w+;|\]\(\s*<?[#/][^)]*\)|^[^\n\w]*(?:\d+[.)] +)?(?:`{3,}|~{3,})[ ]*\S+[ ]*$", re.MULTILINE)
"""Entities, where links lead and fences’ words that random pieces make together."""


def letters(text: str) -> str:
    return "".join(one for one in text if one.isalnum())


@given(st.lists(lines(), min_size=1, max_size=8))
@example([[("1969. ", True), ("a", True)], [("1970. ", True), ("b", True)], [("x", True)]])
@example([[("<script>", True)], [("", True)], [("a", True)]])
def test_every_letter_and_digit_typed_is_in_what_readers_see(text: list[list[tuple[str, bool]]]) -> None:
    typed = "\n".join("".join(piece for piece, _ in line) for line in text)
    to_be_seen = [is_to_be_seen for line in text for piece, is_to_be_seen in [*line, ("\n", False)] for _ in piece]
    for match in BY_CHANCE.finditer(typed):
        to_be_seen[match.start() : match.end()] = [False] * len(match[0])
    shown = markup.plain(render(typed))
    seen = iter(letters(shown))
    for letter, is_to_be_seen in zip(typed, to_be_seen, strict=False):
        if is_to_be_seen and letter.isalnum():
            assert letter in seen, (typed, shown)


@given(st.text(st.sampled_from("ab1 *_~=`[]()<>!#|:-+&\\.\n\t'\"’"), max_size=60))
def test_any_mix_of_marks_is_read_the_same_twice_and_loses_no_letter(text: str) -> None:
    html = render(text)
    assert render(text) == html
    if not re.search(r"&\w|\[|```|~~~|<a", text):  # what may be an entity, a target, a fence's word
        assert letters(text) == letters(markup.plain(html))
