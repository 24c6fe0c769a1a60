"""So many at a time, in a real Redis and without one."""

from __future__ import annotations

import asyncio

import pytest
from redis.asyncio import Redis

from feed.limits.leases import PREFIX, Leases
from feed.limits.sharing import Shared
from feed.shared_redis import redis_client

ANNA, HOUSE = "sockets:person:anna", "sockets:address:192.0.2.1"


@pytest.fixture(params=["redis", "memory"])
def leases(request, redis) -> Leases:
    return Leases(redis if request.param == "redis" else None, Shared())


async def test_there_are_as_many_as_may_be_and_one_that_leaves_makes_room(leases):
    assert await leases.acquire("a", {ANNA: 2}) is None
    assert await leases.acquire("b", {ANNA: 2}) is None
    assert await leases.acquire("c", {ANNA: 2}) == ANNA
    await leases.release("a", [ANNA])
    assert await leases.acquire("c", {ANNA: 2}) is None


async def test_the_key_that_is_full_is_named_and_nothing_is_held_under_the_others(leases):
    assert await leases.acquire("a", {HOUSE: 1}) is None
    assert await leases.acquire("b", {ANNA: 1, HOUSE: 1}) == HOUSE
    assert await leases.acquire("c", {ANNA: 1}) is None


async def test_without_limits_all_are_let_in(leases):
    assert await leases.acquire("a", {}) is None
    await leases.release("a", [])


async def test_two_processes_share_the_places(redis_server: str, redis: Redis):
    other = redis_client(redis_server)
    one, two = Leases(redis, Shared()), Leases(other, Shared())
    took = await asyncio.gather(
        *((one, two)[n % 2].acquire(str(n), {ANNA: 3}) for n in range(10)),
    )
    assert took.count(None) == 3
    await other.aclose()


async def test_a_lease_lapses_with_its_process_and_lives_while_it_is_renewed(redis: Redis):
    dies, lives = Leases(redis, Shared(), 0.4), Leases(redis, Shared(), 0.4)
    assert await dies.acquire("a", {ANNA: 2}) is None
    assert await lives.acquire("b", {ANNA: 2}) is None
    assert await lives.acquire("c", {ANNA: 2}) == ANNA
    async with asyncio.timeout(5):
        while await lives.acquire("c", {ANNA: 2}) is not None:
            await lives.renew()
            await asyncio.sleep(0.05)
    await lives.renew()
    assert await lives.acquire("d", {ANNA: 2}) == ANNA, "b has been renewed all along"


async def test_a_redis_that_was_restarted_learns_of_them_again(redis: Redis):
    leases = Leases(redis, Shared())
    await leases.acquire("a", {ANNA: 1})
    await redis.flushall()
    await redis.script_flush()
    await leases.renew()
    assert await leases.acquire("b", {ANNA: 1}) == ANNA


async def test_who_leaves_before_being_told_of_a_lease_holds_none(redis: Redis):
    given = asyncio.Event()

    class Slow(Shared):
        async def ask(self, question):
            answer = await super().ask(question)
            if not given.is_set():
                given.set()
                await asyncio.sleep(60)
            return answer

    leases = Leases(redis, Slow())
    coming = asyncio.create_task(leases.acquire("a", {ANNA: 1, HOUSE: 1}))
    await given.wait()
    coming.cancel()
    await asyncio.wait([coming], timeout=5)
    assert coming.cancelled()
    assert await redis.keys(PREFIX + "*") == []


async def test_nothing_of_those_who_have_left_stays(redis: Redis):
    leases = Leases(redis, Shared())
    for name in "abc":
        await leases.acquire(name, {ANNA: 9, HOUSE: 9})
        await leases.release(name, [ANNA, HOUSE])
    assert await redis.keys(PREFIX + "*") == []
    await leases.renew()
    assert await redis.keys(PREFIX + "*") == []


async def test_more_than_fit_one_script_are_renewed_too(redis: Redis):
    leases = Leases(redis, Shared())
    for n in range(1_100):
        await leases.acquire(str(n), {f"sockets:person:{n}": 1})
    await redis.flushall()
    await leases.renew()
    assert len(await redis.keys(PREFIX + "*")) == 1_100
