"""A local stand-in for a service that speaks OpenAI's wire form of ``/audio/transcriptions``.

A POST of multipart/form-data with ``file``, ``model``, ``language`` and ``response_format``; the answer is
``{"text": …, "usage": …}``, or an error ``{"error": {"message", "type", "param", "code"}}``.
"""

import asyncio
import io
import json
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from http import HTTPStatus
from typing import Any, Literal

Behaviour = Literal["tell", "hang", "hang up", "no text", "not json"] | HTTPStatus


@dataclass
class Upload:
    """One request: its form fields, and the WAV that came with it."""

    key: str
    fields: dict[str, str]
    rate: int
    pcm: bytes


@dataclass
class TranscriptionService:
    text: str = "Seven of clubs."
    behaviour: Behaviour = "tell"
    uploads: list[Upload] = field(default_factory=list)
    left: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while await self._answer(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        request, _, headers = head.partition(b"\r\n")
        assert request == b"POST /v1/audio/transcriptions HTTP/1.1"
        message = message_from_bytes(headers)
        body = await reader.readexactly(int(message["content-length"]))
        self.uploads.append(_upload(headers, body))
        if self.behaviour == "hang":
            await reader.read()
            self.left.set()
            return False
        if self.behaviour == "hang up":
            return False
        status, answer = self._wire()
        writer.write(
            f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(answer)}\r\n\r\n".encode()
            + answer
        )
        await writer.drain()
        return True

    def _wire(self) -> tuple[HTTPStatus, bytes]:
        if isinstance(self.behaviour, HTTPStatus):
            error = {"message": "private", "type": "x", "param": None, "code": None}
            return self.behaviour, json.dumps({"error": error}).encode()
        if self.behaviour == "not json":
            return HTTPStatus.OK, b"<html>"
        usage = {"type": "duration", "seconds": 2}
        answer: dict[str, Any] = {"usage": usage}
        if self.behaviour == "tell":
            answer["text"] = self.text
        return HTTPStatus.OK, json.dumps(answer).encode()

    def stop(self) -> None:
        for writer in self._writers:
            writer.close()


def _upload(headers: bytes, body: bytes) -> Upload:
    form = message_from_bytes(headers + body)
    fields, rate, pcm = {}, 0, b""
    for part in form.get_payload():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if name == "file":
            assert part.get_filename() == "speech.wav"
            assert part.get_content_type() == "audio/wav"
            with wave.open(io.BytesIO(content)) as file:
                assert (file.getnchannels(), file.getsampwidth()) == (1, 2)
                rate, pcm = file.getframerate(), file.readframes(file.getnframes())
        else:
            fields[name] = content.decode()
    return Upload(form["authorization"], fields, rate, pcm)


@asynccontextmanager
async def transcription_service() -> AsyncIterator[TranscriptionService]:
    service = TranscriptionService()
    server = await asyncio.start_server(service.serve, "127.0.0.1", 0)
    service.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    try:
        yield service
    finally:
        server.close()
        service.stop()
        await server.wait_closed()
