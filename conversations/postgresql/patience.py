"""How long a thread waits for PostgreSQL, and whether an error means that it did not answer.

The server itself ends a statement that takes too long (``statement_timeout``). A server that hangs,
stopped or behind a proxy that stalls, ends nothing, and what it is sent is still acknowledged by its
machine: to TCP it is alive. Only the client's own clock tells.
"""

from __future__ import annotations

import threading

from psycopg.errors import ConnectionTimeout, OperationalError


class Unanswered(OperationalError):
    """The server was silent for longer than this thread waits; the connection is closed."""


class Patience(threading.local):
    """``seconds``: how long the thread waits for an answer; None: as long as it takes."""

    seconds: float | None = None


patience = Patience()


def is_unanswered(error: BaseException | None) -> bool:
    """Whether ``error`` comes of a server that was silent: also as Django wraps it, and where the end of
    a transaction failed because of it.
    """
    if error is None or isinstance(error, Unanswered | ConnectionTimeout):
        return error is not None
    return is_unanswered(error.__cause__) or is_unanswered(error.__context__)
