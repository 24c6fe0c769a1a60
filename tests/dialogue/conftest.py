"""What the tests of the dialogue share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest

from dialogue import answers, engines
from dialogue.realtime import open_meteo

from .wire import LocalServer


@pytest.fixture(autouse=True)
def fresh_memory() -> Iterator[None]:
    """What a process keeps in memory does not outlive a test."""
    answers.book.__init__()  # type: ignore[misc]
    for kept in (open_meteo._locations, open_meteo._forecasts, engines._engines):
        kept.clear()
    yield
    engines._engines.clear()


Serve = Callable[..., Awaitable[LocalServer]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Starts local servers, and ends them with the test."""
    servers: list[LocalServer] = []

    async def start(*scripts: object) -> LocalServer:
        server = LocalServer(*scripts)  # type: ignore[arg-type]
        await server.start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        await server.stop()
