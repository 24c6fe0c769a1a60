"""What a conversation's row says of its calls and answers, computed from what they say."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

# Of so many of the latest answers of a conversation it counts how long they took.
MEASURED_REPLIES = 1000


def lasted_ms(started_at: datetime, ended_at: datetime) -> int:
    """Of a call. The clocks of two instances may differ."""
    return max(0, round((ended_at - started_at).total_seconds() * 1000))


def to_answer_ms(timings: Any) -> float | None:
    """From the end of what was said to the first sound of its answer, or its first text.

    ``timings`` of a reply as they are stored, ms by stage (``chat.reply``). None where no answer came, or that is not known.
    """
    if not isinstance(timings, dict):
        return None
    for stage in ("first_audio", "first_text"):
        ms = timings.get(stage)
        if isinstance(ms, int | float) and math.isfinite(ms):
            return max(0.0, float(ms))
    return None


def p95(values: Sequence[float]) -> float | None:
    """The nearest-rank 95th percentile: the least value that 95 % of them do not exceed."""
    if not values:
        return None
    return sorted(values)[math.ceil(0.95 * len(values)) - 1]


def p95_to_answer_ms(all_timings: Iterable[Any]) -> int | None:
    """Of the replies with these timings, in whole ms."""
    waits = [ms for ms in map(to_answer_ms, all_timings) if ms is not None]
    slow = p95(waits)
    return None if slow is None else round(slow)
