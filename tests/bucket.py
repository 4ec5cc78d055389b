"""A bucket that speaks S3's protocol: moto's server in a process of its own, behind a network that can be cut."""

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import httpx

from tests.browser.proxy import Proxy
from tests.server import find_free_port

START_SECONDS = 120
REGION = "eu-central-1"
KEYS = {"AWS_ACCESS_KEY_ID": "a-key", "AWS_SECRET_ACCESS_KEY": "its-secret"}


class Bucket:
    """A bucket of the test's own, on the server of this address."""

    def __init__(self, name: str, server: str, network: Proxy | None = None) -> None:
        self.name = name
        self._network = network
        self.environ = {
            "S3_BUCKET": name,
            "S3_ENDPOINT": f"http://127.0.0.1:{network.port}" if network else server,
            "S3_REGION": REGION,
            **KEYS,
        }
        self.client: Any = boto3.client(
            "s3",
            endpoint_url=server,
            region_name=REGION,
            aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
        )
        self.client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})

    @property
    def network(self) -> Proxy:
        """What stands between it and Liveblog, where something does."""
        assert self._network is not None
        return self._network

    def files(self) -> dict[str, bytes]:
        """Return what is in it, by name."""
        return {
            name: self.client.get_object(Bucket=self.name, Key=name)["Body"].read() for name in sorted(self._names())
        }

    @property
    def photos(self) -> list[str]:
        """The names of the photos' files; they may go at any moment."""
        return sorted(name for name in self._names() if name.endswith(".webp"))

    def _names(self) -> list[str]:
        return [one["Key"] for one in self.client.list_objects_v2(Bucket=self.name).get("Contents", [])]


@contextmanager
def serving_buckets(folder: Path, *, host: str = "127.0.0.1", inside: Sequence[str] = ()) -> Iterator[str]:
    """Run moto's server, with what stands before its command, and yield its address."""
    port = find_free_port()
    url = f"http://{host}:{port}"
    command = [*inside, sys.executable, "-m", "moto.server", "--host", host, "--port", str(port)]
    with (folder / "moto.log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
    try:
        ends_at = time.monotonic() + START_SECONDS
        while not _answers(url):
            said = (folder / "moto.log").read_text()
            assert process.poll() is None, f"moto did not start: {said}"
            assert time.monotonic() < ends_at, f"moto did not start in time: {said}"
            time.sleep(0.05)
        yield url
    finally:
        process.kill()
        process.wait()


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/moto-api/", trust_env=False, timeout=5).status_code == 200
    except httpx.TransportError:
        return False
