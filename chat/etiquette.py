"""What a client may do before it is asked to slow down or to leave."""

from __future__ import annotations

from collections import deque

# Ten messages that nobody can read within a minute end the call.
BAD_MESSAGES, BAD_MESSAGES_S = 10, 60.0
# More ratings than that in so many seconds are not by hand.
RATINGS, RATINGS_S = 30, 10.0


class Etiquette:
    def __init__(self, idle_s: float | None) -> None:
        """``idle_s``: how long a client may say nothing at all; None: for ever."""
        self._idle_s = idle_s
        self._heard_from_at = 0.0
        self._bad_at: deque[float] = deque(maxlen=BAD_MESSAGES)
        self._rated_at: deque[float] = deque(maxlen=RATINGS)

    def heard_from(self, at: float) -> None:
        self._heard_from_at = max(self._heard_from_at, at)

    @property
    def idle_at(self) -> float | None:
        """When the client will have been silent for too long."""
        return None if self._idle_s is None else self._heard_from_at + self._idle_s

    def too_many_bad(self, now: float) -> bool:
        """One more message could not be read; whether that is enough."""
        self._bad_at.append(now)
        return _within(self._bad_at, now, BAD_MESSAGES_S)

    def may_rate(self, now: float) -> bool:
        if _within(self._rated_at, now, RATINGS_S):
            return False
        self._rated_at.append(now)
        return True


def _within(moments: deque[float], now: float, seconds: float) -> bool:
    """Whether as many as count have happened in the last ``seconds``."""
    return len(moments) == moments.maxlen and now - moments[0] < seconds
