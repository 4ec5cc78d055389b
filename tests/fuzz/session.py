"""One run: a look at everything there is, which learns the names of fields, then random requests."""

import os
from collections import Counter
from random import Random
from urllib.parse import urlsplit

from django.urls import Resolver404, resolve

from tests.asgi import connect, in_thread, until
from tests.fuzz.addresses import Address, http_addresses
from tests.fuzz.answers import ANSWER_SECONDS, Answer, Log, Tally, faults_of, send
from tests.fuzz.forms import Form, Forms
from tests.fuzz.requests import Maker, Names, Request
from tests.fuzz.world import ROLES, World, empty, forget_attempts

WORLD_REQUESTS = 250
"""A world is made anew after so many requests: what they add makes its pages longer and longer."""
TRIES = 2
"""How often a form is sent by each who sees it, and an address with parts that vary is opened, until it works."""
CODES = {None, 1000, 4000, 4400, 4404, 4503}
"""What a socket may be closed with (docs/protocol.md); ``None``: it stays."""
BLIND_TRIES = 80
"""How often what nobody got through to is asked with all that its view asks for."""


class Session:
    """Sends requests one after another, and keeps what was wrong with the answers."""

    def __init__(self, seed: str, log: Log) -> None:
        self.faults: list[str] = []
        self.tally = Tally()
        self.codes: Counter[int | None] = Counter()
        self.worlds = 0
        self._seed = seed
        self._log = log
        self._names = Names()
        self._random = Random(seed)
        self._addresses = http_addresses()
        self._maker: Maker
        self._world: World
        self._asked = 0

    async def look_around(self) -> None:
        """Open every address as everybody, and send every form that is found there until it was taken."""
        await self._make_world()
        taken: set[tuple[str, ...]] = set()
        tries: Counter[tuple[str, ...]] = Counter()
        with self._names.learning():
            for address in self._addresses:
                for role in reversed(ROLES):
                    for _ in range(TRIES if address.parameters else 1):
                        await self._open(address, role, taken, tries)
            for address in self._addresses:
                for method in ("GET", "POST"):
                    await self._ask_blindly(address, method)

    async def _open(
        self, address: Address, role: str, taken: set[tuple[str, ...]], tries: Counter[tuple[str, ...]]
    ) -> None:
        opened = self._maker.plain(address, role, self._random)
        answer = await self._ask(opened, "the look around")
        if not answer.headers.get("content-type", "").startswith("text/html"):
            return
        for form in Forms(answer.text, opened.target.decode()).found:
            for name, offered in form.offers.items():
                self._names.add_values(name, offered)
            for name, value in form.buttons:
                self._names.add_values(name, [value])
            target = self._address_of(form)
            key = (target.route if target else "", *sorted(form.offers), *(name for name, _ in form.buttons))
            if target is None or form.method != "POST" or key in taken or tries[(role, *key)] >= TRIES:
                continue
            tries[(role, *key)] += 1
            if await self._submit(form, target, role):
                taken.add(key)
            if not await in_thread(self._world.is_whole):
                await self._make_world()
                return  # what else stands on this page is of the former one

    async def _submit(self, form: Form, address: Address, role: str) -> bool:
        plain = self._maker.plain(address, role, self._random, "POST", form.fill(self._world, self._random))
        request = Request(address, role, "POST", form.action.encode(), plain.headers, plain.body)
        return (await self._ask(request, "the look around")).status < 400

    async def _ask_blindly(self, address: Address, method: str) -> None:
        for number in range(BLIND_TRIES):
            if self.tally.has_reached(address.route, method):
                return
            request = self._maker.sensible(address, ROLES[-1 - number % len(ROLES)], self._random, method)
            if (await self._ask(request, "the look around")).status == 405:
                return
            await self._mend()

    def _address_of(self, form: Form) -> Address | None:
        try:
            route = resolve(urlsplit(form.action).path).route
        except Resolver404:
            return None
        return next((one for one in self._addresses if one.route == route), None)

    # Random requests.

    async def go_on(self, numbers: range) -> None:
        """Send the requests of these numbers."""
        for number in numbers:
            random = Random(f"{self._seed}:{number}")
            request = self._maker.make(random)
            await self._ask(request, f"FUZZ_ONLY={number}", random)
            if request.method not in {"GET", "HEAD"} or self._asked >= WORLD_REQUESTS:
                await self._mend()

    async def open_sockets(self, numbers: range) -> None:
        """Open sockets of all kinds, and say something odd to those that open."""
        for number in numbers:
            random = Random(f"{self._seed}:socket {number}")
            request = self._maker.make_socket(random)
            async with connect(None, path=request.path, query=request.query, headers=request.headers) as socket:
                if random.random() < 0.5:
                    socket.to_server.put_nowait({"type": "websocket.receive", "bytes": request.body, "text": None})
                await until(lambda here=socket: here.is_open or here.code is not None, ANSWER_SECONDS)
            self.codes[socket.code] += 1
            faults = [f"closed with {socket.code}"] if socket.code not in CODES else []
            faults += [
                f"{one.words} shown" for one in self._world.hidden if any(one.words in text for text in socket.received)
            ]
            if faults := [*faults, *self._log.take()]:
                self.faults.append(f"FUZZ_SEED={self._seed} socket {number}: {request}\n  " + "\n  ".join(faults))

    async def _mend(self) -> None:
        if self._asked >= WORLD_REQUESTS or not await in_thread(self._world.is_whole):
            await self._make_world()

    async def _ask(self, request: Request, called: str, random: Random | None = None) -> Answer:
        """Send one, and keep what is wrong."""
        self._asked += 1
        self._names.route = request.address.route
        random = random or self._random
        if request.role == "guest" or self._asked % 20 == 0:
            await in_thread(forget_attempts)
        client = random.choice(("127.0.0.1", f"10.{random.randrange(256)}.{random.randrange(256)}.1", "2001:db8::1"))
        chunks = random.choice((1, 1, 1, 2, 7))
        try:
            answer = await send(request, client=client, chunks=chunks)
        except Exception as error:
            answer, faults = Answer(599, {}, b""), [f"it raised {error!r}"]
        else:
            faults = faults_of(request, answer, self._world)
        self.tally.count(request, answer)
        if os.environ.get("FUZZ_ONLY"):
            print(called, request, answer.status, answer.headers, answer.body[:300])
        if faults := [*faults, *self._log.take()]:
            self.faults.append(f"FUZZ_SEED={self._seed} {called}: {request}\n  " + "\n  ".join(faults))
        return answer

    async def _make_world(self) -> None:
        self.worlds += 1
        self._asked = 0
        await in_thread(empty)
        self._world = await in_thread(World, self.worlds)
        self._maker = Maker(self._world, self._addresses, self._names)
        self._log.take()
