"""Database work from sockets: in threads of its own, never in Django's one shared thread.

A slow call there would delay every other socket, and a connection held per socket would exhaust
PostgreSQL (pitfalls 2 and 3). With PostgreSQL a thread keeps its connection while there is something
to do, and no longer (``database_threads``); with SQLite the one thread keeps it open (``CONN_MAX_AGE`` in
the settings says why).

A PostgreSQL that hangs would hold all these threads, and everybody behind them. So a thread gives up
after ``ANSWER_S``; and from then on one call at a time tries, while all others fail at once, until the
database has answered again.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from channels.db import database_sync_to_async
from django.conf import settings
from django.db import OperationalError, connection, connections

from .database_threads import DatabaseThreads
from .postgresql.patience import is_unanswered, patience

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

# SQLite takes one writer at a time and makes the others sleep and try again, up to 100 ms; a queue
# in front of one thread is fair and wastes nothing.
_IS_SQLITE = settings.DATABASES["default"]["ENGINE"].endswith("sqlite3")
# Less than the sweep takes to come again, so that an idle process holds nothing.
KEEP_S = 0.5
# A connection is not kept longer, so that a database that has moved is found.
MAX_AGE_S = 300.0
POOL = DatabaseThreads(
    1 if _IS_SQLITE else 4, None if _IS_SQLITE else KEEP_S, rest=connections.close_all
)
# Every statement that a socket waits for takes milliseconds.
ANSWER_S = 5.0


class Reach:
    """Whether the database answers. Used by several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # Monotonic seconds since when it has not answered; None: it does.
        self._silent_since: float | None = None
        self._is_tried = False

    def run(self, call: Callable[[], T], asked_at: float) -> T:
        """``call()``. Raises OperationalError at once where it would only wait: the database is
        silent, and was so when this was asked at ``asked_at``, or somebody tries already.
        """
        with self._lock:
            tries = self._silent_since is not None
            if self._silent_since is not None and (self._is_tried or asked_at < self._silent_since):
                raise OperationalError("the database does not answer")
            self._is_tried = tries
        error: BaseException | None = None
        try:
            return call()
        except BaseException as raised:
            error = raised
            raise
        finally:
            with self._lock:
                self._note(is_silent=is_unanswered(error))
                if tries:
                    self._is_tried = False

    def _note(self, *, is_silent: bool) -> None:
        if is_silent != (self._silent_since is not None):
            log.warning("the database %s", "does not answer" if is_silent else "answers again")
        self._silent_since = time.monotonic() if is_silent else None


reach = Reach()


async def in_database(call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a synchronous function that uses the ORM, without blocking the event loop."""
    asked_at = time.monotonic()
    run = database_sync_to_async(_run, thread_sensitive=False, executor=POOL)
    result: T = await run(lambda: call(*args, **kwargs), asked_at)
    return result


def _run(call: Callable[[], T], asked_at: float) -> T:
    patience.seconds = ANSWER_S  # of this thread
    return reach.run(lambda: _connected(call), asked_at)


def _connected(call: Callable[[], T]) -> T:
    if not _IS_SQLITE and connection.connection is None:
        connection.ensure_connection()
        # Else it would be closed after this call, as those of pages are (CONN_MAX_AGE).
        connection.close_at = time.monotonic() + MAX_AGE_S
    return call()
