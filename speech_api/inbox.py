"""Commands that wait for those before them, bounded in bytes.

A socket whose inbox is full is not read for a while, so that the client's own buffers fill, and commands may be
sent as quickly as one likes. But what is not read hides the answers to the server's pings, too: a command
that finds no room in ``PATIENCE_S`` is refused, in its turn.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from .command import RequestId
from .errors import SpeechError

BUDGET_BYTES: Final = 512 * 1024
REFUSED_BYTES: Final = 256 * 1024
"""Beside them, of the ids of commands that had no room: a thousand and more."""
FRAME_BYTES: Final = 256 * 1024
"""20 000 characters, each written as an escape of 12 bytes."""
PATIENCE_S: Final = 10.0
"""Shorter than the server waits for the answer to its ping (``voicechat.server``)."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Stands for a frame that is not kept, and why."""

    request_id: RequestId
    error: SpeechError


Frame = str | bytes | Refused


class Inbox:
    """One writer, one reader. ``id_of`` finds the id in a frame for which there is no room."""

    def __init__(self, id_of: Callable[[str | bytes], RequestId]) -> None:
        self._id_of = id_of
        self._frames: deque[Frame] = deque()
        self._bytes = 0
        self._refused_bytes = 0
        self._changed = asyncio.Event()
        self._patient = True

    async def put(self, frame: str | bytes) -> None:
        """Add a frame, when there is room for it. Raises ``SpeechError`` 429 when there is none even for its
        refusal: such a client is to be sent away.
        """
        if len(frame) > FRAME_BYTES:
            message = f"A command has {FRAME_BYTES} bytes at most; this has {len(frame)}."
            self._refuse(None, SpeechError(413, "command_too_big", message))
        elif await self._has_room():
            self._add(frame)
        else:
            self._refuse(self._id_of(frame), _too_many())

    async def get(self) -> Frame:
        """The oldest frame, when there is one."""
        while not self._frames:
            await self._change()
        return self._take()

    def take_all(self) -> list[Frame]:
        """All that wait now."""
        return [self._take() for _ in range(len(self._frames))]

    async def _has_room(self) -> bool:
        """Waits for it, but not for every frame of a client that goes on and on."""
        if self._full and self._patient:
            try:
                async with asyncio.timeout(PATIENCE_S):
                    while self._full:
                        await self._change()
            except TimeoutError:
                pass
        self._patient = not self._full
        return self._patient

    @property
    def _full(self) -> bool:
        return self._bytes >= BUDGET_BYTES

    def _refuse(self, request_id: RequestId, error: SpeechError) -> None:
        if self._refused_bytes >= REFUSED_BYTES:
            raise _too_many()
        self._add(Refused(request_id, error))

    def _add(self, frame: Frame) -> None:
        self._frames.append(frame)
        self._count(frame, 1)

    def _take(self) -> Frame:
        frame = self._frames.popleft()
        self._count(frame, -1)
        return frame

    def _count(self, frame: Frame, sign: int) -> None:
        if isinstance(frame, Refused):
            self._refused_bytes += sign * (_FRAME_COST + len(str(frame.request_id)))
        else:
            self._bytes += sign * (_FRAME_COST + len(frame))
        self._changed.set()

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()


_FRAME_COST: Final = 64  # of an empty frame, in the same bytes


def _too_many() -> SpeechError:
    message = f"Commands of {BUDGET_BYTES // 1024} KiB wait already. Send this one later."
    return SpeechError(429, "too_many_waiting", message, retry_s=PATIENCE_S)
