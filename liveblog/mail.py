"""Mail that the service sends, if EMAIL_URL is set: outside any transaction, within seconds or not at all."""

import logging
import threading
from collections.abc import Sequence
from typing import Any

from django.core.mail import EmailMessage, mailers

from liveblog.connections import release

logger = logging.getLogger(__name__)

_at_once = threading.BoundedSemaphore(2)
"""Requests that wait for the mail server: while it is silent, the others are for readers."""


class MailFailed(Exception):
    """The mail server was not reached, or took no mail; the log says why."""


def is_on() -> bool:
    """Whether mail can be sent at all."""
    return "default" in mailers


def compose(*, to: str, subject: str, body: str) -> EmailMessage:
    """Return a plain mail from the service."""
    return EmailMessage(subject=" ".join(subject.split()), body=body, to=[to])


def send(message: EmailMessage) -> None:
    """Send a mail and wait until the server has taken it; raises ``MailFailed``."""
    connection = connect()
    try:
        connection.send_messages([message])
    except (OSError, ValueError) as error:
        raise _failure(error) from None
    finally:
        _close(connection)


def connect() -> Any:
    """Return an open connection to the mail server, to be given to ``send_soon``; raises ``MailFailed``."""
    release()
    if not _at_once.acquire(blocking=False):
        raise MailFailed
    try:
        connection = mailers.default
        connection.open()
    except (OSError, ValueError) as error:
        raise _failure(error) from None
    finally:
        _at_once.release()
    return connection


def send_soon(connection: Any, messages: Sequence[EmailMessage]) -> None:
    """Send on in a thread, so that how long an answer takes does not say whether there was anything to send."""
    threading.Thread(target=_send_all, args=(connection, messages), name="mail").start()


def _send_all(connection: Any, messages: Sequence[EmailMessage]) -> None:
    try:
        for message in messages:
            connection.send_messages([message])
    except (OSError, ValueError) as error:
        _failure(error)
    finally:
        _close(connection)


def _close(connection: Any) -> None:
    try:
        connection.close()
    except OSError as error:
        logger.info("The mail server hung up: %s", type(error).__name__)


def _failure(error: Exception) -> MailFailed:
    """Log why; a mail server's own words may quote an address, so its number has to do."""
    reason = getattr(error, "smtp_code", None) or getattr(error, "strerror", None) or ""
    logger.warning("A mail was not sent: %s %s", type(error).__name__, reason)
    return MailFailed()
