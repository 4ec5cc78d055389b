"""What an update may hold: the net behind our own rendering, which lets nothing else through."""

import re

import nh3

_TAGS = set("a blockquote br code del em h4 h5 h6 hr li mark ol p pre strong table tbody td th thead tr ul".split())
_ATTRIBUTES: dict[str, set[str]] = {
    "*": set(),  # nh3 would allow lang and title everywhere
    "a": {"href", "title"},
    "code": {"class"},
    "li": {"value"},
    "ol": {"start"},
    "td": {"align"},
    "th": {"align"},
}
_SCHEMES = {"http", "https", "mailto", "tel"}
_LANGUAGE_CLASS = re.compile(r"language-[\w+#-]{1,30}")


def safe(html: str) -> str:
    """Return ``html`` with nothing but what an update may hold."""
    return nh3.clean(
        html,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        attribute_filter=_keep_attribute,
        url_schemes=_SCHEMES,
        link_rel="nofollow noopener",
        set_tag_attribute_values={"table": {"tabindex": "0"}},  # a wide one scrolls, by keyboard too
        strip_comments=True,
    )


def _keep_attribute(tag: str, attribute: str, value: str) -> str | None:
    if attribute == "class" and not _LANGUAGE_CLASS.fullmatch(value):
        return None
    if attribute == "align" and value not in {"left", "center", "right"}:
        return None
    return value
