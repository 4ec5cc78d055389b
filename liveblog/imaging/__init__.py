"""Photos: what is uploaded is decoded apart, written anew as WebP without its metadata, and never served itself."""

from liveblog.imaging.decoding import MEGAPIXELS, WIDTHS, PhotoRefused
from liveblog.imaging.pictures import UPLOAD_BYTES, Picture, rewritten, sweep

__all__ = ["MEGAPIXELS", "UPLOAD_BYTES", "WIDTHS", "PhotoRefused", "Picture", "rewritten", "sweep"]
