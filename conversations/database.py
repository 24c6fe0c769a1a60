"""Database work from sockets: in threads of its own, never in Django's one shared thread.

A slow call there would delay every other socket, and a connection held per socket would exhaust
PostgreSQL (pitfalls 2 and 3). With PostgreSQL each call opens and closes its connection; with SQLite
the one thread keeps its connection open (``CONN_MAX_AGE`` in the settings says why).
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from channels.db import database_sync_to_async
from django.conf import settings

P = ParamSpec("P")
T = TypeVar("T")

# SQLite takes one writer at a time and makes the others sleep and try again, up to 100 ms; a queue
# in front of one thread is fair and wastes nothing.
_THREADS = 1 if settings.DATABASES["default"]["ENGINE"].endswith("sqlite3") else 4
POOL = ThreadPoolExecutor(max_workers=_THREADS, thread_name_prefix="database")


async def in_database(call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a synchronous function that uses the ORM, without blocking the event loop."""
    run = database_sync_to_async(call, thread_sensitive=False, executor=POOL)
    result: T = await run(*args, **kwargs)
    return result
