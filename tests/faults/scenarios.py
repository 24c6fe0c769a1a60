"""What goes wrong while people talk, and what became of all that they said.

Each scenario takes a whole deployment and leaves it whole. Tests run them with short waits,
``benchmarks/faults.py`` with the times of the table in docs/benchmarks.md.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import libfaketime
import websockets

from tests.e2e.person import guest_cookies
from tests.topology.topology import Topology

from .crowd import Tally, crowd
from .network import Network

# An answer of about a second, as text.
WORDS = "how are you"
PEOPLE = 50
FAKETIME = str(Path(libfaketime.__file__).parent / "vendor/libfaketime/src/libfaketime.so.1")


async def killed_instance(deployed: Topology, people: int = PEOPLE) -> Tally:
    """kill -9 of an instance in the middle of its answers."""
    async with crowd(deployed.url, people, audio=4) as talking:
        await talking.begin(WORDS)
        await asyncio.to_thread(deployed["web2"].kill)
        back_s = await talking.back_s()
        await asyncio.to_thread(deployed["web2"].start)
        await asyncio.sleep(1)
        return await talking.end(deployed.database_url, back_s)


async def redis_restarted(
    deployed: Topology, away_s: float = 0.0, people: int = PEOPLE // 2
) -> Tally:
    """Redis is killed, and comes back empty after ``away_s``."""
    async with crowd(deployed.url, people, audio=2) as talking:
        await talking.begin(WORDS)
        deployed["redis"].kill()
        await asyncio.sleep(away_s)
        await asyncio.to_thread(deployed["redis"].start)
        back_s = await talking.back_s()
        await asyncio.sleep(1)
        return await talking.end(deployed.database_url, back_s)


async def postgres_restarted(
    deployed: Topology, away_s: float = 0.0, people: int = PEOPLE // 2
) -> Tally:
    """PostgreSQL is stopped in the middle of everything, and started after ``away_s``."""
    async with crowd(deployed.url, people, audio=2) as talking:
        await talking.begin(WORDS)
        await asyncio.to_thread(deployed["postgres"].stop)
        await asyncio.sleep(away_s)
        await asyncio.to_thread(deployed["postgres"].start)
        back_s = await talking.back_s()
        await asyncio.sleep(1)
        return await talking.end(deployed.database_url, back_s)


async def rolled(deployed: Topology, people: int = PEOPLE // 2) -> Tally:
    """Both instances are replaced, one after the other, as an operator does it."""
    async with crowd(deployed.url, people, audio=4) as talking:
        await talking.begin(WORDS)
        for name in deployed.web:
            web = deployed[name]
            web.signal(signal.SIGTERM)
            await asyncio.to_thread(web.wait)
            await asyncio.to_thread(web.start)
        back_s = await talking.back_s()
        return await talking.end(deployed.database_url, back_s)


async def network_that_drops(
    deployed: Topology, away_s: float = 3.0, people: int = PEOPLE // 2
) -> Tally:
    """Nothing gets through for a while, and then all connections are cut."""
    network = Network("127.0.0.1", deployed.port("nginx"))
    async with network.running(), crowd(network.address, people, audio=2) as talking:
        await talking.begin(WORDS)
        network.stall()
        await asyncio.sleep(away_s)
        network.cut()
        network.flow()
        back_s = await talking.back_s()
        return await talking.end(deployed.database_url, back_s)


@dataclass(frozen=True, slots=True)
class Deaf:
    """``grown_mb``: what the server has taken for it at most; ``code``: how it was closed, if it was."""

    grown_mb: float
    code: int | None


async def client_that_does_not_read(deployed: Topology, people: int = 10) -> tuple[Tally, Deaf]:
    """One person asks and asks and takes nothing in; the others talk on."""
    async with crowd(deployed.url, people) as talking:
        await talking.begin(WORDS)
        deaf = await _deaf(deployed)
        back_s = await talking.back_s()
        return await talking.end(deployed.database_url, back_s), deaf


async def _deaf(deployed: Topology) -> Deaf:
    pid = deployed["web1"].pid
    before_mb = largest_mb = resident_mb(pid)
    address = deployed.socket_url_of("web1")
    cookies = await guest_cookies(deployed.url)
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
            for number in range(40):
                question = {"type": "text", "id": f"deaf-{number}", "text": "a long one"}
                await client.send(json.dumps(question))
                await asyncio.sleep(0.5)
                largest_mb = max(largest_mb, resident_mb(pid))
            with contextlib.suppress(websockets.ConnectionClosed, TimeoutError):
                async with asyncio.timeout(10):
                    while True:
                        await client.recv()
            code = client.close_code
        return Deaf(largest_mb - before_mb, code)


def resident_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * 4096 / 1e6


async def store_refusing(deployed: Topology, people: int = 10) -> Tally:
    """The object store is away; text and voices go on."""
    async with crowd(deployed.url, people, audio=people) as talking:
        await talking.begin(WORDS)
        deployed["store"].kill()
        await asyncio.sleep(3)
        await asyncio.to_thread(deployed["store"].start)
        back_s = await talking.back_s()
        return await talking.end(deployed.database_url, back_s)


async def full_disk(deployed: Topology, people: int = 10) -> Tally:
    """The disk of both instances has room for a moment of sound."""
    async with crowd(deployed.url, people, audio=people) as talking:
        await talking.begin(WORDS)
        with full(deployed.data_of("web1") / "spool"), full(deployed.data_of("web2") / "spool"):
            await asyncio.sleep(6)
        back_s = await talking.back_s()
        return await talking.end(deployed.database_url, back_s)


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
    web = deployed["web1"]
    clock = deployed.folder / "clock"
    clock.write_text("+0s")
    environment = web.environment
    web.environment = environment | {
        "LD_PRELOAD": FAKETIME,
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_CACHE_DURATION": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    await asyncio.to_thread(web.restart)
    try:
        async with crowd(deployed.url, people, audio=2) as talking:
            await talking.begin(WORDS)
            for offset in ("+3600s", "-3600s", "+0s"):
                clock.write_text(offset)
                await asyncio.sleep(3)
            back_s = await talking.back_s()
            return await talking.end(deployed.database_url, back_s)
    finally:
        web.environment = environment
        await asyncio.to_thread(web.restart)
