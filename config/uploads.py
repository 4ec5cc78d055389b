"""How much one request may bring: more is refused before it is read."""

from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler

REQUEST_BYTES = 64 * 1024 * 1024
"""Three photos as large as may be, from a form without JavaScript; with it, each comes in a request of its own."""


class BoundedUploadHandler(FileUploadHandler):
    """Refuse a request with too much in it, and leave the files to the handlers that follow."""

    def handle_raw_input(
        self,
        input_data: Any,
        META: Any,  # noqa: N803  (Django's name)
        content_length: int,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        """Raise ``RequestDataTooBig``, which is answered with 413."""
        if content_length > REQUEST_BYTES:
            raise RequestDataTooBig(f"{content_length} bytes are more than {REQUEST_BYTES}")

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        """Pass everything on."""
        return raw_data

    def file_complete(self, file_size: int) -> UploadedFile | None:
        """Leave it to the others."""
        return None
