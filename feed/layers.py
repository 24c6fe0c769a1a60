"""How the channel layer on Redis is set up."""

from __future__ import annotations

from typing import Any

from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff


def redis_layer(url: str) -> dict[str, Any]:
    """An entry of ``CHANNEL_LAYERS`` for the Redis at ``url``."""
    host = {
        "address": url,
        # The layer blocks for 5 s where redis-py gives up after 5: an idle receive would fail.
        "socket_timeout": 20,
        "retry": Retry(ExponentialBackoff(cap=2, base=0.1), 8),
        "health_check_interval": 15,
        "socket_keepalive": True,
    }
    return {
        "BACKEND": "feed.prompt_layer.PromptRedisLayer",
        "CONFIG": {"hosts": [host], "prefix": "voicechat", "capacity": 1_000},
    }
