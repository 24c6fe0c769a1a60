"""What goes wrong while people talk, and what became of all that they said.

Each scenario takes a whole deployment and leaves it whole. Tests run them with short waits,
``benchmarks/faults.py`` with the times of the table in docs/benchmarks.md.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import libfaketime
import websockets

from tests.part import Part
from tests.topology.topology import Topology

from .caller import Caller
from .crowd import crowd, guests, living
from .network import Network
from .tally import Tally

# An answer of about a second, as text.
WORDS = "how are you"
PEOPLE = 50
MAY_MOUNT = os.geteuid() == 0
FAKETIME = str(Path(libfaketime.__file__).parent / "vendor/libfaketime/src/libfaketime.so.1")


# Of an instance that dies, so many answers are followed to their end.
ORPHANS = 5


async def killed_instance(deployed: Topology, people: int = PEOPLE) -> Tally:
    """kill -9 of an instance in the middle of its answers."""
    async with crowd(deployed, people, audio=4) as talking, orphans(deployed) as followers:
        # So many that the other instance has room for all of them.
        await talking.begin(WORDS, pauses_s=(2.0, 6.0))
        replies = await asyncio.gather(*(being_answered(one) for one in followers))
        await asyncio.to_thread(deployed["web2"].kill)
        killed_at = time.monotonic()
        back_s = await talking.back_s()
        deployed["web2"].start(wait=False)
        ends = [told_of_its_end(one, id) for one, id in zip(followers, replies, strict=True)]
        ended_s = max(await asyncio.gather(*ends)) - killed_at
        await asyncio.to_thread(deployed["web2"].wait_until_ready)
        return await talking.end(back_s, ended_s)


# Somebody on the instance that will die; and another tab of theirs, on the other one.
Orphan = tuple[Caller, Caller]


@contextlib.asynccontextmanager
async def orphans(deployed: Topology) -> AsyncIterator[list[Orphan]]:
    pairs = [
        (Caller(deployed.url_of("web2"), cookies), Caller(deployed.url_of("web1"), cookies))
        for cookies in await guests(deployed, ORPHANS)
    ]
    async with living([asking for asking, _ in pairs]):
        for asking, follower in pairs:
            await asking.connected()
            asked = asking.ask(WORDS)
            assert await asking.until(lambda: asked.reply in asking.ended, 60)  # noqa: B023
            assert asking.conversation is not None
            follower.follow(asking.conversation)
        async with living([follower for _, follower in pairs]):
            yield pairs


async def being_answered(one: Orphan) -> str:
    """A long answer that has begun; returns its id."""
    asking, follower = one
    await follower.connected()
    asked = asking.ask("a slow one")
    assert await asking.until(lambda: bool(asked.reply), 60), asking.errors
    return asked.reply


async def told_of_its_end(one: Orphan, reply: str) -> float:
    """When the other tab was told that the answer was interrupted. It asks again, until it is answered."""
    _, follower = one
    assert await follower.until(lambda: reply in follower.ended, 60), reply
    assert follower.ended[reply] == "interrupted"
    async with asyncio.timeout(60):
        again = follower.ask("once more")
        while follower.ended.get(again.reply) != "done":
            if again.reply in follower.ended:  # where time is short, a lease may lapse
                again = follower.ask("once more")
            await follower.until(lambda: again.reply in follower.ended, 5)  # noqa: B023
    return follower.ended_at[reply]


async def redis_restarted(
    deployed: Topology, away_s: float = 0.0, people: int = PEOPLE // 2
) -> Tally:
    """Redis is killed, and comes back empty after ``away_s``."""
    async with crowd(deployed, people, audio=2) as talking:
        await talking.begin(WORDS)
        deployed["redis"].kill()
        await asyncio.sleep(away_s)
        await asyncio.to_thread(deployed["redis"].start)
        back_s = await talking.back_s()
        return await talking.end(back_s)


async def postgres_restarted(
    deployed: Topology, away_s: float = 0.0, people: int = PEOPLE // 2
) -> Tally:
    """PostgreSQL is stopped in the middle of everything, and started after ``away_s``."""
    async with crowd(deployed, people, audio=2) as talking:
        await talking.begin(WORDS)
        await asyncio.to_thread(deployed["postgres"].stop)
        await asyncio.sleep(away_s)
        await asyncio.to_thread(deployed["postgres"].start)
        back_s = await talking.back_s()
        return await talking.end(back_s)


async def hung(
    deployed: Topology, part: str, away_s: float = 8.0, people: int = PEOPLE // 2
) -> Tally:
    """Redis or PostgreSQL takes connections, and what is sent over them, and answers nothing."""
    async with crowd(deployed, people, audio=2) as talking:
        await talking.begin(WORDS)
        with hanging(deployed[part]):
            await asyncio.sleep(away_s)
        back_s = await talking.back_s()
        return await talking.end(back_s)


@contextlib.contextmanager
def hanging(part: Part) -> Iterator[None]:
    """It takes connections, and what is sent over them, and answers nothing: its process and the
    children stand still. Those of PostgreSQL have groups of their own.
    """
    pid = part.pid
    os.kill(pid, signal.SIGSTOP)  # first: then there are no new ones
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    all_of_them = [pid, *map(int, children)]
    for one in all_of_them:
        os.kill(one, signal.SIGSTOP)
    try:
        yield
    finally:
        for one in all_of_them:
            with contextlib.suppress(ProcessLookupError):
                os.kill(one, signal.SIGCONT)


@contextlib.contextmanager
def stopped(part: Part) -> Iterator[None]:
    part.stop()
    try:
        yield
    finally:
        part.start()


async def rolled(deployed: Topology, people: int = PEOPLE // 2) -> Tally:
    """Both instances are replaced, one after the other, as an operator does it."""
    async with crowd(deployed, people, audio=4) as talking:
        await talking.begin(WORDS)
        for name in deployed.web:
            web = deployed[name]
            web.signal(signal.SIGTERM)
            await asyncio.to_thread(web.wait)
            await asyncio.to_thread(web.start)
        back_s = await talking.back_s()
        return await talking.end(back_s)


async def network_that_drops(
    deployed: Topology, away_s: float = 3.0, people: int = PEOPLE // 2
) -> Tally:
    """Nothing gets through for a while, and then all connections are cut."""
    network = Network("127.0.0.1", deployed.port("nginx"))
    async with (
        network.running(),
        crowd(deployed, people, audio=2, address=network.address) as talking,
    ):
        await talking.begin(WORDS)
        network.stall()
        await asyncio.sleep(away_s)
        network.cut()
        network.flow()
        back_s = await talking.back_s()
        return await talking.end(back_s)


@dataclass(frozen=True, slots=True)
class Deaf:
    """``grown_mb``: what the server has taken for it at most; ``code``: how it was closed, if it was."""

    grown_mb: float
    code: int | None


async def client_that_does_not_read(deployed: Topology, people: int = 10) -> tuple[Tally, Deaf]:
    """One person asks and asks and takes nothing in; the others talk on."""
    async with crowd(deployed, people) as talking:
        await talking.begin(WORDS)
        deaf = await _deaf(deployed)
        back_s = await talking.back_s()
        return await talking.end(back_s), deaf


async def _deaf(deployed: Topology) -> Deaf:
    pid = deployed["web1"].pid
    before_mb = largest_mb = resident_mb(pid)
    address = deployed.socket_url_of("web1")
    [cookies] = await guests(deployed, 1)
    slow_before = await slow_clients(deployed)
    with socket.socket() as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
        line.connect(("127.0.0.1", deployed.port("web1")))
        async with websockets.connect(
            address,
            sock=line,
            additional_headers={"Cookie": cookies},
            origin=deployed.url_of("web1"),  # type: ignore[arg-type]
            max_size=None,
            max_queue=1,
            ping_interval=None,
        ) as client:
            await client.send(json.dumps({"type": "hello", "version": 1}))
            for number in range(100):
                question = {"type": "text", "id": f"deaf-{number}", "text": "a long one"}
                with contextlib.suppress(websockets.ConnectionClosed):
                    await client.send(json.dumps(question))
                await asyncio.sleep(0.25)
                largest_mb = max(largest_mb, resident_mb(pid))
                if await slow_clients(deployed) > slow_before:
                    break
            with contextlib.suppress(websockets.ConnectionClosed, TimeoutError):
                async with asyncio.timeout(20):
                    while True:
                        await client.recv()
            code = client.close_code
        return Deaf(largest_mb - before_mb, code)


async def slow_clients(deployed: Topology) -> float:
    """How many sockets web1 has closed for not reading."""
    token = deployed.secret("metrics_token")
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {token}"}) as prometheus:
        figures = await prometheus.get(deployed.url_of("web1") + "/metrics")
    found = re.search(r"^voicechat_slow_clients_total (\S+)$", figures.text, re.MULTILINE)
    assert found is not None
    return float(found[1])


def resident_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * 4096 / 1e6


async def store_refusing(deployed: Topology, people: int = 10) -> Tally:
    """The object store is away; text and voices go on."""
    async with crowd(deployed, people, audio=people) as talking:
        await talking.begin(WORDS)
        deployed["store"].kill()
        await asyncio.sleep(3)
        await asyncio.to_thread(deployed["store"].start)
        back_s = await talking.back_s()
        return await talking.end(back_s)


async def full_disk(deployed: Topology, people: int = 10) -> Tally:
    """The disk of both instances has room for a moment of sound."""
    async with crowd(deployed, people, audio=people) as talking:
        await talking.begin(WORDS)
        with full(deployed.data_of("web1") / "spool"), full(deployed.data_of("web2") / "spool"):
            await asyncio.sleep(6)
        back_s = await talking.back_s()
        return await talking.end(back_s)


@contextlib.contextmanager
def full(folder: Path) -> Iterator[None]:
    """A file system of 64 kB lies over the folder. Needs root."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], check=True)
    try:
        yield
    finally:
        # Files that are being written stay where they are, out of sight.
        subprocess.run(["umount", "--lazy", folder], check=True)


async def clock_jumped(deployed: Topology, people: int = 10) -> Tally:
    """The clock of one instance is an hour ahead, then an hour behind, then right again."""
    clock = _clock(deployed)
    async with crowd(deployed, people, audio=2) as talking:
        await talking.begin(WORDS)
        try:
            for offset in ("+3600s", "-3600s", "+0s"):
                clock.write_text(offset)
                await asyncio.sleep(3)
        finally:
            clock.write_text("+0s")
        back_s = await talking.back_s()
        return await talking.end(back_s)


@contextlib.contextmanager
def own_clock(deployed: Topology) -> Iterator[None]:
    """web1 is started again with a clock that can be set, and without it in the end: it costs three
    times its processor time.
    """
    web = deployed["web1"]
    _clock(deployed).write_text("+0s")
    faked = {
        "LD_PRELOAD": FAKETIME,
        "FAKETIME_TIMESTAMP_FILE": str(_clock(deployed)),
        "FAKETIME_CACHE_DURATION": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    real = web.environment
    _restart(web, real | faked)
    try:
        yield
    finally:
        _restart(web, real)


def _restart(web: Part, environment: dict[str, str]) -> None:
    web.stop()
    web.environment = environment
    web.start()


def _clock(deployed: Topology) -> Path:
    return deployed.folder / "clock"
