"""What operators watch: the figures of all processes together, for those who may see them."""

import re
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.utils import timezone
from websockets.sync.client import connect

from tests.asgi import ask, run
from tests.server import ANSWER_SECONDS, Site


def value(site: Site, name: str, **labels: str) -> float:
    """Return one figure; 0 if it is not there."""
    text = httpx.get(f"{site.url}/metrics", trust_env=False, timeout=ANSWER_SECONDS).text
    inner = ",".join(f'{label}="{there}"' for label, there in labels.items())
    found = re.search(rf"^{name}{re.escape('{' + inner + '}') if inner else ''} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def until(condition: Callable[[], bool]) -> None:
    ends_at = time.monotonic() + 180
    while not condition():
        assert time.monotonic() < ends_at, "waited in vain"
        time.sleep(0.2)


@pytest.mark.parametrize("environ", [{}, {"PROCESSES": "2"}], ids=["daphne", "two of uvicorn"])
def test_the_figures_of_all_processes_are_added_up(server: Callable[..., Site], environ: dict[str, str]) -> None:
    site = server(**environ)
    event = site.event(updates=2)
    now = event.revision
    for after in (0, 0, now, 0, now):
        httpx.get(site.changes(event, after), trust_env=False)
    with ExitStack() as stack:
        sockets = [stack.enter_context(connect(site.live(event), proxy=None)) for _ in range(6)]
        until(lambda: value(site, "liveblog_readers", event=event.slug) == 6)
        site.publish(event, "Something new.")
        for socket in sockets:
            while "Something new." not in str(socket.recv(ANSWER_SECONDS)):
                pass
        until(lambda: value(site, "liveblog_fan_out_seconds_count") >= 1)
        assert value(site, "liveblog_bell_to_reader_seconds_count") >= 1
        assert value(site, "liveblog_polls_total", outcome="news") == 3
        assert value(site, "liveblog_polls_total", outcome="nothing") == 2
        with site.visitor() as visitor:
            site.log_in(visitor)
            token = {"X-CSRFToken": visitor.cookies["csrftoken"]}
            fields = {"body": "By the desk", "key": "0b9f62a8-57c0-4be2-b1ae-4a2f3b1c9d01"}
            assert visitor.post(f"/desk/{event.slug}/updates/", data=fields, headers=token).status_code == 302
        assert value(site, "liveblog_posts_total", to="readers") == 1
    until(lambda: value(site, "liveblog_readers", event=event.slug) == 0)


@pytest.mark.parametrize("environ", [{}, {"PROCESSES": "2"}], ids=["daphne", "two of uvicorn"])
def test_what_waits_for_a_decision_is_counted_once(server: Callable[..., Site], environ: dict[str, str]) -> None:
    site = server(**environ)
    event = site.event(author=site.user("ada"))

    def send(**more: Any) -> Any:
        return site.do(event.submit, author=site.user("ada"), body="Is it true?", **more)

    send(needs_approval=True)
    doubtful = send(needs_approval=True)
    send(due_at=timezone.now() + timedelta(days=1))
    until(lambda: value(site, "liveblog_approvals_waiting") == 2)
    site.do(doubtful.reject)
    until(lambda: value(site, "liveblog_approvals_waiting") == 1)


@pytest.mark.django_db(transaction=True)
def test_they_are_shown_to_this_machine_or_to_who_knows_the_token(settings: Any) -> None:
    async def main() -> None:
        def through(*headers: tuple[bytes, bytes]) -> Any:
            return ask("/metrics", headers=headers)

        assert (await through()).status == 200
        assert "liveblog_polls" in (await through()).body
        proxied = await through((b"x-forwarded-for", b"203.0.113.9"))
        assert (proxied.status, proxied.body) == (404, "There is nothing here.\n")
        settings.METRICS_TOKEN = "a token of many letters"
        assert (await through()).status == 404
        assert (await through((b"authorization", b"Bearer a token of many lettres"))).status == 404
        assert (await through((b"authorization", b"Bearer a token of many letters"))).status == 200

    run(main)
