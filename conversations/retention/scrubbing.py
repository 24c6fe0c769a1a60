"""Makes what was deleted unreadable in the files of the database as well.

SQLite overwrites deleted rows with zeros (``secure_delete`` in the settings), but keeps them in two
other places for a while: in its log until that is written back, and in the pages of the search index
until FTS5 merges them. Both are done here, in steps of some milliseconds each, so that nobody who
talks waits. What no step reaches are copies that SQLite left in the free part of a page when it moved
rows between pages; ``rewrite`` does. PostgreSQL: see ``rewrite``.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator

from django.db import connection

from ..search import sqlite
from ..search.backends import index_of

_TRUNCATE_WITHIN_MS = 50
_TABLES = (
    "conversations_audiosegment", "conversations_call", "conversations_conversation",
    "conversations_turn",
)  # fmt: skip
_asked = threading.Event()


def ask() -> None:
    """Something was deleted: whoever looks after this process scrubs soon (``background.py``)."""
    _asked.set()


def is_asked() -> bool:
    """Whether something was deleted since this process has scrubbed last."""
    return _asked.is_set()


def take_back() -> None:
    """What was asked for is done, or begun."""
    _asked.clear()


def steps() -> Iterator[None]:
    """Scrub, yielding between the steps. Not inside a transaction.

    Asked for again if it fails, or if somebody reads for so long that the log cannot be emptied.
    """
    take_back()
    if connection.vendor != "sqlite":
        return
    is_done = False
    try:
        while sqlite.forget_some(connection):
            yield
        is_done = _truncate_log()
    finally:
        if not is_done:
            _asked.set()


def scrub() -> None:
    """All of it at once, for commands. Not inside a transaction."""
    for _step in steps():
        pass


def rewrite() -> None:
    """Leave not a byte: write everything anew without what was deleted. Not inside a transaction.

    SQLite: the whole file, which needs as much disk again and lets nobody write meanwhile.
    PostgreSQL: what is deleted becomes room that is used again, and the index of words is built
    anew; ``VACUUM FULL``, which locks the tables, is left to the operator.
    """
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            scrub()
            cursor.execute("VACUUM")
            _truncate_log()
            return
        # Takes longer than a statement may, otherwise.
        cursor.execute("SET statement_timeout = 0")
        try:
            cursor.execute(f"VACUUM {', '.join(_TABLES)}")
        finally:
            cursor.execute("RESET statement_timeout")
    index_of(connection).forget_deleted(connection)


def _truncate_log() -> bool:
    """Write the log back and empty it; False if somebody reads or writes just now."""
    with connection.cursor() as cursor:
        # Otherwise it waits for them as long as any statement may, and others wait behind it.
        cursor.execute("PRAGMA busy_timeout")
        (usual,) = cursor.fetchone()
        cursor.execute(f"PRAGMA busy_timeout = {_TRUNCATE_WITHIN_MS}")
        try:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            (busy, _in_log, _written) = cursor.fetchone()
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {int(usual)}")
    return not busy
