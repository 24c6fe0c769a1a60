"""A client of FastRTC's WebSocket mode, and of what stands beside it, for tests against real servers."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx
import websockets

from speech import g711

PATIENCE_S = 30
PIECE_MS = 40
Json = dict[str, Any]


class Stream:
    """One socket: what it says is spoken in real time, silence where nothing is said."""

    def __init__(self, socket: websockets.ClientConnection, rate: int) -> None:
        self.socket = socket
        self.rate = rate
        self.messages: list[Json] = []
        # What the bot said, as S16LE, and when each piece came.
        self.heard: list[tuple[float, bytes]] = []
        self._arrived = asyncio.Condition()
        self._mine = b""

    async def send(self, **message: Any) -> None:
        await self.socket.send(json.dumps(message))

    def say(self, pcm: bytes) -> None:
        """Speak S16LE at the rate of the voice from now on."""
        self._mine = pcm

    async def speak(self) -> None:
        size = self.rate * PIECE_MS // 1000 * 2
        due = asyncio.get_running_loop().time()
        while True:
            piece, self._mine = self._mine[:size].ljust(size, b"\0"), self._mine[size:]
            payload = base64.b64encode(g711.encode_ulaw(piece)).decode()
            await self.send(event="media", media={"payload": payload})
            due += PIECE_MS / 1000
            await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))

    async def listen(self) -> None:
        async for frame in self.socket:
            message: Json = json.loads(frame)
            async with self._arrived:
                if message.get("event") == "media":
                    pcm = g711.decode_ulaw(base64.b64decode(message["media"]["payload"]))
                    self.heard.append((asyncio.get_running_loop().time(), pcm))
                self.messages.append(message)
                self._arrived.notify_all()

    async def until(self, true: Callable[[list[Json]], bool]) -> None:
        """Wait until something is true of the messages that have come."""
        async with asyncio.timeout(PATIENCE_S), self._arrived:
            await self._arrived.wait_for(lambda: true(self.messages))

    async def until_told(self, type: str, data: object = None) -> Json:
        """Wait for a message of that type, and return the first."""

        def found(messages: list[Json]) -> list[Json]:
            return [m for m in messages if m.get("type") == type and data in (None, m.get("data"))]

        await self.until(lambda messages: bool(found(messages)))
        return found(self.messages)[0]

    @property
    def logged(self) -> list[str]:
        return [message["data"] for message in self.messages if message.get("type") == "log"]

    async def quiet(self) -> int:
        """Wait until the bot has said something to its end; how many messages there were."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                before = len(self.messages)
                await asyncio.sleep(1.0)
                if self.heard and before == len(self.messages):
                    return before


@asynccontextmanager
async def stream(
    url: str, id: str, query: str = "", rate: int = 48_000, headers: dict[str, str] | None = None
) -> AsyncIterator[Stream]:
    """A stream that has started, at the server at ``url``."""
    address = url.replace("http", "ws", 1) + "/websocket/offer" + query
    async with websockets.connect(address, additional_headers=headers) as socket:
        client = Stream(socket, rate)
        with suppress(websockets.ConnectionClosed):  # refused for its address
            await client.send(event="start", websocket_id=id)
        async with asyncio.TaskGroup() as tasks:

            async def guarded(work: Any) -> None:
                with suppress(websockets.ConnectionClosed):
                    await work

            running = [
                tasks.create_task(guarded(work)) for work in (client.speak(), client.listen())
            ]
            try:
                yield client
            finally:
                for task in running:
                    task.cancel()


class Outputs:
    """What ``/outputs`` tells one subscriber."""

    def __init__(self) -> None:
        self.events: list[Json] = []
        self.status = 0
        self.ids: list[str] = []
        self.has_ended = False

    async def listen(self, url: str, id: str, headers: dict[str, str] | None = None) -> None:
        async with (
            httpx.AsyncClient(timeout=PATIENCE_S) as browser,
            browser.stream(
                "GET", f"{url}/outputs", params={"webrtc_id": id}, headers=headers
            ) as response,
        ):
            self.status = response.status_code
            event = ""
            async for line in response.aiter_lines():
                name, _, value = line.partition(": ")
                if name == "event":
                    event = value
                    self.has_ended = self.has_ended or event == "end"
                elif name == "id":
                    self.ids.append(value)
                elif name == "data" and event == "output":
                    self.events.append(json.loads(value))


async def fill_in(url: str, id: str, headers: dict[str, str] | None = None, **body: Any) -> int:
    """The status that ``/input_hook`` answers with."""
    async with httpx.AsyncClient(timeout=PATIENCE_S) as browser:
        answer = await browser.post(
            f"{url}/input_hook", json={"webrtc_id": id, **body}, headers=headers
        )
        return answer.status_code
