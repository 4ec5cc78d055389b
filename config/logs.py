"""What goes into a line of the log: the request it belongs to, and nothing that opens a door."""

import logging
import re

from liveblog.request_ids import current_request

_SECRET = re.compile(r"(/join/|/accounts/[a-z-]+/)[^/\s\"'?]+(/[^/\s\"'?]+)*")


class RequestFilter(logging.Filter):
    """Gives each record its ``request_id`` and takes secrets of addresses out of its message."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record through."""
        record.request_id = current_request.get()
        message = record.getMessage()
        record.msg, record.args = _SECRET.sub(r"\1…", message), None
        record.__dict__.pop("request", None)  # Django's own addition, which JSON would show with its address
        return True
