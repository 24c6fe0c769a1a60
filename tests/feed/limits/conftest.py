"""A Redis that is emptied for each test, and clients of it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from feed import shared_redis
from feed.limits import sharing
from feed.shared_redis import redis_client


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that is busy with other tests is no Redis that is away."""
    monkeypatch.setattr(shared_redis, "TIMEOUT_S", 20.0)
    monkeypatch.setattr(sharing, "TIMEOUT_S", 20.0)


@pytest.fixture
async def redis(redis_server: str) -> AsyncIterator[Redis]:
    client = redis_client(redis_server)
    await client.flushdb()
    yield client
    await client.aclose()
