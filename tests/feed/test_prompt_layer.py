"""The layer of the feed is a channel layer like another, on a real Redis."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
import redis.asyncio
from django.utils.module_loading import import_string

from feed.layers import redis_layer
from feed.prompt_layer import PromptRedisLayer

DEADLINE_S = 10


@pytest.fixture
async def layers(redis_server: str) -> AsyncIterator[tuple[PromptRedisLayer, PromptRedisLayer]]:
    """Those of two processes."""
    config = redis_layer(redis_server)["CONFIG"] | {"prefix": uuid.uuid4().hex, "capacity": 5}
    ends = PromptRedisLayer(**config), PromptRedisLayer(**config)
    yield ends
    for end in ends:
        await end.close_pools()


async def received(layer: PromptRedisLayer, channel: str) -> dict[str, Any]:
    async with asyncio.timeout(DEADLINE_S):
        message: dict[str, Any] = await layer.receive(channel)
        return message


def test_it_is_what_redis_url_gives(redis_server: str) -> None:
    assert import_string(redis_layer(redis_server)["BACKEND"]) is PromptRedisLayer


async def test_all_members_of_a_group_and_nobody_else_get_a_message(
    layers: tuple[PromptRedisLayer, PromptRedisLayer],
) -> None:
    one, two = layers
    here, there, stranger = [await layer.new_channel("feed") for layer in (one, two, two)]
    await one.group_add("g", here)
    await two.group_add("g", there)
    await one.group_send("g", {"type": "feed", "text": "ä€", "n": 1, "nothing": None})
    for layer, channel in ((one, here), (two, there)):
        message = await received(layer, channel)
        assert message == {"type": "feed", "text": "ä€", "n": 1, "nothing": None}
    await two.send(stranger, {"type": "direct"})
    assert await received(two, stranger) == {"type": "direct"}


async def test_two_channels_of_one_process_get_it_each(
    layers: tuple[PromptRedisLayer, PromptRedisLayer],
) -> None:
    one, two = layers
    channels = [await one.new_channel("feed") for _ in range(2)]
    for channel in channels:
        await one.group_add("g", channel)
    await two.group_send("g", {"type": "feed"})
    heard = await asyncio.gather(*(received(one, channel) for channel in channels))
    assert heard == [{"type": "feed"}] * 2


async def test_who_has_left_gets_nothing(
    layers: tuple[PromptRedisLayer, PromptRedisLayer], redis_server: str
) -> None:
    one, two = layers
    channel = await one.new_channel("feed")
    await one.group_add("g", channel)
    await one.group_discard("g", channel)
    await two.group_send("g", {"type": "feed"})
    async with redis.asyncio.Redis.from_url(redis_server) as client:
        assert not await client.keys(f"{one.prefix}feed.*")


async def test_messages_come_in_the_order_in_which_redis_got_them(
    layers: tuple[PromptRedisLayer, PromptRedisLayer],
) -> None:
    one, two = layers
    one.capacity = two.capacity = 100
    channel = await one.new_channel("feed")
    await one.group_add("g", channel)
    for n in range(60):
        await (one, two)[n % 2].group_send("g", {"type": "feed", "n": n})
    assert [(await received(one, channel))["n"] for _ in range(60)] == list(range(60))


async def test_a_full_channel_drops_the_newest_and_expires(
    layers: tuple[PromptRedisLayer, PromptRedisLayer], redis_server: str
) -> None:
    one, two = layers
    channel = await one.new_channel("feed")
    await one.group_add("g", channel)
    for n in range(8):
        await two.group_send("g", {"type": "feed", "n": n})
    async with redis.asyncio.Redis.from_url(redis_server) as client:
        [key] = await client.keys(f"{one.prefix}feed.*")
        assert 0 < await client.ttl(key) <= 60
    assert [(await received(one, channel))["n"] for _ in range(5)] == list(range(5))
    await two.group_send("g", {"type": "feed", "n": 9})
    assert (await received(one, channel))["n"] == 9


async def test_members_of_yesterday_are_forgotten(
    layers: tuple[PromptRedisLayer, PromptRedisLayer], redis_server: str
) -> None:
    one, _ = layers
    channel = await one.new_channel("feed")
    async with redis.asyncio.Redis.from_url(redis_server) as client:
        await client.zadd(one._group_key("g"), {channel: 1_000_000_000})
        await one.group_send("g", {"type": "feed"})
        assert not await client.exists(one._group_key("g"))
        assert not await client.keys(f"{one.prefix}feed.*")


def test_it_has_one_redis(redis_server: str) -> None:
    [host] = redis_layer(redis_server)["CONFIG"]["hosts"]
    with pytest.raises(ValueError, match="one Redis"):
        PromptRedisLayer(hosts=[host, host])
