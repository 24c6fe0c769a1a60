"""What a caller of the benchmarks makes of a server."""

from __future__ import annotations

import asyncio

import pytest
from websockets.http11 import Request
from websockets.server import ServerProtocol

from benchmarks.caller import CallEnded, Caller, Line
from benchmarks.dialects import FastRtc


def refusal(request_bytes: bytes) -> bytes:
    """The handshake, the reason, and the close frame, as a busy client reads them: all at once."""
    socket = ServerProtocol()
    socket.receive_data(request_bytes)
    [request] = socket.events_received()
    assert isinstance(request, Request)
    socket.send_response(socket.accept(request))
    socket.send_text(b'{"type":"error","message":"All lines are busy."}')
    socket.send_close(4429)
    return b"".join(socket.data_to_send())


async def test_a_refusal_that_comes_with_the_handshake_has_its_code() -> None:
    left = asyncio.Event()

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(refusal(await reader.readuntil(b"\r\n\r\n")))
        await reader.read()
        writer.close()
        await writer.wait_closed()
        left.set()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        caller = Caller(Line(FastRtc()), server.sockets[0].getsockname()[1], "call")
        with pytest.raises(CallEnded) as ended:
            await caller.call()
        assert ended.value.code == 4429
        assert caller.heard.errors == 1
        caller.hang_up()
        await asyncio.wait_for(left.wait(), 5)
