"""A local HTTP server that says byte by byte what a remote service would say."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass
class Request:
    """What a client sent."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any = None


@dataclass
class Exchange:
    """One request, and the way to answer it."""

    request: Request
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def json(self, status: int, body: Any) -> None:
        """A whole JSON response."""
        content = json.dumps(body).encode()
        await self.send(
            f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(content)}\r\n\r\n".encode()
            + content
        )

    async def begin_events(self) -> None:
        """The head of a stream of server-sent events."""
        await self.send(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        )

    async def event(self, data: Any) -> None:
        """One event in a chunk of its own."""
        text = data if isinstance(data, str) else json.dumps(data)
        content = f"data: {text}\n\n".encode()
        await self.send(f"{len(content):x}\r\n".encode() + content + b"\r\n")

    async def end_events(self) -> None:
        """The last event of a whole stream."""
        await self.event("[DONE]")
        await self.send(b"0\r\n\r\n")

    async def disconnected(self) -> None:
        """Returns when the client has closed the connection."""
        while await self.reader.read(1024):
            pass


Answer = Callable[[Exchange], Awaitable[None]]


@dataclass(init=False)
class LocalServer:
    """Answers every request with ``answer``; remembers what was asked and what went wrong."""

    requests: list[Request] = field(default_factory=list)

    def __init__(self, answer: Answer) -> None:
        self.requests = []
        self.client_left = asyncio.Event()
        self._answer = answer
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while (request := await _read_request(reader)) is not None:
                self.requests.append(request)
                await self._answer(Exchange(request, reader, writer))
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()


async def _read_request(reader: asyncio.StreamReader) -> Request | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    first, *lines = head.strip().split("\r\n")
    headers = {name.lower(): value.strip() for name, value in (li.split(":", 1) for li in lines)}
    url = urlsplit(first.split()[1])
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Request(
        path=url.path,
        query={name: values[0] for name, values in parse_qs(url.query).items()},
        headers=headers,
        body=json.loads(body) if body else None,
    )
