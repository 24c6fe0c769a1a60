"""How far an export has come, for the page from which it was started.

A download that is made while it is sent has no length, so the browser cannot tell. The page asks,
by a token that it chose itself. In the cache, which instances share where there are several.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable

import msgspec
from django.core.cache import cache

from .files import Report
from .streaming import End

log = logging.getLogger(__name__)

KEPT_S = 3600
EVERY_S = 0.5
RUNNING = "running"
_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,64}")


class Progress(msgspec.Struct, frozen=True):
    """``steps`` of ``all_steps`` are done. ``state``: running, finished, left or failed."""

    steps: int
    all_steps: int
    state: str
    problems: int


class Teller:
    """Tells of one export, twice a second at most. ``user_id``: who alone may ask."""

    def __init__(
        self, user_id: object, token: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._key = _key(user_id, token)
        self._clock = clock
        self._told_at = -EVERY_S
        self._last = Progress(0, 0, RUNNING, 0)

    def step(self, report: Report) -> None:
        """One conversation more."""
        problems = len(report.problems) + report.unlisted_problems
        self._last = Progress(report.steps, report.all_steps, RUNNING, problems)
        if self._clock() - self._told_at >= EVERY_S:
            self._tell(self._last)

    def end(self, end: End) -> None:
        self._tell(msgspec.structs.replace(self._last, state=str(end)))

    def _tell(self, progress: Progress) -> None:
        self._told_at = self._clock()
        if self._key is None:
            return
        try:
            cache.set(self._key, msgspec.json.encode(progress), KEPT_S)
        except Exception as error:  # whatever a cache raises: the export is worth more
            log.warning("the progress of an export cannot be told: %s", type(error).__name__)


def progress_of(user_id: object, token: str) -> bytes | None:
    """The progress of this user's export as JSON, or None if there is none of that token."""
    key = _key(user_id, token)
    stored: bytes | None = None if key is None else cache.get(key)
    return stored


def _key(user_id: object, token: str) -> str | None:
    return f"export:{user_id}:{token}" if _TOKEN.fullmatch(token) else None
