"""Whether a database answers: while it does not, nobody but a thread of its own waits for it.

A PostgreSQL that hangs takes what it is sent and says nothing. Whoever meets with that first gives up
after a while (``postgresql/patience.py``); from then on all others fail at once, and a probe finds out
when it is back.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import OperationalError

from .postgresql.patience import is_unanswered

log = logging.getLogger(__name__)

T = TypeVar("T")

# From one probe to the next. One that hangs is answered in the moment in which the database is back.
AGAIN_S = 0.5


class Reach:
    """``probe`` asks the database something, and gives up after a while. Used by several threads."""

    def __init__(self, probe: Callable[[], None]) -> None:
        self._probe = probe
        self._lock = threading.Lock()
        self._is_silent = False
        self._back_at = float("-inf")

    def run(self, call: Callable[[], T]) -> T:
        """``call()``. Raises OperationalError at once while the database is silent."""
        if self._is_silent:
            raise OperationalError("the database does not answer")
        began_at = time.monotonic()
        try:
            return call()
        except Exception as error:
            if is_unanswered(error):
                self._was_silent(began_at)
            raise

    def _was_silent(self, began_at: float) -> None:
        with self._lock:
            # Of those who met with the same silence only the first tells something.
            if self._is_silent or began_at < self._back_at:
                return
            # First: without a probe nobody would be let through ever again.
            threading.Thread(target=self._wait, name="database probe", daemon=True).start()
            self._is_silent = True
        log.warning("the database does not answer")

    def _wait(self) -> None:
        # At once: where only one thing is not answered, such as who waits for a lock, the others go on.
        while not self._answers():
            time.sleep(AGAIN_S)
        with self._lock:
            self._is_silent = False
            self._back_at = time.monotonic()
        log.warning("the database answers again")

    def _answers(self) -> bool:
        try:
            self._probe()
        except Exception as error:
            # One that refuses is there: whoever asks is told at once.
            return not is_unanswered(error)
        return True
