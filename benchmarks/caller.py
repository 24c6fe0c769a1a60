"""Somebody on the telephone: a frame every 20 ms, all the time, and an ear for what comes back.

Hundreds of them share one core and must not be what is measured. So their frames are made and masked
once for all, one timer sends them, and nobody waits for a coroutine but at the turns of the talk.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import cast

import msgspec
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.uri import parse_uri

from .dialects import RATE, Dialect, masked
from .recordings import Moment, Speech, cut, quiet

QUIET_S = 1.0


class CallEnded(Exception):
    """The server has ended the call, or did not take it; ``code`` is that of the close frame."""

    def __init__(self, code: int) -> None:
        super().__init__(f"the call was ended with {code}")
        self.code = code


class _Media(msgspec.Struct):
    payload: str


class _Mark(msgspec.Struct):
    name: str


class _Arrived(msgspec.Struct):
    event: str = ""
    type: str = ""
    media: _Media | None = None
    mark: _Mark | None = None


_decoder = msgspec.json.Decoder(_Arrived)


@dataclass(frozen=True, slots=True)
class Said:
    """A speech as it goes over the wire."""

    frames: tuple[bytes, ...]
    onset: Moment
    end: Moment


class Line:
    """One kind of telephone: its dialect, the length of its frames, and its silence on the wire."""

    def __init__(self, dialect: Dialect, frame_ms: int = 20) -> None:
        self.dialect = dialect
        self.frame_ms = frame_ms
        length = RATE * frame_ms // 1000
        room = quiet(RATE, round(QUIET_S * 1000 / frame_ms) * length)
        self.quiet = self._wire(cut(room, length))

    def wire(self, speech: Speech) -> Said:
        return Said(self._wire(speech.frames), speech.onset, speech.end)

    def _wire(self, frames: Sequence[bytes]) -> tuple[bytes, ...]:
        return tuple(masked(self.dialect.media(pcm, n + 1)) for n, pcm in enumerate(frames))


@dataclass(slots=True)
class Heard:
    """The first sound and the first clear since ``listen``, by ``time.perf_counter``; and counts."""

    sound_at: float | None = None
    clear_at: float | None = None
    sounds: int = 0
    clears: int = 0
    errors: int = 0


class Caller(asyncio.Protocol):
    """One call. ``plays_until`` is when the bot's sound so far has been played."""

    def __init__(self, line: Line, port: int, name: str) -> None:
        self._line = line
        self._name = name
        self._socket = ClientProtocol(
            parse_uri(f"ws://127.0.0.1:{port}{line.dialect.path}"), max_size=None
        )
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._opened: asyncio.Future[None] = self._loop.create_future()
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0
        self._frame_s = line.frame_ms / 1000
        self._ticks = 0
        self._saying: Said | None = None
        self._said = 0
        self._waiting: asyncio.Future[None] | None = None
        self._echoes: deque[asyncio.TimerHandle] = deque()
        self._ended: int | None = None
        self.heard = Heard()
        self.plays_until = 0.0
        self.onset_at = self.end_at = 0.0
        self.late_s = 0.0

    # --- what a script does -------------------------------------------------------------------

    async def call(self) -> None:
        """Dial, and be silent. Raises ``CallEnded``, ``OSError`` or ``TimeoutError``."""
        port = self._socket.uri.port
        async with asyncio.timeout(60):
            await self._loop.create_connection(lambda: self, "127.0.0.1", port)
            await self._opened
        if self._ended is not None:
            raise CallEnded(self._ended)
        self._due = self._loop.time()
        self._tick()

    def say(self, said: Said) -> None:
        """Begin to speak; ``onset_at`` and ``end_at`` are set when those samples are spoken."""
        self._saying, self._said = said, 0
        self.onset_at = self.end_at = 0.0

    async def ended(self) -> None:
        """Wait until the last loud sample has been sent. Raises ``CallEnded``."""
        await self._until(lambda: self.end_at > 0, 60.0)

    async def sound(self, patience_s: float) -> float | None:
        """Wait for the first sound since ``listen``; when it came, None if it did not."""
        await self._until(lambda: self.heard.sound_at is not None, patience_s)
        return self.heard.sound_at

    async def cleared(self, patience_s: float) -> float | None:
        """Wait for the first clear since ``listen``; when it came, None if it did not."""
        await self._until(lambda: self.heard.clear_at is not None, patience_s)
        return self.heard.clear_at

    def listen(self) -> None:
        """From now on the next sound and the next clear are the first."""
        self.heard.sound_at = self.heard.clear_at = None

    async def wait(self, seconds: float) -> None:
        """Say nothing for a while. Raises ``CallEnded``."""
        await self._until(lambda: False, seconds)

    def hang_up(self) -> None:
        if self._transport is not None:
            self._transport.close()

    async def _until(self, came: Callable[[], bool], patience_s: float) -> None:
        """Wait for something, for so long at most; every message that counts wakes us."""
        until = self._loop.time() + patience_s
        while not came():
            if self._ended is not None:
                raise CallEnded(self._ended)
            left = until - self._loop.time()
            if left <= 0:
                return
            waiting = self._waiting = self._loop.create_future()
            timer = self._loop.call_later(left, self._wake)
            try:
                await waiting
            finally:
                timer.cancel()
                self._waiting = None

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    # --- the microphone -----------------------------------------------------------------------

    def _tick(self) -> None:
        now = self._loop.time()
        self.late_s = max(self.late_s, now - self._due)
        self._send(self._next_frame())
        self._due += self._frame_s
        self._timer = self._loop.call_at(self._due, self._tick)

    def _next_frame(self) -> bytes:
        said = self._saying
        if said is None:
            self._ticks += 1
            return self._line.quiet[self._ticks % len(self._line.quiet)]
        number = self._said
        self._said += 1
        if number == said.onset.frame:
            self.onset_at = time.perf_counter() - said.onset.tail_s
        if number == said.end.frame:
            self.end_at = time.perf_counter() - said.end.tail_s
            self.heard.sound_at = None
            self._wake()
        if self._said == len(said.frames):
            self._saying = None
        return said.frames[number]

    def _send(self, frame: bytes) -> None:
        assert self._transport is not None
        self._transport.write(frame)

    # --- the ear ------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._socket.send_request(self._socket.connect())
        self._transport.writelines(self._socket.data_to_send())

    def data_received(self, data: bytes) -> None:
        self._socket.receive_data(data)
        for event in self._socket.events_received():
            if isinstance(event, Response):
                self._begin(event)
            elif isinstance(event, Frame) and event.opcode is Opcode.TEXT:
                self._hear(event.data)
            elif isinstance(event, Frame) and event.opcode is Opcode.CLOSE:
                self._end()
        for answer in self._socket.data_to_send():
            if answer:
                self._send(answer)

    def _begin(self, answer: Response) -> None:
        # Not the socket's state: a server that refuses us may have closed it in the same piece of data.
        if answer.status_code == HTTPStatus.SWITCHING_PROTOCOLS:
            for message in self._line.dialect.hello(self._name):
                self._send(masked(message))
            self._opened.set_result(None)
        else:
            self._opened.set_exception(CallEnded(1006))

    def _hear(self, data: bytes | bytearray | memoryview) -> None:
        message = _decoder.decode(data)
        now = time.perf_counter()
        if message.media is not None:
            coded = message.media.payload
            length_s = (len(coded) * 3 // 4 - coded.count("=")) / self._line.dialect.bytes_per_s
            self.plays_until = max(now, self.plays_until) + length_s
            self.heard.sounds += 1
            if self.heard.sound_at is None:
                self.heard.sound_at = now
                self._wake()
        elif message.mark is not None:
            self._send_back(message.mark.name, self.plays_until - now)
        elif message.event == "clear":
            self._clear(now)
        elif "error" in (message.event, message.type):
            self.heard.errors += 1

    def _send_back(self, mark: str, after_s: float) -> None:
        """Echo the mark when playback has reached it."""
        while self._echoes and self._echoes[0].when() <= self._loop.time():
            self._echoes.popleft()
        echo = masked(self._line.dialect.mark(mark))
        self._echoes.append(self._loop.call_later(max(0.0, after_s), self._send, echo))

    def _clear(self, now: float) -> None:
        self.plays_until = now
        for echo in self._echoes:
            echo.cancel()
        self._echoes.clear()
        self.heard.clears += 1
        if self.heard.clear_at is None:
            self.heard.clear_at = now
            self._wake()

    def connection_lost(self, error: Exception | None) -> None:
        self._end()

    def _end(self) -> None:
        """The server has closed, or we have. The first to be told is right about the code."""
        if self._ended is not None:
            return
        closed = self._socket.close_rcvd
        self._ended = closed.code if closed is not None else 1006
        for timer in (self._timer, *self._echoes):
            if timer is not None:
                timer.cancel()
        if not self._opened.done():
            self._opened.set_exception(CallEnded(self._ended))
        self._wake()
