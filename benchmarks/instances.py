"""Several instances: what a hop between them takes, what idle sockets hold, what a second one adds.

The whole deployment runs as ``tests/topology`` starts it, on this machine.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import psycopg
import redis.asyncio
import websockets
from django.utils.module_loading import import_string
from tqdm import tqdm

from feed.hub import Hub
from feed.layers import redis_layer
from tests.e2e.person import guest_cookies
from tests.topology.topology import Topology, topology

from .cost import cost
from .figures import ms, percentile
from .report import Section
from .typing_person import TypingPerson

# Listed as a page elsewhere, whose visitors are guests without a cookie.
ORIGIN = "https://people.example"
HELLO = {"type": "hello", "version": 1, "audio": {"out": {}}}
QUIET_HELLO = HELLO | {"audio": None}
PING_S = 20.0
FULL = 4429
RETRY_S = 10.0
# Who all come at once are taken for load, and told to come back.
COME_PER_S = 20.0
PERIOD_S = 10.0
ARRIVE_S = 8.0
FANOUT_RATIO, SOCKET_KB, LOAD_RATIO = 3.0, 150.0, 1.8
STAMPS = 100
OURS = {
    "VOICECHAT_ALLOWED_ORIGINS": ORIGIN,
    "VOICECHAT_LOG_LEVEL": "WARNING",
    # What is limited by address is not measured: all come from one.
    "VOICECHAT_LIMIT_CONNECTS_PER_ADDRESS": "none",
    "VOICECHAT_LIMIT_SOCKETS_PER_ADDRESS": "none",
    "VOICECHAT_LIMIT_TURNS_PER_ADDRESS": "none",
}


@dataclass(frozen=True, slots=True)
class Plan:
    """``people`` type at each instance, for ``load_s`` seconds."""

    replies: int = 10
    sockets: int = 1_000
    people: int = 40
    load_s: float = 60.0


QUICK = Plan(replies=2, sockets=200, people=10, load_s=15.0)


@dataclass(frozen=True, slots=True)
class Hops:
    """In ms. ``bare``: Redis publish to subscriber; ``feed``: hub to hub; the others from the bot's text
    to a socket.
    """

    bare: list[float]
    feed: list[float]
    same: list[float]
    other: list[float]


@dataclass(frozen=True, slots=True)
class Idle:
    sockets: int
    each_kb: float
    connections: int


@dataclass(frozen=True, slots=True)
class Load:
    """``core``: of each instance, over ``seconds``; ``first_audio_ms`` as a person waits."""

    instances: int
    people: int
    turns: int
    seconds: float
    core: list[float]
    first_audio_ms: list[float]

    @property
    def core_ms_a_turn(self) -> float:
        return sum(self.core) * self.seconds / self.turns * 1000


def section(quick: bool) -> Section:
    """Measure, and tell."""
    plan = QUICK if quick else Plan()
    with topology(
        VOICECHAT_DIALOGUE="benchmarks.stamped_bot.Stamped", BENCH_STAMPS=str(STAMPS), **OURS
    ) as deployed:
        hops = asyncio.run(_hops(deployed, plan))
    with topology(instances=1, **OURS) as deployed:
        idle = asyncio.run(_idle(deployed, plan))
    loads = []
    for instances in (1, 2):
        with topology(
            instances=instances, VOICECHAT_DIALOGUE="benchmarks.bots.FiveSentences", **OURS
        ) as deployed:
            loads.append(asyncio.run(_load(deployed, plan)))
    return Section(
        "Several instances",
        "python -m benchmarks instances",
        "\n\n".join((_explained(), *_tables(hops, idle, loads))),
        cores="shared by all",
    )


@asynccontextmanager
async def _connected(url: str, hello: dict[str, Any]) -> AsyncIterator[websockets.ClientConnection]:
    """A socket that is ready; a server that is full is asked again."""
    while True:
        socket = await websockets.connect(url, origin=ORIGIN, max_size=None, open_timeout=60)
        try:
            await socket.send(json.dumps(hello))
            while json.loads(await socket.recv())["type"] != "ready":
                pass
        except websockets.ConnectionClosed as closed:
            if closed.rcvd is None or closed.rcvd.code != FULL:
                raise
            await asyncio.sleep(RETRY_S * random.uniform(0.5, 1.5))
        else:
            break
    try:
        yield socket
    finally:
        await socket.close()


@asynccontextmanager
async def _reading(socket: websockets.ClientConnection) -> AsyncIterator[None]:
    """What comes is taken, and with it the server's pongs."""

    async def read() -> None:
        with suppress(websockets.ConnectionClosed):
            async for _ in socket:
                pass

    reading = asyncio.create_task(read())
    try:
        yield
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


# --- a hop ------------------------------------------------------------------------------------


async def _hops(deployed: Topology, plan: Plan) -> Hops:
    cookies = await guest_cookies(deployed.url)
    one, two = "web1", "web2"
    async with (
        _own(deployed, one, cookies) as speaker,
        _own(deployed, two, cookies) as follower,
    ):
        conversation = await _hello(speaker)
        await _ask(speaker)
        await _hello(follower, conversation)
        same: list[float] = []
        other: list[float] = []
        bare: list[float] = []
        feed: list[float] = []
        for _ in tqdm(range(plan.replies), desc="a hop", unit="reply", disable=None):
            # Both in the same seconds, so that the machine is as busy for both.
            listening = asyncio.create_task(_ages(follower, other))
            publishing = asyncio.create_task(_bare_hops(deployed.redis_url, bare))
            feeding = asyncio.create_task(_feed_hops(deployed.redis_url, feed))
            await _ask(speaker, same)
            await asyncio.gather(listening, publishing, feeding)
    return Hops(bare, feed, same, other)


def _own(deployed: Topology, name: str, cookies: str) -> websockets.connect:
    return websockets.connect(
        deployed.socket_url_of(name),
        origin=deployed.url_of(name),
        additional_headers={"Cookie": cookies},
        max_size=None,
    )


async def _hello(socket: websockets.ClientConnection, conversation: str | None = None) -> str:
    await socket.send(json.dumps(QUIET_HELLO | {"conversation": conversation}))
    while (message := json.loads(await socket.recv()))["type"] != "ready":
        pass
    return str(message["conversation"])


async def _ask(socket: websockets.ClientConnection, ages: list[float] | None = None) -> None:
    await socket.send(json.dumps({"type": "text", "id": f"{time.monotonic_ns()}", "text": "?"}))
    await _ages(socket, [] if ages is None else ages)


async def _ages(socket: websockets.ClientConnection, ages: list[float]) -> None:
    """How old each stamp of a reply is when it comes, in ms; returns with the last one."""
    wanted = len(ages) + STAMPS
    async with asyncio.timeout(60):
        async for frame in socket:
            now = time.monotonic_ns()
            message = json.loads(frame)
            if message["type"] == "delta":
                stamps = [int(word) for word in message["text"].split() if word.isdigit()]
                ages += [(now - stamp) / 1e6 for stamp in stamps]
            if len(ages) >= wanted:
                return


async def _bare_hops(url: str, took: list[float]) -> None:
    """Publish to a subscriber on another connection, as often as the bot writes."""
    client = redis.asyncio.Redis.from_url(url)
    async with client, client.pubsub() as subscriber:
        await subscriber.subscribe("benchmark")
        while await subscriber.get_message(timeout=1) is None:
            pass
        for _ in range(STAMPS):
            await asyncio.sleep(0.02)
            began = time.monotonic_ns()
            await client.publish("benchmark", b"x" * 200)
            while await subscriber.get_message(ignore_subscribe_messages=True, timeout=1) is None:
                pass
            took.append((time.monotonic_ns() - began) / 1e6)


async def _feed_hops(url: str, took: list[float]) -> None:
    """From one process's end of the feed to another's, as often."""
    layer = redis_layer(url)
    one, two = (
        Hub(import_string(layer["BACKEND"])(**layer["CONFIG"] | {"prefix": "benchmark"}))
        for _ in range(2)
    )
    async with one.follow("other"), two.follow("text") as follower:
        events = aiter(follower)
        for _ in range(STAMPS):
            await asyncio.sleep(0.02)
            began = time.monotonic_ns()
            publishing = asyncio.create_task(one.publish("text", {"text": "x" * 200}))
            await anext(events)
            took.append((time.monotonic_ns() - began) / 1e6)
            await publishing
    await one.stop()
    await two.stop()


# --- idle sockets -----------------------------------------------------------------------------


async def _idle(deployed: Topology, plan: Plan) -> Idle:
    pid = deployed["web1"].pid
    url = deployed.socket_url_of("web1")
    async with _connected(url, QUIET_HELLO):
        await asyncio.sleep(2)
    before = cost(pid).rss_mb
    stay = asyncio.Event()
    there = asyncio.Semaphore(0)

    async def person() -> None:
        await asyncio.sleep(random.uniform(0, plan.sockets / COME_PER_S))
        async with _connected(url, QUIET_HELLO) as socket, _reading(socket):
            there.release()
            while not stay.is_set():
                try:
                    async with asyncio.timeout(random.uniform(PING_S / 2, PING_S)):
                        await stay.wait()
                except TimeoutError:
                    await socket.send(json.dumps({"type": "ping"}))

    async with asyncio.TaskGroup() as people:
        for _ in range(plan.sockets):
            people.create_task(person())
        for _ in tqdm(range(plan.sockets), desc="idle", unit="socket", disable=None):
            await there.acquire()
        held = []
        for _ in range(8):
            await asyncio.sleep(0.5)
            held.append(await asyncio.to_thread(_connections, deployed.database_url))
        after = cost(pid).rss_mb
        stay.set()
    # What is open for a moment, as for the sweep, is no socket's: the least is what they hold.
    return Idle(plan.sockets, (after - before) * 1024 / plan.sockets, min(held))


def _connections(database_url: str) -> int:
    """How many there are of clients, less this one."""
    with psycopg.connect(database_url) as connection:
        row = connection.execute(
            "select count(*) from pg_stat_activity"
            " where backend_type = 'client backend' and pid <> pg_backend_pid()"
        ).fetchone()
        assert row is not None
        return int(row[0])


# --- load -------------------------------------------------------------------------------------


async def _load(deployed: Topology, plan: Plan) -> Load:
    waits: list[float] = []
    began = asyncio.get_running_loop().time() + ARRIVE_S
    pids = [deployed[name].pid for name in deployed.web]

    async def person(name: str) -> None:
        await asyncio.sleep(random.uniform(0, ARRIVE_S))
        async with _connected(deployed.socket_url_of(name), HELLO) as socket:
            typist = TypingPerson(socket)
            end = began + plan.load_s
            await typist.listen(max(0.0, began - asyncio.get_running_loop().time()))
            while True:
                pause = random.uniform(0, 2 * PERIOD_S)
                left = end - asyncio.get_running_loop().time()
                await typist.listen(max(0.0, min(pause, left)))
                if pause >= left:
                    break
                waits.append((await typist.ask("What can you tell me?")).first_audio)
            await typist.listen(end + 1 - asyncio.get_running_loop().time())

    label = f"{plan.people} people on each of {len(pids)}"
    async with asyncio.TaskGroup() as people:
        for name in deployed.web:
            for _ in range(plan.people):
                people.create_task(person(name))
        await asyncio.sleep(ARRIVE_S)
        before, at = [cost(pid).cpu_s for pid in pids], time.perf_counter()
        for _ in tqdm(range(round(plan.load_s)), desc=label, unit="s", disable=None):
            await asyncio.sleep(1)
        after, took = [cost(pid).cpu_s for pid in pids], time.perf_counter() - at
    core = [(one - other) / took for one, other in zip(after, before, strict=True)]
    return Load(len(pids), plan.people * len(pids), len(waits), took, core, waits)


# --- what it comes to -------------------------------------------------------------------------


def _explained() -> str:
    return (
        "The whole deployment: nginx, Redis, PostgreSQL, an object store (moto) and the instances, beside the clients. "
        "*A hop*: a bot writes the time each 20 ms; how old that is when it reaches a socket, beside a bare "
        "`PUBLISH` to a subscriber, and the feed between two ends of it, in the same seconds. *Idle*: greeted guests who send a `ping` every 20 s."
    )


def _tables(hops: Hops, idle: Idle, loads: list[Load]) -> list[str]:
    bare, feed, same, other = (
        [percentile(some, percent) for percent in (50, 95)]
        for some in (hops.bare, hops.feed, hops.same, hops.other)
    )
    fanout = "\n".join(
        (
            "| | p50 | p95 | of a bare hop (p95) |",
            "|---|---|---|---|",
            f"| Redis publish → subscriber | {ms(bare[0])} | {ms(bare[1])} | 1 |",
            f"| the feed: hub → hub | {ms(feed[0])} | {ms(feed[1])} | {feed[1] / bare[1]:.1f} |",
            f"| bot's text → the socket it was asked on | {ms(same[0])} | {ms(same[1])} | "
            f"{same[1] / bare[1]:.1f} |",
            f"| bot's text → a socket on the other instance | {ms(other[0])} | {ms(other[1])} | "
            f"{other[1] / bare[1]:.1f} (wanted: {FANOUT_RATIO:.0f}) |",
        )
    )
    sockets = "\n".join(
        (
            f"| {idle.sockets} idle sockets on one process | |",
            "|---|---|",
            f"| memory of each | {idle.each_kb:.0f} kB (wanted: {SOCKET_KB:.0f}) |",
            f"| PostgreSQL connections | {idle.connections} (wanted: 0) |",
        )
    )
    one, two = loads
    # Of a core that it has to itself, each instance carries so many turns.
    ratio = 2 * one.core_ms_a_turn / two.core_ms_a_turn
    cores = os.cpu_count() or 1
    said = (
        ""
        if cores >= 2 * len(loads) + 2
        else f" There are {cores} cores here for everything, so the ratio is told by the cost of a turn: "
        "what two instances with a core each would carry, of what one does."
    )
    rows = [
        f"| {load.people} people on {load.instances} | {load.turns} | "
        f"{' + '.join(f'{core:.2f}' for core in load.core)} | "
        f"{ms(percentile(load.first_audio_ms, 50))} | {ms(percentile(load.first_audio_ms, 95))} |"
        for load in loads
    ]
    typing = "\n".join(
        (
            "| typing, each once in 10 s | turns | cores | first audio p50 | p95 |",
            "|---|---|---|---|---|",
            *rows,
            "",
            f"Two instances carry {ratio:.2f} times the typing load of one (wanted: {LOAD_RATIO}).{said}",
        )
    )
    return [fanout, sockets, typing]
