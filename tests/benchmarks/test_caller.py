"""What a caller of the benchmarks makes of a server."""

from __future__ import annotations

import asyncio

import pytest
from websockets.http11 import Request
from websockets.server import ServerProtocol

from benchmarks.caller import CallEnded, Caller, Line
from benchmarks.dialects import FastRtc


async def refuse_in_one_piece(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """The handshake, the reason, and the close frame, as a busy client reads them: all at once."""
    socket = ServerProtocol()
    socket.receive_data(await reader.readuntil(b"\r\n\r\n"))
    [request] = socket.events_received()
    assert isinstance(request, Request)
    socket.send_response(socket.accept(request))
    socket.send_text(b'{"type":"error","message":"All lines are busy."}')
    socket.send_close(4429)
    writer.write(b"".join(socket.data_to_send()))
    await reader.read()
    writer.close()


async def test_a_refusal_that_comes_with_the_handshake_has_its_code() -> None:
    async with await asyncio.start_server(refuse_in_one_piece, "127.0.0.1", 0) as server:
        caller = Caller(Line(FastRtc()), server.sockets[0].getsockname()[1], "call")
        with pytest.raises(CallEnded) as ended:
            await caller.call()
        assert ended.value.code == 4429
        assert caller.heard.errors == 1
        caller.hang_up()
