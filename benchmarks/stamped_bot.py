"""A bot whose text says when it was written, so that whoever reads it knows how old it is."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator

from dialogue.engine import Text, UserTurn

STAMPS = int(os.environ.get("BENCH_STAMPS", "200"))
PAUSE_S = 0.02


class Stamped:
    """Writes a stamp each 20 ms: nanoseconds of the machine's monotonic clock, which all processes share."""

    async def reply(self, turn: UserTurn) -> AsyncIterator[Text]:
        for _ in range(STAMPS):
            await asyncio.sleep(PAUSE_S)
            yield Text(f"{time.monotonic_ns()} ")
