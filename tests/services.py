"""The real programs that tests talk to: each started on loopback, with nothing kept, ended by its id."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import psycopg

from scripts import programs

ROOT = Path(__file__).resolve().parent.parent
READY_S = 60
STOP_S = 15


@dataclass(frozen=True)
class VoicechatServer:
    """A server started as ``make run`` starts it; ``admin`` logs in with ``password``."""

    url: str
    data_dir: Path
    log: Path
    process: subprocess.Popen[bytes]
    password: str = "only for tests"

    @property
    def socket_url(self) -> str:
        return self.url.replace("http", "ws", 1) + "/ws/voice-chat/"


@contextmanager
def redis_server(port: int | None = None) -> Iterator[str]:
    """Yields the URL of an empty Redis."""
    port = port or free_port()
    with tempfile.TemporaryDirectory(prefix="voicechat-redis-") as folder:
        command = [programs.find("redis-server"), "--bind", "127.0.0.1", "--port", str(port)]
        nothing_kept = ["--save", "", "--appendonly", "no", "--dir", folder]
        log = Path(folder, "log")
        with _running([*command, *nothing_kept], log, lambda: _answers(port)):
            yield f"redis://127.0.0.1:{port}/0"


@contextmanager
def postgres_server() -> Iterator[str]:
    """Yields the URL of a PostgreSQL database whose user may make others."""
    initdb = programs.find("initdb").resolve()
    user = _unprivileged_user()
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="voicechat-postgres-") as folder:
        if user is not None:
            shutil.chown(folder, user)
        data = Path(folder, "data")
        as_user = {"user": user, "group": user, "extra_groups": []} if user is not None else {}
        subprocess.run(
            [initdb, "-D", data, "-U", "voicechat", "-A", "trust", "-E", "UTF8", "--no-sync"],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=folder,
            **as_user,
        )
        # Durable it need not be: the folder goes with the test run.
        quick = ["-c", "fsync=off", "-c", "full_page_writes=off", "-c", "synchronous_commit=off"]
        listen = ["-c", "listen_addresses=127.0.0.1", "-p", str(port), "-k", folder]
        command = [initdb.with_name("postgres"), "-D", data, *listen, *quick]
        url = f"postgres://voicechat@127.0.0.1:{port}/postgres"
        log = Path(folder, "log")
        with _running(command, log, lambda: _takes_queries(url), cwd=folder, **as_user):
            yield url


@contextmanager
def voicechat_server(
    folder: Path, environment: Mapping[str, str] | None = None, port: int | None = None
) -> Iterator[VoicechatServer]:
    """A real server with its data in ``folder``, fresh unless there is some of an earlier one.

    ``environment`` adds to what a first start on one's own machine has. Its ``.env`` says DEBUG.
    """
    port = port or free_port()
    log = folder / f"server-{port}.log"  # several may share the data
    data_dir = folder / "data"
    command = [sys.executable, "-m", "voicechat.start", "--port", str(port)]
    variables = {
        **environment_without_settings(),
        "VOICECHAT_DATA_DIR": str(data_dir),
        "VOICECHAT_TTS": "espeak",
        "DJANGO_SUPERUSER_PASSWORD": VoicechatServer.password,
        **(environment or {}),
    }
    url = f"http://127.0.0.1:{port}"
    with _running(command, log, lambda: _is_a_page(url), cwd=ROOT, env=variables) as process:
        yield VoicechatServer(url, data_dir, log, process)


def environment_without_settings() -> dict[str, str]:
    """This process's environment, less what configures voicechat and what the tests' settings set."""
    ours = ("DJANGO_", "VOICECHAT_", "DATABASE_URL", "REDIS_URL", "EMAIL_URL")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


def free_port() -> int:
    """A port of loopback that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def _running(
    command: list[object], log: Path, is_ready: Callable[[], bool], **how: object
) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            **how,
        )
    try:
        give_up = time.monotonic() + READY_S
        while not is_ready():
            if process.poll() is not None or time.monotonic() > give_up:
                raise AssertionError(f"{command[0]} does not answer:\n{log.read_text()}")
            time.sleep(0.02)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _takes_queries(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def _is_a_page(url: str) -> bool:
    try:
        with urlopen(url, timeout=5):
            return True
    except HTTPError as error:
        error.close()
        return error.code < 500
    except OSError:
        return False


def _unprivileged_user() -> str | None:
    """PostgreSQL refuses to run as root: its own user then, else nobody."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"
