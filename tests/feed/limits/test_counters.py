"""One client of Redis for all that is counted; closed by whoever has made it."""

from __future__ import annotations

import asyncio

from limits import parse
from redis.asyncio import Redis

from feed.limits.counters import Counters
from tests.services import free_port

THREE = parse("3/minute")


async def test_two_processes_count_together(redis_server: str, redis: Redis):
    one, two = Counters(redis_server), Counters(redis_server)
    assert await one.rates.take_whole(THREE, "characters:key:1", 2) is None
    assert await two.rates.take_whole(THREE, "characters:key:1", 2) is not None
    assert await one.leases.acquire("a", {"sockets:key:1": 1}) is None
    assert await two.leases.acquire("b", {"sockets:key:1": 1}) == "sockets:key:1"
    await one.aclose()
    await two.aclose()


async def test_rates_and_leases_find_out_together_that_redis_is_away():
    counters = Counters(f"redis://127.0.0.1:{free_port()}/0")
    assert not counters.is_alone
    assert await counters.rates.take_whole(THREE, "commands:key:1", 3) is None
    assert counters.is_alone
    assert await counters.rates.take_whole(THREE, "commands:key:1") is not None
    assert await counters.leases.acquire("a", {"sockets:key:1": 1}) is None
    assert await counters.leases.acquire("b", {"sockets:key:1": 1}) == "sockets:key:1"
    await counters.aclose()


async def test_nothing_stays_open(redis_server: str, redis: Redis):
    before = len(await redis.client_list())
    counters = Counters(redis_server)
    await counters.ping()
    await counters.rates.take(THREE, "turns:anna")
    await counters.leases.acquire("a", {"sockets:key:1": 1})
    assert len(await redis.client_list()) > before
    await counters.aclose()
    async with asyncio.timeout(20):
        while len(await redis.client_list()) > before:
            pass


async def test_without_redis_there_is_nothing_to_close():
    counters = Counters()
    await counters.ping()
    assert await counters.rates.take(THREE, "turns:anna") is None
    await counters.aclose()
