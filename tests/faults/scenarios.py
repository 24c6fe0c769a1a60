"""What goes wrong while people talk, and what became of all that they said.

Each scenario takes a whole deployment and leaves it whole. Tests run them with short waits,
``benchmarks/faults.py`` with the times of the table in docs/benchmarks.md.
"""

from __future__ import annotations

import asyncio
import signal

from tests.topology.topology import Topology

from .crowd import Tally, crowd

# An answer of about a second, as text.
WORDS = "how are you"
PEOPLE = 50
BACK_WITHIN_S = 15.0


async def killed_instance(deployed: Topology, people: int = PEOPLE) -> Tally:
    """kill -9 of an instance in the middle of its answers."""
    async with crowd(deployed.url, people, audio=4) as talking:
        await talking.begin(WORDS)
        await asyncio.sleep(2)
        await asyncio.to_thread(deployed["web2"].kill)
        back_s = await talking.back_s(BACK_WITHIN_S)
        await asyncio.to_thread(deployed["web2"].start)
        await asyncio.sleep(1)
        return await talking.end(deployed.database_url, back_s)


async def redis_restarted(
    deployed: Topology, away_s: float = 0.0, people: int = PEOPLE // 2
) -> Tally:
    """Redis is killed, and comes back empty after ``away_s``."""
    async with crowd(deployed.url, people, audio=2) as talking:
        await talking.begin(WORDS)
        await asyncio.sleep(2)
        deployed["redis"].kill()
        await asyncio.sleep(away_s)
        await asyncio.to_thread(deployed["redis"].start)
        back_s = await talking.back_s(BACK_WITHIN_S)
        await asyncio.sleep(1)
        return await talking.end(deployed.database_url, back_s)


async def postgres_restarted(
    deployed: Topology, away_s: float = 0.0, people: int = PEOPLE // 2
) -> Tally:
    """PostgreSQL is stopped in the middle of everything, and started after ``away_s``."""
    async with crowd(deployed.url, people, audio=2) as talking:
        await talking.begin(WORDS)
        await asyncio.sleep(2)
        await asyncio.to_thread(deployed["postgres"].stop)
        await asyncio.sleep(away_s)
        await asyncio.to_thread(deployed["postgres"].start)
        back_s = await talking.back_s(BACK_WITHIN_S)
        await asyncio.sleep(1)
        return await talking.end(deployed.database_url, back_s)


async def rolled(deployed: Topology, people: int = PEOPLE) -> Tally:
    """Both instances are replaced, one after the other, as an operator does it."""
    async with crowd(deployed.url, people, audio=4) as talking:
        await talking.begin(WORDS)
        await asyncio.sleep(1)
        for name in deployed.web:
            web = deployed[name]
            web.signal(signal.SIGTERM)
            await asyncio.to_thread(web.wait)
            await asyncio.to_thread(web.start)
        back_s = await talking.back_s(BACK_WITHIN_S)
        return await talking.end(deployed.database_url, back_s)
