"""Django's own backend, whose connections wait only as long as ``patience`` says.

Django loads ``base.DatabaseWrapper`` of what ``ENGINE`` names.
"""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any, TypeVar

import psycopg
from django.db import DatabaseError
from django.db.backends.postgresql import base
from psycopg.abc import PQGen

from .patience import Unanswered, is_unanswered, patience

RV = TypeVar("RV")
# As psycopg's own: how often it looks whether the process was interrupted.
INTERVAL_S = 0.1


class Connection(psycopg.Connection[Any]):
    """Closed when the server is silent for too long: what it was asked is then undone by the server."""

    def wait(
        self, gen: PQGen[RV], interval: float = INTERVAL_S, timeout: float | None = None
    ) -> RV:
        limit_s = patience.seconds if timeout is None else timeout
        began = time.monotonic()
        try:
            return super().wait(gen, interval, limit_s)
        except psycopg.OperationalError:
            if timeout is not None or limit_s is None or time.monotonic() - began < limit_s:
                raise
            # Nothing more can be asked of it; without this, closing it would wait as well.
            self.pgconn.finish()
            raise Unanswered("PostgreSQL does not answer") from None


class DatabaseWrapper(base.DatabaseWrapper):
    # psycopg, as the backend of Django knows it, but for whom it connects by.
    Database = SimpleNamespace(**(vars(psycopg) | {"connect": Connection.connect}))  # type: ignore[assignment] # as good as the module

    def is_usable(self) -> bool:
        """Whether a kept connection still works. Raises where the server is silent: to connect anew
        would be waited for as long again.
        """
        if self.connection is None:
            return False
        try:
            with self.wrap_database_errors:
                self.connection.execute("SELECT 1")
        except DatabaseError as error:
            if is_unanswered(error):
                raise
            return False
        return True
