"""A real nginx with deploy/nginx.conf, on free ports and in a folder of its own."""

import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.server import ANSWER_SECONDS, ROOT, find_free_port

NAME = "localhost"
START_SECONDS = 120
STOP_SECONDS = 30


class Proxy:
    """A running nginx; ``folder`` has its certificate and its logs."""

    def __init__(
        self,
        folder: Path,
        *,
        upstream: int,
        static_root: Path,
        port: int | None = None,
        edited: Callable[[str], str] = str,
    ) -> None:
        self.folder = folder
        self.http_port, self.https_port = find_free_port(), port or find_free_port()
        self.url = f"https://{NAME}:{self.https_port}"
        self.tls = ssl.create_default_context(cafile=make_certificate(folder / "certificate"))
        for name in ("log", "temp"):
            (folder / name).mkdir()
        text = documented(self.folder / "certificate")
        (folder / "nginx.conf").write_text(edited(self._here(text, upstream=upstream, static_root=static_root)))
        self._process: subprocess.Popen[bytes] | None = None

    def check(self) -> str:
        """Return what nginx says of its configuration; raises ``CalledProcessError`` if it does not load."""
        done = subprocess.run([*self._command, "-t"], check=True, capture_output=True, text=True)
        return done.stdout + done.stderr

    def start(self) -> None:
        """Start it and wait until it listens."""
        self._process = subprocess.Popen([*self._command, "-g", "daemon off;"])
        ends_at = time.monotonic() + START_SECONDS
        while not _listens(self.https_port):
            assert self._process.poll() is None, f"nginx did not start: {self.logs['start.log']}"
            assert time.monotonic() < ends_at, "nginx did not start in time"
            time.sleep(0.02)

    def stop(self) -> None:
        """Let it finish and write its logs."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.terminate()
                self._process.wait(STOP_SECONDS)
            self._process = None

    def visitor(self) -> httpx.Client:
        """Return a client that keeps its cookies."""
        return httpx.Client(base_url=self.url, timeout=ANSWER_SECONDS, trust_env=False, verify=self.tls)

    def get(self, address: str, **headers: str) -> httpx.Response:
        """Return what somebody gets who has no cookie."""
        with self.visitor() as visitor:
            return visitor.get(address, headers=headers)

    def connect(self) -> ssl.SSLSocket:
        """Return a connection on which the test speaks HTTP/1.1 itself."""
        plain = socket.create_connection(("127.0.0.1", self.https_port), timeout=ANSWER_SECONDS)
        return self.tls.wrap_socket(plain, server_hostname=NAME)

    @property
    def logs(self) -> dict[str, str]:
        """What it has written, by the names of the files; all of it once it has stopped."""
        return {path.name: path.read_text() for path in (self.folder / "log").iterdir()}

    @property
    def _command(self) -> list[str]:
        return [need("nginx"), "-p", str(self.folder), "-e", "log/start.log", "-c", "nginx.conf"]

    def _here(self, text: str, *, upstream: int, static_root: Path) -> str:
        """Give the configuration the ports and folders of this test; each place must be there."""
        temp = "".join(
            f"    {kind}_temp_path {self.folder}/temp/{kind};\n"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        for there, here in {
            "user www-data;": "user root;" if os.getuid() == 0 else "",
            "/run/nginx.pid": f"{self.folder}/pid",
            "/var/log/nginx": f"{self.folder}/log",
            "/var/cache/nginx-liveblog": f"{self.folder}/cache",
            "root /var/cache/liveblog;": f"root {static_root.parent};",
            "server 127.0.0.1:8000;": f"server 127.0.0.1:{upstream};",
            "listen 80": f"listen 127.0.0.1:{self.http_port}",
            "listen 443": f"listen 127.0.0.1:{self.https_port}",
            "listen [::]:80": f"listen [::1]:{self.http_port}",
            "listen [::]:443": f"listen [::1]:{self.https_port}",
            "http {\n": f"http {{\n{temp}",
        }.items():
            assert there in text, there
            text = text.replace(there, here)
        return text if _has_ipv6() else re.sub(r".*listen \[::1\].*\n", "", text)


@contextmanager
def proxying(
    folder: Path,
    *,
    upstream: int,
    static_root: Path,
    port: int | None = None,
    edited: Callable[[str], str] = str,
) -> Iterator[Proxy]:
    """Run nginx at a port in front of another one of this machine, or skip where there is none.

    ``edited`` makes of the configuration what nginx reads.
    """
    need("nginx")
    folder.mkdir()
    proxy = Proxy(folder, upstream=upstream, static_root=static_root, port=port, edited=edited)
    try:
        proxy.start()
        yield proxy
    finally:
        proxy.stop()


def need(program: str) -> str:
    """Return the path of a program, or skip where it is not installed."""
    found = shutil.which(program, path=f"{os.environ['PATH']}:/usr/local/sbin:/usr/sbin")
    if found is None:
        pytest.skip(f"{program} is not installed")
    return found


def documented(certificate: Path) -> str:
    """Return the configuration as the command in docs/operations.md makes it."""
    found = re.search(r"^    (sed .* deploy/nginx\.conf) > ", (ROOT / "docs/operations.md").read_text(), re.MULTILINE)
    assert found, "docs/operations.md says how to make a configuration"
    environ: dict[str, Any] = {**os.environ, "NAME": NAME, "CERTIFICATE": str(certificate)}
    done = subprocess.run(["sh", "-c", found[1]], cwd=ROOT, env=environ, check=True, capture_output=True, text=True)
    assert "example.org" not in done.stdout
    return done.stdout


def make_certificate(folder: Path) -> Path:
    """Make a key, and a certificate that it signs itself; return the certificate's path."""
    folder.mkdir()
    key, certificate = folder / "privkey.pem", folder / "fullchain.pem"
    kind = "-x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2".split()
    named = ["-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run(["openssl", "req", *kind, *named, *files], check=True, capture_output=True)
    return certificate


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True
