"""Events reach every follower of a topic, over the layer in memory and over a real Redis."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from channels.layers import InMemoryChannelLayer
from redis.asyncio import Redis

from feed.hub import FOLLOWER_QUEUE, Hub, Lost, hub
from feed.layers import redis_layer
from feed.prompt_layer import PromptRedisLayer
from tests.part import Part
from tests.services import free_port, redis_part

PATIENCE_S = 30.0


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


async def heard(follower: Any, count: int = 1) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    async with asyncio.timeout(PATIENCE_S):
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


@pytest.mark.parametrize("shared", [False, True])
async def test_who_is_cancelled_while_they_come_has_gone(redis_server: str, shared: bool) -> None:
    """At whatever moment: Redis's client can swallow a cancellation that meets an answer."""
    layer = PromptRedisLayer(**redis_layer(redis_server)["CONFIG"])
    one = Hub(layer if shared else InMemoryChannelLayer())

    async def follow() -> None:
        async with one.follow("t") as follower:
            await heard(follower)

    async with one.follow("another"):
        for moments in range(12):
            task = asyncio.create_task(follow())
            for _ in range(moments):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task], timeout=5)
            assert task.cancelled()
    await one.stop()


async def test_the_hub_of_a_loop_is_one() -> None:
    assert hub() is hub()


async def test_nothing_of_it_stays_open(redis_server: str) -> None:
    async with Redis.from_url(redis_server) as client:
        before = len(await client.client_list())
        hub = Hub(PromptRedisLayer(**redis_layer(redis_server)["CONFIG"]))
        async with hub.follow("t") as follower:
            await hub.publish("t", {"n": 1})
            assert await heard(follower) == [{"n": 1}]
        assert len(await client.client_list()) > before
        await hub.stop()
        async with asyncio.timeout(PATIENCE_S):
            while len(await client.client_list()) > before:
                pass


async def test_two_who_come_at_once_are_both_told(hubs: tuple[Hub, Hub]) -> None:
    one, two = hubs
    there = asyncio.Barrier(3)

    async def come() -> list[dict[str, Any]]:
        async with one.follow("t") as follower:
            await there.wait()
            return await heard(follower)

    async with one.follow("another"):  # the hub runs
        coming = [asyncio.create_task(come()) for _ in range(2)]
        await there.wait()
        await two.publish("t", {"n": 1})
        assert await asyncio.gather(*coming) == [[{"n": 1}], [{"n": 1}]]


class Reluctant(InMemoryChannelLayer):  # type: ignore[misc] # Channels is untyped
    """Waits before somebody leaves a group until it is told to go on, and refuses the first to join one."""

    def __init__(self) -> None:
        super().__init__()
        self.leaving = asyncio.Event()
        self.go_on = asyncio.Event()
        self.refuses = ""

    async def group_discard(self, group: str, channel: str) -> None:
        self.leaving.set()
        await self.go_on.wait()
        await super().group_discard(group, channel)

    async def group_add(self, group: str, channel: str) -> None:
        if group == self.refuses:
            self.refuses = ""
            raise ConnectionError
        await super().group_add(group, channel)


async def test_who_comes_while_the_last_one_leaves_is_told_that_something_may_be_lost() -> None:
    layer = Reluctant()
    one = Hub(layer)

    async def come_and_go() -> None:
        async with one.follow("t"):
            pass

    going = asyncio.create_task(come_and_go())
    await layer.leaving.wait()
    async with one.follow("t") as follower:
        layer.go_on.set()
        await going
        with pytest.raises(Lost):
            await heard(follower)
        await one.publish("t", {"n": 1})
        assert await heard(follower) == [{"n": 1}]
    await one.stop()


async def test_a_group_that_could_not_be_joined_is_joined_later_whatever_beats_meanwhile() -> None:
    layer = Reluctant()
    layer.go_on.set()
    one = Hub(layer)
    async with one.follow("another"):
        layer.refuses = "feed.t"
        async with one.follow("t") as follower:
            one._heard_beat()  # one that was on its way
            with pytest.raises(Lost):
                await heard(follower)
            await one.publish("t", {"n": 1})
            assert await heard(follower) == [{"n": 1}]
    await one.stop()


async def until(is_so: Any, within_s: float = PATIENCE_S) -> None:
    async with asyncio.timeout(within_s):
        while not is_so():  # noqa: ASYNC110 (the hub has no event for it)
            await asyncio.sleep(0.02)


class TestALayerThatIsRestarted:
    @pytest.mark.parametrize("hubs", ["redis"], indirect=True)
    async def test_is_joined_again_and_followers_are_told_that_they_have_lost_something(
        self, hubs: tuple[Hub, Hub], redis_server: str
    ) -> None:
        one, two = hubs
        async with one.follow("t") as follower:
            await two.publish("t", {"n": 1})
            assert await heard(follower) == [{"n": 1}]
            # Not the layer's own flush(): it closes the pool that the reader goes on with.
            async with Redis.from_url(redis_server) as client:
                await client.flushdb()
            await two.publish("t", {"n": 2})
            with pytest.raises(Lost):
                await heard(follower)
            assert one.losses == 1
            await two.publish("t", {"n": 3})
            assert await heard(follower) == [{"n": 3}]

    # redis-py leaves a connection that is given up while it is made to the garbage collector, which
    # should find it here and not in whatever test comes next.
    @pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
    async def test_that_was_away_delivers_again_and_tells_who_was_told_nothing(
        self, tmp_path: Path
    ) -> None:
        port = free_port()
        url = f"redis://127.0.0.1:{port}/0"
        layers = [PromptRedisLayer(**redis_layer(url)["CONFIG"]) for _ in range(2)]
        one, two = Hub(layers[0]), Hub(layers[1])
        with redis_part(port, tmp_path, ["--save", "", "--appendonly", "no"]) as redis:
            await self.kill_and_restart(redis, one, two)
            for end in (one, two):
                await end.stop()
        gc.collect()

    async def kill_and_restart(self, redis: Part, one: Hub, two: Hub) -> None:
        async with one.follow("t") as follower, two.follow("t"):
            redis.kill()
            await until(lambda: not one.is_connected and not two.is_connected)
            began = asyncio.get_running_loop().time()
            await two.publish("t", {"n": 1})
            # One question may still be on its way; nobody waits until it is back.
            assert asyncio.get_running_loop().time() - began < 5
            redis.start()
            with pytest.raises(Lost):
                await heard(follower)
            await until(lambda: one.is_connected and two.is_connected)
            # Either hub may be back first; both tell that something was lost.
            async with asyncio.timeout(PATIENCE_S):
                while True:
                    await two.publish("t", {"n": 2})
                    try:
                        assert await heard(follower) == [{"n": 2}]
                    except Lost:
                        continue
                    break
