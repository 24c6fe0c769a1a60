"""Takes recordings to an object store, in the background: one that is slow or away holds up nobody.

They wait in the spool, on the instance's own disk, and get their rows when they are in the store. What
another process left in this spool is found as well. With a store on disk there is nothing to do.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import late_sound, media, segments, spool
from .database import in_database
from .stored import StoredTurn
from .uploads import Upload, waiting

log = logging.getLogger(__name__)

AT_ONCE = 4
# What nobody has touched for so long is not live, here or in another process on the same disk.
LEFT_S = 60.0
LOOK_S = 60.0
# A store that does not answer is asked again so soon, and then ever later.
RETRY_S = 1.0
LONGEST_RETRY_S = 15.0

Tell = Callable[[str, StoredTurn], Awaitable[None]]


class Uploader:
    """Runs from ``start`` to ``stop``; ``tell`` is told the conversation and each turn that got sound."""

    def __init__(self, spool_directory: Path, tell: Tell) -> None:
        self._spool = spool_directory
        self._tell = tell
        self._arrived = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        # Apart from all others: a store that hangs must not take their threads.
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="upload")

    async def start(self) -> None:
        if not media.is_elsewhere():
            return
        waiting.open(self._arrived)
        self._tasks = [asyncio.create_task(self._run(), name="upload") for _ in range(AT_ONCE)]
        self._tasks.append(asyncio.create_task(self._look(), name="upload what is left"))

    async def stop(self) -> None:
        """What has not been uploaded stays in the spool."""
        waiting.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _run(self) -> None:
        while True:
            upload = waiting.take()
            if upload is not None:
                await self._upload(upload)
                continue
            self._arrived.clear()
            if not len(waiting):
                await self._arrived.wait()

    async def _upload(self, upload: Upload) -> None:
        """Until it is done; what is wrong with one must not keep those behind it."""
        retry_s = RETRY_S
        while True:
            try:
                await self._store(upload)
            except OSError as error:
                log.warning("recordings wait for the store: %s", error)
                await asyncio.sleep(retry_s)
                retry_s = min(2 * retry_s, LONGEST_RETRY_S)
            except Exception as error:
                # The database, perhaps; the next look into the spool finds it again.
                log.error("recordings could not be stored: %s", type(error).__name__)
                return
            else:
                return

    async def _store(self, upload: Upload) -> None:
        loop = asyncio.get_running_loop()
        there = []
        for one in upload.recordings:
            segment_id = segments.id_of(one.file)
            # Off the spool it went with its conversation.
            with contextlib.suppress(FileNotFoundError):
                await loop.run_in_executor(
                    self._pool, media.upload, one.file, upload.conversation, segment_id
                )
                there.append(one)
        changed = await in_database(late_sound.add, upload.conversation, there)
        for turn in changed:
            await self._tell(str(upload.conversation), turn)

    async def _look(self) -> None:
        """Find what an earlier process left, and what could not be stored."""
        while True:
            try:
                turns = await asyncio.to_thread(spool.turns_in, self._spool, LEFT_S)
                for turn in turns:
                    left = await in_database(late_sound.left_of, turn, self._spool)
                    if left is not None:
                        await self._upload(left)
            except Exception as error:
                log.error("the spool could not be looked through: %s", type(error).__name__)
            await asyncio.sleep(LOOK_S)
