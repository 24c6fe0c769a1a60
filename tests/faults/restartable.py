"""Services that can be killed and started again at the same address, with what they had on disk."""

from __future__ import annotations

import contextlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg

from scripts import programs
from tests import services

READY_S = 30.0


class Restartable:
    """A program on loopback. ``start`` waits until it answers; ``kill`` is kill -9."""

    def __init__(self, command: list[str], log: Path, is_ready: Callable[[], bool], **how: object):
        self._command = command
        self._log = log
        self._is_ready = is_ready
        self._how = how
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as output:
            self.process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                **self._how,
            )
        give_up = time.monotonic() + READY_S
        while not self._is_ready():
            if self.process.poll() is not None or time.monotonic() > give_up:
                raise AssertionError(f"{self._command[0]} is not up:\n{self._log.read_text()}")
            time.sleep(0.02)

    def kill(self, how: signal.Signals = signal.SIGKILL) -> None:
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(30)
            self.process = None


class Redis(Restartable):
    def __init__(self, folder: Path) -> None:
        port = services.free_port()
        self.url = f"redis://127.0.0.1:{port}/0"
        command = [str(programs.find("redis-server")), "--bind", "127.0.0.1", "--port", str(port)]
        nothing_kept = ["--save", "", "--appendonly", "no", "--dir", str(folder)]
        super().__init__([*command, *nothing_kept], folder / "redis.log", lambda: _answers(port))


class Postgres(Restartable):
    """``kill(SIGINT)`` is its fast shutdown: all connections are cut."""

    def __init__(self, folder: Path) -> None:
        initdb = programs.find("initdb").resolve()
        user = services._unprivileged_user()
        port = services.free_port()
        data = folder / "postgres"
        data.mkdir(mode=0o700)
        as_user: dict[str, object] = {}
        if user is not None:
            shutil.chown(data, user, user)
            as_user = {"user": user, "group": user, "extra_groups": []}
        subprocess.run(
            [initdb, "-D", data, "-U", "voicechat", "-A", "trust", "-E", "UTF8", "--no-sync"],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd="/",
            **as_user,  # type: ignore[call-overload]
        )
        self.url = f"postgres://voicechat@127.0.0.1:{port}/postgres"
        listen = ["-c", "listen_addresses=127.0.0.1", "-p", str(port), "-k", ""]
        command = [str(initdb.with_name("postgres")), "-D", str(data), *listen]
        super().__init__(
            command,
            folder / "postgres.log",
            lambda: services._takes_queries(self.url),
            cwd="/",
            **as_user,
        )

    def connect(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(self.url, autocommit=True)


@contextlib.contextmanager
def running(*services_: Restartable) -> Iterator[None]:
    """They are started, and killed at the end."""
    try:
        for service in services_:
            service.start()
        yield
    finally:
        for service in services_:
            with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
                service.kill()


def _answers(port: int) -> bool:
    return services._answers(port)


class Web(Restartable):
    """An instance; ``stop`` asks it to end and waits until it has."""

    def __init__(self, name: str, folder: Path, **environment: str) -> None:
        port = services.free_port()
        self.url = f"http://127.0.0.1:{port}"
        variables = {
            **services.environment_without_settings(),
            "VOICECHAT_DATA_DIR": str(folder / name),
            "VOICECHAT_TTS": "espeak",
            "VOICECHAT_STT": "none",
            "DJANGO_SECRET_KEY": "only-for-tests",
            "DJANGO_ALLOWED_HOSTS": "127.0.0.1",
            **environment,
        }
        command = [sys.executable, "-m", "voicechat.start", "--port", str(port)]
        super().__init__(
            command,
            folder / f"{name}.log",
            lambda: services._is_a_page(self.url),
            cwd=services.ROOT,
            env=variables,
        )

    def stop(self) -> None:
        self.kill(signal.SIGTERM)


class Cluster:
    def __init__(self, folder: Path, web: int = 2, **environment: str) -> None:
        self.folder = folder
        redis, postgres = Redis(folder), Postgres(folder)
        shared = {"REDIS_URL": redis.url, "DATABASE_URL": postgres.url} | environment
        self.parts: dict[str, Restartable] = {"redis": redis, "postgres": postgres}
        self.web = [f"web{number + 1}" for number in range(web)]
        for name in self.web:
            self.parts[name] = Web(name, folder, **shared)
        self.database_url = postgres.url

    def __getitem__(self, name: str) -> Restartable:
        return self.parts[name]

    def url_of(self, name: str) -> str:
        part = self.parts[name]
        assert isinstance(part, Web)
        return part.url

    def socket_url_of(self, name: str) -> str:
        return self.url_of(name).replace("http", "ws", 1) + "/ws/voice-chat/"


@contextlib.contextmanager
def cluster(**environment: str) -> Iterator[Cluster]:
    """Two instances with all that they share, up."""
    with tempfile.TemporaryDirectory(prefix="voicechat-faults-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # PostgreSQL's user comes through
        made = Cluster(folder, **environment)
        with running(*made.parts.values()):
            yield made
