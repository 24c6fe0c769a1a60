"""A local stand-in for translate.google.com that speaks its wire form.

The form, as gtts/tts.py (2.5.4) writes and reads it: a POST of ``f.req=<JSON>&`` to
``/_/TranslateWebserverUi/data/batchexecute``, where the JSON holds a call of ``jQ1olc`` with its
parameters as JSON in a string; the answer starts with ``)]}'``, then lengths and lines of JSON, one
of them ``[["wrb.fr","jQ1olc","[\\"<base64 MP3>\\"]",null,null,null,"generic"]]``.
"""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import parse_qs

PATH = "/_/TranslateWebserverUi/data/batchexecute"
Behaviour = Literal["speak", "429", "500", "hang", "garbage", "no audio", "bad base64", "hang up"]


@dataclass
class GoogleTranslate:
    mp3: bytes
    behaviour: Behaviour = "speak"
    spoken: list[tuple[str, str]] = field(default_factory=list)  # text, language
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""
    connections: dict[asyncio.Task[None], asyncio.StreamWriter] = field(default_factory=dict)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self.connections[task] = writer
        try:
            while await self._answer(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        request, *lines = head.split("\r\n")
        headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in lines)}
        body = (await reader.readexactly(int(headers["content-length"]))).decode()
        assert request == f"POST {PATH} HTTP/1.1"
        assert headers["referer"] == "http://translate.google.com/"
        assert headers["content-type"] == "application/x-www-form-urlencoded;charset=utf-8"
        [[[rpc, parameters, nothing, generic]]] = json.loads(parse_qs(body)["f.req"][0])
        assert (rpc, nothing, generic) == ("jQ1olc", None, "generic")
        text, language, slow, null = json.loads(parameters)
        assert len(text) <= 100
        assert (slow, null) == (None, "null")
        self.spoken.append((text, language))
        self.asked.set()
        if self.behaviour == "hang":
            await self.released.wait()
            return False
        if self.behaviour == "hang up":
            return False
        status, answer = self._wire()
        writer.write(
            f"HTTP/1.1 {status}\r\nContent-Type: application/json; charset=utf-8\r\n"
            f"Content-Length: {len(answer)}\r\n\r\n".encode()
            + answer
        )
        await writer.drain()
        return True

    def _wire(self) -> tuple[str, bytes]:
        if self.behaviour == "429":
            return "429 Too Many Requests", b"<html>unusual traffic</html>"
        if self.behaviour == "500":
            return "500 Internal Server Error", b""
        audio = base64.b64encode(self.mp3).decode()
        if self.behaviour == "garbage":
            audio = base64.b64encode(b"not an mp3 at all" * 50).decode()
        if self.behaviour == "bad base64":
            audio = "!!!!"
        result = None if self.behaviour == "no audio" else json.dumps([audio])
        call = json.dumps(
            [["wrb.fr", "jQ1olc", result, None, None, None, "generic"]], separators=(",", ":")
        )
        trailer = '[["di",101],["af.httprm",100,"-1",9]]'
        return "200 OK", f")]}}'\n\n{len(call)}\n{call}\n{len(trailer)}\n{trailer}\n".encode()


@asynccontextmanager
async def google_translate(mp3: bytes) -> AsyncIterator[GoogleTranslate]:
    google = GoogleTranslate(mp3)
    server = await asyncio.start_server(google.serve, "127.0.0.1", 0)
    google.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield google
    finally:
        google.released.set()
        server.close()
        for writer in google.connections.values():
            writer.close()
        await asyncio.gather(*google.connections)
        await server.wait_closed()
