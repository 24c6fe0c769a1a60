"""A piece of network between people and the server, which can be stalled and cut."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator


class Network:
    """``address`` is where people dial; what they send is carried on to the server."""

    def __init__(self, host: str, port: int) -> None:
        self._far = host, port
        self._server: asyncio.Server | None = None
        self._carrying: set[asyncio.Task[None]] = set()
        self._flows = asyncio.Event()
        self._flows.set()

    @property
    def port(self) -> int:
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def stall(self) -> None:
        """Nothing gets through, and nobody is told."""
        self._flows.clear()

    def flow(self) -> None:
        """What was held back gets through."""
        self._flows.set()

    def cut(self) -> None:
        """All connections are reset."""
        for task in self._carrying:
            task.cancel()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._carrying.add(task)
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._far)
            try:
                async with asyncio.TaskGroup() as both:
                    both.create_task(self._copy(reader, far_writer))
                    both.create_task(self._copy(far_reader, writer))
            finally:
                far_writer.transport.abort()
        except (asyncio.CancelledError, OSError, ExceptionGroup):
            pass  # cut, or one side has gone
        finally:
            writer.transport.abort()
            self._carrying.discard(task)

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            await self._flows.wait()
            writer.write(data)
            await writer.drain()
        raise OSError  # the other direction ends with this one

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Network]:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        try:
            yield self
        finally:
            self._server.close()
            self.cut()
            await asyncio.gather(*self._carrying, return_exceptions=True)
