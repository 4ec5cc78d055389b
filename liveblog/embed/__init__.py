"""The live feed on other sites: frames, oEmbed, a fragment of plain HTML, and the code to copy."""

from liveblog.embed.code import code
from liveblog.embed.fragment import fragment
from liveblog.embed.frames import accent, event, script, update
from liveblog.embed.oembed import oembed

__all__ = ("accent", "code", "event", "fragment", "oembed", "script", "update")
