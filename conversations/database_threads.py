"""Threads for database work, whose connections are kept while there is something to do.

To connect to PostgreSQL costs as much as fifty statements (docs/decisions.md), and a turn is a few
statements in as many calls. So a thread keeps its connection for ``keep_s`` after its last call, and the one that
worked last is the next to work: under load nobody connects, and when all is quiet nothing is held.
"""

from __future__ import annotations

import atexit
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from queue import Empty, SimpleQueue
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

# How long the end of the program waits for what is being done.
LAST_S = 5.0

_Job = tuple[Future[Any], Callable[[], Any]]


class DatabaseThreads(Executor):
    """``count`` threads, started when they are needed.

    One that had nothing to do for ``keep_s`` (None: for ever) calls ``rest``.
    """

    def __init__(self, count: int, keep_s: float | None, rest: Callable[[], None]) -> None:
        self._count = count
        self._keep_s = keep_s
        self._rest = rest
        self._changed = threading.Condition()
        # Bounded by who waits for an answer: each call has one job here at a time.
        self._waiting: deque[_Job] = deque()
        # The one that worked last is the last.
        self._idle: list[SimpleQueue[_Job]] = []
        self._started = 0
        atexit.register(self._finish)

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future: Future[T] = Future()
        job: _Job = (future, lambda: fn(*args, **kwargs))
        with self._changed:
            if self._idle:
                self._idle.pop().put(job)
            elif self._started < self._count:
                self._started += 1
                own: SimpleQueue[_Job] = SimpleQueue()
                own.put(job)
                name = f"database {self._started}"
                threading.Thread(target=self._work, args=(own,), name=name, daemon=True).start()
            else:
                self._waiting.append(job)
        return future

    def _work(self, own: SimpleQueue[_Job]) -> None:
        while True:
            try:
                job: _Job | None = own.get(timeout=self._keep_s)
            except Empty:
                self._rest()
                job = own.get()
            while job is not None:
                _do(*job)
                job = self._next(own)

    def _next(self, own: SimpleQueue[_Job]) -> _Job | None:
        with self._changed:
            if self._waiting:
                return self._waiting.popleft()
            self._idle.append(own)
            self._changed.notify_all()
            return None

    def _finish(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: len(self._idle) == self._started, LAST_S)


def _do(future: Future[Any], call: Callable[[], Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(call())
    except BaseException as error:
        future.set_exception(error)
        del future  # whose exception's traceback is this frame
