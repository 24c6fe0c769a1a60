"""Asking the shared Redis, and doing without it while it is away."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from redis.exceptions import RedisError

from ..cancelling import cancellable
from ..shared_redis import TIMEOUT_S

log = logging.getLogger(__name__)

T = TypeVar("T")

# So often somebody finds out whether it is back; the others do not wait.
AGAIN_S = 5.0


class Away(Exception):
    """Redis does not answer: count in this process alone."""


class Shared:
    """Whether Redis answers, told by those who ask it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._again_at = 0.0
        self.is_away = False

    async def ask(self, question: Callable[[], Awaitable[T]]) -> T:
        """The answer to a ``question`` to Redis. Raises ``Away``; after the first time at once."""
        if self.is_away:
            if self._clock() < self._again_at:
                raise Away
            # This one finds out.
            self._again_at = self._clock() + AGAIN_S
        try:
            with cancellable():
                async with asyncio.timeout(TIMEOUT_S):
                    answer = await question()
        except (RedisError, OSError, TimeoutError) as error:
            self._again_at = self._clock() + AGAIN_S
            if not self.is_away:
                self.is_away = True
                kind = type(error).__name__
                log.warning("limits hold for each process alone until Redis is back: %s", kind)
            raise Away from error
        if self.is_away:
            self.is_away = False
            log.info("limits hold across instances again")
        return answer
