"""Ctrl-C between two steps of long work, never within one."""

from __future__ import annotations

import signal
from types import FrameType, TracebackType
from typing import Any


class Stop:
    """While entered, SIGINT and SIGTERM only ask; whoever works looks at ``is_asked``.

    Asked a second time it raises ``KeyboardInterrupt`` at once. For the main thread alone.
    """

    def __init__(self) -> None:
        self.is_asked = False
        self._usual: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Stop:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._usual[number] = signal.signal(number, self._ask)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, usual in self._usual.items():
            signal.signal(number, usual)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if self.is_asked:
            raise KeyboardInterrupt
        self.is_asked = True
