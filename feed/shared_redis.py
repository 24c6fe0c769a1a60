"""A client of the shared Redis for short questions. The channel layer has its own: ``layers.py``."""

from __future__ import annotations

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

# Somebody waits for what is asked here, and can do without: no time for a second attempt, but for
# the one that finds a connection closed which had been idle.
TIMEOUT_S = 0.5


def redis_client(url: str) -> Redis:
    """A client for the Redis at ``url``; connects when it is first asked. Raises ``redis.RedisError``."""
    client: Redis = Redis.from_url(
        url,
        socket_timeout=TIMEOUT_S,
        socket_connect_timeout=TIMEOUT_S,
        retry=Retry(NoBackoff(), 1),
        socket_keepalive=True,
        health_check_interval=15,
    )
    return client
