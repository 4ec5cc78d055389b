"""Reads settings from the environment; what can't be used is refused in one line that says why."""

import ipaddress
import os
import re
import secrets
import shlex
import socket
import struct
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import dj_database_url
from django.core.exceptions import ImproperlyConfigured
from environs import Env, EnvValidationError, validate

from config import installation

DATA_FILES = {"secret_key", "liveblog.sqlite3", "media", "static"}
"""By which a folder for data is known that a former release has made."""
EVERY_ADDRESS = ("0.0.0.0", "::")  # noqa: S104  (recognised here, bound to only when asked)

_env = Env()


def read_text(name: str, default: str = "") -> str:
    """Return a text; as everywhere here, a variable that is empty counts as not set."""
    return str(_env.str(name, "")).strip() or default


def read_switch(name: str, *, default: bool) -> bool:
    """Return whether something is on."""
    return bool(_read("bool", name, default, "must be on or off"))


def read_port(name: str, *, default: int) -> int:
    """Return the number of a TCP port."""
    return int(_read("int", name, default, "must be a number from 1 to 65535", validate=validate.Range(1, 65535)))


def read_days(name: str, *, default: int) -> int:
    """Return the seconds of so many days, which may be none."""
    return 86400 * int(_read("int", name, default, "must be a number of days", validate=validate.Range(0)))


def read_choice(name: str, default: str, *others: str) -> str:
    """Return one of a few words."""
    word = read_text(name, default)
    if word not in (default, *others):
        raise ImproperlyConfigured(f"{name} must be {' or '.join((default, *others))}, not {word!r}.")
    return word


def read_number(name: str, *, default: int, at_least: int = 1, at_most: int | None = None) -> int:
    """Return a number within bounds."""
    rule = f"must be a number, at least {at_least}" if at_most is None else f"must be from {at_least} to {at_most}"
    return int(_read("int", name, default, rule, validate=validate.Range(at_least, at_most)))


def read_server(name: str, *, processes: int) -> str:
    """Return which server serves: daphne in one process, uvicorn in any number."""
    server = read_choice(name, *(("daphne", "uvicorn") if processes == 1 else ("uvicorn", "daphne")))
    if server == "daphne" and processes > 1:
        raise ImproperlyConfigured(f"{name}=daphne serves from one process; PROCESSES={processes} needs uvicorn.")
    return server


def read_data_dir(name: str, *, default: Path) -> Path:
    """Return a folder of our own that can be written to, making it if need be."""
    folder = Path(read_text(name, str(default)))
    try:
        folder = folder.expanduser().absolute()
        is_new = not folder.exists()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if is_new:  # wherever it stands, in a work tree too, none of it is to be committed
            (folder / ".gitignore").write_text("*\n")
        elif folder.stat().st_mode & 0o077:
            _keep_to_owner(name, folder)
    except RuntimeError as error:
        raise ImproperlyConfigured(f"{name} must be set: this user has no home for {folder}.") from error
    except OSError as error:
        raise ImproperlyConfigured(f"{name} {folder} can't be made: {error.strerror}.") from error
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise ImproperlyConfigured(f"{name} {folder} can't be written to by this user.")
    return folder


def read_static_root(name: str, *, data_dir: Path) -> Path:
    """Return the folder of static files, which a proxy may read and give to everybody; made when they are collected."""
    folder = Path(read_text(name, str(data_dir / "static"))).expanduser().absolute()
    if folder.exists() and not folder.is_dir():
        raise ImproperlyConfigured(f"{name} {folder} is not a folder.")
    if data_dir.is_relative_to(folder):
        raise ImproperlyConfigured(f"{name} {folder} holds DATA_DIR, and whatever is in {name} is public.")
    return folder


def read_secret_key(name: str, *, kept_in: Path) -> str:
    """Return the key from the environment, else the one kept in a file, made on first use."""
    try:
        key = read_text(name) or _read_or_make_key(kept_in)
    except OSError as error:
        raise ImproperlyConfigured(f"{kept_in} can't be used: {error.strerror}.") from error
    if not key:
        raise ImproperlyConfigured(f"{kept_in} is empty; remove it and a new key is made.")
    return key


def read_base_url(name: str, *, host: str, port: int) -> str:
    """Return the address under which people reach the service, without a slash at its end."""
    if host in EVERY_ADDRESS:
        host = next(iter(own_addresses()), "127.0.0.1")
    url = read_text(name, f"http://{_bracketed(host)}:{port}").rstrip("/")
    try:
        parts = urlsplit(url)
        is_usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0 and "@" not in url
    except ValueError:
        is_usable = False
    if not is_usable or url != f"{parts.scheme}://{parts.netloc}":
        raise ImproperlyConfigured(f"{name} must be an address like https://live.example.org, not {url!r}.")
    return url


def read_allowed_hosts(name: str, *, host: str, base_url: str) -> list[str]:
    """Return the names that a request may be for: those set, else this machine's own and the public one."""
    hosts = [part.strip() for part in read_text(name).split(",") if part.strip()]
    if "*" in hosts:
        raise ImproperlyConfigured(f"{name} must name each host: * would let any site use the desk's socket.")
    if hosts:
        return hosts
    own = {"127.0.0.1", "localhost", "[::1]", _bracketed(urlsplit(base_url).hostname or "localhost")}
    if host in EVERY_ADDRESS:
        name_here = socket.gethostname().lower()
        own |= {name_here, f"{name_here.split('.')[0]}.local", *map(_bracketed, own_addresses())}
    return sorted(own)


def read_host_names(name: str, default: str) -> list[str]:
    """Return host names, which commas or spaces part."""
    hosts = read_text(name, default).lower().replace(",", " ").split()
    for host in hosts:
        if not re.fullmatch(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}", host, re.ASCII):
            raise ImproperlyConfigured(f"{name} {host!a} is not a host’s name, such as mastodon.social.")
    return hosts


def read_database(name: str, *, default: Path, machines: int = 1) -> dict[str, Any]:
    """Return the database in Django's words; the text may hold a password and is never shown."""
    url = read_text(name, f"sqlite:///{quote(str(default))}")
    scheme, _, rest = url.partition("://")
    if scheme not in ("sqlite", "postgres", "postgresql"):
        raise ImproperlyConfigured(f"{name} must begin with sqlite:// or postgres://.")
    if scheme == "sqlite" and rest.strip("/") in ("", ":memory:"):
        raise ImproperlyConfigured(f"{name} must name a file, as in sqlite:////var/lib/liveblog.sqlite3.")
    if scheme == "sqlite" and machines > 1:
        raise ImproperlyConfigured(f"MACHINES={machines} needs PostgreSQL in {name}: a SQLite file serves one machine.")
    try:
        return dict(dj_database_url.parse(url))
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be like postgres://user:password@host:5432/name.") from None


def keep_database_to_owner(path: Path, *, data_dir: Path) -> None:
    """Let nobody else read a SQLite file in DATA_DIR; SQLite gives what it writes beside it the same mode."""
    if not path.is_relative_to(data_dir):
        return
    with suppress(OSError):  # what is wrong with it the database says itself
        if not path.exists():  # one that SQLite has open must not be opened and closed: its locks would be gone
            path.touch(mode=0o600)
        for file in path.parent.glob(f"{path.name}*"):
            file.chmod(0o600)


def read_redis_url(name: str) -> str:
    """Return the address of Redis, empty where there is none; it may hold a password and is never shown."""
    url = read_text(name)
    if url and not url.startswith(("redis://", "rediss://", "unix://")):
        raise ImproperlyConfigured(f"{name} must begin with redis://, rediss:// or unix://.")
    return url


def command(*words: str) -> str:
    """Return a command of ours to be typed into a shell, with the settings that lead it to the same data.

    What may hold a password is named and not shown.
    """
    secret = [f"{name}=…" for name in ("DATABASE_URL", "REDIS_URL") if read_text(name)]
    folder = [f"DATA_DIR={shlex.quote(read_text('DATA_DIR'))}"] if read_text("DATA_DIR") else []
    return " ".join([*folder, *secret, installation.typed_program(), *words])


def _keep_to_owner(name: str, folder: Path) -> None:
    """Let nobody else read a folder that is ours or empty; what holds other things is not ours to shut."""
    there = {path.name for path in folder.iterdir()}
    if there and not there & DATA_FILES:
        raise ImproperlyConfigured(
            f"{name} {folder} holds other things and can be read by others: name an empty folder, or chmod 700 it."
        )
    try:
        folder.chmod(0o700)
    except PermissionError:
        raise ImproperlyConfigured(
            f"{name} {folder} can be read by others and is somebody else's: its owner has to chmod 700 it."
        ) from None


def own_addresses() -> list[str]:
    """Return the addresses under which other devices see this machine, the one it goes out by first.

    Connecting a UDP socket sends nothing: it asks the routing table alone. The far ends are
    reserved for documentation (RFC 5737, RFC 3849). Other interfaces (a phone's hotspot, a second
    network) are asked for theirs where the system is Linux.
    """
    found = []
    for family, far_end in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((far_end, 9))
            found.append(str(probe.getsockname()[0]))
    found += _interface_addresses() if sys.platform == "linux" else []
    return [address for address in dict.fromkeys(found) if not ipaddress.ip_address(address).is_loopback]


def _interface_addresses() -> list[str]:
    """Return the IPv4 address of each interface that has one: netdevice(7), SIOCGIFADDR."""
    import fcntl

    found = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        for _, name in socket.if_nameindex():
            with suppress(OSError):
                answer = fcntl.ioctl(asked, 0x8915, struct.pack("256s", name.encode()[:15]))
                found.append(socket.inet_ntoa(answer[20:24]))
    return found


def _read(kind: str, name: str, default: Any, rule: str, **options: Any) -> Any:
    if not read_text(name):
        return default
    try:
        return getattr(_env, kind)(name, **options)
    except EnvValidationError as error:
        raise ImproperlyConfigured(f"{name} {rule}, not {read_text(name)!r}.") from error


def _read_or_make_key(path: Path) -> str:
    """Make the key whole before it has its name: another process may read it at any moment."""
    if not path.exists():
        new = path.with_name(f"{path.name}.{os.getpid()}")
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(50))
        with suppress(FileExistsError):
            os.link(new, path)
        new.unlink()
    return path.read_text().strip()


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
