"""The sound of one reply on its way to the spool, off the event loop and bounded."""

from __future__ import annotations

import asyncio
from pathlib import Path

from conversations.recorder import Recording
from conversations.spool import Spool, SpoolError

# Sound that the disk has not taken yet; past this, the rest of the reply is not recorded.
WAITING_BYTES = 4 * 1024 * 1024


class ReplyRecording:
    """Spools what ``add`` is given. ``broken``: the disk did not take all of it."""

    def __init__(self, directory: Path, reply: str, rate: int, start_ms: int) -> None:
        self._spool = Spool(directory, reply, "bot", rate)
        self._start_ms = start_ms
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._waiting = 0
        self.broken = False
        self._writer = asyncio.create_task(self._write(), name=f"record {reply}")

    def add(self, pcm: bytes) -> None:
        """Take S16LE mono samples."""
        if self.broken:
            return
        self._waiting += len(pcm)
        if self._waiting > WAITING_BYTES:
            self.broken = True
        else:
            self._queue.put_nowait(pcm)

    async def finish(self) -> Recording | None:
        """Wait until all is on disk; what could be kept, or None."""
        self._queue.put_nowait(None)
        await self._writer
        try:
            file = await self._spool.close()
        except SpoolError:
            self.broken = True
            file = await self._spool.close()  # what was written before
        return Recording(file, self._start_ms) if file is not None else None

    async def _write(self) -> None:
        while (pcm := await self._queue.get()) is not None:
            self._waiting -= len(pcm)
            try:
                await self._spool.append(pcm)
            except SpoolError:
                self.broken = True
