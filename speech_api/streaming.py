"""Audio as the body of an HTTP answer, sent while it is being spoken."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AsyncExitStack, aclosing
from tempfile import SpooledTemporaryFile
from typing import IO, Any, Final

from django.http import HttpResponseBase, StreamingHttpResponse

from accounts.api_keys.admission import KeyHolder
from speech.encoders import CONTENT_TYPES, wav_header

from .command import Command
from .credentials import spend
from .errors import SpeechError
from .service import service
from .speaking import Spoken, speaking

log = logging.getLogger(__name__)

CountMs = Callable[[int], None]

STALL_S: Final = 30.0
"""A piece that has not been taken for so long never will be; as on the socket."""
_IN_MEMORY: Final = 256 * 1024  # bytes of an answer that is sent at once


async def spoken_response(command: Command, holder: KeyHolder) -> StreamingHttpResponse:
    """The audio of a command as it comes. Raises ``SpeechError`` while nothing has been sent."""
    await spend(service(), holder, len(command.text))
    return await stream_of(command, lambda ms: _count(holder, ms))


async def whole(command: Command, holder: KeyHolder) -> HttpResponseBase:
    """All of the audio of a command, with its length. Raises ``SpeechError``."""
    await spend(service(), holder, len(command.text))
    await service().start()
    # 20 000 characters may be 250 MB of PCM: all but the first bytes wait on disk.
    audio = SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 (the response closes it)
    try:
        async with speaking(command, service().voices, service().encoders) as spoken:
            async for piece in spoken.audio:
                await _off_the_loop(audio.write, piece)
            _count(holder, round(spoken.ms))
    except BaseException:
        audio.close()
        raise
    header = wav_header(spoken.rate, audio.tell()) if command.format == "wav" else b""
    length = str(len(header) + audio.tell())
    headers = {**_headers(command, spoken), "Content-Length": length}
    return StreamingHttpResponse(_Kept(header, audio), headers=headers)


class _Kept:
    """``header`` and all of ``file``, in pieces. Django closes it in any case, read or not."""

    def __init__(self, header: bytes, file: IO[bytes]) -> None:
        self._header, self._file = header, file

    def close(self) -> None:
        self._file.close()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return while_taken(self._pieces())

    async def _pieces(self) -> AsyncGenerator[bytes, None]:
        yield self._header
        self._file.seek(0)
        while piece := await _off_the_loop(self._file.read, _IN_MEMORY):
            yield piece


async def _off_the_loop(call: Callable[..., Any], *arguments: Any) -> Any:
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(service().encoders, call, *arguments)


async def stream_of(command: Command, count_ms: CountMs) -> StreamingHttpResponse:
    """A response whose first audio is there. ``count_ms`` is told how much was spoken at the end."""
    await service().start()
    async with AsyncExitStack() as stack:
        spoken = await stack.enter_async_context(
            speaking(command, service().voices, service().encoders)
        )
        opened = stack.pop_all()
    body = while_taken(_body(spoken, opened, count_ms))
    return StreamingHttpResponse(body, headers=_headers(command, spoken))


async def while_taken(pieces: AsyncGenerator[bytes, None]) -> AsyncIterator[bytes]:
    """The same pieces, for a client that takes them. One that does not is let go after ``STALL_S``:
    Django ends an answer that is cancelled as one whose client has gone.
    """
    task = asyncio.current_task()
    assert task is not None
    async with aclosing(pieces):
        async for piece in pieces:
            stalled = asyncio.get_running_loop().call_later(STALL_S, task.cancel)
            try:
                yield piece
            finally:
                stalled.cancel()


async def _body(
    spoken: Spoken, opened: AsyncExitStack, count_ms: CountMs
) -> AsyncGenerator[bytes, None]:
    async with opened:
        try:
            if spoken.header:
                yield spoken.header
            async for piece in spoken.audio:
                yield piece
        except SpeechError as error:
            # Too late for a status: a body that ends before its last chunk tells the client.
            log.warning("a spoken answer was broken off: %s", error.code)
            raise
        finally:
            count_ms(round(spoken.ms))


def _count(holder: KeyHolder, ms: int) -> None:
    service().usage.count(holder.key, spoken_ms=ms)


def _headers(command: Command, spoken: Spoken) -> dict[str, str]:
    return {
        "Content-Type": CONTENT_TYPES[command.format],
        # A proxy that collects the answer first would take its point away.
        "X-Accel-Buffering": "no",
        "X-Voice": spoken.voice,
        "X-Sample-Rate": str(spoken.rate),
    }
