"""A process for heavy work that nobody waits for. It imports what its work needs, and no Django."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

NICENESS = 19


class LowPriorityProcess:
    """One process at the lowest priority, one task at a time. Starts when first asked."""

    def __init__(self) -> None:
        # Spawned, not forked: the server has threads, and connections that are not for sharing.
        spawn = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(1, mp_context=spawn, initializer=_settle)
        self._pid: int | None = None

    async def run(self, call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a module's function there. Raises ``BrokenProcessPool`` when the process died."""
        if self._pid is None:
            self._pid = await asyncio.wrap_future(self._pool.submit(os.getpid))
        return await asyncio.wrap_future(self._pool.submit(call, *args, **kwargs))

    async def end(self) -> None:
        """End it at once, in the middle of its work if need be."""
        for child in multiprocessing.active_children():
            if child.pid == self._pid:
                child.kill()
        # Waits only for what the pool has to tidy up: its semaphores outlive us otherwise.
        await asyncio.to_thread(self._pool.shutdown, wait=True, cancel_futures=True)


def _settle() -> None:
    os.nice(NICENESS)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is meant for the server, which ends us
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """The server may be killed without a chance to end us."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
