"""Random bytes to real servers: neither of them fails, whatever comes over the line."""

import asyncio
import os
import re
import time
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from django.test import override_settings

from tests.fuzz.addresses import http_addresses, socket_addresses
from tests.fuzz.raw import AT_ONCE, Heard, Raw, broken, say
from tests.fuzz.requests import Maker, Names
from tests.fuzz.world import World
from tests.server import Site

pytestmark = pytest.mark.night

CONNECTIONS = 300 if os.environ.get("NIGHT") == "short" else 2_500
SEED = os.environ.get("FUZZ_SEED") or str(time.time_ns() % 10**9)
UNSPOKEN = {501, 505}
"""A server says so of what it does not speak: another transfer coding, another version of HTTP."""
ANSWERED = 0.5
"""The least part of what is no whole request that is answered nevertheless."""
FAILURES = re.compile(r"Traceback|\bERROR\b|\bCRITICAL\b|Exception")


@pytest.mark.parametrize("kind", ["daphne", "uvicorn"])
def test_no_bytes_make_a_server_fail(
    kind: str, server: Callable[..., Site], settings: Any, request: pytest.FixtureRequest
) -> None:
    database = {} if kind == "daphne" else {"DATABASE_URL": request.getfixturevalue("postgres_url")}
    site = server(SERVER=kind, **database)
    settings.MEDIA_ROOT = site.data_dir / "media"
    with override_settings(SECRET_KEY=site.secret_key, BASE_URL=site.url):
        world = site.do(World, 1)
    maker = Maker(world, [*http_addresses(), *socket_addresses()], Names())
    host = f"127.0.0.1:{site.port}".encode()
    sent = {number: broken(maker.make(random), host, random) for number, random in _randoms()}
    heard = asyncio.run(_say_all(sent, site.port))
    faults = [f"FUZZ_SEED={SEED} {number}: {sent[number].data[:1_500]!r}\n  {fault}"
              for number, answer in heard.items() for fault in _faults_of(sent[number], answer)]  # fmt: skip
    statuses = Counter(status for answer in heard.values() for status in answer.statuses)
    print(f"FUZZ_SEED={SEED} {kind}: {len(heard)} connections, {sorted(statuses.items())}")
    assert not faults, f"{len(faults)} answers are wrong\n" + "\n".join(faults[:8])
    assert not FAILURES.search(site.log), site.log[-8_000:]
    partly = [bool(heard[number].statuses) for number, raw in sent.items() if not raw.is_whole]
    assert sum(partly) > ANSWERED * len(partly)
    assert {200, 302, 400, 404} <= set(statuses)
    assert site.get("/healthz").status_code == 200


def _randoms() -> list[tuple[int, Random]]:
    return [(number, Random(f"{SEED}:raw {number}")) for number in range(CONNECTIONS)]


async def _say_all(sent: dict[int, Raw], port: int) -> dict[int, Heard]:
    turns, heard = asyncio.Semaphore(AT_ONCE), {}

    async def take_turn(number: int, raw: Raw) -> None:
        async with turns:
            heard[number] = await say(raw, port)

    await asyncio.gather(*(take_turn(number, raw) for number, raw in sent.items()))
    return heard


def _faults_of(raw: Raw, heard: Heard) -> list[str]:
    faults = [f"a {status}" for status in heard.statuses if status >= 500 and status not in UNSPOKEN | {503}]
    if 503 in heard.statuses and b"retry-after" not in heard.data.lower():
        faults.append("a 503 without Retry-After")
    if raw.is_whole and not heard.statuses:
        faults.append("no answer")
    if raw.is_whole and raw.data.startswith(b"HEAD ") and heard.data.partition(b"\r\n\r\n")[2]:
        faults.append("a body for a HEAD")
    return faults + (["a traceback"] if b"Traceback" in heard.data else [])
