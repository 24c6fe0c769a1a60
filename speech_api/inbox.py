"""Commands that wait for those before them, bounded in bytes.

A socket whose inbox is full is not read, so that the client's own buffers fill: a client may send as
many commands as it likes, and each is answered.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Final

BUDGET_BYTES: Final = 512 * 1024
FRAME_BYTES: Final = 256 * 1024
"""20 000 characters, each written as an escape of 12 bytes."""


@dataclass(frozen=True, slots=True)
class TooBig:
    """Stands for a frame that was over ``FRAME_BYTES`` and is not kept."""

    nbytes: int


Frame = str | bytes | TooBig


class Inbox:
    """One writer, one reader."""

    def __init__(self) -> None:
        self._frames: deque[Frame] = deque()
        self._bytes = 0
        self._changed = asyncio.Event()

    async def put(self, frame: str | bytes) -> None:
        """Add a frame, when there is room for it."""
        while self._bytes >= BUDGET_BYTES:
            await self._change()
        self._frames.append(TooBig(len(frame)) if len(frame) > FRAME_BYTES else frame)
        self._bytes += _size(self._frames[-1])
        self._changed.set()

    async def get(self) -> Frame:
        """The oldest frame, when there is one."""
        while not self._frames:
            await self._change()
        return self._take()

    def take_all(self) -> list[Frame]:
        """All that wait now."""
        return [self._take() for _ in range(len(self._frames))]

    def _take(self) -> Frame:
        frame = self._frames.popleft()
        self._bytes -= _size(frame)
        self._changed.set()
        return frame

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()


_FRAME_COST: Final = 64  # of an empty frame, in the same bytes


def _size(frame: Frame) -> int:
    return _FRAME_COST + (0 if isinstance(frame, TooBig) else len(frame))
