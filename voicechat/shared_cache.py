"""The cache that all instances share, in Redis; while that is away each has one of its own.

Attempts to log in are counted in it. Without Redis nobody must be kept from logging in, and the attempts
are counted by each instance alone, like all limits (docs/limits.md).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from feed.shared_redis import TIMEOUT_S

log = logging.getLogger(__name__)


def shared_cache(url: str) -> dict[str, Any]:
    """An entry of ``CACHES`` for the Redis at ``url``."""
    return {
        "BACKEND": "voicechat.shared_cache.SharedCache",
        "LOCATION": url,
        "KEY_PREFIX": "voicechat",
        # A page waits for the answer.
        "OPTIONS": {
            "socket_timeout": TIMEOUT_S,
            "socket_connect_timeout": TIMEOUT_S,
            "retry": Retry(NoBackoff(), 1),
        },
    }


# So often somebody finds out whether it is back; the others do not wait.
AGAIN_S = 5.0
# By its address, while it is away: until when nothing is asked of it. Each thread has a cache object of its own.
_away_until: dict[str, float] = {}


def _shared_or_own(name: str) -> Callable[..., Any]:
    def ask(cache: SharedCache, *what: Any, **more: Any) -> Any:
        until = _away_until.get(cache.url)
        if until is None or time.monotonic() >= until:
            if until is not None:
                # This one finds out.
                _away_until[cache.url] = time.monotonic() + AGAIN_S
            try:
                answer = getattr(RedisCache, name)(cache, *what, **more)
            except (RedisError, OSError) as error:
                log.warning("the shared cache is away: %s", type(error).__name__)
                _away_until[cache.url] = time.monotonic() + AGAIN_S
            else:
                _away_until.pop(cache.url, None)
                return answer
        return getattr(cache.own, name)(*what, **more)

    return ask


class SharedCache(RedisCache):
    """The Redis at ``url``. ``own``: the part of it in this process's memory."""

    def __init__(self, url: str, params: dict[str, Any]) -> None:
        super().__init__(url, params)
        self.url = url
        self.own = LocMemCache("while Redis is away", params | {"OPTIONS": {}})

    add = _shared_or_own("add")
    get = _shared_or_own("get")
    set = _shared_or_own("set")
    touch = _shared_or_own("touch")
    delete = _shared_or_own("delete")
    get_many = _shared_or_own("get_many")
    has_key = _shared_or_own("has_key")
    incr = _shared_or_own("incr")
    set_many = _shared_or_own("set_many")
    delete_many = _shared_or_own("delete_many")
    clear = _shared_or_own("clear")
