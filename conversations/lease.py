"""The lease of a streaming reply: how long it lasts, and whose clock says so.

Processes on several machines have several clocks, which jump; the database has one. So a lease is
dated and looked at by the database's clock alone. A lease that lasts longer than one can be given
was dated before that clock was set back: it has lapsed too.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import DateTimeField, ExpressionWrapper, Q, Value
from django.db.models.functions import Now

# A holder that died is noticed within LEASE and one sweep: 5 s at most.
LEASE = timedelta(seconds=3.5)
RENEW_S = 1.0
SWEEP_S = 1.0
# How much further than the sweeper's own the database's clock may go between two sweeps.
CLOCK_STEP_S = 1.0


def lease_end() -> Any:
    """When a lease that is given or renewed now will end, as an expression."""
    return _after_now(LEASE)


def lapsed() -> Q:
    """Streaming turns whose lease is over."""
    return Q(lease_until__lt=Now()) | Q(lease_until__gt=_after_now(2 * LEASE))


def _after_now(time: timedelta) -> Any:
    return ExpressionWrapper(Now() + Value(time), output_field=DateTimeField())


def database_clock() -> datetime:
    """What time it is for the database."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("select clock_timestamp()")
            [now] = cursor.fetchone()
            return now  # type: ignore[no-any-return]
        cursor.execute("select strftime('%Y-%m-%d %H:%M:%f+00:00', 'now')")
        [text] = cursor.fetchone()
        return datetime.fromisoformat(text)


class Watch:
    """Tells whether holders have had the time to renew what looks lapsed.

    After the database was away, and after its clock was set, every lease looks lapsed. Whoever
    lives renews within ``RENEW_S``; so nothing is ended for as long as a lease lasts.

    A process that is short of time sweeps late again and again, with a database that is well: that
    excuses the holders once, or whom the dead have left would never be told.
    """

    def __init__(self) -> None:
        self._seen: tuple[datetime, float] | None = None
        self._was_late = False
        self._patient_until = float("-inf")

    def may_end(self, clock: datetime, now: float) -> bool:
        """``clock`` is the database's time at ``now`` (monotonic seconds), at a sweep."""
        before, self._seen = self._seen, (clock, now)
        if before is not None:
            passed = now - before[1]
            went = (clock - before[0]).total_seconds()
            is_late = passed > 3 * SWEEP_S
            if (is_late and not self._was_late) or abs(went - passed) > CLOCK_STEP_S:
                self._patient_until = now + LEASE.total_seconds()
            self._was_late = is_late
        return now >= self._patient_until
