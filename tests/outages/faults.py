"""The faults of services and processes, and what each should cost."""

import time

import psycopg
import redis

from tests.outages.installation import PROCESSES
from tests.outages.rare import RARE
from tests.outages.trial import Fault, Goal, Scene

LAST_SECONDS = 10.0
AWAY_SECONDS = 20.0
TAKEN, TOLD, UNHEARD = "200", "503", "no answer"
PASSED_ON = "502"
"""What nginx says of a process that has gone."""


def nothing(scene: Scene) -> None:
    """All goes well."""
    scene.pause(AWAY_SECONDS)


def redis_stopped(scene: Scene) -> None:
    """The bell is away."""
    scene.installation.redis.stop()
    scene.pause(LAST_SECONDS)
    scene.installation.redis.start()


def redis_hanging(scene: Scene) -> None:
    """The bell's connections stay open and nothing comes through."""
    scene.installation.redis.freeze()
    scene.pause(LAST_SECONDS)
    scene.installation.redis.thaw()


def redis_flushed(scene: Scene) -> None:
    """Redis forgets everything, and sends all away who listen."""
    with redis.Redis.from_url(scene.installation.redis.url) as client:
        for _ in range(int(LAST_SECONDS / 2)):
            client.flushall()
            client.client_kill_filter(_type="pubsub")
            client.client_kill_filter(_type="normal", skipme=True)
            scene.pause(2)


def connections_terminated(scene: Scene) -> None:
    """An administrator ends every connection to the database, four times."""
    for _ in range(4):
        scene.installation.query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        scene.pause(3.3)


def row_locked(scene: Scene) -> None:
    """Somebody else holds the event's row."""
    with psycopg.connect(scene.installation.database.url) as connection:
        connection.execute("SELECT id FROM liveblog_event WHERE id = %s FOR UPDATE", [scene.event.pk])
        held_at = time.monotonic()
        scene.post_plainly("Written while the row was held")
        scene.pause(max(0, held_at + LAST_SECONDS - time.monotonic()))


def database_away(scene: Scene) -> None:
    """PostgreSQL is stopped and comes back."""
    scene.installation.database.stop()
    scene.post_plainly("Written while the database was away")
    scene.pause(AWAY_SECONDS)
    scene.installation.database.start()


def database_silent(scene: Scene) -> None:
    """PostgreSQL hangs: connections stay open, new ones are taken, and nothing is answered."""
    scene.installation.database.freeze()
    scene.pause(AWAY_SECONDS)
    scene.installation.database.thaw()


def processes_killed(scene: Scene) -> None:
    """Each process is killed in turn."""
    for _ in range(PROCESSES):
        scene.installation.kill_one()
        scene.pause(3)


def all_anew(scene: Scene) -> None:
    """The machine is started anew."""
    here = scene.installation
    here.site.stop()
    here.proxy.stop()
    here.database.stop()
    here.redis.stop()
    here.database.start()
    here.redis.start()
    here.proxy.start()
    here.site.start()
    here.wait_until_healthy()


def hang_up(scene: Scene) -> None:
    """The processes are replaced one by one, as an upgrade does."""
    scene.installation.replace_processes()
    scene.pause(3)
    trouble = scene.trouble()
    errors = {name: count for name, count in trouble.items() if name.startswith(("poll", "page:"))}
    scene.check(not errors, f"readers met errors: {errors}")


def _may(*seen: str) -> frozenset[str]:
    return frozenset({TAKEN, *seen})


FAULTS = {
    fault.name: fault
    for fault in (
        Fault("none", nothing, Goal(0.5, 5.5)),
        Fault("Redis stopped 10 s", redis_stopped, Goal(2, 7)),
        Fault("Redis hanging 10 s", redis_hanging, Goal(2, 7)),
        Fault("Redis flushed", redis_flushed, Goal(2, 7)),
        Fault("connections terminated", connections_terminated, Goal(2, 7, _may(TOLD))),
        Fault("row locked 10 s", row_locked, Goal(2, 7, _may(TOLD))),
        Fault("PostgreSQL away 20 s", database_away, Goal(6, 6, _may(TOLD)), from_return=True),
        Fault("PostgreSQL silent 20 s", database_silent, Goal(6, 6, _may(TOLD)), from_return=True),
        Fault("processes killed", processes_killed, Goal(3, 6, _may(TOLD, PASSED_ON, UNHEARD))),
        Fault("all anew", all_anew, Goal(10, 10, _may(TOLD, PASSED_ON, "504", UNHEARD)), from_return=True),
        Fault("HUP", hang_up, Goal(2, 7)),
        *RARE,
    )
}
