"""Database work from sockets: in threads of its own, never in Django's one shared thread.

A slow call there would delay every other socket, and a connection held per socket would exhaust
PostgreSQL (pitfalls 2 and 3). With PostgreSQL a thread keeps its connection while there is something
to do, and no longer (``database_threads``); with SQLite the one thread keeps it open (``CONN_MAX_AGE`` in
the settings says why).

A PostgreSQL that hangs would hold all these threads, and everybody behind them. So a thread gives up
after ``ANSWER_S``, and from then on all fail at once until the database answers again (``reach``).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from channels.db import database_sync_to_async
from django.conf import settings
from django.db import connection, connections

from .database_threads import DatabaseThreads
from .postgresql.patience import patience
from .reach import Reach

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


def _ask_something() -> None:
    patience.seconds = ANSWER_S  # of this thread
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    finally:
        connection.close()


REACH = Reach(_ask_something)


async def in_database(call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a synchronous function that uses the ORM, without blocking the event loop."""
    run = database_sync_to_async(_run, thread_sensitive=False, executor=POOL)
    result: T = await run(lambda: call(*args, **kwargs))
    return result


def _run(call: Callable[[], T]) -> T:
    patience.seconds = ANSWER_S  # of this thread
    return REACH.run(lambda: _connected(call))


def _connected(call: Callable[[], T]) -> T:
    if not _IS_SQLITE and connection.connection is None:
        connection.ensure_connection()
        # Else it would be closed after this call, as those of pages are (CONN_MAX_AGE).
        connection.close_at = time.monotonic() + MAX_AGE_S
    return call()
