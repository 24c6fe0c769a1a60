"""Events reach every follower of a topic, over the layer in memory and over a real Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from channels.layers import InMemoryChannelLayer

from feed.hub import FOLLOWER_QUEUE, Hub, Lost, hub
from feed.layers import redis_layer
from feed.prompt_layer import PromptRedisLayer


@pytest.fixture(params=["memory", "redis"])
async def hubs(request: pytest.FixtureRequest) -> AsyncIterator[tuple[Hub, Hub]]:
    """Two ends, as two processes have them on Redis, or two loops' worth of one process in memory."""
    if request.param == "redis":
        url = request.getfixturevalue("redis_server")
        layers = [PromptRedisLayer(**redis_layer(url)["CONFIG"]) for _ in range(2)]
    else:
        layers = [InMemoryChannelLayer()] * 2
    ends = Hub(layers[0]), Hub(layers[1])
    yield ends
    for end in ends:
        await end.stop()
    if request.param == "redis":
        for layer in layers:
            await layer.close_pools()


async def heard(follower: Any, count: int = 1) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    async with asyncio.timeout(10):
        async for event in follower:
            events.append(event)
            if len(events) == count:
                break
    return events


async def test_an_event_reaches_followers_here_and_elsewhere(hubs: tuple[Hub, Hub]) -> None:
    one, two = hubs
    async with one.follow("t") as here, one.follow("t") as also_here, two.follow("t") as there:
        await two.publish("t", {"n": 1})
        for follower in (here, also_here, there):
            assert await heard(follower) == [{"n": 1}]


async def test_events_keep_their_order(hubs: tuple[Hub, Hub]) -> None:
    one, two = hubs
    async with one.follow("t") as follower:
        for n in range(50):
            await two.publish("t", {"n": n})
        assert [event["n"] for event in await heard(follower, 50)] == list(range(50))


async def test_a_topic_is_not_told_what_belongs_to_another(hubs: tuple[Hub, Hub]) -> None:
    one, two = hubs
    async with one.follow("a") as follower, one.follow("b"):
        await two.publish("b", {"n": 1})
        await two.publish("a", {"n": 2})
        assert await heard(follower) == [{"n": 2}]


async def test_who_has_left_is_forgotten_and_may_come_again(hubs: tuple[Hub, Hub]) -> None:
    one, two = hubs
    async with one.follow("t"):
        pass
    await two.publish("t", {"n": 1})
    async with one.follow("t") as again:
        await two.publish("t", {"n": 2})
        assert await heard(again) == [{"n": 2}]


async def test_a_follower_that_falls_behind_is_told_so(hubs: tuple[Hub, Hub]) -> None:
    one, two = hubs
    async with one.follow("t") as slow, one.follow("t") as quick:
        for n in range(FOLLOWER_QUEUE + 1):
            await two.publish("t", {"n": n})
            await heard(quick)
        with pytest.raises(Lost):
            await heard(slow)


async def test_a_layer_that_is_away_keeps_nobody_from_publishing_and_says_so(
    hubs: tuple[Hub, Hub],
) -> None:
    away = PromptRedisLayer(hosts=["redis://127.0.0.1:1/0"])
    assert not await Hub(away).publish("t", {"n": 1})
    await away.close_pools()
    assert await hubs[0].publish("t", {"n": 1})


async def test_the_hub_of_a_loop_is_one() -> None:
    assert hub() is hub()
