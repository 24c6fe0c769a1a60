"""A program that tests start, stop, kill and start again, always at the same address."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

READY_S = 60
STOP_S = 15


class Part:
    """A program with what it is started with. ``environment`` counts at the next start.

    It leads a process group of its own, so that what it has started itself goes with it.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[object],
        log: Path,
        is_ready: Callable[[], bool],
        *,
        environment: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        user: str | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
        stop_s: float = STOP_S,
    ) -> None:
        self.name = name
        self.command = [str(part) for part in command]
        self.log = log
        self.environment = dict(os.environ if environment is None else environment)
        self.process: subprocess.Popen[bytes] | None = None
        self._is_ready = is_ready
        self._cwd = cwd
        self._user = user
        self.stop_signal = stop_signal
        self._stop_s = stop_s

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def pid(self) -> int:
        assert self.process is not None, f"{self.name} has not been started"
        return self.process.pid

    def start(self, *, wait: bool = True) -> None:
        """Start it, and wait until it answers."""
        assert not self.is_running, f"{self.name} runs already"
        as_user = {"user": self._user, "group": self._user, "extra_groups": []}
        self.log.touch()
        if self._user is not None:
            shutil.chown(self.log, self._user)  # some open it again by its name
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self.environment,
                cwd=self._cwd,
                start_new_session=True,
                **(as_user if self._user is not None else {}),
            )
        if wait:
            self.wait_until_ready()

    def wait_until_ready(self) -> None:
        """Raises AssertionError with its log if it does not answer in time."""
        give_up = time.monotonic() + READY_S
        while not self._is_ready():
            if not self.is_running or time.monotonic() > give_up:
                raise AssertionError(f"{self.name} does not answer:\n{self.log.read_text()}")
            time.sleep(0.02)

    def signal(self, number: signal.Signals) -> None:
        """To the program alone, as Docker sends it."""
        if self.is_running:
            os.kill(self.pid, number)

    def wait(self, seconds: float | None = None) -> int:
        """Until it has ended; its exit status. Raises subprocess.TimeoutExpired."""
        assert self.process is not None
        return self.process.wait(self._stop_s if seconds is None else seconds)

    def stop(self) -> int | None:
        """Ask it to end, and kill it after its grace, as Docker does; its exit status."""
        if self.process is None:
            return None
        self.signal(self.stop_signal)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait()
        self.kill()  # also what it has left behind
        return self.process.returncode

    def kill(self) -> None:
        """``kill -9``: of it and of all that it has started."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):  # gone already
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def restart(self) -> None:
        self.stop()
        self.start()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.stop()
