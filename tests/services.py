"""The real programs that tests talk to: each started on loopback, with nothing kept, ended by its id."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import psycopg

from scripts import programs

from .part import Part

ROOT = Path(__file__).resolve().parent.parent


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
        options = ["--save", "", "--appendonly", "no"]
        with redis_part(port, Path(folder), options):
            yield f"redis://127.0.0.1:{port}/0"


def redis_part(port: int, folder: Path, options: Sequence[object]) -> Part:
    """A Redis that keeps what it keeps in ``folder``."""
    listen = ["--bind", "127.0.0.1", "--port", port, "--dir", folder]
    command = [programs.find("redis-server"), *options, *listen]
    return Part("redis", command, folder / "redis.log", lambda: answers(port))


@contextmanager
def postgres_server() -> Iterator[str]:
    """Yields the URL of a PostgreSQL database whose user may make others."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="voicechat-postgres-") as folder:
        # Durable it need not be: the folder goes with the test run.
        quick = ["-c", "full_page_writes=off", "-c", "synchronous_commit=off"]
        with postgres_part(port, Path(folder), quick):
            yield f"postgres://voicechat@127.0.0.1:{port}/postgres"


def postgres_part(
    port: int, folder: Path, options: Sequence[object], password: Path | None = None
) -> Part:
    """A PostgreSQL with a new cluster in ``folder``, of the user ``voicechat``.

    It survives the death of its processes, not of the machine. ``password``: a file that holds it;
    without it nobody is asked.
    """
    initdb = programs.find("initdb").resolve()
    user = unprivileged_user()
    if user is not None:
        shutil.chown(folder, user)
    admits = ["-A", "trust"]
    if password is not None:
        admits = ["-A", "scram-sha-256", "--pwfile", folder / "password"]
        shutil.copyfile(password, folder / "password")
        (folder / "password").chmod(0o444)
    data = folder / "data"
    as_user = {"user": user, "group": user, "extra_groups": []} if user is not None else {}
    subprocess.run(
        [initdb, "-D", data, "-U", "voicechat", *admits, "-E", "UTF8", "--no-sync"],
        check=True,
        stdout=subprocess.DEVNULL,
        cwd=folder,
        **as_user,
    )
    listen = ["-c", "listen_addresses=127.0.0.1", "-p", port, "-k", folder, "-c", "fsync=off"]
    command = [initdb.with_name("postgres"), "-D", data, *options, *listen]
    known = f":{password.read_text().strip()}" if password is not None else ""
    url = f"postgres://voicechat{known}@127.0.0.1:{port}/postgres"
    log = folder / "postgres.log"
    # SIGINT: those who are connected are sent away. SIGTERM would wait for them to go.
    return Part(
        "postgres",
        command,
        log,
        lambda: _takes_queries(url),
        cwd=folder,
        user=user,
        stop_signal=signal.SIGINT,
    )


@contextmanager
def object_store() -> Iterator[str]:
    """Yields the endpoint of an S3 store without buckets."""
    port = free_port()
    with (
        tempfile.TemporaryDirectory(prefix="voicechat-store-") as folder,
        store_part(port, Path(folder)),
    ):
        yield f"http://127.0.0.1:{port}"


def store_part(port: int, folder: Path) -> Part:
    """moto's server: it speaks S3, believes every signature, and keeps all in memory."""
    command = [Path(sys.executable).with_name("moto_server"), "-H", "127.0.0.1", "-p", port]
    return Part("store", command, folder / "store.log", lambda: answers(port))


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
        # Who stops a server in the middle of an answer does not wait for its end.
        "VOICECHAT_DRAIN_TIMEOUT": "1",
        "DJANGO_SUPERUSER_PASSWORD": VoicechatServer.password,
        **(environment or {}),
    }
    url = f"http://127.0.0.1:{port}"
    part = Part("voicechat", command, log, lambda: is_a_page(url), cwd=ROOT, environment=variables)
    with part:
        assert part.process is not None
        yield VoicechatServer(url, data_dir, log, part.process)


def environment_without_settings() -> dict[str, str]:
    """This process's environment, less what configures voicechat and what the tests' settings set."""
    ours = ("DJANGO_", "VOICECHAT_", "DATABASE_URL", "REDIS_URL", "EMAIL_URL")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


def free_port() -> int:
    """A port of loopback that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def answers(port: int) -> bool:
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


def is_a_page(url: str) -> bool:
    try:
        with urlopen(url, timeout=5):
            return True
    except HTTPError as error:
        error.close()
        return error.code < 500
    except OSError:
        return False


def unprivileged_user() -> str | None:
    """PostgreSQL refuses to run as root: its own user then, else nobody. None: this is not root."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"
