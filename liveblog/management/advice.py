"""What ``liveblog serve`` says of settings that serve one machine well and would fail several."""

import ipaddress
from urllib.parse import urlsplit

from django.conf import settings

from config.environment import read_text


def advise() -> list[str]:
    """Return what several machines would lack with these settings, a line each."""
    shared = [name for name in ("REDIS_URL", "S3_BUCKET") if read_text(name)]
    if "sqlite3" in settings.DATABASES["default"]["ENGINE"]:
        if not shared:
            return []
        names = " and ".join(shared)
        return [f"{names}: several machines may share that, but no SQLite file. For them set DATABASE_URL."]
    missing = _missing()
    if not missing or (settings.MACHINES == 1 and not _is_data_elsewhere()):
        return []
    return [f"If several machines serve, each needs {', '.join(missing)} (docs/operations.md, Several machines)."]


def _missing() -> list[str]:
    missing = []
    if not settings.REDIS_URL:
        missing.append("the same REDIS_URL")
    if not read_text("SECRET_KEY"):
        missing.append("the same SECRET_KEY, which is now read from a file")
    if not read_text("S3_BUCKET"):
        missing.append(f"the same S3_BUCKET, or the same folder at {settings.MEDIA_ROOT}")
    return missing


def _is_data_elsewhere() -> bool:
    """Whether the database or Redis is on another machine, as far as its name says."""
    hosts = [settings.DATABASES["default"].get("HOST") or "", urlsplit(settings.REDIS_URL).hostname or ""]
    return not all(map(_is_here, hosts))


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host in {"", "localhost"} or host.startswith("/")
