"""Makes stored WAVs small, in the background: live sound is kept as it comes, and shrinks later.

One process at the lowest priority does the work (an MP3 costs 5.5 ms of a core for each second of
sound), one file at a time. Several instances may do the same file: the row is changed once.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Coroutine
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from django.core.files.base import ContentFile

from speech.codecs import AudioError

from . import media
from .database import in_database
from .low_priority import LowPriorityProcess
from .models import AudioSegment
from .small_sound import SmallSound, make_small

log = logging.getLogger(__name__)

# Rows of other instances that died, or that failed for a passing reason, are found this way.
POLL_S = 60.0
BATCH = 50
# An hour at 24 kHz. Such a file goes through memory; a larger one stays a WAV.
LARGEST_BYTES = 180 * 1024 * 1024


class Transcoder:
    """Runs from ``start`` to ``stop``. ``wake`` tells that there is something new."""

    def __init__(self, poll_s: float = POLL_S) -> None:
        self._poll_s = poll_s
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._worker: LowPriorityProcess | None = None
        # Not tried again by this process; the next one tries them once more.
        self._given_up: set[uuid.UUID] = set()

    async def start(self) -> None:
        """Begin with what is left over from before."""
        self._task = asyncio.create_task(self._run(), name="transcoder")

    async def stop(self) -> None:
        """Leave the file at hand as it is, and end the worker process."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        await self._end_worker()

    def wake(self) -> None:
        """Look for WAVs now. Call it on the event loop."""
        self._woken.set()

    async def _run(self) -> None:
        while True:
            self._woken.clear()
            try:
                await self._sweep()
            except Exception:
                log.exception("recordings could not be made small; they are tried again")
            try:
                async with asyncio.timeout(self._poll_s):
                    await self._woken.wait()
            except TimeoutError:
                await self._end_worker()  # idle, it would hold some 80 MB

    async def _sweep(self) -> None:
        last = uuid.UUID(int=0)
        while batch := await in_database(_waiting, last):
            for segment in batch:
                last = segment.pk
                if segment.pk not in self._given_up:
                    await self._try(segment)

    async def _try(self, segment: AudioSegment) -> None:
        """Whatever is wrong with one file, those behind it have their turn."""
        try:
            await self._shrink(segment)
        except Exception:
            log.exception("segment %s could not be made small; it is tried again", segment.pk)

    async def _shrink(self, segment: AudioSegment) -> None:
        try:
            wav = await asyncio.to_thread(_read, segment.key)
            small = await self._make_small(wav)
        except FileNotFoundError:
            self._given_up.add(segment.pk)  # deleted meanwhile, or on another instance's disk
        except (AudioError, BrokenProcessPool) as error:
            self._given_up.add(segment.pk)
            log.warning("segment %s stays a WAV: %s", segment.pk, error)
        else:
            await _to_its_end(_replace(segment, small))

    async def _make_small(self, wav: bytes) -> SmallSound:
        try:
            return await self._in_worker(wav)
        except BrokenProcessPool:
            pass  # killed for want of memory, perhaps: one more try
        return await self._in_worker(wav)

    async def _in_worker(self, wav: bytes) -> SmallSound:
        if self._worker is None:
            self._worker = LowPriorityProcess()
        try:
            return await self._worker.run(make_small, wav)
        except BrokenProcessPool:
            await self._end_worker()
            raise

    async def _end_worker(self) -> None:
        if self._worker is not None:
            worker, self._worker = self._worker, None
            await worker.end()


def _waiting(after: uuid.UUID) -> list[AudioSegment]:
    waiting = AudioSegment.objects.filter(codec="wav", size__lte=LARGEST_BYTES, pk__gt=after)
    return list(waiting.select_related("turn").order_by("pk")[:BATCH])


def _read(key: str) -> bytes:
    with media.storage().open(key, "rb") as file:
        return bytes(file.read())


async def _replace(segment: AudioSegment, small: SmallSound) -> None:
    """Point the row to the small file, and delete whichever of the two files it then is not."""
    key = await asyncio.to_thread(_write, segment, small)
    try:
        await in_database(_point_to, segment, key, small)
    except Exception:
        # A connection that broke may have committed all the same.
        await _delete_other(segment.key, key)
        raise
    await _delete_other(segment.key, key)


async def _delete_other(wav: str, small: str) -> None:
    # Asked, not assumed: the row may be deleted meanwhile, or done by another instance.
    is_small = await in_database(_is_named, small)
    await asyncio.to_thread(media.delete, wav if is_small else small)


async def _to_its_end(work: Coroutine[Any, Any, None]) -> None:
    """Await ``work``, and finish it even when cancelled: row and file belong together."""
    task = asyncio.create_task(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


def _write(segment: AudioSegment, small: SmallSound) -> str:
    wanted = media.key_for(segment.turn.conversation_id, segment.pk, "mp3")
    return media.storage().save(wanted, ContentFile(small.mp3))


def _point_to(segment: AudioSegment, key: str, small: SmallSound) -> None:
    AudioSegment.objects.filter(pk=segment.pk, key=segment.key).update(
        key=key, codec="mp3", size=len(small.mp3), peaks=small.peaks
    )


def _is_named(key: str) -> bool:
    return AudioSegment.objects.filter(key=key).exists()
