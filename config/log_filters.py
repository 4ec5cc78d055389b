"""What the log leaves out."""

import logging
import re

_SECRET = re.compile(r"(/join/|/accounts/(?:reset|link)/)[^/\s]+/[^\s]*")


def hide_secret_addresses(record: logging.LogRecord) -> bool:
    """Take the secret out of the addresses of invitations and of links for new passwords."""
    if isinstance(record.args, tuple):
        record.args = tuple(_SECRET.sub(r"\1…", arg) if isinstance(arg, str) else arg for arg in record.args)
    return True
