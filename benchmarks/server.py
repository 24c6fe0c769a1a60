"""A server of its own for one measurement: fresh data, one core, stopped at the end."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

SERVER_CORE, CLIENT_CORE = 0, 1
START_S = 60.0


@dataclass(frozen=True, slots=True)
class Server:
    port: int

    @property
    def socket_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ws/voice-chat/"

    def stats(self) -> dict[str, float]:
        """CPU seconds, resident kB, and the loop's lag since the last reading."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/stats") as answer:
            stats: dict[str, float] = json.load(answer)
        return stats


@contextmanager
def running(app: str = "application", **environment: str) -> Iterator[Server]:
    """Run ``benchmarks.measured:app`` with espeak and the scripted bot on one core."""
    with socket.socket() as free, tempfile.TemporaryDirectory() as data:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        env = os.environ | {
            "VOICECHAT_DATA_DIR": data,
            "DJANGO_SETTINGS_MODULE": "voicechat.settings",
            "DJANGO_DEBUG": "1",
            "DJANGO_SECRET_KEY": "only-for-benchmarks",
            "VOICECHAT_TTS": "espeak",
            "VOICECHAT_DIALOGUE": "benchmarks.bots.FiveSentences",
            "VOICECHAT_LOG_LEVEL": "WARNING",
            **environment,
        }
        subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], env=env, check=True)
        command = [sys.executable, "-m", "uvicorn", f"benchmarks.measured:{app}"]
        process = subprocess.Popen(
            [*command, "--port", str(port), "--log-level", "warning"], env=env
        )
        os.sched_setaffinity(process.pid, {SERVER_CORE})
        try:
            server = Server(port)
            _wait_until_up(server, process)
            yield server
        finally:
            process.terminate()
            process.wait(timeout=30)


def _wait_until_up(server: Server, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_S
    while True:
        try:
            server.stats()
        except OSError:
            if process.poll() is not None or time.monotonic() > until:
                raise
            time.sleep(0.1)
        else:
            return
