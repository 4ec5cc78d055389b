"""Where sessions are kept: in the database, as Django does it."""

import re

from django.contrib.sessions.backends.db import SessionStore as DatabaseStore

_KEY = re.compile(r"[a-z0-9]{8,40}", re.ASCII)


class SessionStore(DatabaseStore):
    """Looks up no key that no session can have: a cookie may hold any byte, and PostgreSQL fails on a zero."""

    def __init__(self, session_key: str | None = None) -> None:
        super().__init__(session_key if session_key and _KEY.fullmatch(session_key) else None)
