"""A server that shows the real chat page and says what a test tells it to say.

It speaks docs/protocol.md, version 1. A test takes the connection with ``server.connection()`` and
writes the server's lines itself. For looking at the page by hand there is a bot that plays a tone:

    DJANGO_SETTINGS_MODULE=tests.settings .venv/bin/python -m tests.browser.scripted_server
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import mimetypes
import struct
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import uvicorn
from django.contrib.auth.models import AnonymousUser
from django.contrib.staticfiles import finders
from django.template.loader import render_to_string
from django.test import RequestFactory
from django.utils import translation

from chat.page import ChatPage
from dialogue.engine import BotInfo
from speech.tts.engine import Voice
from voicechat.headers import CONTENT_SECURITY_POLICY

RATE = 24_000
AT = "2026-11-20T10:00:00+00:00"
FIRST, LAST = 1, 2
Json = dict[str, Any]

DEFAULT_PAGE = ChatPage(
    bot=BotInfo(name="Aurora", greeting="Hello, I am Aurora. What can I do for you?"),
    voices=(
        Voice("espeak:en-us", "English (America)", "en-us", "espeak"),
        Voice("espeak:de", "German", "de", "espeak"),
        Voice("gtts:en", "English", "en", "gtts"),
    ),
)


@dataclass(frozen=True, slots=True)
class Listed:
    """A conversation as the sidebar shows it."""

    id: uuid.UUID
    title: str
    last_at: Any

    def __str__(self) -> str:
        return self.title


def tone(ms: float, hertz: float = 440.0, start: int = 0) -> bytes:
    """A sine of a third of full scale, as S16LE mono at 24 kHz, from sample ``start`` on."""
    samples = np.arange(start, start + round(ms * RATE / 1000))
    return (np.sin(2 * np.pi * hertz * samples / RATE) * 11_000).astype("<i2").tobytes()


def audio_frame(
    payload: bytes, *, generation: int = 0, sequence: int = 0, position: int = 0, flags: int = 0
) -> bytes:
    return struct.pack(">BBHIQ", 1, flags, generation, sequence, position) + payload


def a_turn(**fields: Any) -> Json:
    """A turn as in ``ready`` and ``turn``; a user turn that is done, where ``fields`` say no other."""
    turn: Json = {
        "id": str(uuid.uuid4()), "seq": 1, "rev": 1, "role": "user", "kind": "", "status": "done",
        "text": "Hello", "heard": None, "heard_ms": None, "cards": [], "error": "", "rating": None,
        "client_id": None, "reply_to": None, "audio": [], "at": AT,
    }  # fmt: skip
    return turn | fields


@dataclass(frozen=True, slots=True)
class VoiceFrame:
    """20 ms of the person's voice, as it came."""

    header: tuple[int, int, int]
    sequence: int
    position: int
    payload: bytes
    at: float

    @property
    def samples(self) -> npt.NDArray[np.int16]:
        return np.frombuffer(self.payload, "<i2")


def voice_frame(frame: bytes) -> VoiceFrame:
    kind, flags, generation, sequence, position = struct.unpack_from(">BBHIQ", frame)
    return VoiceFrame((kind, flags, generation), sequence, position, frame[16:], time.monotonic())


@dataclass(slots=True)
class Connection:
    """The server's end of one socket."""

    incoming: asyncio.Queue[Json]
    _send: Callable[[Json], Awaitable[None]]
    conversation: str = field(default_factory=lambda: str(uuid.uuid4()))
    rev: int = 0
    sequence: int = 0
    played: list[Json] = field(default_factory=list)
    voice: list[VoiceFrame] = field(default_factory=list)
    # What came, in its order: a message's type, or "voice" for any number of frames.
    order: list[str] = field(default_factory=list)

    async def send(self, type: str, **fields: Any) -> None:
        text = json.dumps({"type": type, **fields})
        await self._send({"type": "websocket.send", "text": text})

    async def send_audio(
        self, payload: bytes, *, position: int, generation: int = 0, flags: int = 0
    ) -> None:
        frame = audio_frame(
            payload, generation=generation, sequence=self.sequence, position=position, flags=flags
        )
        self.sequence += 1
        await self._send({"type": "websocket.send", "bytes": frame})

    async def close(self, code: int) -> None:
        await self._send({"type": "websocket.close", "code": code})

    async def receive(self, type: str, within: float = 10.0) -> Json:
        """The next message of this type; reports of what was played are kept aside."""
        async with asyncio.timeout(within):
            while True:
                message = await self.incoming.get()
                if message["type"] == type:
                    return message
                if message["type"] == "played":
                    self.played.append(message)

    def take(self, frame: bytes) -> None:
        self.voice.append(voice_frame(frame))
        self.note("voice")

    def note(self, kind: str) -> None:
        if kind != "voice" or self.order[-1:] != ["voice"]:
            self.order.append(kind)

    async def hear(self, frames: int, within: float = 10.0) -> list[VoiceFrame]:
        """The next so many frames of voice."""
        end = len(self.voice) + frames
        async with asyncio.timeout(within):
            while len(self.voice) < end:  # noqa: ASYNC110 (frames come every 20 ms)
                await asyncio.sleep(0.01)
        return self.voice[end - frames : end]

    async def transcript(self, utterance: str, text: str, *, final: bool = False) -> None:
        await self.send("transcript", utterance=utterance, text=text, final=final)

    async def ready(self, **fields: Any) -> Json:
        """Take ``hello`` and answer it; returns the hello."""
        hello = await self.receive("hello")
        self.conversation = hello["conversation"] or self.conversation
        ready: Json = {
            "conversation": self.conversation,
            "rev": self.rev,
            "bot": {"slug": "default", "name": "Aurora", "language": "en"},
            "turns": [],
            "audio": hello["audio"],
            "recording": True,
            "limits": {"text_chars": 8000, "pending": 16, "frame_bytes": 262_144},
        } | fields
        self.rev = ready["rev"]
        await self.send("ready", **ready)
        return hello

    async def take_text(self) -> tuple[Json, str]:
        """Take a text and acknowledge it; returns the message and the id of its reply."""
        message = await self.receive("text")
        self.rev += 2
        turn, reply = str(uuid.uuid4()), str(uuid.uuid4())
        await self.send("ack", id=message["id"], turn=turn, reply=reply, rev=self.rev)
        await self.send("state", person="silent", bot="thinking")
        return message | {"turn": turn}, reply

    async def start_reply(self, reply: str, turn: str | None = None, **fields: Any) -> None:
        start: Json = {"kind": "generic", "generation": 0, "voice": None} | fields
        await self.send("reply_start", reply=reply, turn=turn, **start)

    async def end_reply(self, reply: str, text: str, **fields: Any) -> None:
        self.rev += 1
        end: Json = {"status": "done", "heard_ms": None, "heard": None, "rev": self.rev} | fields
        await self.send("reply_end", reply=reply, text=text, **end)
        await self.send("state", person="silent", bot="silent")

    async def speak(
        self, reply: str, text: str, ms: float, *, index: int = 0, start: int = 0,
        offset_ms: float = 0, generation: int = 0, paced: bool = False, hertz: float = 440.0,
    ) -> int:  # fmt: skip
        """Send a sentence and a tone of ``ms`` for it; returns how many bytes of sound it was."""
        await self.send(
            "sentence", reply=reply, index=index, text=text, start=start, offset_ms=round(offset_ms)
        )
        position = round(offset_ms * RATE / 1000)
        sound = tone(ms, hertz, position)
        step = RATE // 10 * 2
        for at in range(0, len(sound), step):
            flags = FIRST if at == 0 else 0
            await self.send_audio(
                sound[at : at + step],
                position=position + at // 2,
                generation=generation,
                flags=flags,
            )
            if paced:
                await asyncio.sleep(0.1)
        await self.send_audio(
            b"", position=position + len(sound) // 2, generation=generation, flags=LAST
        )
        return len(sound)


class ScriptedServer:
    """An ASGI application. ``page`` is what ``/`` shows; it may be changed between visits."""

    def __init__(self) -> None:
        self.page = DEFAULT_PAGE
        self.language = "en"
        self.url = ""
        self.files: dict[str, tuple[str, bytes]] = {}
        self.refuse_sockets = False
        self.answers_pings = True
        self.handle: Callable[[Connection], Awaitable[None]] | None = None
        self._connections: asyncio.Queue[Connection] = asyncio.Queue()

    async def connection(self, within: float = 10.0) -> Connection:
        """The next socket that the page opens."""
        return await asyncio.wait_for(self._connections.get(), within)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            await self._socket(receive, send)
        elif scope["type"] == "http":
            status, kind, body = self._fetch(scope["path"])
            headers = [
                (b"content-type", kind.encode()),
                (b"content-security-policy", CONTENT_SECURITY_POLICY.encode()),
            ]
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": body})

    async def _socket(self, receive: Any, send: Any) -> None:
        await receive()
        if self.refuse_sockets:
            await send({"type": "websocket.close", "code": 1013})
            return
        await send({"type": "websocket.accept"})
        connection = Connection(asyncio.Queue(), send)
        if self.handle is None:
            self._connections.put_nowait(connection)
            bot = None
        else:
            bot = asyncio.ensure_future(self.handle(connection))
        while (message := await receive())["type"] == "websocket.receive":
            if (frame := message.get("bytes")) is not None:
                connection.take(frame)
                continue
            said = json.loads(message["text"])
            if said["type"] not in {"played", "ping"}:
                connection.note(said["type"])
            if said["type"] == "ping" and self.answers_pings:
                await connection.send("pong", id=said.get("id"))
            connection.incoming.put_nowait(said)
        if bot is not None:
            bot.cancel()

    def _fetch(self, path: str) -> tuple[int, str, bytes]:
        if path in self.files:
            return 200, *self.files[path]
        if path.startswith("/static/"):
            found = finders.find(path.removeprefix("/static/"))
            if not found:
                return 404, "text/plain", b""
            kind = mimetypes.guess_type(path)[0] or "application/octet-stream"
            return 200, kind, Path(found).read_bytes()
        if path == "/":
            return 200, "text/html; charset=utf-8", self._html(self.page)
        if path.startswith("/c/"):
            page = replace(self.page, conversation=uuid.UUID(path.split("/")[2]))
            return 200, "text/html; charset=utf-8", self._html(page)
        return 404, "text/plain", b""

    def _html(self, page: ChatPage) -> bytes:
        request = RequestFactory().get("/")
        request.user = AnonymousUser()
        with translation.override(self.language):
            context = page.context() | {"user": request.user}
            return render_to_string("chat/chat.html", context, request).encode()


@asynccontextmanager
async def running(server: ScriptedServer, port: int = 0) -> AsyncIterator[ScriptedServer]:
    """The server on a free port of this machine, in the running loop."""
    config = uvicorn.Config(
        server, "127.0.0.1", port, lifespan="off", log_level="error", ws="websockets-sansio",
        ws_ping_interval=None, timeout_graceful_shutdown=1,
    )  # fmt: skip
    listening = config.bind_socket()
    config.load()
    uvicorn_server = uvicorn.Server(config)
    uvicorn_server.config.setup_event_loop = lambda: None  # type: ignore[method-assign]
    serving = asyncio.create_task(uvicorn_server.serve(sockets=[listening]))
    server.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    try:
        # The socket listens already: who connects before uvicorn is up waits in its backlog.
        yield server
    finally:
        uvicorn_server.should_exit = True
        await serving
        listening.close()


async def tone_bot(connection: Connection) -> None:
    """Greets, and answers every text in three sentences with a tone for each."""
    await connection.ready()
    generation = 0
    reply = str(uuid.uuid4())
    answering = asyncio.create_task(_say(connection, reply, None, DEFAULT_PAGE.bot.greeting, 0))
    while True:
        message = await connection.incoming.get()
        if message["type"] in {"text", "interrupt"} and not answering.done():
            answering.cancel()
            generation += 1
            await connection.send("clear", generation=generation)
            await connection.end_reply(
                reply, "Cut off.", status="interrupted", heard="Cut", heard_ms=300
            )
        if message["type"] == "text":
            connection.incoming.put_nowait(message)
            _, reply = await connection.take_text()
            text = f"You said: {message['text']}. This is the second sentence. And here it ends."
            answering = asyncio.create_task(_say(connection, reply, None, text, generation))


async def _say(
    connection: Connection, reply: str, turn: str | None, text: str, generation: int
) -> None:
    await connection.start_reply(reply, turn, generation=generation, voice="espeak:en-us")
    await connection.send("state", person="silent", bot="speaking")
    offset = start = 0
    for index, sentence in enumerate(text.replace(". ", ". \n").split("\n")):
        await connection.send("delta", reply=reply, offset=start, text=sentence)
        ms = len(sentence) * 60
        await connection.speak(
            reply, sentence, ms, index=index, start=start, offset_ms=offset, generation=generation,
            paced=True, hertz=330 + 110 * index,
        )  # fmt: skip
        start += len(sentence)
        offset += ms
    await connection.end_reply(reply, text, heard=text, heard_ms=offset)


async def main() -> None:
    server = ScriptedServer()
    server.handle = tone_bot
    async with running(server, port=8765):
        await asyncio.Event().wait()


if __name__ == "__main__":
    import django

    django.setup()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main())
