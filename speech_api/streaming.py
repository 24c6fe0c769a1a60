"""Audio as the body of an HTTP answer, sent while it is being spoken."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse

from accounts.api_keys.admission import KeyHolder
from speech.encoders import CONTENT_TYPES, wav_header

from .command import Command
from .credentials import spend
from .errors import SpeechError
from .service import service
from .speaking import Spoken, speaking

log = logging.getLogger(__name__)

CountMs = Callable[[int], None]


async def spoken_response(command: Command, holder: KeyHolder) -> StreamingHttpResponse:
    """The audio of a command as it comes. Raises ``SpeechError`` while nothing has been sent."""
    await spend(service(), holder, len(command.text))
    return await stream_of(command, lambda ms: _count(holder, ms))


async def whole(command: Command, holder: KeyHolder) -> HttpResponseBase:
    """All of the audio of a command, with its length. Raises ``SpeechError``."""
    await spend(service(), holder, len(command.text))
    await service().start()
    async with speaking(command, service().voices, service().encoders) as spoken:
        audio = b"".join([piece async for piece in spoken.audio])
        _count(holder, round(spoken.ms))
    header = wav_header(spoken.rate, len(audio)) if command.format == "wav" else b""
    return HttpResponse(header + audio, headers=_headers(command, spoken))


async def stream_of(command: Command, count_ms: CountMs) -> StreamingHttpResponse:
    """A response whose first audio is there. ``count_ms`` is told how much was spoken at the end."""
    await service().start()
    async with AsyncExitStack() as stack:
        spoken = await stack.enter_async_context(
            speaking(command, service().voices, service().encoders)
        )
        opened = stack.pop_all()
    return StreamingHttpResponse(_body(spoken, opened, count_ms), headers=_headers(command, spoken))


async def _body(spoken: Spoken, opened: AsyncExitStack, count_ms: CountMs) -> AsyncIterator[bytes]:
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
