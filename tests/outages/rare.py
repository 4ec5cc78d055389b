"""The faults that few meet: full and read-only disks, restored backups, readers that hang, a crowd far behind."""

import io
import secrets
import socket
import ssl
import subprocess
import sys
import time
import uuid
from contextlib import ExitStack, closing, suppress
from datetime import UTC, datetime, timedelta

import httpx
import psycopg
from django.contrib.auth.models import User
from PIL import Image

from liveblog.models import Event, Update
from tests.daemons import CanNotBeMade, find_program
from tests.outages.clock import set_clock
from tests.outages.disks import filled, read_only
from tests.outages.installation import PATIENCE_SECONDS, until
from tests.outages.trial import Fault, Goal, Scene, state_of
from tests.proxy import NAME
from tests.server import find_free_port

LAST_SECONDS = 10.0
MUTE_READERS = 30
MANY = 20_000
FILL_TOGETHER = 500


def database_full(scene: Scene) -> None:
    """No table can grow; then no log can, and PostgreSQL dies of it; then there is room again."""
    here = scene.installation
    if not here.disks["database"]:
        raise CanNotBeMade("no disk can be mounted")
    with filled(here.room / "database"):
        scene.post_plainly(f"Written while the disk was full {secrets.token_hex(2_000)}")
        scene.pause(LAST_SECONDS)
        with suppress(psycopg.Error):
            here.query("SELECT pg_switch_wal()")
        scene.pause(LAST_SECONDS / 2)
        scene.notes.append(f"PostgreSQL {'went on' if here.database.is_running else 'gave up'}")
    here.database.start()


def media_full(scene: Scene) -> None:
    """A photo that finds no room is refused in clear words, and taken when there is room."""
    here = scene.installation
    if not here.disks["data/media"]:
        raise CanNotBeMade("no disk can be mounted")
    with filled(here.room / "data" / "media"):
        check_refusal(scene, "full")
    check_photo_taken(scene)


def data_read_only(scene: Scene) -> None:
    """Nothing in DATA_DIR can be written; readers and texts don't need it, and a start says what is wrong."""
    here = scene.installation
    with read_only(here.room / "data"):
        check_refusal(scene, "read-only")
        scene.pause(LAST_SECONDS)
        done = subprocess.run(
            [sys.executable, "manage.py", "serve", "--no-demo"],
            cwd=here.site.root,
            env=here.site.environ | {"PORT": str(find_free_port())},
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
        said = (done.stdout + done.stderr).strip()
        scene.notes.append(f"a start: {said.splitlines()[-1] if said else 'nothing'}")
        scene.check(done.returncode == 1, f"a start ended with {done.returncode}")
        scene.check("Traceback" not in said, "a start prints a traceback")
    check_photo_taken(scene)


def backup_restored(scene: Scene) -> None:
    """A backup is restored under open pages, as docs/operations.md says."""
    here = scene.installation
    dump = here.room / "backup"
    words = ["--dbname", here.database.url]
    subprocess.run(
        [find_program("pg_dump"), *words, "--format=custom", f"--file={dump}"], check=True, capture_output=True
    )
    scene.pause(LAST_SECONDS)
    here.site.stop()
    restore = [find_program("pg_restore"), *words, "--clean", "--if-exists", "--single-transaction", str(dump)]
    subprocess.run(restore, check=True, capture_output=True)
    here.site.manage("restored")
    here.site.start()
    here.wait_until_healthy()


def mute_readers(scene: Scene) -> None:
    """Sockets that never read: through nginx, and at Liveblog itself."""
    here, path = scene.installation, f"/events/{scene.event.slug}/live/?after=0&edition={scene.event.edition}"
    tls = ssl.create_default_context(cafile=here.front()[3])
    with ExitStack() as held:
        mutes = []
        for number in range(MUTE_READERS):
            port = here.site.port if number < MUTE_READERS // 2 else here.proxy.https_port
            plain = socket.socket()
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            plain.connect(("127.0.0.1", port))
            mute = plain if port == here.site.port else tls.wrap_socket(plain, server_hostname=NAME)
            mutes.append(held.enter_context(mute))
            mute.sendall(upgrade(path, NAME))
        scene.pause(4 * LAST_SECONDS)
        left = sum(map(is_let_go, mutes[: MUTE_READERS // 2]))
        scene.notes.append(f"{left} of {MUTE_READERS // 2} without nginx were let go")


def is_let_go(mute: socket.socket) -> bool:
    """Whether the other end has given a socket up; reads what has come meanwhile."""
    mute.settimeout(5)
    try:
        while mute.recv(65536):
            pass
    except TimeoutError:
        return False
    except ConnectionError:
        pass
    return True


def half_open(scene: Scene) -> None:
    """As many readers again, a fifth of them, lose their network without a word, and get it back."""
    here = scene.installation
    if here.elsewhere is None:
        raise CanNotBeMade("no network can be made")
    far = scene.add_crowd(here.elsewhere.inside)
    sockets, polls = (max(1, count // 5) for count in scene.size)
    far.open(here.front(elsewhere=True), scene.event.slug, sockets=sockets, polls=polls)
    here.elsewhere.unplug()
    scene.pause(3 * LAST_SECONDS)
    here.elsewhere.plug_in()
    back_at = time.monotonic()
    state = state_of(here, scene.event)
    until(lambda: not far.count_behind(*state), lambda: f"for those whose network was away: {far.trouble()}")
    scene.notes.append(f"the last of them was right {time.monotonic() - back_at:.1f} s after their network was back")


def far_behind(scene: Scene) -> None:
    """Laptops are opened again on an event that has had 20,000 updates meanwhile, all at once."""
    scene.crowds[0].freeze()
    for _ in range(MANY // FILL_TOGETHER):  # authors get their turns in between
        scene.installation.site.do(fill, scene.event, FILL_TOGETHER)
    scene.pause(LAST_SECONDS)
    scene.crowds[0].thaw()


def clock_set(scene: Scene) -> None:
    """The clock is an hour slow, then an hour fast, then right."""
    clock = scene.installation.clock
    assert clock is not None
    for offset in ("-1h", "+1h", "+0"):
        set_clock(clock, offset)
        scene.pause(LAST_SECONDS)
        ((shift,),) = scene.installation.query(
            "SELECT extract(epoch FROM clock_timestamp() - %s::timestamptz)", datetime.now(UTC)
        )
        scene.notes.append(f"the database’s clock was {round(shift / 60):+d} min off")


def check_refusal(scene: Scene, why: str) -> None:
    """Send a photo that can't be kept: the service says so, in its own words, and when to come again."""
    status, text, headers = send_photo(scene)
    scene.notes.append(f"photo while {why}: {status} {text.strip()[:120]}")
    scene.check(status == 503, f"a photo got {status} while the disk was {why}")
    scene.check("Retry-After" in headers, "nobody says when to send the photo again")


def check_photo_taken(scene: Scene) -> None:
    """Send a photo that is taken."""
    status, text, _ = send_photo(scene)
    scene.check(status == 200, f"a photo got {status} when there was room: {text[:200]}")


def send_photo(scene: Scene) -> tuple[int, str, httpx.Headers]:
    """Send a photo of noise, which compresses badly, as an outbox does."""
    file = io.BytesIO()
    Image.effect_noise((1600, 1200), 90).convert("RGB").save(file, "JPEG")
    with closing(scene.installation.sign_in("ada")) as visitor:
        headers = {
            "X-CSRFToken": visitor.cookies["csrftoken"],
            "Liveblog-Author": str(scene.installation.site.user("ada").pk),
        }
        answer = visitor.post(
            f"/desk/{scene.event.slug}/photos/",
            data={"key": str(uuid.uuid4())},
            files={"photo": ("photo.jpg", file.getvalue(), "image/jpeg")},
            headers=headers,
            timeout=PATIENCE_SECONDS,
        )
    return answer.status_code, answer.text, answer.headers


def upgrade(path: str, name: str) -> bytes:
    """Return what asks for a socket."""
    return (
        f"GET {path} HTTP/1.1\r\nHost: {name}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    ).encode()


def fill(event: Event, updates: int) -> None:
    """Give an event so many updates in one go, as if each had been published."""
    author = User.objects.get(username="ada")
    with event.change() as locked:
        begins_at = locked.latest_clock
        rows = [
            Update(
                event=event,
                number=locked.last_number + count,
                revision=locked.revision + count,
                key=uuid.uuid4(),
                digest="0" * 64,
                author=author,
                byline="Ada",
                body=f"Meanwhile {count}",
                body_html=f"<p>Meanwhile {count}</p>",
                body_text=f"Meanwhile {count}",
                published_at=begins_at + timedelta(microseconds=count),
            )
            for count in range(1, updates + 1)
        ]
        Update.objects.bulk_create(rows, batch_size=1_000)
        locked.last_number += updates
        locked.latest_clock = rows[-1].published_at
        locked.revision += updates - 1
        locked.take_revision()


RARE = (
    Fault("disk of the database full", database_full, Goal(6, 7, frozenset({"200", "503"})), from_return=True),
    Fault("disk of the photos full", media_full, Goal(2, 7)),
    Fault("DATA_DIR read-only", data_read_only, Goal(2, 7)),
    Fault(
        "backup restored",
        backup_restored,
        Goal(10, 10, frozenset({"200", "502", "503", "504", "no answer"})),
        from_return=True,
        forgets=True,
    ),
    Fault("30 readers that never read", mute_readers, Goal(2, 7), padding=15_000),
    Fault("network half-open 30 s", half_open, Goal(2, 7)),
    Fault("20,000 updates behind", far_behind, Goal(10, 10), from_return=True),
    Fault("clock an hour slow, then fast", clock_set, Goal(2, 7), has_clock=True),
)
