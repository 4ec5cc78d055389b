"""Photos: what is uploaded is decoded apart, written anew as WebP without its metadata, and never served itself."""

from liveblog.imaging.decoding import MEGAPIXELS, WIDTHS, Refused
from liveblog.imaging.pictures import UPLOAD_BYTES, Picture, path_of, remove, store, sweep

__all__ = ["MEGAPIXELS", "UPLOAD_BYTES", "WIDTHS", "Picture", "Refused", "path_of", "remove", "store", "sweep"]
