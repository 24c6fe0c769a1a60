"""The sound of one turn on its way to the spool, off the event loop and bounded.

A turn may have several parts, each with its own place on the call's timeline: a reply that paused
because somebody seemed to speak goes on later.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from conversations.recorder import Recording
from conversations.spool import Spool, SpoolError
from speech.pcm import duration_ms

# Sound that the disk has not taken yet; past this, the rest of the turn is not recorded.
WAITING_BYTES = 4 * 1024 * 1024
# A hole in the sound that is longer than this begins a new part.
HOLE_MS = 60.0


class TurnRecording:
    """Spools what ``add`` is given. ``broken``: the disk did not take all of it."""

    def __init__(
        self, directory: Path, turn: str, track: str, rate: int, *, first_part: int = 0
    ) -> None:
        """``rate`` in Hz. ``first_part``: other sockets have recorded parts with lower numbers."""
        self._first_part = first_part
        self._directory = directory
        self._turn = turn
        self._track = track
        self._rate = rate
        self._parts: list[_Part] = []
        self._open: _Part | None = None
        self._recorded_ms = 0.0

    @property
    def broken(self) -> bool:
        return any(part.broken for part in self._parts)

    def add(self, pcm: bytes, start_ms: float) -> None:
        """Take S16LE mono samples that are heard from ``start_ms`` of the call's timeline on."""
        if self._open is None or start_ms - self._open.end_ms > HOLE_MS:
            self._begin_part(start_ms)
        assert self._open is not None
        self._open.add(pcm)
        self._recorded_ms += duration_ms(len(pcm), self._rate)

    def _begin_part(self, start_ms: float) -> None:
        if self._open is not None:
            self._open.end()
        spool = Spool(
            self._directory,
            self._turn,
            self._track,
            self._rate,
            self._first_part + len(self._parts),
        )
        self._open = _Part(spool, self._rate, start_ms, self._recorded_ms)
        self._parts.append(self._open)

    def cut(self, heard_ms: float) -> None:
        """Of all the sound so far only the first ``heard_ms`` were heard; what comes is a new part."""
        for part in self._parts:
            part.keep_ms = min(part.keep_ms, heard_ms - part.offset_ms)
        if self._open is not None:
            self._open.end()
            self._open = None
        self._recorded_ms = min(self._recorded_ms, heard_ms)

    async def finish(self) -> tuple[Recording, ...]:
        """Wait until all is on disk; what could be kept."""
        kept = [await part.finish() for part in self._parts]
        return tuple(recording for recording in kept if recording is not None)

    async def discard(self) -> None:
        self.cut(0.0)
        await self.finish()


class _Part:
    """A stretch without a hole. ``offset_ms``: how much of the turn's sound came before it."""

    def __init__(self, spool: Spool, rate: int, start_ms: float, offset_ms: float) -> None:
        self._spool = spool
        self._rate = rate
        self._start_ms = start_ms
        self.offset_ms = offset_ms
        self.end_ms = start_ms
        self.keep_ms = float("inf")
        self.broken = False
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._waiting = 0
        self._ended = False
        self._writer = asyncio.create_task(self._write(), name="record")

    def add(self, pcm: bytes) -> None:
        self.end_ms += duration_ms(len(pcm), self._rate)
        if self.broken:
            return
        self._waiting += len(pcm)
        if self._waiting > WAITING_BYTES:
            self.broken = True
        else:
            self._queue.put_nowait(pcm)

    def end(self) -> None:
        if not self._ended:
            self._ended = True
            self._queue.put_nowait(None)

    async def finish(self) -> Recording | None:
        self.end()
        await self._writer
        keep_ms = None if self.keep_ms == float("inf") else self.keep_ms
        try:
            file = await self._spool.close(keep_ms)
        except SpoolError:
            self.broken = True
            file = await self._spool.close(keep_ms)  # what was written before
        return Recording(file, round(self._start_ms)) if file is not None else None

    async def _write(self) -> None:
        while (pcm := await self._queue.get()) is not None:
            self._waiting -= len(pcm)
            try:
                await self._spool.append(pcm)
            except SpoolError:
                self.broken = True
