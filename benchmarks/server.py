"""A server of its own for one measurement: fresh data, one core, stopped at the end."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .peers.environment import HERE as PEERS
from .peers.environment import python_for

SERVER_CORE, CLIENT_CORE = 0, 1
START_S = 60.0
STOP_S = 30.0
TELEPHONE_TOKEN = "only-for-benchmarks-0123456789abcdef"


@dataclass(frozen=True, slots=True)
class Server:
    """``data`` is the data directory; a peer has none."""

    port: int
    pid: int
    data: Path = Path()

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
    port = _free_port()
    command = ["-m", "uvicorn", f"benchmarks.measured:{app}", "--port", str(port)]
    debug = {"DJANGO_DEBUG": "1", "VOICECHAT_DIALOGUE": "benchmarks.bots.FiveSentences"}
    with _voicechat(
        [*command, "--log-level", "warning"], port, debug | environment, greets=True
    ) as server:
        yield server


@contextmanager
def deployed(**environment: str) -> Iterator[Server]:
    """Run voicechat on one core as a deployment does, open to telephones with ``TELEPHONE_TOKEN``.

    Of its greeting only the notice remains that the call is recorded.
    """
    port = _free_port()
    production = {
        "DJANGO_DEBUG": "0",
        "DJANGO_ALLOWED_HOSTS": "127.0.0.1",
        "VOICECHAT_TELEPHONE_TOKENS": TELEPHONE_TOKEN,
        "VOICECHAT_STT": "benchmarks.scripted_stt.ScriptedRecogniser",
        "BENCH_TRANSCODING": "0",
    }
    command = ["-m", "benchmarks.quiet_server", str(port)]
    with _voicechat(command, port, production | environment, greets=False) as server:
        yield server


@contextmanager
def peer(name: str) -> Iterator[Server]:
    """Run a server of ``benchmarks/peers`` on one core, in its own virtual environment."""
    port = _free_port()
    command = [str(python_for(name)), str(PEERS / f"{name}_server.py"), str(port)]
    with _serving(command, port, os.environ) as process:
        yield Server(port, process.pid)


@contextmanager
def _voicechat(
    command: list[str], port: int, environment: Mapping[str, str], *, greets: bool
) -> Iterator[Server]:
    with tempfile.TemporaryDirectory() as data:
        env = os.environ | {
            "VOICECHAT_DATA_DIR": data,
            "DJANGO_SETTINGS_MODULE": "voicechat.settings",
            "DJANGO_SECRET_KEY": "only-for-benchmarks",
            "VOICECHAT_TTS": "espeak",
            "VOICECHAT_LOG_LEVEL": "WARNING",
            **environment,
        }
        subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], env=env, check=True)
        if not greets:
            with sqlite3.connect(f"{data}/db.sqlite3") as database:
                database.execute("update dialogue_bot set greeting = ''")
        with _serving([sys.executable, *command], port, env) as process:
            yield Server(port, process.pid, Path(data))


@contextmanager
def _serving(
    command: list[str], port: int, env: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, env=env)
    os.sched_setaffinity(process.pid, {SERVER_CORE})
    try:
        _wait_until_up(port, process)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _wait_until_up(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"{process.args!r} does not answer; it has said why") from None
            time.sleep(0.1)
        else:
            return
