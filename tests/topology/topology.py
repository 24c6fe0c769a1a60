"""The deployment of docker-compose.yml as plain processes on loopback.

Commands, variables, ports, stop signals and graces are read from that file, the configuration of
nginx is the project's own; only addresses and paths are this machine's. The object store is moto's
server, which speaks S3 and keeps all in memory: what it holds ends with it.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import boto3
import psycopg
from botocore.client import BaseClient

from deploy.make_secrets import make_secrets
from scripts import programs
from tests.part import Part
from tests.services import (
    ROOT,
    answers,
    environment_without_settings,
    free_port,
    is_a_page,
    postgres_part,
    redis_part,
    store_part,
    unprivileged_user,
)

from . import compose
from .compose import Places
from .image import image_environment

SERVICES = ("redis", "postgres", "store", "nginx")


class Topology:
    """All parts by name: ``redis``, ``postgres``, ``store``, ``web1`` …, ``nginx``.

    ``url`` is nginx's. Made by ``topology``.
    """

    def __init__(self, folder: Path, web: list[str], description: Mapping[str, Any]) -> None:
        self.folder = folder
        self.web = web
        self.places = Places()
        self.parts: dict[str, Part] = {}
        self.secrets = folder / "secrets"
        self._services = description["services"]
        for name in (*SERVICES, *web):
            self.places.ports[name, PORTS.get(name, PORTS["web1"])] = free_port()

    def __getitem__(self, name: str) -> Part:
        return self.parts[name]

    @property
    def url(self) -> str:
        """Of the whole, through nginx."""
        return f"http://127.0.0.1:{self.port('nginx')}"

    @property
    def socket_url(self) -> str:
        return socket_url(self.url)

    def url_of(self, name: str) -> str:
        """Of one instance, past nginx."""
        return f"http://127.0.0.1:{self.port(name)}"

    def socket_url_of(self, name: str) -> str:
        return socket_url(self.url_of(name))

    def port(self, name: str) -> int:
        return self.places.ports[name, PORTS.get(name, PORTS["web1"])]

    @property
    def redis_url(self) -> str:
        return self.environment_of("web1")["REDIS_URL"]

    @property
    def database_url(self) -> str:
        return self.secret("database_url")

    @property
    def admin_password(self) -> str:
        """Of the user ``admin``."""
        return self.secret("admin_password")

    @property
    def bucket(self) -> str:
        return "recordings"

    def store_client(self) -> BaseClient:
        """A client of the object store."""
        return boto3.client(
            "s3",
            endpoint_url=f"http://127.0.0.1:{self.port('store')}",
            aws_access_key_id=self.secret("store_access_key"),
            aws_secret_access_key=self.secret("store_secret_key"),
            region_name="us-east-1",
        )

    def secret(self, name: str) -> str:
        return (self.secrets / name).read_text().strip()

    def data_of(self, name: str) -> Path:
        """The data directory of an instance."""
        return self.folder / name

    def environment_of(self, name: str) -> dict[str, str]:
        """What the compose file gives a service, for this machine."""
        places = self._places_of(name)
        given = self._service(name)["environment"]
        return {key: places.here(str(value)) for key, value in given.items()}

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """One command of an operator, as ``docker compose run --rm migration …``."""
        return subprocess.run(
            [sys.executable, *command],
            cwd=ROOT,
            env=self._with_defaults("migration", environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def migrate(self) -> None:
        """What the one-shot service does. Raises AssertionError with what it said."""
        done = self.run(*self._service("migration")["command"][1:])
        assert not done.returncode, done.stdout

    def collect_static(self) -> None:
        """What the image is built with."""
        done = self.run("manage.py", "collectstatic", "--noinput", "--verbosity", "0")
        assert not done.returncode, done.stdout

    def prepare(self, **environment: str) -> None:
        """Make secrets and all parts; start none."""
        make_secrets(self.secrets)
        database = self.secret("database_url").replace(
            "postgres:5432", f"127.0.0.1:{self.port('postgres')}"
        )
        (self.secrets / "database_url").chmod(0o644)
        (self.secrets / "database_url").write_text(database)
        for name in ("redis", "postgres", "store", *self.web, "nginx"):
            making = {"redis": self._redis, "postgres": self._postgres, "store": self._store}
            making |= {"nginx": self._nginx}
            self.parts[name] = making[name]() if name in making else self._web(name, environment)

    def _service(self, name: str) -> Mapping[str, Any]:
        """An instance beyond those of the compose file is one like the first."""
        found: Mapping[str, Any] = self._services.get(name) or self._services["web1"]
        return found

    def _places_of(self, name: str) -> Places:
        own = self.folder / name
        own.mkdir(exist_ok=True)
        folders = {"/run/secrets": self.secrets, "/data": own, "/tmp": own}
        folders["/srv/static"] = self.folder / "static"
        return Places(self.places.ports, folders)

    def _with_defaults(self, name: str, environment: Mapping[str, str]) -> dict[str, str]:
        places = self._places_of(name)
        return {
            **environment_without_settings(),
            **TESTS,
            **{key: places.here(value) for key, value in image_environment().items()},
            **self.environment_of(name),
            "DJANGO_ALLOWED_HOSTS": "127.0.0.1",
            **environment,
        }

    def _web(self, name: str, environment: Mapping[str, str]) -> Part:
        service = self._service(name)
        places = self._places_of(name)
        ports = {("web1", 8000): self.port(name)}
        command = Places(ports, places.folders).command("web1", service["command"])
        url = self.url_of(name)
        return Part(
            name,
            [sys.executable, *command[1:]],
            self.folder / f"{name}.log",
            lambda: is_a_page(url),
            environment=self._with_defaults(name, environment),
            cwd=ROOT,
            stop_signal=compose.stop_signal(service),
            stop_s=compose.grace_s(service),
        )

    def _redis(self) -> Part:
        folder = self._places_of("redis").folders["/data"]
        return redis_part(self.port("redis"), folder, self._service("redis")["command"][1:])

    def _postgres(self) -> Part:
        service = self._service("postgres")
        folder = self.folder / "postgres"
        folder.mkdir()
        part = postgres_part(
            self.port("postgres"),
            folder,
            service["command"][1:],
            self.secrets / "postgres_password",
        )
        assert part.stop_signal == compose.stop_signal(service)
        part.log = self.folder / "postgres.log"
        return part

    def _store(self) -> Part:
        return store_part(self.port("store"), self.folder)

    def _nginx(self) -> Part:
        service = self._service("nginx")
        places = self._places_of("nginx")
        folder = places.folders["/tmp"]
        user = unprivileged_user()
        if user is not None:
            shutil.chown(folder, user)
        variables = {
            name: places.here(str(value)) for name, value in service["environment"].items()
        }
        variables["VOICECHAT_LISTEN"] = f"127.0.0.1:{self.port('nginx')}"
        variables["VOICECHAT_TLS"] = str(folder / "no-tls")
        ports = ", ".join(f"127.0.0.1:{self.port(name)}" for name in self.web)
        known = ("web1", "web2")
        if self.web != list(known):
            variables["VOICECHAT_WEB_SERVERS"] = " ".join(
                f"server {address} max_fails=0;" for address in ports.split(", ")
            )
        text = compose.filled_in((ROOT / "deploy" / "nginx.conf").read_text(), variables)
        text = text.replace("127.0.0.1:8081", f"127.0.0.1:{free_port()}")
        (folder / "nginx.conf").write_text(text)
        command = [programs.find("nginx"), *places.command("nginx", service["command"])[1:]]
        return Part(
            "nginx",
            command,
            self.folder / "nginx.log",
            lambda: answers(self.port("nginx")),
            user=user,
            stop_signal=compose.stop_signal(service),
            stop_s=compose.grace_s(service),
        )


# The port of each service in its container.
PORTS = {"redis": 6379, "postgres": 5432, "store": 7070, "nginx": 8443, "web1": 8000}
# What tests want otherwise than people: the voice that needs no network.
TESTS = {"VOICECHAT_TTS": "espeak", "DJANGO_SETTINGS_MODULE": "voicechat.settings"}


def socket_url(url: str) -> str:
    return url.replace("http", "ws", 1) + "/ws/voice-chat/"


@contextmanager
def topology(
    *, instances: int = 2, server: str = "uvicorn", **environment: str
) -> Iterator[Topology]:
    """All of it, running and empty but for its administrator; stopped at the end.

    ``environment`` is added to that of every instance; for one alone change ``environment`` of its
    part, and restart it. ``server``: uvicorn or daphne.
    """
    files = [compose.COMPOSE, *([compose.DAPHNE] if server == "daphne" else [])]
    # Not pytest's own: PostgreSQL and nginx run as somebody else, who has to get there.
    with tempfile.TemporaryDirectory(prefix="voicechat-topology-") as name, ExitStack() as running:
        folder = Path(name)
        folder.chmod(0o755)
        web = [f"web{number}" for number in range(1, instances + 1)]
        made = Topology(folder, web, compose.read(*files))
        made.prepare(**environment)
        made.collect_static()
        for part in made.parts.values():
            running.callback(part.stop)
        for service in ("redis", "postgres", "store"):
            made[service].start(wait=False)
        for service in ("redis", "postgres", "store"):
            made[service].wait_until_ready()
        _create_database(made)
        made.migrate()
        for service in web:
            made[service].start(wait=False)
        for service in web:
            made[service].wait_until_ready()
        made["nginx"].start()
        yield made


def _create_database(made: Topology) -> None:
    """As the image of PostgreSQL does when its volume is empty."""
    maintenance, _, name = made.database_url.rpartition("/")
    with psycopg.connect(f"{maintenance}/postgres", autocommit=True) as connection:
        connection.execute(f'create database "{name}"')
