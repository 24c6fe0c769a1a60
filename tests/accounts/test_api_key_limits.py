"""How much a key may do: by the memory of one process, and by a real Redis."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.api_keys.limits import VISIT_S, WINDOW_S, Limits, MemoryLimits, spent
from accounts.api_keys.redis_limits import RedisLimits
from tests.services import free_port


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(params=["memory", "redis", "redis out of reach"])
async def limits(request) -> AsyncIterator[Limits]:
    made: Limits
    if request.param == "memory":
        made = MemoryLimits()
    elif request.param == "redis":
        made = RedisLimits(request.getfixturevalue("redis_server"))
    else:
        made = RedisLimits(f"redis://127.0.0.1:{free_port()}/0")
    yield made
    await made.aclose()


@pytest.fixture
def name(request) -> str:
    return request.node.name


class TestSpending:
    async def test_a_minutes_worth_may_be_spent_at_once_and_no_more(self, limits, name):
        assert [await limits.spend(name, 1, 3) for _ in range(3)] == [0.0] * 3
        assert 0 < await limits.spend(name, 1, 3) <= 20

    async def test_what_is_refused_costs_nothing(self, limits, name):
        await limits.spend(name, 2, 3)
        assert await limits.spend(name, 2, 3) > 0
        assert await limits.spend(name, 1, 3) == 0

    async def test_more_than_a_minutes_worth_is_never_possible(self, limits, name):
        assert math.isinf(await limits.spend(name, 4, 3))
        assert await limits.spend(name, 3, 3) == 0

    async def test_names_have_allowances_of_their_own(self, limits, name):
        await limits.spend(name, 3, 3)
        assert await limits.spend(f"{name} 2", 3, 3) == 0


class TestVisits:
    async def test_so_many_at_a_time(self, limits, name):
        assert await limits.enter(name, "a", 2)
        assert await limits.enter(name, "b", 2)
        assert not await limits.enter(name, "c", 2)
        assert await limits.enter(name, "a", 2)
        await limits.leave(name, "a")
        assert await limits.enter(name, "c", 2)

    async def test_leaving_twice_or_from_nowhere_is_nothing(self, limits, name):
        await limits.leave(name, "a")
        await limits.enter(name, "a", 1)
        await limits.leave(name, "a")
        await limits.leave(name, "a")
        assert await limits.enter(name, "b", 1)


async def test_a_visit_that_is_not_renewed_is_over():
    clock = Clock()
    limits = MemoryLimits(clock)
    await limits.enter("x", "a", 1)
    clock.now += VISIT_S - 1
    assert not await limits.enter("x", "b", 1)
    clock.now += 2
    assert await limits.enter("x", "b", 1)


async def test_two_instances_share_what_redis_keeps(redis_server, name):
    one, two = RedisLimits(redis_server), RedisLimits(redis_server)
    assert await one.spend(name, 2, 3) == 0
    assert await two.spend(name, 2, 3) > 0
    assert await one.enter(name, "a", 1)
    assert not await two.enter(name, "b", 1)
    await one.aclose()
    await two.aclose()


async def test_redis_is_asked_again_when_it_may_be_back(redis_server, name, monkeypatch):
    limits = RedisLimits(f"redis://127.0.0.1:{free_port()}/0")
    assert await limits.spend(name, 1, 1) == 0  # by this process alone
    away, limits._redis = limits._redis, RedisLimits(redis_server)._redis
    assert await limits.spend(name, 1, 1) > 0  # and for a while without asking
    monkeypatch.setattr(limits, "_again_at", 0.0)
    assert await limits.spend(name, 1, 1) == 0
    assert await limits.spend(name, 1, 1) > 0
    await away.aclose()
    await limits.aclose()


async def test_an_allowance_comes_back_evenly():
    clock = Clock()
    limits = MemoryLimits(clock)
    await limits.spend("x", 6, 6)
    assert await limits.spend("x", 1, 6) == pytest.approx(10)
    clock.now += 10
    assert await limits.spend("x", 1, 6) == 0
    assert await limits.spend("x", 1, 6) == pytest.approx(10)


async def test_names_whose_allowance_is_back_are_forgotten(monkeypatch):
    monkeypatch.setattr("accounts.api_keys.limits._MANY", 10)
    clock = Clock()
    limits = MemoryLimits(clock)
    for number in range(100):
        clock.now += WINDOW_S
        await limits.spend(str(number), 1, 1)
    assert len(limits._back_at) <= 11


@given(st.lists(st.tuples(st.floats(0, 30), st.integers(1, 12)), max_size=60), st.integers(1, 10))
def test_nobody_spends_more_than_two_minutes_worth_in_a_minute(steps, a_minute):
    now, back_at, taken = 0.0, 0.0, []
    for pause, amount in steps:
        now += pause
        back_at, wait = spent(back_at, now, amount, a_minute)
        assert wait >= 0
        if wait == 0:
            taken.append((now, amount))
        elif not math.isinf(wait):
            # What it says is true: so long, and not shorter.
            assert spent(back_at, now + wait + 0.001, amount, a_minute)[1] == 0
    for begin, _amount in taken:
        window = [amount for at, amount in taken if begin <= at < begin + WINDOW_S]
        assert sum(window) <= 2 * a_minute


async def test_allowances_are_kept_when_many_ask_at_once(limits, name):
    waits = await asyncio.gather(*(limits.spend(name, 1, 5) for _ in range(20)))
    assert waits.count(0.0) == 5
