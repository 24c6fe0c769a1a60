"""A Redis that is emptied for each test, and clients of it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from feed.shared_redis import redis_client


@pytest.fixture
async def redis(redis_server: str) -> AsyncIterator[Redis]:
    client = redis_client(redis_server)
    await client.flushdb()
    yield client
    await client.aclose()
