"""The speech socket, ``/ws/tts/<model>?token=…``: commands in, audio out, strictly in their order.

One task reads commands into the inbox, another answers them one after the other, and a third looks now and
then whether the key still holds, so that no command waits for that. Audio is made
as it is sent, so a client that reads slowly holds up its own synthesis and costs no memory; one that
does not read for ``SEND_S`` is let go. Close codes: docs/speech.md, Closing.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
import uuid
from typing import Any, Final
from urllib.parse import parse_qs

from accounts.api_keys.admission import KeyHolder

from . import frames
from .command import Command, RequestId, parse_frame, read_command
from .credentials import holder_of_token, spend, still_holds
from .errors import SpeechError
from .faults import where
from .inbox import Frame, Inbox, Refused
from .service import Service, service
from .speaking import speaking

log = logging.getLogger(__name__)

SESSION_S: Final = 3600.0
LOOK_S: Final = 30.0
"""So often it is looked whether the key still holds."""
SEND_S: Final = 30.0
"""A frame that has not been taken for so long never will be."""
DONE, NOT_ADMITTED, INTERNAL, TRY_LATER = 1000, 1008, 1011, 1013


class _Gone(Exception):
    """Nobody takes any more what is sent."""


class _Over(Exception):
    """The hour of the connection is over, and all that waited has been told."""


async def speech_socket(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """The ASGI application of the socket."""
    await SpeechSocket(scope, receive, send, service()).run()


class SpeechSocket:
    """One connection. ``session_s``: how long it takes commands."""

    def __init__(
        self,
        scope: dict[str, Any],
        receive: Any,
        send: Any,
        service: Service,
        session_s: float = SESSION_S,
    ) -> None:
        self._scope, self._receive, self._asgi_send = scope, receive, send
        self._service = service
        self._until = time.monotonic() + session_s
        self._inbox = Inbox(_id_in)
        self._visit = uuid.uuid4().hex
        self._holder: KeyHolder
        # Why the socket is cut off, when it is.
        self._refused: SpeechError | None = None

    async def run(self) -> None:
        """Serve until either side ends it."""
        if (await self._receive())["type"] != "websocket.connect":
            return
        with contextlib.suppress(_Gone):
            # Accept first: what is said to a socket that was never open reaches nobody.
            await self._send({"type": "websocket.accept"})
            try:
                await self._admit()
            except SpeechError as error:
                await self._turn_away(error)
                return
            except Exception as error:
                log.error("a speech socket could not be admitted: %s", where(error))
                await self._close(INTERNAL)
                return
            try:
                await self._serve()
            finally:
                await self._service.counters.leases.release(
                    self._visit, [_sockets_of(self._holder)]
                )

    async def _admit(self) -> None:
        await self._service.start()
        query = parse_qs(self._scope.get("query_string", b"").decode("latin-1"))
        model = self._scope["url_route"]["kwargs"]["model"]
        self._holder = await holder_of_token(
            self._service, self._scope, query.get("token", [""])[0], model
        )
        most = {_sockets_of(self._holder): self._holder.sockets}
        if await self._service.counters.leases.acquire(self._visit, most) is not None:
            message = f"This API key may have {self._holder.sockets} sockets at a time."
            raise SpeechError(429, "too_many_sockets", message)

    async def _serve(self) -> None:
        tasks = [
            asyncio.create_task(self._read(), name="speech reader"),
            asyncio.create_task(self._answer_all(), name="speech"),
            asyncio.create_task(self._look_after_key(), name="speech key"),
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if self._refused is not None:
            await self._turn_away(self._refused)

    async def _read(self) -> None:
        while (message := await self._receive())["type"] == "websocket.receive":
            text = message.get("text")
            try:
                await self._inbox.put(message["bytes"] if text is None else text)
            except SpeechError as error:
                self._refused = error
                return

    async def _look_after_key(self) -> None:
        """Until it holds no more: then the socket is cut off in the middle of whatever it says."""
        while self._refused is None:
            await asyncio.sleep(LOOK_S)
            try:
                self._holder = await still_holds(self._holder, "tts")
            except SpeechError as error:
                self._refused = error
            except Exception as error:  # a database that is away for a moment
                log.error("an API key could not be looked at: %s", where(error))

    async def _answer_all(self) -> None:
        with contextlib.suppress(_Gone):
            try:
                while True:
                    await self._answer(await self._next())
            except _Gone:
                raise
            except _Over:
                await self._close(DONE)
            except Exception as error:
                log.error("a speech socket failed: %s", where(error))
                await self._close(INTERNAL)

    async def _next(self) -> Frame:
        """The next command; once the session is over, all that wait are refused."""
        left_s = self._until - time.monotonic()
        if left_s > 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left_s):
                    return await self._inbox.get()
        message = "The hour of this connection is over. Ask for a new address."
        for frame in self._inbox.take_all():
            request_id = frame.request_id if isinstance(frame, Refused) else _id_in(frame)
            await self._refuse(request_id, SpeechError(401, "session_over", message))
        raise _Over

    async def _answer(self, frame: Frame) -> None:
        if isinstance(frame, Refused):
            await self._refuse(frame.request_id, frame.error)
            return
        request_id: RequestId = None
        try:
            fields, request_id = parse_frame(frame)
            command = read_command(fields, request_id)
            await spend(self._service, self._holder, len(command.text))
        except SpeechError as error:
            await self._refuse(request_id, error)
        else:
            await self._speak(command)

    async def _speak(self, command: Command) -> None:
        begun = False
        try:
            service = self._service
            async with speaking(command, service.voices, service.encoders) as spoken:
                begun = True
                try:
                    await self._text(
                        frames.start(
                            command.request_id,
                            voice=spoken.voice,
                            output_format=command.format,
                            sample_rate=spoken.rate,
                        )
                    )
                    if spoken.header:
                        await self._audio(spoken.header)
                    async for piece in spoken.audio:
                        await self._audio(piece)
                        await asyncio.sleep(0)  # a sentence spoken before waits for nothing else
                finally:
                    service.usage.count(self._holder.key, spoken_ms=round(spoken.ms))
            await self._text(frames.end(command.request_id))
        except _Gone:
            raise
        except Exception as error:
            failure = error
            if not isinstance(failure, SpeechError):
                log.error("a command could not be spoken: %s", where(error))
                failure = SpeechError(500, "internal", "Something went wrong on our side.")
            if begun:
                for frame in frames.broken_off(command.request_id, failure):
                    await self._text(frame)
            else:
                await self._refuse(command.request_id, failure)

    async def _refuse(self, request_id: RequestId, error: SpeechError) -> None:
        for frame in frames.refusal(request_id, error):
            await self._text(frame)

    async def _turn_away(self, error: SpeechError) -> None:
        await self._text(frames.failure(None, error))
        await self._close(TRY_LATER if error.status == 429 else NOT_ADMITTED)

    async def _text(self, text: str) -> None:
        await self._send({"type": "websocket.send", "text": text})

    async def _audio(self, audio: bytes) -> None:
        await self._send({"type": "websocket.send", "bytes": audio})

    async def _close(self, code: int) -> None:
        await self._send({"type": "websocket.close", "code": code})

    async def _send(self, message: dict[str, Any]) -> None:
        try:
            async with asyncio.timeout(SEND_S):
                await self._asgi_send(message)
        except (OSError, RuntimeError, TimeoutError) as error:  # as servers and SEND_S tell it
            raise _Gone from error


def _sockets_of(holder: KeyHolder) -> str:
    return f"sockets:{holder.counted_as}"


def _id_in(frame: str | bytes) -> RequestId:
    try:
        return parse_frame(frame)[1]
    except SpeechError:
        return None
