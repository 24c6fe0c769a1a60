"""Counting by window, in a real Redis and without one."""

from __future__ import annotations

import asyncio
import logging
import math
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st
from limits import parse
from redis.asyncio import Redis

from feed.limits import sharing
from feed.limits.rates import Rates, Windows
from feed.limits.sharing import Shared
from feed.shared_redis import TIMEOUT_S, redis_client
from tests.services import free_port, redis_server

THREE = parse("3/minute")


@pytest.fixture(params=["redis", "memory"])
def rates(request, redis) -> Rates:
    return Rates(redis if request.param == "redis" else None, Shared())


async def test_what_is_within_the_rate_is_taken_and_what_is_not_may_come_later(rates):
    assert [await rates.take(THREE, "turns:anna") for _ in range(3)] == [None] * 3
    retry_s = await rates.take(THREE, "turns:anna")
    assert retry_s is not None
    assert 1 <= retry_s <= 60.1


async def test_each_key_counts_for_itself(rates):
    assert await rates.take(THREE, "turns:anna", 3) is None
    assert await rates.take(THREE, "turns:ben", 3) is None
    assert await rates.take(THREE, "connects:anna", 3) is None
    assert await rates.take(THREE, "turns:anna") is not None


async def test_who_had_more_than_there_was_is_over_the_limit(rates):
    assert await rates.take(THREE, "bytes:anna", 2) is None
    assert await rates.spent(THREE, "bytes:anna") is None
    assert await rates.take(THREE, "bytes:anna", 2) is not None
    assert await rates.spent(THREE, "bytes:anna") is not None


async def test_a_single_piece_over_the_whole_limit_leaves_nothing(rates):
    assert await rates.take(THREE, "bytes:anna", 1_000_000) is not None
    assert await rates.spent(THREE, "bytes:anna") is not None


class TestAllOrNothing:
    async def test_what_is_refused_costs_nothing(self, rates):
        assert await rates.take_whole(THREE, "characters:key:1", 2) is None
        assert await rates.take_whole(THREE, "characters:key:1", 2) is not None
        assert await rates.take_whole(THREE, "characters:key:1", 1) is None
        assert await rates.take_whole(THREE, "characters:key:1", 1) is not None

    async def test_more_than_there_ever_is_is_told_as_such_and_costs_nothing(self, rates):
        never = await rates.take_whole(THREE, "characters:key:1", 4)
        assert never is not None
        assert math.isinf(never)
        assert await rates.take_whole(THREE, "characters:key:1", 3) is None

    async def test_it_holds_when_many_ask_at_once(self, rates):
        waits = await asyncio.gather(
            *(rates.take_whole(THREE, "commands:key:1") for _ in range(20))
        )
        assert waits.count(None) == 3


@pytest.mark.parametrize("take", ["take", "take_whole"])
async def test_after_the_time_that_was_told_there_is_room_again(rates, take):
    two_a_second = parse("2/second")
    while (retry_s := await getattr(rates, take)(two_a_second, "turns:anna")) is None:
        pass
    await asyncio.sleep(retry_s)
    assert await getattr(rates, take)(two_a_second, "turns:anna") is None


async def test_looking_counts_nothing(rates):
    for _ in range(5):
        assert await rates.spent(THREE, "turns:anna") is None
    await rates.take(THREE, "turns:anna", 3)
    told = await rates.spent(THREE, "turns:anna")
    assert told is not None
    assert 1 <= told <= 60.1


def weighted(windows: Windows, after_s: float) -> int:
    """What ``limits`` would count after some time in which nothing was taken."""
    length_s = windows.length_s
    if after_s < windows.current_gone_s - length_s:
        earlier = windows.earlier * max(0.0, windows.earlier_gone_s - after_s) / length_s
        return math.floor(earlier) + windows.current
    return math.floor(windows.current * max(0.0, windows.current_gone_s - after_s) / length_s)


@given(
    most=st.integers(1, 2_000),
    earlier=st.floats(0, 1),
    current=st.floats(0, 1),
    cost=st.floats(0, 1),
    left_s=st.floats(0.001, 60),
)
def test_the_time_that_is_told_is_true_and_not_longer_than_needed(
    most, earlier, current, cost, left_s
):
    windows = Windows(60, round(earlier * most), left_s, round(current * most), left_s + 60)
    wanted = max(1, round(cost * most))
    wait_s = windows.wait_s(most, wanted)
    if wait_s <= 0:
        assert weighted(windows, 0) + wanted <= most
    else:
        assert weighted(windows, wait_s + 0.001) + wanted <= most
        assert weighted(windows, wait_s - 0.001) + wanted > most or wait_s < 0.001
    assert wait_s <= 120


async def test_two_processes_count_together(redis_server: str, redis: Redis):
    other = redis_client(redis_server)
    one, two = Rates(redis, Shared()), Rates(other, Shared())
    took = await asyncio.gather(*(rates.take(THREE, "turns:anna") for rates in [one, two] * 5))
    assert took.count(None) == 3
    await other.aclose()


async def test_while_redis_is_away_each_counts_alone_and_says_so_once(caplog):
    now = 0.0
    with redis_server(port := free_port()) as url:
        client = redis_client(url)
        shared = Shared(clock=lambda: now)
        rates = Rates(client, shared)
        assert await rates.take(THREE, "turns:anna", 3) is None
        assert await rates.take(THREE, "turns:anna") is not None
    with caplog.at_level(logging.INFO):
        assert [await rates.take(THREE, "turns:anna") for _ in range(4)][:3] == [None] * 3
        assert await rates.take(THREE, "turns:anna") is not None
        assert shared.is_away
    assert [record.message for record in caplog.records] == [
        "limits hold for each process alone until Redis is back: ConnectionError"
    ]
    with redis_server(port):
        assert await rates.take(THREE, "turns:anna") is not None, "it is asked again in 5 s"
        now = 6.0
        assert await rates.take(THREE, "turns:anna") is None
        assert not shared.is_away
        await client.aclose()


async def test_a_redis_that_hangs_holds_somebody_up_once(monkeypatch):
    """For half a second; after that it is not waited for."""
    monkeypatch.setattr(sharing, "TIMEOUT_S", TIMEOUT_S)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        client = redis_client(f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        rates = Rates(client, Shared())
        for patience_s in (TIMEOUT_S + 1, TIMEOUT_S / 2):
            async with asyncio.timeout(patience_s):
                assert await rates.take(THREE, "turns:anna") is None
        await client.aclose()
