"""Real services for whoever asks for them; see ``services.py``."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol

import psycopg
import pytest
from django.conf import settings
from playwright.async_api import Browser, async_playwright
from psycopg.sql import SQL, Identifier

from scripts import programs

from . import services
from .services import VoicechatServer
from .topology.topology import Topology, topology

# Debian's Chromium, as root, with nobody to phone home to.
CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def pytest_unconfigure() -> None:
    """The tests' settings made a data directory."""
    shutil.rmtree(settings.VOICECHAT_DATA_DIR, ignore_errors=True)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what became of all that was said while things broke (tests/faults)."""
    reports = [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]
    told = [text for one in reports for name, text in one.user_properties if name == "fault"]
    if told:
        terminalreporter.section("faults")
        terminalreporter.write("".join(f"{text}\n" for text in told))


@pytest.fixture(scope="session")
def redis_server() -> Iterator[str]:
    """The URL of a Redis of the test run's own."""
    with services.redis_server() as url:
        yield url


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a PostgreSQL of the test run's own."""
    with services.postgres_server() as url:
        yield url


@pytest.fixture(scope="session")
def object_store() -> Iterator[str]:
    """The endpoint of an S3 store of the test run's own."""
    with services.object_store() as endpoint:
        yield endpoint


@pytest.fixture
def postgres_database(postgres_server: str) -> str:
    """The URL of a database that is empty and of this test alone."""
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(SQL("create database {}").format(Identifier(name)))
    return postgres_server.rpartition("/")[0] + f"/{name}"


@pytest.fixture(scope="session")
def live_server_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VoicechatServer]:
    """One server in a process of its own, with demo and admin, for all tests that do not stop it."""
    with services.voicechat_server(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[Callable[..., VoicechatServer]]:
    """Starts servers with an ``environment`` of one's own. The data is shared by all of a test."""
    with ExitStack() as servers:

        def start(port: int | None = None, **environment: str) -> VoicechatServer:
            return servers.enter_context(services.voicechat_server(tmp_path, environment, port))

        yield start


class LaunchChromium(Protocol):
    """What ``launch_chromium`` gives."""

    async def __call__(self, *flags: str) -> Browser: ...


@pytest.fixture
async def launch_chromium() -> AsyncIterator[LaunchChromium]:
    """Launches a real Chromium, with further flags (pitfall 27). A new one each time is 0.4 s."""
    async with async_playwright() as playwright:

        async def launch(*flags: str) -> Browser:
            return await playwright.chromium.launch(
                executable_path=programs.find("chromium"), args=[*CHROMIUM_FLAGS, *flags]
            )

        yield launch


@pytest.fixture
async def chromium(launch_chromium: LaunchChromium) -> AsyncIterator[Browser]:
    """A real Chromium."""
    browser = await launch_chromium()
    yield browser
    await browser.close()


@pytest.fixture
def start_topology() -> Iterator[Callable[..., Topology]]:
    """Starts whole deployments, of ``instances`` and with an ``environment`` of one's own."""
    with ExitStack() as deployments:

        def start(**how: Any) -> Topology:
            return deployments.enter_context(topology(**how))

        yield start
