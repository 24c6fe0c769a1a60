"""The server with a window: ``/stats`` tells how long its event loop was held, and what it costs.

``application`` is voicechat; ``original_way`` answers as the backend of the question did: the whole
answer, then its synthesis, then one base64 frame, all on the event loop.
"""

from __future__ import annotations

import asyncio
import base64
import json
import resource
import time
from typing import Any

from speech.codecs import encode
from speech.tts.chain import build_chain
from voicechat.asgi import application as voicechat

from .bots import TOKEN_S, five_sentences

PROBE_S = 0.002


class LoopLag:
    """How late a timer of the loop fires, in ms, the worst since the last reading and its p99."""

    def __init__(self) -> None:
        self.late_ms: list[float] = []

    async def probe(self) -> None:
        while True:
            due = time.perf_counter() + PROBE_S
            await asyncio.sleep(PROBE_S)
            self.late_ms.append((time.perf_counter() - due) * 1000)

    def read(self) -> dict[str, float]:
        late, self.late_ms = sorted(self.late_ms), []
        if not late:
            return {}
        return {"lag_max_ms": late[-1], "lag_p99_ms": late[int(len(late) * 0.99)]}


lag = LoopLag()
probes: set[asyncio.Task[None]] = set()


def measured(app: Any) -> Any:
    """``app`` with ``GET /stats``."""

    async def wrapped(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if not probes:
            probes.add(asyncio.create_task(lag.probe()))
        if scope["type"] == "http" and scope["path"] == "/stats":
            usage = resource.getrusage(resource.RUSAGE_SELF)
            cost = {"cpu_s": usage.ru_utime + usage.ru_stime, "rss_kb": usage.ru_maxrss}
            body = json.dumps(cost | lag.read()).encode()
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": body})
        else:
            await app(scope, receive, send)

    return wrapped


application = measured(voicechat)

_voices = build_chain(["espeak"])


async def _original_way(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] != "websocket":
        await voicechat(scope, receive, send)
        return
    await receive()
    await send({"type": "websocket.accept"})
    chosen = _voices.choose(None, "en")
    while (await receive())["type"] == "websocket.receive":
        answer = five_sentences()
        for word in answer.split(" ")[:-1]:
            await asyncio.sleep(TOKEN_S)
            await send({"type": "websocket.send", "text": word})
        pcm = b"".join([chunk async for chunk in chosen.stream(answer, 1.0)])
        audio = base64.b64encode(encode(pcm, chosen.rate, "mp3")).decode()
        await send(
            {"type": "websocket.send", "text": json.dumps({"type": "voice", "audio": audio})}
        )


original_way = measured(_original_way)
